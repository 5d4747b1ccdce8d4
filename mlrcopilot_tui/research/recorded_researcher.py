"""The researcher of a replay: does what the recorded one did, each thing where it was done."""

import asyncio
from collections.abc import Sequence

from mlrcopilot_tui.research.attempts import Attempts
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.conductor import Conductor
from mlrcopilot_tui.research.given import is_found
from mlrcopilot_tui.research.recorded import ReplayExecutor, ReplayPort
from mlrcopilot_tui.research.trials import announced
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.session.model_events import ModelCalled
from mlrcopilot_tui.session.records import Record


class RecordedResearcher:
    """Sends the recorded decisions, and writes into the files what was written there.

    Args:
        conductor: leads the replay.
        executor: the recorded runs, which an interrupt may cut.
        port: the recorded turns of the model, over which decisions may come in.
    """

    def __init__(self, conductor: Conductor, executor: ReplayExecutor, port: ReplayPort) -> None:
        self._conductor = conductor
        self._records: Sequence[Record] = conductor.records
        self._executor = executor
        self._port = port
        self._brought = 0

    async def decide(self, bench: Bench, begin: int, end: int) -> None:
        """Drops the decisions of a part of the recording into the inbox, each where it was taken up."""
        for after, decision in sorted(self.decisions(begin, end), key=lambda pair: pair[0]):
            await self._conductor.place(after)
            for exchange in self._in_flight(after, end):
                await self._port.asked(exchange)
            if decision.kind == "interrupt" and (trial := self._trial_under_way(after)):
                await self._executor.trial(trial)
            await self.set_stage(bench, decision)
            bench.session.inbox.drop(decision)

    def _in_flight(self, after: int, end: int) -> list[str]:
        """The exchanges that were under way when `after` events had happened."""
        events = [record.event for record in self._records[after:end]]
        return [event.exchange for event in events if isinstance(event, ModelCalled) and 0 < event.after <= after]

    def _trial_under_way(self, after: int) -> str:
        """The trial that an agent had begun but not seen the end of when `after` events had happened, if any."""
        for record in reversed(self._records[:after]):
            if isinstance(record.event, ev.AgentSaid) and record.event.agent == "ExperimentAgent":
                return announced(record.event.text) if record.event.kind == "action" else ""
        return ""

    async def set_stage(self, bench: Bench, decision: Decision) -> None:
        """Writes into an idea's files what the researcher had written there before they said so.

        What was noticed before they did has come about by itself.
        """
        answers = (record.event for record in self._records if isinstance(record.event, ev.GateAnswered))
        answer = next((answer for answer in answers if answer.decision == decision.id), None)
        if decision.kind == "edit" and answer is not None:
            await asyncio.to_thread(self._write_edit, bench, bench.state.gates[answer.gate].idea)

    def _write_edit(self, bench: Bench, idea: int) -> None:
        """Writes the next edit that became an attempt into the idea's files."""

        def is_edit(event: ev.PatchCommitted) -> bool:
            made = event.attempt
            return made.by == "researcher" and not made.aside and made.idea == idea

        index = self._conductor.next(ev.PatchCommitted, is_edit)
        event = None if index is None else self._records[index].event
        if isinstance(event, ev.PatchCommitted):
            bench.recorded_tree(bench.state.ideas[event.attempt.idea]).put(event.attempt.commit)

    def find_edits(self, bench: Bench, until: int) -> None:
        """Brings about what the events up to that place tell that the researcher did without a word."""
        for record in self._records[self._brought : until]:
            if is_found(record.event):
                self._find_edit(bench, record.event)
        self._brought = max(self._brought, until)

    def _find_edit(self, bench: Bench, event: ev.Event) -> None:
        if isinstance(event, ev.GateAnswered):
            self._write_edit(bench, bench.state.gates[event.gate].idea)
        elif isinstance(event, ev.PatchCommitted):
            found = event.attempt
            Attempts(bench).put_aside(found)
            tree = bench.recorded_tree(bench.state.ideas[found.idea])
            if found.by == "researcher" and tree.path.is_dir():
                tree.put(found.commit)
                tree.adopt(found.commit)

    def decisions(self, begin: int, end: int) -> list[tuple[int, Decision]]:
        """The decisions that took effect in a part of the recording, with the index at which each was taken up."""
        found = []
        for index in range(begin, end):
            event = self._records[index].event
            if isinstance(event, ev.DecisionApplied | ev.DecisionRefused) and not self._conductor.is_given(index):
                found.append((event.after or index, event.decision))
        return found
