"""Trials against real processes in a real git workspace: what they see, how they end, what they leave."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pytest

from mlrcopilot_tui.agents.base import Assignment, Brief, Proposal, Withdrawal
from mlrcopilot_tui.agents.claude.actions import edits, running
from mlrcopilot_tui.agents.claude.actions.action import Workbench
from mlrcopilot_tui.agents.claude.experiment.fact_check import KnownNumbers
from mlrcopilot_tui.agents.host import Execution
from mlrcopilot_tui.research.begin import begin_session, open_bench
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.export import export_session
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.replay import replay
from mlrcopilot_tui.research.trials import Trials, read_output
from mlrcopilot_tui.runs.sandbox import PlainSandbox, best_sandbox, why_not
from mlrcopilot_tui.session.events import IdeaProposed, IdeaStarted
from mlrcopilot_tui.session.model import Idea
from mlrcopilot_tui.workspace.new_repository import init_repository
from mlrcopilot_tui.workspace.opening import Workspace, open_workspace
from mlrcopilot_tui.workspace.recorded_tree import RecordedTree
from mlrcopilot_tui.workspace.worktrees import force_remove, worktree_dirs
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.fakes.scripted_model import FakeModel
from tests.research.conftest import MakeWorkspace
from tests.research.running import Use, run_session
from tests.runs.lab import await_true, survivors

TRAIN = PurePosixPath("train.py")
CONTRACT = """
[task]
name = "tiny"
[run]
command = "python train.py"
env = { DEPTH = "3" }
pass_env = ["WANDB_API_KEY"]
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["*.py"]
protected = ["evaluate.py"]
hidden = ["answers.csv"]
shared = ["data/**"]
"""
BY_LEVEL = pytest.mark.parametrize("level", ["plain", "bwrap"])


@contextmanager
def at_work(root: Path, level: str = "plain") -> Iterator[tuple[Bench, RecordedTree]]:
    """A session whose idea 1 is being implemented."""
    if reason := why_not("bwrap") if level == "bwrap" else "":
        pytest.skip(reason)
    workspace = made(root)
    session = begin_session(workspace, Options())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlrcopilot_tui.research.begin.best_sandbox", PlainSandbox if level == "plain" else best_sandbox)
        with open_bench(workspace, session) as bench:
            idea = Idea(number=1, title="t", hypothesis="h")
            bench.session.record(IdeaProposed(idea=idea), IdeaStarted(idea=1, parent=bench.champion.commit))
            tree = bench.recorded_tree(bench.state.ideas[1])
            tree.check_out(bench.champion.commit)
            yield bench, tree


def made(root: Path) -> Workspace:
    root.mkdir(exist_ok=True)
    (root / "train.py").write_text("print('val_error: 0.5')\n")
    (root / "evaluate.py").write_text("ANSWER = 42\n")
    (root / "answers.csv").write_text("the answers\n")
    (root / "mlrcopilot.toml").write_text(CONTRACT)
    (root / ".gitignore").write_text("data\n")
    init_repository(root, "Start")
    (root / "data").mkdir()
    (root / "data/input.txt").write_text("an input")
    return open_workspace(root)


def positions(bench: Bench, tree: RecordedTree) -> tuple[str, str, dict[str, str]]:
    """Where the idea's HEAD and all refs are, and what its index holds."""
    dirs = worktree_dirs(bench.repository, tree.path)
    head, index = (
        bench.repository.run("rev-parse", "HEAD", dirs=dirs),
        bench.repository.run("ls-files", "-s", dirs=dirs),
    )
    return head.text, index.text, bench.repository.refs("refs/")


async def program(bench: Bench, code: str, limit_s: float = 30) -> Execution:
    """What `python -` says to the code."""
    host = bench.brief(bench.code(), "ExperimentAgent", 1).host
    return await host.execute(("python", "-"), limit_s=limit_s, stdin=textwrap.dedent(code))


@BY_LEVEL
async def test_a_trial_sees_the_files_as_they_stand_and_what_they_may_see(tmp_path: Path, level: str) -> None:
    with at_work(tmp_path / "w", level) as (bench, tree):
        tree.write(TRAIN, "print('changed')\n")
        tree.write(PurePosixPath("new.py"), "NEW = 1\n")
        places = positions(bench, tree)
        done = await program(
            bench,
            """
            import os, pathlib
            print(sorted(map(str, pathlib.Path().iterdir())))
            print(open("train.py").read(), open("data/input.txt").read())
            print(os.environ["DEPTH"], os.environ["MLRCOPILOT_SEED"])
            """,
        )
        assert (done.outcome, done.exit_code, done.name) == ("ok", 0, "x1"), done
        assert "['.gitignore', 'data', 'evaluate.py', 'mlrcopilot.toml', 'new.py', 'train.py']" in done.output
        assert "changed" in done.output
        assert "an input" in done.output
        assert "3 0" in done.output
        assert positions(bench, tree) == places, "a snapshot moves nothing"
        assert not bench.state.runs, "no number of a trial becomes a result"
        assert [said.text for _, said in bench.state.talk] == ["trial x1, 30 s at most: python - on 5 lines of its own"]


@BY_LEVEL
async def test_a_trial_writes_into_its_own_copy_which_is_gone_afterwards(tmp_path: Path, level: str) -> None:
    with at_work(tmp_path / "w", level) as (bench, tree):
        done = await program(bench, "open('train.py', 'w').write('broken('); open('made', 'w').write('x')")
        assert done.outcome == "ok"
        assert tree.read(TRAIN) == "print('val_error: 0.5')\n"
        assert not (tree.path / "made").exists()
        left = {path.name for path in (bench.layout.worktrees / bench.state.session).iterdir()}
        assert left == {"idea-1"}
        kept = bench.layout.trial(bench.state.session, "x1")
        assert {"spec.json", "output.log", "status.json"} <= {path.name for path in kept.iterdir()}


async def test_names_count_up_and_parallel_trials_do_not_meet(tmp_path: Path) -> None:
    with at_work(tmp_path / "w") as (bench, _):
        done = await asyncio.gather(*(program(bench, f"print({at})") for at in range(3)))
        assert sorted(one.name for one in done) == ["x1", "x2", "x3"]
        assert (await program(bench, "")).name == "x4"


async def test_output_is_kept_when_it_fails(tmp_path: Path) -> None:
    with at_work(tmp_path / "w") as (bench, _):
        done = await program(bench, "import sys; print('so far'); print('to stderr', file=sys.stderr); sys.exit(3)")
        assert (done.outcome, done.exit_code) == ("crashed", 3)
        assert "so far" in done.output
        assert "to stderr" in done.output


async def test_output_is_cleaned_and_its_middle_left_out(tmp_path: Path) -> None:
    with at_work(tmp_path / "w") as (bench, _):
        done = await program(
            bench,
            r"print('\x1b]52;c;aGk=\x07first\x1b[31m red'); print('x' * 90_000); print('1%\r50%\r100%'); print('last')",
        )
        assert done.output.startswith("first red\n")
        assert done.output.endswith("\n100%\nlast\n")
        assert "bytes left out" in done.output
        assert done.output_chars > 90_000
        assert len(done.output) < 70_000


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_output(tmp_path / "none") == ("", 0)


@BY_LEVEL
async def test_the_limit_ends_all_its_processes(tmp_path: Path, level: str) -> None:
    with at_work(tmp_path / "w", level) as (bench, _):
        done = await program(bench, FORKING, limit_s=1)
        assert (done.outcome, done.exit_code) == ("timeout", None)
        assert "started" in done.output
        assert not survivors(f"{bench.state.session}-trial-x1")


FORKING = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)
print("started", flush=True)
time.sleep(60)
"""


@BY_LEVEL
async def test_an_interruption_ends_it_at_once(tmp_path: Path, level: str) -> None:
    with at_work(tmp_path / "w", level) as (bench, _):
        task = asyncio.create_task(program(bench, FORKING))
        log = bench.layout.trial(bench.state.session, "x1") / "output.log"
        await asyncio.to_thread(await_true, lambda: log.exists() and b"started" in log.read_bytes())
        bench.gates.interrupt()
        done = await asyncio.wait_for(task, 10)
        assert (done.outcome, done.reason) == ("stopped", "The researcher interrupted it.")
        assert "started" in done.output
        assert not survivors(f"{bench.state.session}-trial-x1")


async def test_an_interruption_before_its_start_starts_nothing(tmp_path: Path) -> None:
    with at_work(tmp_path / "w") as (bench, _):
        task = asyncio.create_task(program(bench, "print('never')"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        bench.gates.interrupt()
        done = await asyncio.wait_for(task, 10)
        assert (done.outcome, done.output) == ("stopped", "")


async def test_a_cancelled_trial_leaves_nothing(tmp_path: Path) -> None:
    with at_work(tmp_path / "w") as (bench, _):
        task = asyncio.create_task(program(bench, FORKING))
        log = bench.layout.trial(bench.state.session, "x1") / "output.log"
        await asyncio.to_thread(await_true, lambda: log.exists() and b"started" in log.read_bytes())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not survivors(f"{bench.state.session}-trial-x1")
        assert {path.name for path in (bench.layout.worktrees / bench.state.session).iterdir()} == {"idea-1"}


@BY_LEVEL
def test_a_killed_copilot_takes_its_trial_along(tmp_path: Path, level: str) -> None:
    if reason := why_not("bwrap") if level == "bwrap" else "":
        pytest.skip(reason)
    script = textwrap.dedent(
        f"""
        import asyncio, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from tests.research.test_trials import FORKING, at_work, program
        async def main():
            with at_work(Path({str(tmp_path / "w")!r}), {level!r}) as (bench, _):
                await program(bench, FORKING)
        asyncio.run(main())
        """
    )
    copilot = subprocess.Popen([sys.executable, "-c", script])
    root = tmp_path / "w/.mlrcopilot/sessions"
    await_true(lambda: any(b"started" in log.read_bytes() for log in root.glob("*/trials/x1/output.log")))
    session = next(root.iterdir()).name
    assert survivors(f"{session}-trial-x1")
    os.kill(copilot.pid, signal.SIGKILL)
    copilot.wait()
    await_true(lambda: not survivors(f"{session}-trial-x1"))
    workspace = open_workspace(tmp_path / "w")
    with open_bench(workspace, session) as bench:
        trees = bench.layout.worktrees / session
        assert (trees / "trial-x1").exists()
        Trials(bench).remove_leftovers()
        assert {path.name for path in trees.iterdir()} == {"idea-1"}


async def test_a_sandbox_gives_no_network(tmp_path: Path) -> None:
    with at_work(tmp_path / "w", "bwrap") as (bench, _):
        done = await program(
            bench,
            """
            import socket
            listener = socket.socket()
            print(sorted(name for _, name in socket.if_nameindex()))
            try:
                socket.create_connection(("192.0.2.1", 80), timeout=3)
            except OSError as error:
                print("no way", error)
            """,
        )
        assert "['lo']" in done.output
        assert "no way" in done.output


async def test_a_sandbox_covers_the_originals_up(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="mlrcopilot-", dir="/var/tmp"))  # neither home nor /tmp
    try:
        with at_work(folder / "w", "bwrap") as (bench, _):
            done = await program(
                bench,
                f"""
                import pathlib
                top = pathlib.Path({str(folder / "w")!r})
                try:
                    print("answers", repr((top / "answers.csv").read_text()))
                except PermissionError:
                    print("answers ''")
                print("git", list((top / ".git").iterdir()))
                print("ours", sorted(path.name for path in (top / ".mlrcopilot").iterdir()))
                print("shared", pathlib.Path("data/input.txt").read_text())
                """,
            )
            assert "answers ''" in done.output, done.output
            assert "git []" in done.output
            assert "ours ['worktrees']" in done.output
            assert "shared an input" in done.output
    finally:
        force_remove(folder)


@BY_LEVEL
async def test_no_key_reaches_a_trial(tmp_path: Path, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret-0123456789")
    monkeypatch.setenv("WANDB_API_KEY", "wandb-secret-0123456789")
    with at_work(tmp_path / "w", level) as (bench, _):
        done = await program(bench, "import os; print(dict(os.environ))")
        assert "MLRCOPILOT_SEED" in done.output
        assert "secret-0123456789" not in done.output


async def test_a_changed_shared_input_is_said_where_nothing_prevents_it(tmp_path: Path) -> None:
    with at_work(tmp_path / "w", "plain") as (bench, _):
        done = await program(bench, "open('data/input.txt', 'a').write('!'); open('evaluate.py', 'w').write('')")
        assert done.outcome == "voided"
        assert "data/input.txt" in done.reason
        assert "evaluate.py" in done.reason


async def test_a_protected_file_cannot_be_written_in_a_sandbox(tmp_path: Path) -> None:
    with at_work(tmp_path / "w", "bwrap") as (bench, _):
        done = await program(bench, "open('evaluate.py', 'w').write('')")
        assert done.outcome == "crashed"
        assert "Read-only file system" in done.output


async def test_odd_input_is_no_accident(tmp_path: Path) -> None:
    with at_work(tmp_path / "w") as (bench, _):
        done = await program(bench, "print(ascii('\ud800é'))")
        assert done.output == "'?\\xe9'\n"
        host = bench.brief(bench.code(), "ExperimentAgent", 1).host
        with pytest.raises(Exception, match="characters that no command can have"):
            await host.execute(("python", "a\0b"), limit_s=1)
        missing = await host.execute(("no-such-program",), limit_s=1)
        assert missing.outcome == "not_started"
        assert "no-such-program" in missing.reason
        assert {path.name for path in (bench.layout.worktrees / bench.state.session).iterdir()} == {"idea-1"}


@BY_LEVEL
async def test_actions_execute_what_was_edited(tmp_path: Path, level: str) -> None:
    with at_work(tmp_path / "w", level) as (bench, tree):
        brief = bench.brief(tree, "ExperimentAgent", 1)
        desk = Workbench(brief, Assignment(bench.state.ideas[1].idea, 1), FakeModel(), KnownNumbers("val_error"))
        text = "import sys\nprint('val_error:', 1 / int(sys.argv[1]))\nsys.exit('out of words')\n"
        await edits.write_file(desk, edits.WriteFile(path="train.py", content=text))
        seen = await running.execute_script(desk, running.ExecuteScript(script="train.py", arguments=["8"]))
        assert "Outcome: crashed." in seen.text
        assert "val_error: 0.125" in seen.text
        assert "out of words" in seen.text
        seen = await running.run_python(desk, running.RunPython(code="import train"))
        assert "IndexError" in seen.text
        assert not desk.numbers.unbacked("The val_error is 0.125.")


async def test_the_idea_agent_tries_the_champion(tmp_path: Path) -> None:
    with at_work(tmp_path / "w") as (bench, tree):
        tree.write(TRAIN, "print('changed')\n")
        host = bench.brief(bench.code(), "IdeaAgent").host
        done = await host.execute(("python", "train.py"), limit_s=30)
        assert (done.outcome, done.output) == ("ok", "val_error: 0.5\n")


class TryingEngine(FakeEngine):
    """Tries the script before it edits it, and says what it printed."""

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        done = await brief.host.execute(("python", "train.py"), limit_s=30)
        brief.say("observation", f"{done.name} {done.outcome} {done.exit_code}\n{done.output}")
        return await super().implement(brief, assignment)


def test_a_replay_finds_trials_as_they_were(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, tmp_path: Path
) -> None:
    edits_made = [("better", [("LEVEL = 1.0", "LEVEL = 0.5")]), ("worse", [("LEVEL = 0.5", "LEVEL = 2.0")])]
    scripted(TryingEngine(edits_made))
    workspace = make_workspace()
    recorded = asyncio.run(run_session(workspace))
    told = [said.text for _, said in recorded.talk if said.kind == "observation"]
    assert [text.split()[0] for text in told] == ["x1", "x2"]
    assert all("val_error: " in text for text in told)
    target, ran = tmp_path / "session.cassette", len(instant.started)
    export_session(workspace, recorded.session, target, force=True)
    state = replay(target, tmp_path / "played", engine=lambda *_: TryingEngine(edits_made))
    assert state == recorded
    assert len(instant.started) == ran, "nothing is executed"
