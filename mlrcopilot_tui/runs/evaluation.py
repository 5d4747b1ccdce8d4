"""Evaluation: a command of the researcher's that measures what a run has left, once nothing of it runs any more."""

import os
import shlex
from typing import Final

import msgspec

from mlrcopilot_tui.runs.seals import Seals
from mlrcopilot_tui.runs.spec import METRICS_VARIABLE, RunSpec, SandboxPolicy

SEPARATOR: Final = "\n===== evaluation: {command} =====\n"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One of the commands of a run, and what it finds; see `RunSpec`."""

    argv: tuple[str, ...]
    env: dict[str, str]
    tree: str
    sandbox: SandboxPolicy
    stdin: str = ""


class Evaluation:
    """The evaluation of one run; made before the run starts."""

    def __init__(self, spec: RunSpec) -> None:
        self._spec = spec
        self._seals = Seals(spec)

    @property
    def heading(self) -> bytes:
        """What stands between the run's output and that of the evaluation."""
        return SEPARATOR.format(command=shlex.join(self._spec.evaluate_argv)).encode()

    def prepare(self) -> str:
        """Looks over what the run has left; the sentence that comes back says why it is not to be measured."""
        return self._seals.objection()

    def command(self) -> Command:
        """What is to be started, once it is prepared."""
        spec = self._spec
        # No compiled code counts that the run may have put beside the sources: below a device there is no cache.
        env = spec.env | {METRICS_VARIABLE: os.devnull, "PYTHONPYCACHEPREFIX": os.devnull}
        return Command(argv=spec.evaluate_argv, env=env, tree=spec.tree, sandbox=spec.sandbox)


def training(spec: RunSpec) -> Command:
    """The run's first command, as its spec has it."""
    return Command(argv=spec.argv, env=spec.env, tree=spec.tree, sandbox=spec.sandbox, stdin=spec.stdin)
