"""Runs without a fence: the researcher agrees once per workspace before the first of them starts."""

from typing import TYPE_CHECKING, Final

from mlrcopilot_tui.errors import EnvironmentLackError, RefusedError
from mlrcopilot_tui.research.agreements import is_kept, keep
from mlrcopilot_tui.runs.landlock_sandbox import open_doors
from mlrcopilot_tui.runs.sandbox import Sandbox, why_not
from mlrcopilot_tui.session.events import GateAnswered
from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.workspace.layout import Layout

if TYPE_CHECKING:
    from mlrcopilot_tui.research.bench import Bench

SUBJECT: Final = "runs without a sandbox"
RIGHTS: Final = (
    "what the agents write runs with your own rights: it can read and change your files, and use the network"
)
REVIEWED: Final = "Each patch waits for your approval all the same: read it before you let it run."
HOW_ELSE: Final = "Nothing was run. Install bubblewrap, or use a machine whose kernel has Landlock."


def why_unfenced(sandbox: Sandbox) -> str:
    """Why runs are not fenced in here, as a sentence; empty where they are.

    A fence by Landlock that leaves a service within reach, which starts programs for whoever asks, holds nobody.
    """
    if sandbox.level == "plain":
        return f"No sandbox works here, so that {RIGHTS}. {why_not('bwrap')}"
    if sandbox.level == "landlock" and (doors := open_doors()):
        return f"Landlock leaves {', '.join(doors)} within reach, and what listens there starts programs for a run."
    return ""


def question(sandbox: Sandbox) -> str:
    """What the researcher is asked once; empty where runs are fenced in."""
    why = why_unfenced(sandbox)
    return f"May runs start without a sandbox in this workspace? {why}" if why else ""


def is_agreed(layout: Layout) -> bool:
    """Whether the researcher agreed to it in this workspace."""
    return is_kept(layout, SUBJECT, RIGHTS)


async def agreed(bench: "Bench") -> bool:
    """Sees to it that runs may start, by asking where need be; False where they may not.

    Nobody is asked where nothing but our own code runs: the offline engine's edits of a shipped template. Where
    nobody is there to be asked, it was said beforehand or refused.
    """
    asked = question(bench.sandbox)
    if not asked or bench.unfenced or bench.settings.auto or is_agreed(bench.layout):
        bench.gates.close("sandbox", "approve")
        return True
    if _is_ours(bench):
        return True
    for gate in list(bench.state.open_gates.values()):
        if gate.kind == "sandbox" and gate.question != asked:  # another machine, or other doors
            bench.session.record(GateAnswered(gate=gate.id, answer="reject", by="rule"))
    gate = bench.gates.open("sandbox", asked, forecast=REVIEWED)
    return (await bench.gates.answer(gate)).answer == "approve"


def _is_ours(bench: "Bench") -> bool:
    """Whether nothing but our own code runs: the offline engine's edits of a shipped template."""
    started = bench.state.started
    return started is not None and bool(started.template) and bench.engine.name == "offline"


def refuse_unfenced(bench: "Bench") -> None:
    """Raises `EnvironmentLackError` where runs are not fenced in, and the researcher has not agreed to that.

    Where this session's runs went with no better fence before, they have.
    """
    before = any(run.sandbox == bench.sandbox.level for run in bench.state.runs.values())
    if (asked := question(bench.sandbox)) and not (before or is_agreed(bench.layout) or _is_ours(bench)):
        raise EnvironmentLackError(asked, "`mlrcopilot run` asks you once for this workspace.")


def agree(bench: "Bench", gate: Gate) -> None:
    """Keeps the agreement that an answer to `gate` gives.

    Raises:
        RefusedError: the gate asked about another machine's fence.
    """
    if gate.question != question(bench.sandbox):
        raise RefusedError("That question was about another machine.", "`mlrcopilot run` asks anew.")
    keep(bench.layout, SUBJECT, RIGHTS)
