"""The desk where decisions take effect, each once: its effects and the word that it was applied are one write."""

from collections.abc import Callable
from typing import Final

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.edits import EditFirstError
from mlrcopilot_tui.research.effects import Handler
from mlrcopilot_tui.research.gate_decisions import GateDecisions
from mlrcopilot_tui.research.idea_decisions import IdeaDecisions
from mlrcopilot_tui.research.ideas import IdeaGrower
from mlrcopilot_tui.research.instruction_decisions import InstructionDecisions
from mlrcopilot_tui.research.line_decisions import LineDecisions
from mlrcopilot_tui.research.loop_decisions import LoopDecisions
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.noting import note_what_changed
from mlrcopilot_tui.research.result_decisions import ResultDecisions
from mlrcopilot_tui.research.settings_decisions import SettingsDecisions
from mlrcopilot_tui.session.events import DecisionApplied, DecisionRefused, Outside
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.workspace.git import RefHeldError

URGENT: Final = frozenset({"stop", "pause", "resume", "interrupt", "settings", "quit", "ablate.stop"})
"""Kinds that wait for no agent to finish its answer to an earlier decision."""


class DecisionDesk:
    """Applies decisions to a session that this process holds open.

    Args:
        bench: the session.
        laboratory: stops runs.
        quit_copilot: ends the loop; live runs go on. None where no loop runs.
    """

    def __init__(self, bench: Bench, laboratory: Laboratory, quit_copilot: Callable[[], None] | None = None) -> None:
        self._bench = bench
        ideas = IdeaDecisions(bench, IdeaGrower(bench, bench.gates))
        self._handlers: dict[str, Handler] = {
            **GateDecisions(bench, ideas).handlers(),
            **ideas.handlers(),
            **LineDecisions(bench, at_work=quit_copilot is not None).handlers(),
            **LoopDecisions(bench, laboratory, quit_copilot).handlers(),
            **ResultDecisions(bench, laboratory, alone=quit_copilot is None).handlers(),
            **SettingsDecisions(bench).handlers(),
            **InstructionDecisions(bench).handlers(),
        }

    async def apply(self, decision: Decision) -> None:
        """Applies `decision`, or journals why not; one that the journal knows already is passed over."""
        if decision.id in self._bench.state.decisions:
            return
        after = self._bench.state.seq
        try:
            effect = await self._handlers[decision.kind](decision)
        except CopilotError as error:
            about: Outside = "branch" if isinstance(error, RefHeldError) else ""
            about = "edit" if isinstance(error, EditFirstError) else about
            refused = DecisionRefused(decision=decision, reason=str(error), after=after, about=about)
            self._bench.session.record(refused)
        except Exception as error:  # noqa: BLE001 - else the same decision would break every copilot that starts
            reason = f"An error of mlrcopilot's own: {self._bench.note_error(error)}"
            self._bench.session.record(DecisionRefused(decision=decision, reason=reason, after=after))
        else:
            self._bench.session.record(
                *effect.events, DecisionApplied(decision=decision, said=effect.said, after=after)
            )
            await note_what_changed(self._bench, effect.events)
