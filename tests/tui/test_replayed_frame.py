"""The screen shows a replayed session as it shows the recorded one, and starts no copilot for it."""

import asyncio
from pathlib import Path

import pytest

from mlrcopilot_tui.research import launch
from mlrcopilot_tui.research.export import export_session
from mlrcopilot_tui.research.replay import replay
from mlrcopilot_tui.tui import opening
from mlrcopilot_tui.tui.app import CopilotApp
from mlrcopilot_tui.tui.glyphs import UNICODE
from mlrcopilot_tui.tui.preferences import Preferences
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import MakeWorkspace, instant, make_workspace, scripted
from tests.research.running import Use, run_session
from tests.tui.text_frames import frame, settle

__all__ = ["instant", "make_workspace", "scripted"]

EDITS = [("better", [("LEVEL = 1.0", "LEVEL = 0.5")]), ("worse", [("LEVEL = 0.5", "LEVEL = 2.0")])]


async def frames(root: Path, session: str) -> list[str]:
    """The session's screen with each of its panes in focus."""
    look = opening.Look(
        glyphs=UNICODE, plain=False, strip=False, remember_strip=lambda _: None, keymap={}, watching=True
    )
    app = CopilotApp(opening.prepare(root, session, (), look), Preferences(), theme="dark")
    shown = []
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await settle(pilot)
        for key in ("1", "2", "3", "4"):
            await pilot.press(key)
            await settle(pilot)
            shown.append(frame(app))
    return shown


def test_every_pane_shows_the_same(
    make_workspace: MakeWorkspace,
    scripted: Use,
    instant: FakeExecutor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> str:
        raise AssertionError("a copilot was started")

    monkeypatch.setattr(launch, "ensure_copilot", refuse)
    scripted(FakeEngine(EDITS))
    workspace = make_workspace()
    session = asyncio.run(run_session(workspace)).session
    export_session(workspace, session, tmp_path / "cassette")
    target = tmp_path / "elsewhere" / workspace.layout.root.name
    target.parent.mkdir()
    replay(tmp_path / "cassette", target, engine=lambda *_: FakeEngine(EDITS))
    recorded = asyncio.run(frames(workspace.layout.root, session))
    assert asyncio.run(frames(target, session)) == recorded
    assert "better" in recorded[1]
