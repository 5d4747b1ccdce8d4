"""Evaluation: a command of the researcher's that measures what a run has left, once nothing of it runs any more."""

import os
import shlex
import subprocess
import sys
from typing import Final

import msgspec

from mlrcopilot_tui.runs.isolation import isolation
from mlrcopilot_tui.runs.spec import METRICS_VARIABLE, CleanTree, RunSpec, SandboxPolicy, TreeMade
from mlrcopilot_tui.runs.watch import Cut

HEADING: Final = "\n===== evaluation: {command} =====\n"
LEFT: Final = "Not taken over: {what}\n"
MAKING_S: Final = 600.0
"""A clean tree took 0.6 s to make, with 1,000 files 1.1 s (2 vCPU Xeon VM at a load of 9, Python 3.11); large ones on
slow disks take longer."""


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


def make_tree(clean: CleanTree | None) -> TreeMade | Cut:
    """Has the clean tree made, by a process of its own: only what is evaluated waits for git."""
    if clean is None:
        return TreeMade()
    command = [sys.executable, isolation(), "-m", *clean.maker]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=MAKING_S, check=True)
        made = msgspec.json.decode(done.stdout, type=TreeMade)
    except subprocess.CalledProcessError as error:
        return _unmade((error.stderr.decode(errors="replace").strip().splitlines() or [str(error)])[-1])
    except (OSError, subprocess.TimeoutExpired, msgspec.DecodeError) as error:
        return _unmade(str(error))
    return Cut("voided", made.objection) if made.objection else made


def _unmade(why: str) -> Cut:
    return Cut("lost", f"The tree for its evaluation could not be made: {why.rstrip('.')}.")
