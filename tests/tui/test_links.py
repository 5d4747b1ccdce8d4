"""From a sentence of the paper to the numbers and back, by one key each way."""

from pathlib import Path

import msgspec
import pytest

from mlrcopilot_tui.papers.model import Section
from mlrcopilot_tui.session.model import Gap, Quote
from mlrcopilot_tui.tui.projector.paper import paper_text
from mlrcopilot_tui.tui.views import Selection
from tests.tui.doubles import Stage, staged
from tests.tui.story import Story, up_to_gate
from tests.tui.story_paper import PAPER, SUMMARY
from tests.tui.text_frames import check_frame, frame


def _place(stage: Stage) -> tuple[str, str, str | None]:
    deck = stage.screen.deck
    return deck.focused, deck.pane(deck.focused).tab, deck.cursor_key()


async def test_from_the_sentence_to_the_numbers_and_back(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits"), (60, 15)) as stage:
        await stage.go("paper")
        await stage.press("right_square_bracket")
        assert _place(stage) == ("paper", "Paper", "gap:g2")
        await stage.press("full_stop")
        await stage.press("enter")  # of the ideas of this gap the first, which is kept
        assert _place(stage) == ("ideas", "Ideas", "1")
        await stage.press("full_stop")
        assert _place(stage)[:2] == ("patch", "Patch")
        assert stage.screen.presenter.selection == Selection(idea=1, attempt=1)
        await stage.press("full_stop")
        assert _place(stage)[:2] == ("run", "Run")
        run = stage.screen.presenter.selection.run
        state = stage.screen.desk.client.state
        assert run is not None
        assert state.runs[run].commit == state.ideas[1].attempts[0].commit
        assert state.runs[run].value is not None
        await stage.press("full_stop")
        assert "where it ends" in stage.sentences[-1]

        await stage.press("comma")
        assert _place(stage)[:2] == ("patch", "Patch")
        await stage.press("comma")
        assert _place(stage) == ("ideas", "Ideas", "1")
        await stage.press("comma")
        assert _place(stage) == ("paper", "Paper", "gap:g2")
        await stage.press("left_square_bracket", "comma")
        assert _place(stage) == ("paper", "Text", "gap:g1")
        assert "g1 We leave the use of the 900" in frame(stage.app)
        await stage.press("comma")
        assert "where it begins" in stage.sentences[-1]
        await stage.press("full_stop")
        assert _place(stage) == ("paper", "Paper", "gap:g1")


@pytest.mark.parametrize(
    ("pane", "keys", "told"),
    [
        ("paper", ("full_stop",), "No idea came of g1 yet."),
        ("ideas", ("G", "full_stop"), "6 shift augmentation has no patch yet."),
        ("ideas", ("g", "comma"), "Only an idea leads back to the paper."),
    ],
)
async def test_where_nothing_leads_on_a_sentence_says_so(
    tmp_path: Path, pane: str, keys: tuple[str, ...], told: str
) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press({"paper": "1", "ideas": "2"}[pane], *keys)
        assert stage.sentences[-1] == told


async def test_the_starters_numbers_have_no_patch(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        stage.screen.desk.select(Selection(run="r1"))
        await stage.go("run")
        await stage.press("comma")
        assert stage.sentences[-1] == "No idea wrote b0b0b0b0, which this run measured."


async def test_the_champion_leads_to_its_patch(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.go("ideas")
        await stage.press("g", "full_stop")
        champion = stage.screen.desk.client.state.champion
        attempt = stage.screen.desk.situation.attempt
        assert champion is not None
        assert attempt is not None
        assert attempt.commit == champion.commit


async def test_an_attempt_marked_in_the_document_is_the_one_that_is_followed(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits"), (120, 22)) as stage:
        await stage.go("ideas")
        await stage.press("g", "j", "enter", "1")
        while stage.screen.deck.cursor_key() != "attempt:1.1":
            await stage.press("right_square_bracket")
        await stage.press("full_stop")
        assert stage.screen.presenter.selection == Selection(idea=1, attempt=1)
        assert stage.screen.deck.focused == "patch"


async def test_a_gap_names_the_ideas_it_gave(tmp_path: Path) -> None:
    story: Story = up_to_gate(tmp_path / "digits")
    async with staged(story, (120, 40)) as stage:
        await stage.press("1", "Z")
        check_frame(stage.app, "gaps-120x40")


def test_every_gap_of_a_paragraph_has_its_own_line() -> None:
    first, second = "No use is made of the pool.", "Whether it helps is unknown."
    section = Section(title="5", level=1, page=2, text=f"Before. {first} {second} After.", pages=((0, 2),))
    gaps = tuple(
        Gap(id=f"g{at}", statement=said, quote=Quote(text=said, page=2)) for at, said in ((1, second), (2, first))
    )
    told = paper_text(msgspec.structs.replace(PAPER, sections=(section,)), msgspec.structs.replace(SUMMARY, gaps=gaps))
    assert [(line.key, "".join(span.text for span in line.body)) for line in told[-4:]] == [
        ("", "Before."),
        ("gap:g2", f"g2 {first}"),
        ("gap:g1", f"g1 {second}"),
        ("", "After."),
    ]
