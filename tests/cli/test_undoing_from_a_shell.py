"""`revert` and `redo` from a shell: what hangs on a patch is said first."""

import msgspec
import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.workspace.opening import Workspace
from tests.research.conftest import instant, make_workspace, scripted
from tests.research.test_undoing import finished, kept, on_line, patch, state_of

__all__ = ["finished", "instant", "kept", "make_workspace", "scripted"]


def test_what_hangs_on_it_is_told_first_and_a_dry_run_changes_nothing(
    kept: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["-C", str(kept.layout.root)]
    assert main(["revert", "1", "--dry-run", *where]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f'Idea 1 "first", {patch(kept, 1).commit[:10]}.'
    assert said[1] == 'Ideas 4 "third" and 3 "second" change the same lines, and can only go with it.'
    assert main(["revert", "1", "--dry-run", "--json", *where]) == 0
    view = msgspec.json.decode(capsys.readouterr().out)
    assert [one["idea"] for one in view["builds_on_it"]] == [4, 3]
    assert [one["idea"] for one in view["measured_with_it"]] == [2]
    assert main(["revert", "1", *where]) == 1
    assert "cannot be taken back alone: ideas 4" in capsys.readouterr().err
    assert main(["revert", "1", "--json", *where]) == 2
    assert on_line(kept) == [1, 2, 3, 4]


def test_the_newest_goes_first_and_comes_back(kept: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["-C", str(kept.layout.root)]
    assert [main(["revert", *where]), main(["revert", *where])] == [0, 0]
    assert on_line(kept) == [1, 2]
    assert main(["redo", "4", "--dry-run", *where]) == 0
    assert 'It builds on idea 3 "second", to be applied again before it.' in capsys.readouterr().out
    assert main(["redo", "4", "--with-needed", *where]) == 0
    assert on_line(kept) == [1, 2, 3, 4]
    assert main(["redo", *where]) == 1
    assert "Nothing is reverted." in capsys.readouterr().err


def test_where_no_copilot_runs_it_is_told_how_the_tip_is_measured(
    kept: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["-C", str(kept.layout.root)]
    assert main(["revert", "4", *where]) == 0
    named = ["run", "--session", state_of(kept).session, "--max-experiments", "4"]
    way = f"not measured yet: `mlrcopilot {' '.join(named)}` measures it and nothing more."
    assert way in capsys.readouterr().out
    assert main(["status", *where]) == 0
    assert way in capsys.readouterr().out
    assert main(["log", *where]) == 0
    rows = capsys.readouterr().out.splitlines()[1:5]
    assert [" keep, reverted " in row for row in rows] == [False, False, False, True]
    assert [main([word, *where]) for word in ("pause", "status", "resume")] == [0, 0, 0]
    first = f"`mlrcopilot resume --session {state_of(kept).session}`, then `mlrcopilot run"
    assert f"not measured yet: {first}" in capsys.readouterr().out
    assert main([*named, "--headless", "--allow-unsandboxed", *where]) == 0
    state = state_of(kept)
    assert state.champion is not None
    assert (len(state.ideas), state.champion.unmeasured, state.finished) == (4, False, "All 4 experiments are done.")
    assert main(["status", *where]) == 0
    assert "not measured" not in capsys.readouterr().out


def test_an_ablation_measures_the_tip_first(kept: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["-C", str(kept.layout.root)]
    assert main(["revert", "4", *where]) == 0
    assert main(["ablate", *where]) == 0
    state = state_of(kept)
    assert state.champion is not None
    assert state.champion.values.keys() == {0, 1}
    assert main(["promote", "--onto", "results", *where]) == 0
    assert "Nobody has measured it" not in capsys.readouterr().out
