"""The user's own prices in `config.toml`."""

import pytest

from mlrcopilot_tui.agents.claude.books.prices import Prices
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.user_settings import load_settings, settings_path


def write(text: str) -> None:
    settings_path().parent.mkdir(parents=True, exist_ok=True)
    settings_path().write_text(text)


def test_they_go_before_the_list() -> None:
    write(
        '[prices."claude-opus-5-5"]\ninput = 1\noutput = 2.5\n\n[prices.qwen]\ninput = 0\noutput = 0\ncache_read = 0\n'
    )
    prices = Prices(load_settings().prices)
    found = prices.of("claude-opus-5-5"), prices.of("qwen3-coder")
    assert [(price.input, price.output, price.read_rate) for price in found if price] == [(1, 2.5, 0.1), (0, 0, 0)]


@pytest.mark.parametrize(
    "text",
    [
        '[prices."m"]\ninput = 1\n',
        '[prices."m"]\ninput = -1\noutput = 2\n',
        '[prices."m"]\ninput = "1"\noutput = 2\n',
        '[prices."m"]\ninput = 1\noutput = 2\ncached = 0.1\n',
        "[prices]\nm = 3\n",
    ],
)
def test_a_slip_is_told_with_its_place(text: str) -> None:
    write(text)
    with pytest.raises(InputError, match=r"config\.toml.*prices"):
        load_settings()
