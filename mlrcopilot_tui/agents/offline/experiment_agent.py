"""The offline ExperimentAgent: applies an idea's recipe, follows feedback, and mends or withdraws what crashed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal

from mlrcopilot_tui.agents.base import Assignment, Brief, Proposal, Withdrawal
from mlrcopilot_tui.agents.offline.catalogue import technique_by_id
from mlrcopilot_tui.agents.offline.claims import claims_on
from mlrcopilot_tui.agents.offline.knobs import Knob
from mlrcopilot_tui.agents.offline.mending import mended
from mlrcopilot_tui.agents.offline.patching import (
    Desk,
    applied,
    in_effect,
    leave_out,
    named,
    open_desk,
    taken_back,
    undone,
    way_back,
)
from mlrcopilot_tui.agents.offline.proposals import knob_title, listed
from mlrcopilot_tui.agents.offline.recipe import ImportPart, KnobPart, Part, Recipe, from_dict, to_dict
from mlrcopilot_tui.agents.offline.repair import diagnose
from mlrcopilot_tui.agents.offline.snapshots import snapshot
from mlrcopilot_tui.agents.offline.steering import adjusted, freed
from mlrcopilot_tui.agents.offline.words import locks, read
from mlrcopilot_tui.session.model import Idea, PlanClaim
from mlrcopilot_tui.session.words import Words

MAX_ATTEMPTS = 6


class OfflineExperimentAgent:
    """Implements `ExperimentAgent` without a model."""

    def takes(self, idea: Idea) -> bool:
        """Ideas with a recipe, which only this engine writes."""
        return bool(from_dict(idea.recipe).parts)

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        """Edits the tree by the idea's recipe; see the module."""
        work = await asyncio.to_thread(_worked, snapshot(brief), assignment)
        for kind, text in work.said:
            brief.say(kind, text)
        brief.host.took_in("implement", work.heeded, idea=assignment.idea.number, attempt=assignment.attempt)
        if isinstance(work.result, Proposal):
            for path, text in work.texts.items():
                brief.tree.write(PurePosixPath(path), text)
        return work.result


@dataclass(slots=True)
class _Work:
    """What came of one assignment, before anything is said or written."""

    result: Proposal | Withdrawal = field(default_factory=lambda: Withdrawal("Nothing was done."))
    texts: dict[str, str] = field(default_factory=dict)
    said: list[tuple[Literal["action", "observation"], str]] = field(default_factory=list)
    heeded: list[Words] = field(default_factory=list)

    def did(self, text: str) -> None:
        """Something was changed."""
        self.said.append(("action", text))

    def saw(self, text: str) -> None:
        """Something was noticed."""
        self.said.append(("observation", text))


def _worked(brief: Brief, assignment: Assignment) -> _Work:
    """The whole of an assignment in memory: where it starts from, what is to be done, and the proposal."""
    work = _Work()
    recipe = from_dict(assignment.idea.recipe)
    if not recipe.parts:
        work.result = Withdrawal("The offline engine has no rule for this idea: another engine thought of it.")
        return work
    if assignment.attempt > MAX_ATTEMPTS:
        work.result = Withdrawal(f"{MAX_ATTEMPTS} attempts did not lead to a patch that stands.")
        return work
    desk = open_desk(brief.tree, brief.command)
    revising = assignment.failure is not None or bool(assignment.feedback)
    start = undone(desk, recipe)
    parts: Sequence[Part] = recipe.parts
    standing: Sequence[Part] = ()
    if start is None and revising:  # the researcher changed the attempt: what stands of it is built upon
        parts = standing = [part for part in recipe.parts if in_effect(desk, part)]
    start = start or desk
    allowed = _allowed(work, brief, assignment, parts, start)
    wanted = _mended(work, brief, assignment, allowed, start) if allowed is not None else None
    wanted = _steered(work, brief, assignment, wanted, start) if wanted is not None else None
    if wanted is not None:
        _propose(work, brief, assignment, start, wanted, standing)
    return work


def _allowed(
    work: _Work, brief: Brief, assignment: Assignment, parts: Sequence[Part], desk: Desk
) -> Sequence[Part] | None:
    """The parts that the standing instructions leave; None where nothing is left of the idea.

    What the researcher asked for themselves stands, whatever they said before.
    """
    standing = brief.state.instructions
    work.heeded += standing
    if assignment.idea.by == "researcher" or from_dict(assignment.idea.recipe).asked:
        return parts
    knobs = desk.knobs(brief.command)
    allowed = freed(parts, locks((said.text for said in standing), knobs), knobs)
    if not allowed:
        what = listed(list(map(named, parts)))
        work.result = Withdrawal(f"Your standing instructions want this left alone: {what}.")
        return None
    if len(allowed) < len(parts):
        gone = [named(part) for part in parts if part not in allowed]
        work.did(f"Left alone, by your standing instructions: {listed(gone)}.")
    return allowed


def _mended(
    work: _Work, brief: Brief, assignment: Assignment, parts: Sequence[Part], desk: Desk
) -> Sequence[Part] | None:
    """The parts after the newest failure; None where the idea is given up for it."""
    if assignment.failure is None:
        return parts
    diagnosis = diagnose(assignment.failure)
    work.saw(f"The run failed ({diagnosis.kind}): {diagnosis.detail[:200]}")
    mend = mended(parts, diagnosis, desk, brief.command)
    for text in mend.said:
        work.did(text)
    if mend.withdrawn:
        work.result = Withdrawal(mend.withdrawn)
        return None
    return mend.parts


def _steered(work: _Work, brief: Brief, assignment: Assignment, parts: Sequence[Part], desk: Desk) -> Sequence[Part]:
    """The parts after the researcher's words: all of them at the first attempt, the newest later."""
    words = assignment.newest
    if assignment.failure is not None:
        words = ()
    elif assignment.attempt == 1 and (idea := brief.state.ideas.get(assignment.idea.number)) is not None:
        words = (*(said for said in idea.feedback if said not in words), *words)
    work.heeded += words
    for said in words:
        knobs = desk.knobs(brief.command)
        steered = adjusted(parts, read(said.text, knobs), knobs)
        for done in steered.done:
            work.did(f"By your words: {done}.")
        for undone_wish in steered.not_done:
            work.saw(f"Not done: {undone_wish}.")
        parts = steered.parts
    return parts


def _propose(
    work: _Work, brief: Brief, assignment: Assignment, desk: Desk, parts: Sequence[Part], standing: Sequence[Part]
) -> None:
    """Applies the parts, leaves out what was left out, and words the proposal.

    `standing` are parts that the files have already; those of them that are not wanted any more are taken back.
    """
    before, knobs = dict(desk.texts), {knob.id: knob for knob in desk.knobs(brief.command)}
    stuck = [part for part in standing if part not in parts and not taken_back(desk, part)]
    if stuck:
        work.result = Withdrawal(
            f"It cannot be taken out of a patch that was edited: {listed(list(map(named, stuck)))}."
        )
        return
    done, failed = applied(desk, parts, standing)
    if failed:
        work.saw(f"The code has no place for it, or has it already: {listed(list(map(named, failed)))}.")
    if not done:
        what = listed(list(map(named, failed))) if failed else "the patch"
        work.result = Withdrawal(f"There is nothing left to change: {what}.")
        return
    if left := leave_out(desk, assignment.left_out):
        work.did(f"Left out again what you left out of {listed(sorted(set(left)))}.")
    changed = {path: text for path, text in desk.texts.items() if text != before[path]}
    if not changed:
        work.result = Withdrawal("Nothing of the patch is left to apply.")
        return
    work.texts = {path: text for path, text in desk.texts.items() if text != desk.original[path]}
    work.did(f"Edited {listed(sorted(changed))}: {'; '.join(map(named, done))}.")
    brings = tuple(knob.id for knob in desk.knobs(brief.command) if knob.id not in knobs)
    asked = from_dict(assignment.idea.recipe).asked
    recipe = Recipe(parts=tuple(done), undo=way_back(before, changed), brings=brings, asked=asked)
    reasons = [text for kind, text in work.said[:-1] if kind == "action" and assignment.failure is not None]
    subject, body = _message(assignment, [_headline(part, knobs) for part in done], reasons)
    work.result = Proposal(subject, body, to_dict(recipe), _claims(assignment, desk, done, left))


def _claims(assignment: Assignment, desk: Desk, done: Sequence[Part], left: Sequence[str]) -> tuple[PlanClaim, ...]:
    """What is said of the plan; nothing where the patch is no longer the one change that the plan is about."""
    planned = from_dict(assignment.idea.recipe).parts
    if assignment.attempt > 1 or left or len(done) != 1 or tuple(done) != tuple(planned):
        return ()
    changed = {path: text for path, text in desk.texts.items() if text != desk.original[path]}
    return claims_on(assignment.idea, desk.original, changed)


def _headline(part: Part, knobs: Mapping[str, Knob]) -> str:
    """One part as the subject of a commit."""
    if isinstance(part, ImportPart):
        return f"Add `{part.statement}`"
    if isinstance(part, KnobPart):
        knob = knobs.get(part.knob)
        return knob_title(knob, part.to) if knob is not None else f"Set {named(part)}"
    technique = technique_by_id(part.technique)
    return technique.claim.title if technique is not None else part.technique


def _message(assignment: Assignment, headlines: Sequence[str], reasons: Sequence[str]) -> tuple[str, str]:
    """Subject and body of the commit."""
    joined = "; ".join([headlines[0], *(f"{line[:1].lower()}{line[1:]}" for line in headlines[1:])])
    fits = len(joined) <= 72
    body = [assignment.idea.rationale, "" if fits else "\n".join(f"- {line}" for line in headlines), *reasons]
    return joined if fits else assignment.idea.title[:72], "\n\n".join(text for text in body if text)
