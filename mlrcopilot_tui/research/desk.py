"""The desk where decisions take effect: each once; the first answer to a gate wins, a late one is told who answered."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from mlrcopilot_tui.errors import CopilotError, InputError, RefusedError
from mlrcopilot_tui.research.attempts import check_selection, chosen_patch
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.gates import Gatekeeper
from mlrcopilot_tui.research.ideas import MORE_IDEAS, IdeaGrower
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.session.events import (
    ChampionChanged,
    DecisionApplied,
    DecisionRefused,
    FeedbackTaken,
    GateAnswered,
    IdeaApproved,
    IdeaEdited,
    IdeaPruned,
    IdeasReordered,
    SessionPaused,
    SessionResumed,
)
from mlrcopilot_tui.session.model import Answer, Decision, Gate, Idea
from mlrcopilot_tui.session.state import IdeaState

Handler = Callable[[Decision], Awaitable[str]]


class DecisionDesk:
    """Applies decisions to a session that this process holds open.

    Args:
        quit_copilot: ends the loop; live runs go on.
    """

    def __init__(
        self, bench: Bench, laboratory: Laboratory, ideas: IdeaGrower, quit_copilot: Callable[[], None]
    ) -> None:
        self._bench = bench
        self._laboratory = laboratory
        self._ideas = ideas
        self._quit = quit_copilot
        self._handlers: dict[str, Handler] = {
            "approve": self._approve,
            "reject": self._reject,
            "feedback": self._feedback,
            "answer": self._answer,
            "edit": self._edit,
            "idea.add": self._add_idea,
            "idea.edit": self._edit_idea,
            "idea.prune": self._prune_idea,
            "idea.order": self._order_ideas,
            "idea.more": self._more_ideas,
            "revert": self._revert,
            "redo": self._redo,
            "stop": self._stop,
            "pause": self._pause,
            "resume": self._resume,
            "quit": self._let_go,
        }

    async def apply(self, decision: Decision) -> None:
        """Applies `decision`, or journals why not; one that the journal knows already is passed over."""
        if decision.id in self._bench.state.decisions:
            return
        try:
            said = await self._handlers[decision.kind](decision)
        except CopilotError as error:
            self._bench.session.record(DecisionRefused(decision=decision, reason=str(error)))
        else:
            self._bench.session.record(DecisionApplied(decision=decision, said=said))

    # Gates

    async def _approve(self, decision: Decision) -> str:
        gate = self._find_gate(decision)
        if gate is None or gate.kind == "ideas":
            return self._approve_ideas(decision, gate)
        if gate.kind != "patch":
            raise RefusedError("That question wants an answer in words.", "Use `mlrcopilot answer TEXT`.")
        patch = decision.patch
        if decision.hunks and not patch:
            patch = await asyncio.to_thread(chosen_patch, self._bench, gate.commit, decision.hunks)
        attempt = self._bench.state.attempt_of(gate.commit)
        if patch and attempt is not None:
            await asyncio.to_thread(check_selection, self._bench, attempt, patch)
        self._close(gate, "approve", decision, patch=patch)
        return f"Idea {gate.idea} may run." if not patch else f"Idea {gate.idea} may run with the hunks you took."

    def _approve_ideas(self, decision: Decision, gate: Gate | None) -> str:
        if gate is None and not decision.idea:
            raise _nothing_waits()
        waiting = [idea.idea.number for idea in self._bench.state.queue() if idea.status == "proposed"]
        numbers = [decision.idea] if decision.idea else waiting
        if not numbers or any(number not in waiting for number in numbers):
            raise self._not_waiting(decision.idea)
        for number in numbers:
            self._bench.session.record(IdeaApproved(idea=number, by=decision.by))
        if gate is not None:
            self._close(gate, "approve", decision)
        return f"Approved: idea {', '.join(map(str, numbers))}."

    async def _reject(self, decision: Decision) -> str:
        gate = self._find_gate(decision)
        if gate is not None and gate.kind == "patch":
            self._close(gate, "reject", decision)
            return f"The patch for idea {gate.idea} was rejected."
        return await self._prune_idea(decision)

    async def _feedback(self, decision: Decision) -> str:
        """Feedback on a patch that waits sends it back; other feedback stands for the idea or the session."""
        gate = self._find_gate(decision) if decision.gate or decision.idea else None
        bench = self._bench
        idea = gate.idea if gate is not None else decision.idea
        # Words on a patch are about the code with that patch in it.
        code = bench.code(gate.commit if gate is not None else "")
        understood = await bench.engine.ideas.understand(bench.brief(code, "IdeaAgent", idea), decision.text, idea)
        bench.session.record(FeedbackTaken(text=decision.text, understood=understood.said, idea=idea))
        if gate is not None and gate.kind == "patch":
            self._close(gate, "feedback", decision)
        return understood.said

    async def _answer(self, decision: Decision) -> str:
        gate = self._gate(decision)
        self._close(gate, "answer", decision)
        return "The agent has your answer."

    async def _edit(self, decision: Decision) -> str:
        gate = self._gate(decision)
        self._close(gate, "edit", decision)
        return f"Your edit of idea {gate.idea} becomes its next attempt."

    def _gate(self, decision: Decision) -> Gate:
        gate = self._find_gate(decision)
        if gate is None:
            raise _nothing_waits()
        return gate

    def _find_gate(self, decision: Decision) -> Gate | None:
        """The open gate that a decision is about: by its id, else by its idea, else the oldest that waits."""
        state = self._bench.state
        if decision.gate:
            gate = state.gates.get(decision.gate)
            if gate is None:
                raise RefusedError(f"There is no question {decision.gate}.", "`mlrcopilot status` shows what waits.")
            if (answer := state.answers.get(gate.id)) is not None:
                raise RefusedError(f"{answer.by} answered that first: {answer.answer}.")
            if decision.commit and gate.commit and decision.commit != gate.commit:
                raise RefusedError(f"That decision is about {decision.commit[:10]}, not {gate.commit[:10]}.")
            return gate
        waiting = [gate for gate in state.gates.values() if gate.id not in state.answers]
        if decision.idea:
            waiting = [gate for gate in waiting if gate.idea == decision.idea]
        return waiting[0] if waiting else None

    def _close(self, gate: Gate, answer: Answer, decision: Decision, *, patch: str = "") -> None:
        self._bench.session.record(
            GateAnswered(
                gate=gate.id,
                answer=answer,
                by=decision.by,
                text=decision.text,
                hunks=decision.hunks,
                patch=patch,
                decision=decision.id,
            )
        )

    # Ideas

    async def _add_idea(self, decision: Decision) -> str:
        bench = self._bench
        parent = decision.idea or None
        draft = await bench.engine.ideas.draft(bench.brief(bench.code(), "IdeaAgent"), decision.text, parent)
        if draft is None:
            raise RefusedError(
                f"The {bench.engine.name} engine cannot turn these words into an experiment.",
                "Name a technique or a setting of the code, such as a constant and its new value.",
            )
        base = bench.repository.resolve(decision.commit) if decision.commit else None
        self._ideas.add([draft], by="researcher", base=base)
        return f"Idea {max(bench.state.ideas)} stands in the tree: {draft.title}."

    async def _edit_idea(self, decision: Decision) -> str:
        idea = self._untried(decision.idea).idea
        allowed = {"title", "hypothesis", "rationale", "plan", "prediction"}
        changes = {name: value for name, value in decision.draft.items() if name in allowed}
        try:
            changed = msgspec.convert({**msgspec.to_builtins(idea), **changes}, Idea)
        except msgspec.ValidationError as error:
            raise InputError(f"That is no idea: {error}.") from error
        self._bench.session.record(IdeaEdited(idea=changed, by=decision.by))
        return f"Idea {idea.number} was rewritten."

    async def _prune_idea(self, decision: Decision) -> str:
        number = self._untried(decision.idea).idea.number
        self._bench.session.record(IdeaPruned(idea=number, reason=decision.text, by=decision.by))
        return f"Idea {number} will not be tried."

    async def _order_ideas(self, decision: Decision) -> str:
        known = tuple(number for number in decision.order if number in self._bench.state.ideas)
        self._bench.session.record(IdeasReordered(order=known, by=decision.by))
        return "The order stands."

    async def _more_ideas(self, decision: Decision) -> str:
        if decision.text:
            await self._feedback(decision)
        count = await self._ideas.propose(MORE_IDEAS)
        return f"{count} more ideas." if count else "The IdeaAgent has no further idea."

    def _untried(self, number: int) -> IdeaState:
        idea = self._bench.state.ideas.get(number)
        if idea is None or idea.status not in {"proposed", "approved"}:
            raise self._not_waiting(number)
        return idea

    def _not_waiting(self, number: int) -> RefusedError:
        idea = self._bench.state.ideas.get(number)
        if idea is None:
            return RefusedError(
                f"There is no idea {number} that waits." if number else "No idea waits for approval.",
                "`mlrcopilot log` lists the ideas.",
            )
        return RefusedError(f"Idea {number} is {idea.status} already.", f"`mlrcopilot show {number}` tells more.")

    # The session's line

    async def _revert(self, decision: Decision) -> str:
        commit = self._bench.repository.resolve(decision.commit)
        tip = await asyncio.to_thread(self._bench.line.revert, commit)
        self._moved(tip, "reverted", commit, decision)
        return f"{commit[:10]} was reverted; the line's tip {tip[:10]} is measured next."

    async def _redo(self, decision: Decision) -> str:
        commit = self._bench.repository.resolve(decision.commit)
        tip = await asyncio.to_thread(self._bench.line.redo, commit)
        self._moved(tip, "redone", commit, decision)
        return f"{commit[:10]} is back on the line; its tip {tip[:10]} is measured next."

    def _moved(self, tip: str, reason: str, of: str, decision: Decision) -> None:
        self._bench.session.record(
            msgspec.convert(
                {"commit": tip, "reason": reason, "of": of, "unmeasured": True, "decision": decision.id},
                ChampionChanged,
            )
        )

    # Runs and the loop

    async def _stop(self, decision: Decision) -> str:
        live = [run for run in self._bench.state.live_runs if not decision.run or run.run == decision.run]
        if not live:
            raise RefusedError(
                f"{decision.run} is not running." if decision.run else "Nothing is running.",
                "`mlrcopilot status` lists the live runs.",
            )
        for run in live:
            await self._laboratory.stop(run)
        return f"Stopping {', '.join(run.run for run in live)}."

    async def _pause(self, decision: Decision) -> str:
        if self._bench.state.paused:
            raise RefusedError("The session is paused already.", "`mlrcopilot resume` lets it go on.")
        self._bench.session.record(SessionPaused(by=decision.by))
        return "Nothing new starts until it is resumed; live runs go on."

    async def _resume(self, decision: Decision) -> str:
        if not self._bench.state.paused:
            raise RefusedError("The session is not paused.")
        self._bench.session.record(SessionResumed(by=decision.by))
        return "The session goes on."

    async def _let_go(self, _: Decision) -> str:
        self._quit()
        return "The copilot lets go; live runs go on."


def _nothing_waits() -> RefusedError:
    return RefusedError("No question waits for an answer.", "`mlrcopilot status` shows what is going on.")


def make_desk(bench: Bench) -> DecisionDesk:
    """A desk for a process that carries no loop on: it only applies decisions."""
    gates = Gatekeeper(bench.session)
    return DecisionDesk(bench, Laboratory(bench), IdeaGrower(bench, gates), lambda: None)
