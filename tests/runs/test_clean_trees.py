"""Whoever makes the tree of an evaluation ends when the run is stopped and dies with the run's supervisor."""

import os
import signal

import msgspec

from mlrcopilot_tui.research.failures import failure_verdict
from mlrcopilot_tui.research.retries import failed_run
from mlrcopilot_tui.research.steps import REPAIRABLE
from mlrcopilot_tui.runs.spec import CleanTree, RunSpec
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned, RunStarted
from mlrcopilot_tui.session.state import fold
from tests.runs.lab import Lab, await_true, survivors

SLOW = "open({mark!r}, 'w').close(); import subprocess; subprocess.run(['sleep', '600'])"


def slowly_made(lab: Lab) -> RunSpec:
    """A run whose clean tree takes very long to make, in a child of its maker."""
    code = SLOW.format(mark=str(lab.mark("making")))
    clean = CleanTree(maker=("timeit", "-n", "1", "-r", "1", code))
    return evaluated(lab, clean)


def evaluated(lab: Lab, clean: CleanTree) -> RunSpec:
    spec = lab.spec("print('val_error: 0.5')", evaluate_argv=("true",))
    return msgspec.structs.replace(spec, clean_tree=clean)


async def test_a_stop_ends_the_making_of_a_clean_tree(lab: Lab) -> None:
    spec = slowly_made(lab)
    folder = lab.start(spec)
    await_true(lambda: lab.mark("making").exists() and len(survivors(spec.run)) == 2)
    lab.executor.stop(folder)
    assert (await lab.executor.wait(folder)).outcome == "stopped"
    assert not survivors(spec.run)


def test_the_status_is_written_while_a_clean_tree_is_made(lab: Lab) -> None:
    folder = lab.start(slowly_made(lab))
    await_true(lab.mark("making").exists)
    status = lab.executor.status(folder)
    assert status
    await_true(lambda: (now := lab.executor.status(folder)) and now.wall_s > status.wall_s)
    lab.executor.stop(folder)
    await_true(lambda: (now := lab.executor.status(folder)) and now.state == "finished")


async def test_a_killed_supervisor_takes_the_maker_of_a_clean_tree_along(lab: Lab) -> None:
    spec = slowly_made(lab)
    folder = lab.start(spec)
    await_true(lambda: lab.mark("making").exists() and len(survivors(spec.run)) == 2)
    status = lab.executor.status(folder)
    assert status
    maker = next(process for process in survivors(spec.run) if process.ppid() == status.supervisor_pid)
    os.kill(status.supervisor_pid, signal.SIGKILL)
    assert (await lab.executor.wait(folder)).outcome == "lost"
    await_true(lambda: maker not in survivors(spec.run))
    for process in survivors(spec.run):  # told by the run's mark, as the copilot does
        process.kill()


async def test_a_clean_tree_that_cannot_be_made_is_no_fault_of_the_run_and_is_not_tried_again(lab: Lab) -> None:
    folder = lab.start(
        evaluated(lab, CleanTree(maker=("timeit", "-n", "1", "-r", "1", "raise OSError(28, 'No space')")))
    )
    status = await lab.executor.wait(folder)
    assert (status.outcome, status.value) == ("not_evaluated", None)
    assert status.reason == "The tree for its evaluation could not be made: OSError: [Errno 28] No space."
    told = [
        RunPlanned(run="r1", commit="c", seed=0, purpose="idea", key="k"),
        RunStarted(run="r1", sandbox="landlock", network=False),
        RunFinished(run="r1", outcome="not_evaluated", reason=status.reason, value=None, wall_s=1.0, log_sha256=""),
    ]
    failed = failed_run(fold(Record(seq, f"{seq:03}", event) for seq, event in enumerate(told, 1)), "c")
    assert failed is not None
    assert failed.outcome not in REPAIRABLE
    assert failure_verdict(failed).kind == "inconclusive"
