"""What the screen says of the fence that runs are behind, and the one key that opens the network to a patch."""

from pathlib import Path

import pytest

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.run_events import RunStarted
from mlrcopilot_tui.tui.projector.run import Live, run_view
from mlrcopilot_tui.tui.screens.asking import Consent
from mlrcopilot_tui.tui.screens.confirm import Confirm
from mlrcopilot_tui.tui.widgets.hardware_strip import strip_line
from tests.tui.doubles import staged
from tests.tui.story import Story, up_to_gate
from tests.tui.text_frames import frame


def running_in(root: Path, sandbox: str, *, network: bool) -> Story:
    """A patch that is being run behind a fence of that kind."""
    story = up_to_gate(root)
    story.tell(ev.GateAnswered(gate="g1", answer="approve", by="researcher"))
    story.start_run(0, commit=story.commits[4, 1], number=4)
    story.tell(RunStarted(run=f"r{story.runs}", sandbox=sandbox, network=network))
    return story


@pytest.mark.parametrize(
    ("sandbox", "network", "note", "role", "badge"),
    [
        ("plain", True, "sandbox none · net open", "error", "no sandbox"),
        ("landlock", True, "sandbox landlock · net ON", "waiting", "net ON"),
        ("bwrap", False, "sandbox bwrap · net off", "muted", ""),
    ],
)
@pytest.mark.parametrize("size", [(120, 40), (60, 15)], ids=["120x40", "60x15"])
async def test_a_weak_fence_is_named_and_coloured(
    tmp_path: Path, size: tuple[int, int], sandbox: str, network: bool, note: str, role: str, badge: str
) -> None:
    async with staged(running_in(tmp_path / "digits", sandbox, network=network), size) as stage:
        await stage.press("4")
        told = stage.screen.presenter.sandbox_note()
        assert (told.text, told.role) == (note, role)
        assert (badge or "no sandbox") in frame(stage.app) or not badge
        state = stage.screen.client.state
        segments = run_view(state, state.live_runs[0], Live(), stage.story.now).line
        assert [piece.text for piece in segments if piece.role in {"error", "waiting"}] == [badge] * bool(badge)


def test_a_warning_in_the_strip_never_gives_way() -> None:
    for width in (20, 40, 80):
        assert "sandbox none" in "".join(
            text for text, _ in strip_line([], None, "sandbox none", width, note_style="$error bold")
        )


async def test_the_network_is_granted_by_a_key_and_a_yes(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "O")
        assert isinstance(stage.app.screen, Confirm)
        shown = " ".join(frame(stage.app).split())
        assert "with the network on?" in shown
        assert "connect to any host" in shown
        assert not stage.story.decisions()
        await stage.press("y")
        decision = stage.decision()
        assert (decision.kind, decision.network, decision.gate) == ("approve", True, "g1")
        assert decision.commit == stage.story.commits[4, 1]


async def test_a_no_grants_and_approves_nothing(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "O", "n")
        assert not stage.story.decisions()


async def test_a_part_of_a_patch_is_granted_no_network(tmp_path: Path) -> None:
    async with staged(up_to_gate(tmp_path / "digits")) as stage:
        await stage.press("3", "space", "O")
        assert not isinstance(stage.app.screen, Confirm)
        assert "not to a part of it" in stage.sentences[-1]
        await stage.press("space", "a")
        assert not stage.decision().network


@pytest.mark.parametrize("key", ["y", "n"])
async def test_runs_without_a_fence_are_agreed_to_once_in_a_dialog(tmp_path: Path, key: str) -> None:
    story = Story(tmp_path / "digits")
    story.begin()
    gate = story.ask("sandbox", "May runs start without a sandbox in this workspace?", forecast="Read each patch.")
    async with staged(story) as stage:
        await stage.catch_up()
        stage.clock.seconds += 1
        assert isinstance(stage.app.screen, Consent)
        shown = " ".join(frame(stage.app).split())
        assert "May runs start without a sandbox" in shown
        assert "nothing is run" in shown
        await stage.press(key)
        decision = stage.decision()
        assert (decision.kind, decision.gate) == ("approve" if key == "y" else "reject", gate)
