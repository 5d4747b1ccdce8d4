"""Answers to gates: approve, reject, feedback, answer, edit. The first one wins, a late one is told who answered."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.research import consent, unfenced
from mlrcopilot_tui.research.attempts import check_selection, chosen_patch
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.edits import EDITED_MEANWHILE, FINISH, EditFirstError, Edits
from mlrcopilot_tui.research.effects import Effect, Handler
from mlrcopilot_tui.research.grants import refuse_stray_grant
from mlrcopilot_tui.research.idea_decisions import IdeaDecisions, not_waiting, understood
from mlrcopilot_tui.research.subjects import left_out, on_hunk, subject_of
from mlrcopilot_tui.session.events import FeedbackTaken, GateAnswered, IdeaApproved
from mlrcopilot_tui.session.model import Answer, Decision, Gate
from mlrcopilot_tui.session.subjects import HunkNote, LeftOut, Subject
from mlrcopilot_tui.session.tag_words import tagged

TAKEN_IN: Final = "Your edit was taken in already: it is the idea's next attempt."


class GateDecisions:
    """Works out what answers to a session's questions do."""

    def __init__(self, bench: Bench, ideas: IdeaDecisions) -> None:
        self._bench = bench
        self._ideas = ideas
        self._edits = Edits(bench)

    def handlers(self) -> dict[str, Handler]:
        """By kind of decision."""
        return {
            "approve": self._approve,
            "reject": self._reject,
            "feedback": self._feedback,
            "answer": self._answer,
            "edit": self._edit,
        }

    async def _approve(self, decision: Decision) -> Effect:
        gate = self._find_gate(decision)
        refuse_stray_grant(decision, gate)
        if gate is None or gate.kind == "ideas":
            return self._approve_ideas(decision)
        if gate.kind == "consent":
            closed = self._closed(gate, "approve", decision)
            given = consent.give(self._bench, gate, decision.by)
            return Effect(f"Agreed: what agents work with may go to {given.endpoint}.", (closed, given))
        if gate.kind == "sandbox":
            closed = self._closed(gate, "approve", decision)
            unfenced.agree(self._bench, gate)
            return Effect("Agreed, once for this workspace: runs go without a sandbox.", (closed,))
        if gate.kind == "patch":
            await self._edits.refuse_unseen(gate)
            self._refuse_late(gate)
        else:
            raise RefusedError("That question wants an answer in words.", "Use `mlrcopilot answer TEXT`.")
        patch = decision.patch
        if decision.hunks and not patch:
            patch = await asyncio.to_thread(chosen_patch, self._bench, gate.commit, decision.hunks)
        attempt = self._bench.state.attempt_of(gate.commit)
        rest: tuple[LeftOut, ...] = ()
        if patch and attempt is not None:
            tree = await asyncio.to_thread(check_selection, self._bench, attempt, patch)
            rest = await asyncio.to_thread(left_out, self._bench, attempt, tree, decision.notes)
        noted = await self._noted(decision, gate)
        tags = attempt.tags if attempt is not None and not patch else ()
        in_view = f", tagged {tagged(tags)}" if tags else ""
        said = f"Idea {gate.idea} may run{_how(decision, patch)}{in_view}."
        closed = self._closed(gate, "approve", decision, patch=patch, left_out=rest)
        return Effect(said, (*noted, closed))

    def _approve_ideas(self, decision: Decision) -> Effect:
        state = self._bench.state
        gates = [gate for gate in state.open_gates.values() if gate.kind == "ideas"]
        if not gates and not decision.idea:
            raise _nothing_waits()
        waiting = [idea.idea.number for idea in state.queue() if idea.status == "proposed"]
        numbers = [decision.idea] if decision.idea else waiting
        if not numbers or any(number not in waiting for number in numbers):
            raise not_waiting(state, decision.idea)
        takes = self._bench.engine.experiments.takes
        beyond = [number for number in numbers if not takes(state.ideas[number].idea)]
        if beyond == numbers:
            raise RefusedError(
                f"The {self._bench.engine.name} engine cannot carry out idea {beyond[0]}, which another engine wrote.",
                "Run the session with that engine: `mlrcopilot run --engine NAME`.",
            )
        numbers = [number for number in numbers if number not in beyond]
        approved = [IdeaApproved(idea=number, by=decision.by) for number in numbers]
        closed = [self._closed(gate, "approve", decision) for gate in gates]
        return Effect(f"Approved: idea {', '.join(map(str, numbers))}.", (*approved, *closed))

    async def _reject(self, decision: Decision) -> Effect:
        gate = self._find_gate(decision)
        if gate is not None and gate.kind == "patch":
            noted = await self._noted(decision, gate)
            if not decision.text:
                decision = msgspec.structs.replace(decision, text=_as_reason(noted))
            await self._edits.take_with(gate, whatever=True)
            closed = self._closed(gate, "reject", decision)
            return Effect(f"The patch for idea {gate.idea} was rejected.", (*noted, closed))
        if gate is not None and gate.kind == "consent":
            closed = self._closed(gate, "reject", decision)
            return Effect(f"Nothing is sent, and the copilot stops. {consent.OFFLINE}", (closed,))
        if gate is not None and gate.kind == "sandbox":
            closed = self._closed(gate, "reject", decision)
            return Effect("Nothing is run, and the copilot stops.", (closed,))
        return await self._ideas.prune(decision)

    async def _feedback(self, decision: Decision) -> Effect:
        """Words on a patch that waits, or on its hunks, send it back; others stand for the idea or the session."""
        bench = self._bench
        gate = self._find_gate(decision) if decision.gate or decision.idea else None
        if gate is not None and not (gate.kind == "patch" and _on_patch(decision)):
            decision, gate = msgspec.structs.replace(decision, idea=decision.idea or gate.idea), None
        if not (decision.text or (decision.notes and gate is not None)):
            raise InputError("Nothing was said.", "Say it in a sentence.")
        if gate is not None:
            await self._edits.refuse_broken(gate)
        about = await asyncio.to_thread(subject_of, bench, decision, gate)
        said = [(note.text, await self._about(gate, note)) for note in decision.notes if gate is not None]
        said += [(decision.text, about)] if decision.text else []
        # Words on a patch are about the code with that patch in it.
        commit = gate.commit if gate is not None else ""
        taken = [await understood(bench, words, subject, commit) for words, subject in said]
        if gate is not None:
            await self._edits.take_with(gate)
        closed = (self._closed(gate, "feedback", decision),) if gate is not None else ()
        return Effect(" ".join(dict.fromkeys(each.understood for each in taken)), (*taken, *closed))

    async def _noted(self, decision: Decision, gate: Gate) -> tuple[FeedbackTaken, ...]:
        """The notes of a decision on a patch that is not revised: they are for the record, and for later ideas."""
        about = [await self._about(gate, note) for note in decision.notes]
        notes = zip(decision.notes, about, strict=True)
        return tuple(FeedbackTaken(text=n.text, understood="", idea=gate.idea, about=subject) for n, subject in notes)

    async def _about(self, gate: Gate, note: HunkNote) -> Subject:
        attempt = self._bench.state.attempt_of(gate.commit)
        if attempt is None or not note.text.strip():
            raise InputError("A note wants a hunk of a patch, and words.")
        return await asyncio.to_thread(on_hunk, self._bench, attempt, note)

    async def _answer(self, decision: Decision) -> Effect:
        gate = self._gate(decision, "question")
        return Effect("The agent has your answer.", (self._closed(gate, "answer", decision),))

    async def _edit(self, decision: Decision) -> Effect:
        """Takes what the researcher has saved; it may have been noticed before they said so."""
        noticed, state = self._noticed(decision), self._bench.state
        if noticed and (decision.gate or not any(gate.idea == decision.idea for gate in state.open_gates.values())):
            return Effect(TAKEN_IN)
        gate = self._gate(decision, "patch")
        found = await asyncio.to_thread(self._edits.look, state.ideas[gate.idea])
        if noticed and not found.files:
            return Effect(TAKEN_IN)
        if found.problem:
            raise EditFirstError(found.problem, "Reject the patch." if "whole patch" in found.problem else FINISH)
        if not found.files:
            raise EditFirstError("Nothing is edited in the idea's worktree.", "Save your change, then say so.")
        closed = self._closed(gate, "edit", decision)
        return Effect(f"Your edit of idea {gate.idea} becomes its next attempt.", (closed,))

    def _noticed(self, decision: Decision) -> bool:
        """Whether an edit has answered the question that is meant, or the newest on the idea, without a word."""
        state = self._bench.state
        asked = [gate for gate in state.gates.values() if gate.kind == "patch" and gate.id in state.answers]
        meant = [g for g in asked if (g.id == decision.gate if decision.gate else g.idea == decision.idea)]
        answer = state.answers[meant[-1].id] if meant else None
        return answer is not None and answer.answer == "edit" and not answer.decision

    def _gate(self, decision: Decision, kind: str) -> Gate:
        gate = self._find_gate(decision)
        if gate is None:
            raise _nothing_waits()
        if gate.kind != kind:
            raise RefusedError(
                "What waits is a yes or a no, not an answer in words." if kind == "question" else "No patch waits.",
                "`mlrcopilot status` shows what waits.",
            )
        return gate

    def _find_gate(self, decision: Decision) -> Gate | None:
        """The open gate that a decision is about: by its id, else by its idea, else the oldest that waits."""
        state = self._bench.state
        if decision.gate:
            gate = state.gates.get(decision.gate)
            if gate is None:
                raise RefusedError(f"There is no question {decision.gate}.", "`mlrcopilot status` shows what waits.")
            self._refuse_late(gate)
            if decision.commit and gate.commit and decision.commit != gate.commit:
                raise RefusedError(f"That decision is about {decision.commit[:10]}, not {gate.commit[:10]}.")
            return gate
        waiting = list(state.open_gates.values())
        if decision.idea:
            waiting = [gate for gate in waiting if gate.idea == decision.idea]
        return waiting[0] if waiting else None

    def _closed(
        self, gate: Gate, answer: Answer, decision: Decision, *, patch: str = "", left_out: tuple[LeftOut, ...] = ()
    ) -> GateAnswered:
        self._refuse_late(gate)
        return GateAnswered(
            gate=gate.id,
            answer=answer,
            by=decision.by,
            text=decision.text,
            hunks=decision.hunks,
            patch=patch,
            decision=decision.id,
            network=decision.network,
            left_out=left_out,
        )

    def _refuse_late(self, gate: Gate) -> None:
        if (answer := self._bench.state.answers.get(gate.id)) is not None:
            if answer.answer == "edit" and not answer.decision:
                raise EditFirstError(EDITED_MEANWHILE.format(files=answer.text))
            raise RefusedError(f"{answer.by} answered that first: {answer.answer}.")


def _how(decision: Decision, patch: str) -> str:
    if decision.network:
        return ", with the network on for this patch alone"
    return " with the hunks you took" if patch else ""


def _on_patch(decision: Decision) -> bool:
    """Whether words are about a patch that waits, rather than about a run or a verdict before it."""
    return decision.about is None or decision.about.kind in {"idea", "patch", "hunk"}


def _as_reason(noted: Sequence[FeedbackTaken]) -> str:
    """What was said of hunks, as the reason why their patch is rejected."""
    return "; ".join(f"{said.about.told}: {said.text}" if said.about else said.text for said in noted)


def _nothing_waits() -> RefusedError:
    return RefusedError("No question waits for an answer.", "`mlrcopilot status` shows what is going on.")
