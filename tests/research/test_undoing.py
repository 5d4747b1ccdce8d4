"""Taking kept patches back and applying them again: what hangs on them, what stands in the way, the ways out."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.begin import open_bench
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.research.dependence import redoing, undoing
from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.research.line_patches import Joined, joined
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.results import promote_session
from mlrcopilot_tui.research.undo_words import what_came_of_it, what_hangs_on, what_it_needs
from mlrcopilot_tui.research.verify import verify_commit
from mlrcopilot_tui.session.session import OpenSession, read_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.opening import Workspace, open_workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import MakeWorkspace
from tests.research.running import AUTO, Use, run_session
from tests.research.test_moving_champion import SPACED
from tests.research.test_replay import Edits, Stage
from tests.workspace.researcher import git

TRAIN = f"""
import os, random

LEVEL = 4.0
{SPACED}
SCALE = 1.0
{SPACED}
seed = int(os.environ["MLRCOPILOT_SEED"])
print(f"val_error: {{(LEVEL + 0.01 * random.Random(seed).random()) * SCALE}}")
"""
EDITS: Edits = [
    ("first", [("LEVEL = 4.0", "LEVEL = 3.0")]),
    ("scale", [("SCALE = 1.0", "SCALE = 0.5")]),
    ("second", [("LEVEL = 3.0", "LEVEL = 2.0")]),
    ("third", [("LEVEL = 2.0", "LEVEL = 1.0")]),
]
"""Second and third change the line that first changed; scale changes another one."""


@pytest.fixture(scope="module")
def finished() -> Iterator[list[Path]]:
    """Where the session that `kept` copies lies, once there is one."""
    with tempfile.TemporaryDirectory() as folder:
        yield [Path(folder) / "finished"]


@pytest.fixture
def kept(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, finished: list[Path], tmp_path: Path
) -> Workspace:
    """A finished session that kept four patches."""
    scripted(FakeEngine(EDITS))
    if not finished[0].exists():
        workspace = make_workspace(train=TRAIN)
        state = asyncio.run(run_session(workspace, AUTO))
        assert [idea.idea.number for idea, _ in standing(state)] == [1, 2, 3, 4]
        shutil.copytree(workspace.layout.root, finished[0], symlinks=True)
        return workspace
    return open_workspace(shutil.copytree(finished[0], tmp_path / "work", symlinks=True))


def state_of(workspace: Workspace) -> SessionState:
    (folder,) = workspace.layout.sessions.glob("*")
    return read_state(folder)


def patch(workspace: Workspace, idea: int) -> Joined:
    return next(one for one in joined(state_of(workspace)).values() if one.idea.idea.number == idea)


def decide(workspace: Workspace, kind: str, idea: int, **values: object) -> str:
    decision = new_decision(kind, commit=patch(workspace, idea).commit, **values)
    return deliver(workspace.layout, state_of(workspace).session, decision)


def on_line(workspace: Workspace) -> list[int]:
    return [idea.idea.number for idea, _ in standing(state_of(workspace))]


def text(workspace: Workspace) -> str:
    tip = workspace.repository.refs("refs/heads/mlrcopilot/")[
        f"refs/heads/mlrcopilot/{state_of(workspace).session}/main"
    ]
    assert tip == getattr(state_of(workspace).champion, "commit", None)
    return (workspace.repository.read_file(tip, "train.py") or b"").decode()


def numbers(patches: tuple[Joined, ...]) -> list[int]:
    return [one.idea.idea.number for one in patches]


def test_what_hangs_on_a_patch_is_in_the_journal(kept: Workspace) -> None:
    state = state_of(kept)
    going = [undoing(state, patch(kept, idea)) for idea in (1, 2, 3, 4)]
    assert [numbers(one.builds) for one in going] == [[4, 3], [], [4], []]
    assert [numbers(one.leans) for one in going] == [[2], [3, 4], [], []]
    assert all(one.looked for one in going)
    assert what_hangs_on(going[0], "val_error")[:2] == [
        'Ideas 4 "third" and 3 "second" change the same lines, and can only go with it.',
        'Idea 2 "scale" stays; its gain was measured with it in place.',
    ]
    assert going[1].expected == pytest.approx(2.0, abs=0.01), "halving was worth 1.5 when it was judged, at 3.0"


def test_a_patch_on_which_others_build_is_not_taken_back_alone(kept: Workspace) -> None:
    before = text(kept)
    with pytest.raises(RefusedError) as caught:
        decide(kept, "revert", 1)
    short, session = patch(kept, 1).commit[:10], state_of(kept).session
    assert str(caught.value) == (
        'Idea 1 "first" cannot be taken back alone: ideas 4 "third" and 3 "second" changed the same lines since '
        f"(train.py, line 3). Nothing changed. Take all of them back: `mlrcopilot revert {short} --with-dependants`. "
        f"Or do it by hand: `git worktree add -b without-idea-1 ../without-idea-1 mlrcopilot/{session}/main`, and "
        f"there `git revert {short}`."
    )
    assert (on_line(kept), text(kept)) == ([1, 2, 3, 4], before)


def test_it_is_taken_back_with_them_and_each_comes_back_with_what_it_needs(kept: Workspace) -> None:
    before = text(kept)
    said = decide(kept, "revert", 1, together=True)
    assert said.startswith('Ideas 4 "third", 3 "second" and 1 "first" were taken back; the line\'s tip ')
    way = f"`mlrcopilot run --session {state_of(kept).session} --max-experiments 4` measures it and nothing more."
    assert said.endswith(f" is not measured yet: {way}")
    assert (on_line(kept), "LEVEL = 4.0" in text(kept), "SCALE = 0.5" in text(kept)) == ([2], True, True)
    with pytest.raises(RefusedError, match=r"it builds on ideas 1 .first. and 3 .second., which were taken back too"):
        decide(kept, "redo", 4)
    assert what_it_needs(redoing(state_of(kept), patch(kept, 4)), "val_error")[0] == (
        'It builds on ideas 1 "first" and 3 "second", to be applied again before it.'
    )
    decide(kept, "redo", 3, together=True)
    assert on_line(kept) == [2, 1, 3]
    assert "LEVEL = 2.0" in text(kept)
    assert numbers(undoing(state_of(kept), patch(kept, 1)).builds) == [3], "looked at anew as it joins the line again"
    decide(kept, "redo", 4)
    assert text(kept) == before
    with pytest.raises(RefusedError, match="stands on the session's line"):
        decide(kept, "redo", 4)
    tip = promote_session(kept.repository, state_of(kept), "results")
    assert kept.repository.read_file(tip, "train.py") == before.encode()
    assert kept.repository.run("rev-list", "--count", f"main..{tip}").text == "4"


def test_without_a_word_in_the_journal_git_tells_who_stands_in_the_way(kept: Workspace) -> None:
    """As in a session whose patches an older program kept."""
    state = state_of(kept)
    journal = kept.layout.journal(state.session)
    lines = [
        line.replace(b',"builds_on":[]', b"").replace(b',"builds_on":["%b"]' % old.encode(), b"")
        for line in journal.read_bytes().splitlines(keepends=True)
        for old in [next((c for c in joined(state) if b'"builds_on":["%b"]' % c.encode() in line), "-")]
    ]
    journal.write_bytes(b"".join(lines))
    going = undoing(state_of(kept), patch(kept, 1))
    assert (going.builds, going.looked) == ((), False)
    with pytest.raises(RefusedError, match=r"ideas 4 .third. and 3 .second. changed the same lines since"):
        decide(kept, "revert", 1)
    assert decide(kept, "revert", 1, together=True).startswith('Ideas 4 "third", 3 "second" and 1 "first" were')
    assert on_line(kept) == [2]


def test_a_new_tip_is_measured_and_held_against_what_was_expected(kept: Workspace) -> None:
    decide(kept, "revert", 2)
    state = state_of(kept)
    assert state.champion is not None
    tip = state.champion.commit
    assert what_came_of_it(state, tip) == ""
    state = asyncio.run(run_session(kept, AUTO, state.session))
    assert what_came_of_it(state, tip) == "Without idea 2: 1.005 (2.005 was expected)."
    with open_bench(kept, state.session, Options()) as bench:
        checks = asyncio.run(verify_commit(bench, tip))
    assert checks
    assert all(check.holds for check in checks)


def test_taking_back_what_is_taken_back_says_so(kept: Workspace) -> None:
    decide(kept, "revert", 2)
    with pytest.raises(
        RefusedError, match=r"Idea 2 .scale. was taken back already; nothing changed\. .mlrcopilot redo"
    ):
        decide(kept, "revert", 2)
    decide(kept, "redo", 2)
    assert on_line(kept) == [1, 3, 4, 2]
    again = state_of(kept).line[-1].commit
    deliver(kept.layout, state_of(kept).session, new_decision("revert", commit=again))
    assert on_line(kept) == [1, 3, 4], "a commit that applies a patch again stands for the patch"


class KilledError(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_between_git_and_the_journal_it_is_done_once(
    kept: Workspace, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    def dying(record: Callable[..., None]) -> Callable[..., None]:
        def record_and_die(session: OpenSession, *events: object) -> None:
            if side == "after":
                record(session, *events)
            raise KilledError

        return record_and_die

    session = state_of(kept).session
    decision = new_decision("revert", commit=patch(kept, 1).commit, together=True)
    with monkeypatch.context() as patched:
        patched.setattr(OpenSession, "record", dying(OpenSession.record))
        patched.setattr("mlrcopilot_tui.session.inbox.Inbox.discard", lambda *_: None)
        with pytest.raises(KilledError):
            deliver(kept.layout, session, decision)
    assert on_line(kept) == ([1, 2, 3, 4] if side == "before" else [2])
    asyncio.run(run_session(kept, AUTO, session))
    assert on_line(kept) == [2]
    assert "LEVEL = 4.0" in text(kept)
    assert [move.reason for move in state_of(kept).line].count("reverted") == 3


def test_what_was_taken_back_and_applied_again_can_be_played(kept: Workspace, tmp_path: Path) -> None:
    decide(kept, "revert", 1, together=True)
    decide(kept, "redo", 3, together=True)
    asyncio.run(run_session(kept, AUTO, state_of(kept).session))
    Stage(kept, tmp_path).assert_same(EDITS)


def test_what_somebody_committed_on_the_line_s_branch_is_put_on_a_branch_of_its_own(kept: Workspace) -> None:
    root, session = kept.layout.root, state_of(kept).session
    git(root, "switch", "-q", f"mlrcopilot/{session}/main")
    (root / "train.py").write_text("mine\n")
    git(root, "commit", "-qam", "Mine")
    mine = git(root, "rev-parse", "HEAD")
    with pytest.raises(RefusedError, match="is checked out in"):
        decide(kept, "revert", 2)
    git(root, "switch", "-q", "main")
    decide(kept, "revert", 2)
    assert git(root, "rev-parse", f"put-aside/{session}-{mine[:10]}") == mine
    assert [warning.about for warning in state_of(kept).warnings] == ["branch"]
    assert on_line(kept) == [1, 3, 4]
    assert "LEVEL = 1.0" in text(kept)
