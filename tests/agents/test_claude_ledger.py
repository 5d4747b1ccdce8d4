"""Money: what calls cost, what they can cost at most, and that no sequence of them costs more than the budget."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.books.asking import MeteredModel, Models
from mlrcopilot_tui.agents.claude.books.ledger import affordable_output, bound, capped, cost, input_bound
from mlrcopilot_tui.agents.claude.books.prices import LISTED, Price, Prices, in_dollars
from mlrcopilot_tui.agents.claude.turns import ModelFaultError, Request, Tool, Turn, Wire
from mlrcopilot_tui.agents.host import Allowance, BudgetSpentError
from mlrcopilot_tui.session.model_events import ModelCalled, Usage
from tests.fakes.model_port import FakePort, Hear, turn_of
from tests.fakes.quiet_host import FakeHost

PRICE = Price(input=4, output=20)


def request(words: str = "Read this.", max_tokens: int = 4000) -> Request:
    return Request(
        purpose="step",
        system="You are the ExperimentAgent.",
        messages=[{"role": "user", "content": [{"type": "text", "text": words}]}],
        max_tokens=max_tokens,
        tools=[Tool("read_file", "Reads a file.", {"type": "object"})],
    )


def test_each_kind_of_token_has_its_rate() -> None:
    price = Price(input=4, output=20, cache_read=0.2)
    used = Usage(
        input_tokens=1_000_000, cache_write_tokens=1_000_000, cache_read_tokens=1_000_000, output_tokens=1_000_000
    )
    assert cost(used, price) == pytest.approx(4 + 5 + 0.2 + 20)
    assert cost(used, price, "1h") == pytest.approx(4 + 8 + 0.2 + 20)


def test_a_long_request_pays_the_long_rates_for_all_of_it() -> None:
    price = Prices().of("claude-haiku-5-5")
    assert price is not None
    assert cost(Usage(input_tokens=100_000), price) == pytest.approx(0.01)
    assert cost(Usage(input_tokens=60_000, cache_read_tokens=60_000), price) == pytest.approx(5 * (0.006 + 0.0006))


def test_the_longest_beginning_of_an_id_gives_the_price() -> None:
    prices = Prices()
    assert prices.of("claude-opus-5-5-20260901") is LISTED["claude-opus-5-5"]
    assert prices.of("claude-opus-5-20260724") is LISTED["claude-opus-5"]
    assert prices.of("claude-sonnet-6") is LISTED["claude-sonnet"]
    assert prices.of("qwen3-coder") is None


def test_the_users_prices_go_before_the_list() -> None:
    prices = Prices({"claude-opus": PRICE, "qwen": PRICE})
    assert prices.of("claude-opus-5-5") is PRICE
    assert prices.of("qwen3-coder") is PRICE
    assert prices.of("claude-sonnet-5-5") is LISTED["claude-sonnet-5-5"]


@given(st.text(max_size=400))
def test_the_bound_covers_a_token_for_each_byte(words: str) -> None:
    sent = request(words)
    assert input_bound(sent) >= len(words.encode("utf-8", "surrogatepass"))
    assert input_bound(sent) > input_bound(request("")) or not words


@pytest.mark.parametrize("character", ["7", "é", "漢", "🔬", '"', "\n"])
def test_the_bound_covers_text_of_any_script(character: str) -> None:
    assert input_bound(request(character * 20_000)) >= 20_000 * len(character.encode())


def test_half_a_surrogate_pair_is_counted() -> None:
    assert input_bound(request("\ud800" * 100)) >= input_bound(request("a" * 300))


def test_what_may_be_written_is_lowered_to_what_can_be_paid() -> None:
    tokens = 100_000
    assert affordable_output(request(), tokens, PRICE, 10.0) == 4000
    assert affordable_output(request(), tokens, PRICE, 0.5 + 0.02) == 1000
    assert affordable_output(request(), tokens, PRICE, None) == 4000
    assert affordable_output(request(), tokens, None, 0.0) == 4000


@pytest.mark.parametrize("usd", [0.0, 0.49, 0.5 + 255 * 20 / 1e6, -1.0])
def test_a_call_that_does_not_fit_is_not_made(usd: float) -> None:
    with pytest.raises(BudgetSpentError, match=r"may cost \$0\.5051; \$0\.\d+ is left"):
        affordable_output(request(), 100_000, PRICE, usd)


def test_a_bound_is_never_raised_by_what_a_server_says() -> None:
    most = bound(1000, 500)
    assert capped(Usage(input_tokens=9000, output_tokens=900, exact=False), most) == most
    reported = Usage(input_tokens=9000, output_tokens=900)
    assert capped(reported, most) is reported


@pytest.mark.parametrize(
    ("usd", "said"),
    [(0, "$0.00"), (3, "$3.00"), (0.2, "$0.20"), (0.0205, "$0.0205"), (0.00001, "$0.00"), (12.3456, "$12.35")],
)
def test_sums_are_told_as_people_read_them(usd: float, said: str) -> None:
    assert in_dollars(usd) == said


class PurseHost(FakeHost):
    """A host whose allowance is what its books leave of a budget."""

    budget = 0.0

    @property
    def spent(self) -> float:
        return sum(event.usd or 0.0 for event in self.booked if isinstance(event, ModelCalled))

    def allowance(self) -> Allowance:
        return Allowance(usd=self.budget - self.spent)


kinds = st.sampled_from(["turn", "interrupted", "fault", "cut fault", "unreached"])
sequences = st.lists(st.tuples(kinds, st.integers(0, 40_000), st.floats(0, 1)), max_size=12)


@pytest.mark.parametrize("together", [False, True])
@examples(max_examples=50)
@given(calls=sequences, budget=st.floats(0.001, 2))
def test_no_sequence_of_turns_and_cuts_costs_more_than_the_budget(
    calls: list[tuple[str, int, float]], budget: float, together: bool
) -> None:
    """Provided that servers report no more than the bound; one call after the other, or all at once."""
    host = PurseHost()
    host.budget = budget
    asyncio.run(_spend(calls, host, together=together))
    assert host.spent <= budget + 1e-9
    for event in host.booked:
        if isinstance(event, ModelCalled):
            assert event.usage.exact == (event.fault not in {"interrupted", "truncated"})


async def _spend(calls: list[tuple[str, int, float]], host: FakeHost, *, together: bool) -> None:
    steps = {size: _step(kind, share, host) for kind, size, share in calls}

    async def answer(request: Request, wire: Wire, heard: Hear) -> Turn:
        step = steps.pop(int(request.system), None)
        return turn_of() if step is None else await step(request, wire)

    model = MeteredModel(FakePort(*[answer] * 50), Models("m"), lambda *_: None, prices=Prices({"m": PRICE}))

    async def ask(size: int) -> None:
        sent = Request("step", str(size), [{"role": "user", "content": "x" * size}], 4000)
        with contextlib.suppress(BudgetSpentError, ModelFaultError):
            await model.ask(lambda: sent, host)

    if together:
        await asyncio.gather(*(ask(size) for _, size, _ in calls))
    else:
        for _, size, _ in calls:
            await ask(size)


def _step(kind: str, share: float, host: FakeHost) -> Callable[[Request, Wire], Awaitable[Turn]]:
    async def step(request: Request, wire: Wire) -> Turn:
        read, written = int(share * input_bound(request)), int(share * wire.max_tokens)
        used = Usage(cache_write_tokens=read, output_tokens=written)
        await asyncio.sleep(0)
        if kind == "turn":
            return turn_of(usage=used)
        if kind == "interrupted":
            host.interrupted.set()
            await asyncio.sleep(60)
        if kind == "unreached":
            raise ModelFaultError("connection", "No.", usage=None)
        if kind == "fault":
            raise ModelFaultError("server", "No.", usage=used)
        wild = Usage(input_tokens=10**9, output_tokens=10**9, exact=False)
        raise ModelFaultError("truncated", "No.", usage=wild)

    return step


def test_the_table_prices_every_model_that_it_names_by_its_own_entry() -> None:
    for name, price in LISTED.items():
        assert Prices().of(name) is price
        assert price.read_rate < price.input < price.write_rate("5m") < price.write_rate("1h") < price.output
