"""The researcher's edits in an idea's worktree, from any editor: taken in as theirs, before anything else is done."""

import asyncio
import dataclasses
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from mlrcopilot_tui.agents.base import Assignment, Brief, Proposal, Understanding, Withdrawal
from mlrcopilot_tui.agents.claude.turns import Request, Turn
from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research import worktree_watch
from mlrcopilot_tui.research.bench import at_once
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.research.edits import Edits, Found
from mlrcopilot_tui.research.upkeep import clean
from mlrcopilot_tui.session.edits import EDITS_NAME
from mlrcopilot_tui.session.model import Attempt, Gate
from mlrcopilot_tui.session.state import IdeaState
from mlrcopilot_tui.session.subjects import HunkNote
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.recorded_tree import retired_place
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.fakes.scripted_model import FakeModel, shown
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import Running, Use, running
from tests.research.test_claude_in_the_loop import ModelledEngine, do, hand_in
from tests.research.test_claude_in_the_loop import edit as replace
from tests.workspace.researcher import git

ASKING = CONTRACT.replace('patches = "auto"', 'patches = "ask"')
TUNE = ("tune", [("LEVEL = 1.0", "LEVEL = 0.9"), ("LEVEL = 0.9", "LEVEL = 0.4")])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody types in these tests."""
    monkeypatch.setattr(worktree_watch, "QUIET_S", 0.03)
    monkeypatch.setattr(worktree_watch, "POLL_S", 0.1)


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edits are not noticed by themselves: the decision comes first."""
    monkeypatch.setattr(Edits, "_edited", lambda *_: asyncio.sleep(3600))


def train_of(copilot: Running, idea: int = 1) -> Path:
    return copilot.layout.idea_tree(copilot.state.session, idea) / "train.py"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def moved_on(copilot: Running, gate: Gate) -> bool:
    waiting = copilot.state.waiting
    return waiting is not None and waiting.id != gate.id


def theirs(repository: Repository, attempt: Attempt) -> str:
    """What the researcher alone changed, as removed and added lines."""
    diff = repository.diff(attempt.edited_from, attempt.commit, context=0)
    return "\n".join(line for line in diff.splitlines() if line[:1] in "+-" and not line.startswith(("+++", "---")))


async def test_an_edit_from_any_editor_becomes_the_next_attempt_by_itself(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    git(workspace.layout.root, "config", "user.name", "Ada")
    git(workspace.layout.root, "config", "user.email", "ada@example.org")
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        edit(train_of(copilot), "SPREAD = 0.01", "SPREAD = 0.02")
        await copilot.until(lambda: moved_on(copilot, gate))
        idea = copilot.idea(1)
        assert [(attempt.by, attempt.aside) for attempt in idea.attempts] == [("agent", False), ("researcher", False)]
        assert workspace.repository.commit(idea.attempts[1].commit).author.name == "Ada"
        assert workspace.repository.commit(idea.attempts[0].commit).author.name == "mlrcopilot"
        assert theirs(workspace.repository, idea.attempts[1]) == "-SPREAD = 0.01\n+SPREAD = 0.02"
        with pytest.raises(RefusedError, match=r"You edited train\.py meanwhile"):
            await copilot.decide("approve", gate=gate.id, commit=gate.commit)
        said = await copilot.decide("edit", gate=gate.id, commit=gate.commit)
        assert "already" in said, "who says so after the copilot has seen it is not told off"
        await copilot.decide("approve")
        await copilot.until(copilot.task.done)
        assert idea.verdicts[-1].commit == idea.attempts[1].commit


async def test_approving_does_not_run_what_an_edit_has_overtaken(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, unwatched: None
) -> None:
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        edit(train_of(copilot), "SPREAD = 0.01", "SPREAD = 0.02")
        with pytest.raises(RefusedError, match="becomes the idea's next attempt, which waits for you"):
            await copilot.decide("approve", gate=gate.id, commit=gate.commit)
        await copilot.until(lambda: moved_on(copilot, gate))
        assert not [run for run in copilot.state.runs.values() if run.purpose == "idea"]
        assert copilot.idea(1).attempts[-1].by == "researcher"


async def test_half_an_edit_stays_on_the_disk_until_it_is_whole(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        file = train_of(copilot)
        edit(file, "SPREAD = 0.01", "SPREAD = (0.02")
        told = copilot.bench.session_folder / EDITS_NAME
        await copilot.until(lambda: told.exists() and "no valid Python" in told.read_text())
        with pytest.raises(RefusedError, match=r"train\.py is no valid Python at line 4"):
            await copilot.decide("approve", gate=gate.id, commit=gate.commit)
        assert "SPREAD = (0.02" in file.read_text()
        assert copilot.state.waiting == gate
        edit(file, "(0.02", "(0.02)")
        await copilot.until(lambda: moved_on(copilot, gate))
        assert theirs(workspace.repository, copilot.idea(1).attempts[-1]) == "-SPREAD = 0.01\n+SPREAD = (0.02)"
        assert "train.py" not in told.read_text()


@pytest.mark.parametrize("text", ["SPREAD = 0.02", "SPREAD = (0.02"])
async def test_a_rejected_idea_keeps_the_edit_in_its_history(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, unwatched: None, text: str
) -> None:
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        edit(train_of(copilot), "SPREAD = 0.01", text)
        await copilot.decide("reject", gate=gate.id, text="no")
        await copilot.until(copilot.task.done)
        idea = copilot.idea(1)
        assert idea.status == "rejected"
        assert (idea.attempts[-1].by, idea.attempts[-1].aside) == ("researcher", True)
        assert theirs(workspace.repository, idea.attempts[-1]) == f"-SPREAD = 0.01\n+{text}"
        assert idea.attempts[-1].commit in workspace.repository.refs("refs/mlrcopilot/").values()


async def test_after_feedback_the_agent_goes_on_from_the_edit(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, unwatched: None
) -> None:
    engine = scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        edit(train_of(copilot), "SPREAD = 0.01", "SPREAD = 0.02")
        await copilot.decide("feedback", gate=gate.id, text="further")
        await copilot.until(lambda: moved_on(copilot, gate))
        attempts = copilot.idea(1).attempts
        assert [(attempt.by, attempt.aside) for attempt in attempts] == [
            ("agent", False),
            ("researcher", True),
            ("agent", False),
        ]
        source = workspace.repository.read_file(attempts[-1].commit, "train.py") or b""
        assert b"LEVEL = 0.4" in source
        assert b"SPREAD = 0.02" in source
        assert [assignment.attempt for assignment in engine.assignments] == [1, 2]


async def test_a_save_that_is_under_way_is_waited_for(
    make_workspace: MakeWorkspace,
    scripted: Use,
    instant: FakeExecutor,
    unwatched: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    look = Edits.found
    async with running(workspace) as copilot:
        gate, file = await copilot.gate(), train_of(copilot)
        whole = file.read_text() + "# mine\n"

        async def found(edits: Edits, idea: IdeaState) -> Found:
            seen = await look(edits, idea)
            if file.exists():
                file.write_text(whole)
            return seen

        monkeypatch.setattr(Edits, "found", found)
        file.write_text("")
        await copilot.decide("reject", gate=gate.id, text="no")
        await copilot.until(copilot.task.done)
        (_, edited) = copilot.idea(1).attempts
        assert theirs(workspace.repository, edited) == "+# mine"


@pytest.mark.parametrize("kind", ["reject", "feedback"])
async def test_a_decision_that_is_refused_leaves_the_edit_for_the_next_one(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, unwatched: None, kind: str
) -> None:
    scripted(FakeEngine([TUNE]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        gate = await copilot.gate()
        edit(train_of(copilot), "SPREAD = 0.01", "SPREAD = 0.02")
        with pytest.raises(RefusedError, match="no hunk 9"):
            await copilot.decide(kind, gate=gate.id, notes=(HunkNote(hunk=9, text="?"),))
        with pytest.raises(RefusedError, match="becomes the idea's next attempt"):
            await copilot.decide("approve", gate=gate.id)


@dataclasses.dataclass
class PonderingEngine(FakeEngine):
    """Takes its time with the researcher's words."""

    meanwhile: Callable[[], Awaitable[None]] = at_once

    async def understand(self, brief: Brief, words: str, idea: int) -> Understanding:
        await self.meanwhile()
        return await super().understand(brief, words, idea)


async def test_an_edit_that_is_noticed_while_words_are_understood_is_taken_in_once(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, unwatched: None
) -> None:
    engine = PonderingEngine([TUNE])
    scripted(engine)
    async with running(make_workspace(contract=ASKING)) as copilot:
        gate = await copilot.gate()

        async def meanwhile() -> None:
            edits = Edits(copilot.bench)
            edits.take_as_answer(gate, await edits.found(copilot.idea(1)))

        engine.meanwhile = meanwhile
        edit(train_of(copilot), "SPREAD = 0.01", "SPREAD = 0.02")
        with pytest.raises(RefusedError, match="You edited"):
            await copilot.decide("feedback", gate=gate.id, text="further")
        await copilot.until(lambda: moved_on(copilot, gate))
        assert [(a.by, a.aside) for a in copilot.idea(1).attempts] == [("agent", False), ("researcher", False)]


async def test_an_edit_that_comes_after_the_decision_is_kept(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        await copilot.decide("pause")
        await copilot.decide("approve", gate=gate.id)
        edit(train_of(copilot), "SPREAD = 0.01", "SPREAD = 0.02")
        (train_of(copilot).parent / "evaluate.py").write_text("ANSWER = 43\n")
        (train_of(copilot).parent / "notes.txt").write_text("mine\n")
        (train_of(copilot).parent / os.fsdecode(b"caf\xe9.txt")).write_text("mine too\n")
        await copilot.decide("resume")
        await copilot.until(copilot.task.done)
        idea = copilot.idea(1)
        assert idea.verdicts[-1].commit == idea.attempts[0].commit
        assert theirs(workspace.repository, idea.attempts[-1]) == "-SPREAD = 0.01\n+SPREAD = 0.02"
        warnings = [warning.text for warning in copilot.state.warnings if warning.about == "edit"]
        assert "train.py was edited after idea 1 was decided." in warnings
        assert any("caf�.txt, evaluate.py and notes.txt" in text for text in warnings)
        kept = copilot.layout.kept(copilot.state.session, 1).with_name("idea-1-1")
        assert (kept / "evaluate.py").read_text() == "ANSWER = 43\n"
        assert (kept / "notes.txt").read_text() == "mine\n"


async def test_an_edit_survives_the_copilot(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, unwatched: None
) -> None:
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        session, file = copilot.state.session, train_of(copilot)
    edit(file, "SPREAD = 0.01", "SPREAD = 0.02")
    with pytest.raises(RefusedError, match="You edited"):
        await asyncio.to_thread(deliver, workspace.layout, session, new_decision("approve", gate=gate.id))
    async with running(workspace, session) as copilot:
        await copilot.until(lambda: moved_on(copilot, gate))
        last = copilot.idea(1).attempts[-1]
        assert (last.by, last.aside) == ("researcher", False)
        assert theirs(workspace.repository, last) == "-SPREAD = 0.01\n+SPREAD = 0.02"


async def test_the_files_that_can_be_edited_are_those_of_the_patch_that_waits(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, unwatched: None
) -> None:
    """A patch that was written anew on a later champion left the files of the first one there."""
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        session, file = copilot.state.session, train_of(copilot)
        tree = copilot.bench.recorded_tree(copilot.idea(1))
    await asyncio.to_thread(tree.check_out, copilot.idea(1).parent_commit)
    assert "LEVEL = 0.9" not in file.read_text()
    async with running(workspace, session) as copilot:
        assert await copilot.gate() == gate
        await copilot.until(lambda: file.exists() and "LEVEL = 0.9" in file.read_text())


async def test_the_agent_goes_on_from_the_newest_attempt_on_the_parent_whatever_was_edited_elsewhere(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, unwatched: None
) -> None:
    scripted(FakeEngine([TUNE]))
    async with running(make_workspace(contract=ASKING)) as copilot:
        gate = await copilot.gate()
        (first,) = copilot.idea(1).attempts
        elsewhere = {"number": 2, "parent": "0" * 40, "aside": True, "by": "researcher"}
        copilot.idea(1).attempts.append(msgspec.structs.replace(first, **elsewhere))
        await copilot.decide("feedback", gate=gate.id, text="further")
        await copilot.until(lambda: moved_on(copilot, gate))
        source = copilot.bench.repository.read_file(copilot.idea(1).attempts[-1].commit, "train.py")
        assert b"LEVEL = 0.4" in (source or b"")


async def test_what_an_editor_leaves_beside_a_file_is_no_edit(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([TUNE]))
    contract = ASKING.replace('["train.py"]', '["**/*"]')
    async with running(make_workspace(contract=contract)) as copilot:
        gate = await copilot.gate()
        folder = train_of(copilot).parent
        for name in (".train.py.swp", "train.py~", "4913", ".#train.py", "__pycache__/train.cpython-311.pyc"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"\0")
        train_of(copilot).write_text(train_of(copilot).read_text())
        await asyncio.sleep(0.4)
        assert copilot.state.waiting == gate
        assert len(copilot.idea(1).attempts) == 1


@dataclasses.dataclass
class OvertakenEngine(FakeEngine):
    """The researcher saves something while it thinks, at the first attempt."""

    save: Callable[[], None] = lambda: None

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        if not self.assignments:
            self.save()
        return await super().implement(brief, assignment)


async def test_an_agent_that_is_overtaken_sets_to_work_again_on_what_the_researcher_wrote(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    workspace = make_workspace(contract=ASKING)
    trees = workspace.layout.worktrees
    engine = OvertakenEngine([("tune", [("LEVEL = 1.0", "LEVEL = 0.9")])])
    engine.save = lambda: edit(next(trees.glob("*/idea-1/train.py")), "SPREAD = 0.01", "SPREAD = 0.02")
    scripted(engine)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        edited, last = copilot.idea(1).attempts
        assert (edited.by, edited.aside) == ("researcher", True)
        assert theirs(workspace.repository, edited) == "-SPREAD = 0.01\n+SPREAD = 0.02"
        assert last.commit == gate.commit
        ours = workspace.repository.diff(edited.commit, last.commit, context=0)
        assert "+LEVEL = 0.9" in ours
        assert "SPREAD" not in ours
        assert [assignment.attempt for assignment in engine.assignments] == [1, 1]


async def test_a_model_is_told_of_an_edit_and_overwrites_none_unseen(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    workspace = make_workspace(contract=ASKING)
    trees = workspace.layout.worktrees

    def saved_before(turn: Turn, old: str, new: str) -> Callable[[Request], Turn]:
        def answer(_: Request) -> Turn:
            edit(next(trees.glob("*/idea-1/train.py")), old, new)
            return turn

        return answer

    whole = do("write_file", path="train.py", content="print('val_error: 0.3')\n")
    model = FakeModel(
        replace("LEVEL = 1.0", "LEVEL = 0.5"),
        saved_before(whole, "SPREAD = 0.01", "SPREAD = 0.02"),
        replace("LEVEL = 0.5", "LEVEL = 0.4"),
        saved_before(hand_in("Lower the level"), "SPREAD = 0.02", "SPREAD = 0.03"),
        hand_in("Lower the level"),
    )
    scripted(ModelledEngine([("level", [])], model="m", model_port=model))
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        attempts = copilot.idea(1).attempts
        # Each time what the agent had done by then is kept first, as its own.
        assert [(a.by[0], a.aside) for a in attempts] == [("a", 1), ("r", 1), ("a", 1), ("r", 1), ("a", 0)]
        assert theirs(workspace.repository, attempts[1]) == "-SPREAD = 0.01\n+SPREAD = 0.02"
        assert theirs(workspace.repository, attempts[3]) == "-SPREAD = 0.02\n+SPREAD = 0.03"
        assert gate.commit == attempts[4].commit
        source = (workspace.repository.read_file(gate.commit, "train.py") or b"").decode()
        assert "LEVEL = 0.4" in source
        assert "SPREAD = 0.03" in source
        told = shown(model.requests[2])
        assert "Not saved: the researcher changed train.py while you were at this turn" in told
        assert "The researcher edited train.py while you work" in told
        assert "+SPREAD = 0.02" in told
        assert "not handed in: the researcher changed train.py meanwhile" in shown(model.requests[4])


async def test_an_edit_of_a_decided_idea_outlives_cleaning_until_a_copilot_takes_it_in(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, capsys: pytest.CaptureFixture[str]
) -> None:
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        session, file = copilot.state.session, train_of(copilot)
    await asyncio.to_thread(deliver, workspace.layout, session, new_decision("reject", gate=gate.id, text="no"))
    edit(file, "SPREAD = 0.01", "SPREAD = 0.02")
    removed, used = await asyncio.to_thread(clean, workspace.layout, workspace.repository)
    assert (removed, used) == ([], [file.parent])
    assert await asyncio.to_thread(main, ["uninit", str(workspace.layout.root), "--yes"]) == 1
    assert "SPREAD = 0.02" in file.read_text()
    assert f"{file.parent} holds edits of yours that are in no commit" in " ".join(capsys.readouterr().err.split())
    async with running(workspace, session) as copilot:
        await copilot.until(copilot.task.done)
        last = copilot.idea(1).attempts[-1]
        assert (last.by, last.aside) == ("researcher", True)
        assert theirs(workspace.repository, last) == "-SPREAD = 0.01\n+SPREAD = 0.02"
    assert not file.exists()


async def test_what_an_agent_left_unrecorded_is_nobody_s_edit(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, unwatched: None
) -> None:
    """An older program, which kept no record of what was written, died while its agent was at work."""
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        session, file = copilot.state.session, train_of(copilot)
    await asyncio.to_thread(deliver, workspace.layout, session, new_decision("feedback", gate=gate.id, text="further"))
    workspace.layout.writes(session, 1).unlink()
    edit(file, "SPREAD = 0.01", "SPREAD = 0.02")
    async with running(workspace, session) as copilot:
        await copilot.until(lambda: moved_on(copilot, gate))
        assert [attempt.by for attempt in copilot.idea(1).attempts] == ["agent", "agent"]
    kept = workspace.layout.kept(session, 1).with_name("idea-1-1")
    assert "SPREAD = 0.02" in (kept / "train.py").read_text()


async def test_what_a_crash_left_of_a_retired_worktree_is_kept(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine([TUNE]))
    workspace = make_workspace(contract=ASKING)
    async with running(workspace) as copilot:
        gate = await copilot.gate()
        session, tree = copilot.state.session, train_of(copilot).parent
    await asyncio.to_thread(deliver, workspace.layout, session, new_decision("reject", gate=gate.id, text="no"))
    (tree / "train.py").write_text("theirs\n")
    tree.rename(retired_place(tree))
    uninit = ["uninit", str(workspace.layout.root), "--yes"]
    await asyncio.to_thread(clean, workspace.layout, workspace.repository)
    assert await asyncio.to_thread(main, uninit) == 1
    async with running(workspace, session) as copilot:
        await copilot.until(copilot.task.done)
    kept = workspace.layout.kept(session, 1).with_name("idea-1-1")
    assert (kept / "train.py").read_text() == "theirs\n"
    assert await asyncio.to_thread(main, uninit) == 1
    assert await asyncio.to_thread(main, [*uninit, "--force"]) == 0
    assert not kept.exists()
