"""The offline ExperimentAgent: applies an idea's recipe, follows feedback, and mends or withdraws what crashed."""

import asyncio
from collections.abc import Sequence
from pathlib import PurePosixPath

from mlrcopilot_tui.agents.base import Assignment, Brief, Proposal, Withdrawal
from mlrcopilot_tui.agents.offline.catalogue import technique_by_id
from mlrcopilot_tui.agents.offline.mending import Mended, mended
from mlrcopilot_tui.agents.offline.patching import Desk, applied, leave_out, named, open_desk, undone, way_back
from mlrcopilot_tui.agents.offline.proposals import knob_title, listed
from mlrcopilot_tui.agents.offline.recipe import KnobPart, Part, Recipe, TechniquePart, from_dict, to_dict
from mlrcopilot_tui.agents.offline.repair import diagnose
from mlrcopilot_tui.agents.offline.steering import adjusted
from mlrcopilot_tui.agents.offline.words import read

MAX_ATTEMPTS = 6


class OfflineExperimentAgent:
    """Implements `ExperimentAgent` without a model."""

    async def implement(self, brief: Brief, assignment: Assignment) -> Proposal | Withdrawal:
        """Edits the tree by the idea's recipe; see the module."""
        work = await asyncio.to_thread(_worked, brief, assignment)
        for kind, text in work.said:
            brief.say("observation" if kind == "observation" else "action", text)
        if isinstance(work.result, Withdrawal):
            return work.result
        for path, text in work.texts.items():
            brief.tree.write(PurePosixPath(path), text)
        return work.result


class _Work:
    """What came of one assignment, before anything is written."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.texts: dict[str, str] = {}
        self.result: Proposal | Withdrawal = Withdrawal("The recipe of this idea is not one of the offline engine's.")


def _worked(brief: Brief, assignment: Assignment) -> _Work:
    work = _Work()
    recipe = from_dict(assignment.idea.recipe)
    desk = open_desk(brief.tree, brief.command)
    if not recipe.parts:
        return work
    if assignment.attempt > MAX_ATTEMPTS:
        work.result = Withdrawal(f"{MAX_ATTEMPTS} attempts did not lead to a patch that stands.")
        return work
    start = undone(desk, recipe)
    if start is None:  # the researcher edited the attempt: go on from the tree as it is
        start = Desk(dict(desk.original), dict(desk.original), desk.order, desk.others)
    before = dict(start.texts)
    parts = list(recipe.parts)
    if assignment.failure is not None:
        diagnosis = diagnose(assignment.failure)
        work.said.append(("observation", f"The run failed ({diagnosis.kind}): {diagnosis.detail[:200]}"))
        mend = mended(parts, diagnosis, start, brief, assignment.failure)
        work.said += [("action", text) for text in mend.said]
        return _finished(work, brief, assignment, start, before, mend)
    if assignment.feedback:
        steered = adjusted(parts, read(assignment.feedback[-1], start.knobs(brief.command)), start.knobs(brief.command))
        work.said += [("action", f"By your words: {text}.") for text in steered.done]
        work.said += [("observation", f"Not done: {text}.") for text in steered.not_done]
        parts = steered.parts
    return _finished(work, brief, assignment, start, before, Mended(parts))


def _finished(
    work: _Work, brief: Brief, assignment: Assignment, desk: Desk, before: dict[str, str], mend: Mended
) -> _Work:
    """Applies the parts, leaves out what was left out, and words the proposal."""
    if mend.withdrawn:
        work.result = Withdrawal(mend.withdrawn)
        return work
    parts = _placed(mend.parts, desk)
    knobs = {knob.id: knob for knob in desk.knobs(brief.command)}
    ids = set(knobs)
    done, failed = applied(desk, parts)
    for text in mend.imports:
        _import(desk, text)
    if failed:
        work.said.append(("observation", f"The code has no place for: {listed([named(part) for part in failed])}."))
    if not done:
        reason = "there or already so" if failed else "left of it"
        work.result = Withdrawal(
            f"Nothing is {reason}: {listed([named(p) for p in failed]) if failed else 'the patch is empty'}."
        )
        return work
    left = leave_out(desk, assignment.left_out)
    if left:
        work.said.append(("action", f"Left out again what you left out of {listed(sorted(set(left)))}."))
    changed = {path: text for path, text in desk.texts.items() if text != before[path]}
    if not changed:
        work.result = Withdrawal("What you left out was all of the patch.")
        return work
    work.texts = {path: text for path, text in desk.texts.items() if text != desk.original[path]}
    brings = tuple(knob.id for knob in desk.knobs(brief.command) if knob.id not in ids)
    recipe = Recipe(parts=tuple(done), undo=way_back(before, changed), brings=brings)
    subject, body = _message(assignment, done, knobs, mend)
    work.said.append(("action", f"Edited {listed(sorted(changed))}: {'; '.join(named(part) for part in done)}."))
    work.result = Proposal(subject, body, to_dict(recipe))
    return work


def _placed(parts: Sequence[Part], desk: Desk) -> list[Part]:
    """The parts with a file for each technique that has none yet: the first one that it fits."""
    placed: list[Part] = []
    for part in parts:
        if isinstance(part, TechniquePart) and not part.path:
            technique = technique_by_id(part.technique)
            fits = [s.path for s in desk.sources() if technique is not None and technique.apply(s) is not None]
            placed.append(TechniquePart(technique=part.technique, path=fits[0] if fits else "", settings=part.settings))
        else:
            placed.append(part)
    return placed


def _import(desk: Desk, statement: str) -> None:
    from mlrcopilot_tui.agents.offline.catalogue.edits import Edit  # noqa: PLC0415

    for source in desk.sources():
        edit = Edit(source)
        edit.need(statement)
        change = edit.done()
        if change is not None:
            desk.texts[source.path] = change.text


def _message(assignment: Assignment, done: Sequence[Part], knobs: dict, mend: Mended) -> tuple[str, str]:  # type: ignore[type-arg]
    """Subject and body of the commit."""
    lines = []
    for part in done:
        if isinstance(part, KnobPart):
            knob = knobs.get(part.knob)
            lines.append(knob_title(knob, part.to) if knob is not None else f"Set {named(part)}")
        else:
            technique = technique_by_id(part.technique)
            lines.append(technique.claim.title if technique is not None else part.technique)
    subject = lines[0] if len(lines) == 1 else assignment.idea.title
    body = [assignment.idea.rationale] if not mend.said else [assignment.idea.rationale, *mend.said]
    if len(lines) > 1:
        body.append("\n".join(f"- {line}" for line in lines))
    return subject[:72], "\n\n".join(text for text in body if text)
