"""Evaluation: a command of the researcher's that measures what a run has left, once nothing of it runs any more."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from mlrcopilot_tui.runs.isolation import isolation
from mlrcopilot_tui.runs.process_tree import ProcessTree, tie_to
from mlrcopilot_tui.runs.spec import METRICS_VARIABLE, RUN_VARIABLE, RunSpec, SandboxPolicy, TreeMade
from mlrcopilot_tui.runs.watch import Cut

HEADING: Final = "\n===== evaluation: {command} =====\n"
LEFT: Final = "Not taken over: {what}\n"
MAKING_S: Final = 600.0
"""A clean tree took 0.6 s to make, with 1,000 files 1.1 s (2 vCPU Xeon VM at a load of 9, Python 3.11); large ones on
slow disks take longer."""
ASK_S: Final = 0.05


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One of the commands of a run, and what it finds; see `RunSpec`."""

    argv: tuple[str, ...]
    env: dict[str, str]
    tree: str
    sandbox: SandboxPolicy
    stdin: str = ""


def training(spec: RunSpec) -> Command:
    """The run's first command, as its spec has it."""
    return Command(argv=spec.argv, env=spec.env, tree=spec.tree, sandbox=spec.sandbox, stdin=spec.stdin)


def evaluation(spec: RunSpec, made: TreeMade) -> Command:
    """The run's second command; it may execute what the run wrote, so it is fenced in like the first."""
    # No compiled code counts that lies beside the sources: below a device there is no cache.
    env = spec.env | {METRICS_VARIABLE: os.devnull, "PYTHONPYCACHEPREFIX": os.devnull}
    sandbox = msgspec.structs.replace(spec.sandbox, network=False)
    if spec.clean_tree:
        sandbox = msgspec.structs.replace(sandbox, read_only=made.read_only, hidden=spec.clean_tree.hidden)
    return Command(argv=spec.evaluate_argv, env=env, tree=spec.tree, sandbox=sandbox)


def heading(spec: RunSpec, made: TreeMade) -> bytes:
    """What stands between the run's output and that of its evaluation."""
    lines = (LEFT.format(what=what) for what in made.left)
    return (HEADING.format(command=shlex.join(spec.evaluate_argv)) + "".join(lines)).encode("utf-8", "replace")


def obstacle(command: Command) -> Cut | None:
    """What keeps a command from being started, said better than a sandbox would say it."""
    tree, program = Path(command.tree), command.argv[0]
    if not tree.is_dir():
        return Cut("not_started", f"The run's tree {tree} does not exist.")
    path = command.env.get("PATH")
    found = os.access(tree / program, os.X_OK) if "/" in program else shutil.which(program, path=path)
    return None if found else Cut("not_started", f"The command `{program}` does not exist or is no program.")


def make_tree(spec: RunSpec, tree: ProcessTree, objection: Callable[[], Cut | None]) -> TreeMade | Cut:
    """Has the clean tree made, by a process of its own: only what is evaluated waits for git.

    Args:
        spec: the run.
        tree: ends all that the making has started, however it ends.
        objection: asked every `ASK_S` seconds; a `Cut` ends the making.
    """
    if spec.clean_tree is None:
        return TreeMade()
    try:
        maker = subprocess.Popen(
            [sys.executable, isolation(), "-m", *spec.clean_tree.maker],
            env={**os.environ, RUN_VARIABLE: spec.run},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=tie_to(os.getpid()),  # noqa: PLW1509  takes no lock of a GPU reader's thread
        )
        try:
            answer = _answer(maker, objection)
        finally:
            tree.sweep()
        made = answer if isinstance(answer, Cut) else msgspec.json.decode(answer, type=TreeMade)
    except subprocess.CalledProcessError as error:
        return _unmade((error.stderr.decode(errors="replace").strip().splitlines() or [str(error)])[-1])
    except (OSError, msgspec.DecodeError) as error:
        return _unmade(str(error))
    return Cut("voided", made.objection) if isinstance(made, TreeMade) and made.objection else made


def _answer(maker: "subprocess.Popen[bytes]", objection: Callable[[], Cut | None]) -> bytes | Cut:
    """What the maker says, once it has ended; it is left running where it must not go on."""
    deadline = time.monotonic() + MAKING_S
    while time.monotonic() < deadline:
        try:
            said, complained = maker.communicate(timeout=ASK_S)
        except subprocess.TimeoutExpired:
            if cut := objection():
                return cut
            continue
        if maker.returncode:
            raise subprocess.CalledProcessError(maker.returncode, maker.args, said, complained)
        return said
    return _unmade(f"it took longer than {MAKING_S:g} s")


def _unmade(why: str) -> Cut:
    return Cut("not_evaluated", f"The tree for its evaluation could not be made: {why.rstrip('.')}.")
