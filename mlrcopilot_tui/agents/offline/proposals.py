"""Words ideas: a technique that fits the code, or a knob and its next value, as a draft with evidence and scores."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import psutil

from mlrcopilot_tui.agents.base import Brief, IdeaDraft
from mlrcopilot_tui.agents.offline.advice import Advice
from mlrcopilot_tui.agents.offline.catalogue import Change, Technique, technique_by_id
from mlrcopilot_tui.agents.offline.claims import BY_RUN
from mlrcopilot_tui.agents.offline.knobs import Knob
from mlrcopilot_tui.agents.offline.literals import Setting, shown
from mlrcopilot_tui.agents.offline.recipe import KnobPart, Part, Recipe, TechniquePart, from_dict, to_dict
from mlrcopilot_tui.agents.offline.source import SourceFile
from mlrcopilot_tui.session.model import Evidence, Gap
from mlrcopilot_tui.session.state import IdeaState, SessionState, mean

_QUICK_S = 10.0
"""A run of so many seconds never counts as slow."""


@dataclass(frozen=True, slots=True)
class Match:
    """A technique that fits a file, and what it makes of it."""

    technique: Technique
    source: SourceFile
    change: Change


def technique_draft(brief: Brief, match: Match) -> IdeaDraft:
    """The idea of applying a technique, with the gaps of the paper that it answers."""
    technique, change = match.technique, match.change
    gaps = answered(technique, brief.state.summary.gaps if brief.state.summary else ())
    words = change.found | {"metric": brief.metric}
    evidence = [Evidence(kind="gap", text=gap.quote.text, ref=gap.id) for gap in gaps[:2]]
    evidence.append(_code_evidence(match.source, change.line))
    evidence += _results(brief.state, technique)
    evidence.append(Evidence(kind="knowledge", text=f"Known in the field as {technique.claim.known_as}."))
    return IdeaDraft(
        title=technique.claim.title,
        hypothesis=technique.claim.hypothesis.format_map(words),
        rationale=technique.claim.rationale.format_map(words) + _as_quoted(gaps),
        plan=tuple(_sentence(step.format_map(words)) for step in technique.claim.plan),
        prediction=technique.claim.prediction.format_map(words),
        evidence=tuple(evidence),
        scores=_scores(
            technique.claim.novelty,
            technique.claim.feasibility - _slowness(brief.state, technique.claim.cost),
            technique.claim.effectiveness + (1.5 if gaps else 0.0) - _disappointment(brief.state, technique),
        ),
        recipe=to_dict(Recipe(parts=(TechniquePart(technique=technique.id, path=match.source.path),))),
    )


def knob_draft(brief: Brief, knob: Knob, value: Setting, advice: Advice, parent: int | None = None) -> IdeaDraft:
    """The idea of setting one knob to another value."""
    old, new = shown(knob.value, knob.written), shown(value, knob.written)
    better = "lower" if brief.direction == "min" else "raise"
    gaps = gaps_about(knob, brief.state)
    evidence = [Evidence(kind="gap", text=gap.quote.text, ref=gap.id) for gap in gaps[:1]]
    evidence.append(Evidence(kind="code", text=f"{knob.where} is {old}", ref=f"{knob.path}:{knob.line}"))
    if advice.last is not None:
        evidence.append(Evidence(kind="result", text=advice.reason, ref=f"idea {advice.last.idea}"))
    return IdeaDraft(
        title=knob_title(knob, value),
        hypothesis=f"{knob.where} at {new} in the place of {old} will {better} {brief.metric}.",
        rationale=f"At {knob.path}:{knob.line} {knob.where} is {old}. {_sentence(advice.reason)}{_as_quoted(gaps)}",
        plan=(f"Set {knob.where} to {new}; change nothing else.", f"{BY_RUN}with the parent on equal seeds."),
        prediction=f"{brief.metric} improves over the parent on equal seeds; if not, {old} was no limit this way.",
        evidence=tuple(evidence),
        scores=_scores(
            2.5,
            9.5 - _slowness(brief.state, cost_of(knob, value)),
            advice.expectation + (1.0 if gaps and advice.last is None else 0.0),
        ),
        recipe=to_dict(Recipe(parts=(KnobPart(knob=knob.id, was=knob.value, to=value),))),
        parent=parent,
    )


def joint_draft(brief: Brief, knobs: Sequence[Knob], values: dict[str, Setting]) -> IdeaDraft:
    """The idea of setting several knobs at once, as the sampler expects them to go together."""
    changes = [f"{k.where} from {shown(k.value, k.written)} to {shown(values[k.id], k.written)}" for k in knobs]
    parts = tuple(KnobPart(knob=k.id, was=k.value, to=values[k.id]) for k in knobs)
    return IdeaDraft(
        title=f"Tune {listed([k.name for k in knobs])} together"[:72],
        hypothesis=f"Moving {listed(changes)} together improves {brief.metric} where single changes no longer do.",
        rationale="These settings moved the metric most when turned one by one, and their best values depend on each "
        "other; the values come from a tree-structured Parzen estimator over all trials so far.",
        plan=tuple(_sentence(f"Move {change}") for change in changes),
        prediction=f"{brief.metric} improves over the parent; if not, the single changes had found what there is.",
        evidence=tuple(
            Evidence(kind="code", text=f"{k.where} is {shown(k.value, k.written)}", ref=f"{k.path}:{k.line}")
            for k in knobs
        ),
        scores=_scores(3.0, 9.0 - max(_slowness(brief.state, cost_of(k, values[k.id])) for k in knobs), 5.6),
        recipe=to_dict(Recipe(parts=parts)),
    )


def combined_draft(brief: Brief, numbers: Sequence[int], parent: int) -> IdeaDraft:
    """The idea of taking several near misses together, on the champion of the moment."""
    ideas = [brief.state.ideas[number] for number in numbers]
    parts: list[Part] = [part for idea in ideas for part in from_dict(idea.idea.recipe).parts]
    titles = [idea.idea.title for idea in ideas]
    gains = [f"idea {idea.idea.number} {_gain(idea):+.1%}" for idea in ideas]
    return IdeaDraft(
        title=f"Combine ideas {listed([str(number) for number in numbers])}",
        hypothesis=f"Changes that each helped too little to tell from noise help enough together: {'; '.join(titles)}.",
        rationale=f"None was kept alone ({', '.join(gains)}), and they touch different parts of the code.",
        plan=tuple(_sentence(title) for title in titles),
        prediction=f"{brief.metric} improves by about the sum of the single effects; if not, these were noise.",
        evidence=tuple(
            Evidence(kind="result", text=f"{idea.idea.title}: {idea.status}", ref=f"idea {idea.idea.number}")
            for idea in ideas
        ),
        scores=_scores(4.0, 8.5, 5.8 + min(10.0 * sum(_gain(idea) for idea in ideas), 2.5)),
        recipe=to_dict(Recipe(parts=tuple(parts))),
        parent=parent,
    )


def _gain(idea: IdeaState) -> float:
    return (idea.verdict.relative or 0.0) if idea.verdict is not None else 0.0


def knob_title(knob: Knob, value: Setting) -> str:
    """The change as a commit's subject: "Raise LEARNING_RATE from 0.1 to 0.3"."""
    old, new = shown(knob.value, knob.written), shown(value, knob.written)
    if isinstance(value, bool):
        title = f"Turn {knob.where} {'on' if value else 'off'}"
    elif isinstance(value, str) or isinstance(knob.value, str):
        title = f"Set {knob.where} to {new}"
    else:
        title = f"{'Raise' if value > knob.value else 'Lower'} {knob.where} from {old} to {new}"
    return title if len(title) <= 72 else f"{title[:71]}…"


def answered(technique: Technique, gaps: Sequence[Gap]) -> list[Gap]:
    """The gaps that the technique answers, the one that most of its words match first."""
    counted = [
        (sum(bool(re.search(word, gap.quote.text, re.IGNORECASE)) for word in technique.claim.answers), gap)
        for gap in gaps
    ]
    return [gap for count, gap in sorted(counted, key=lambda item: -item[0]) if count]


def gaps_about(knob: Knob, state: SessionState) -> list[Gap]:
    """The gaps that name the knob or what its role is called."""
    words = [knob.name.lower(), *(knob.role.words if knob.role else ())]
    named = [re.escape(word) for word in words if len(word) > 2]
    gaps = state.summary.gaps if state.summary else ()
    return [gap for gap in gaps if named and re.search(rf"\b({'|'.join(named)})\b", gap.quote.text, re.IGNORECASE)]


def _as_quoted(gaps: Sequence[Gap]) -> str:
    """The first gap as a sentence of a rationale; empty where there is none."""
    return f' The paper leaves this open on page {gaps[0].quote.page}: "{gaps[0].quote.text}"' if gaps else ""


def cost_of(knob: Knob, value: Setting) -> float:
    """By what factor the run becomes longer when the knob is set to `value`."""
    if (
        knob.role is None
        or not knob.role.cost
        or isinstance(value, str)
        or isinstance(knob.value, str)
        or not knob.value
    ):
        return 1.0
    return max(value / knob.value, 0.1)


def affordable(state: SessionState, cost: float) -> bool:
    """Whether a run that takes `cost` times the newest ones stays well within its time limit and the memory."""
    seconds, peak = _newest_use(state)
    limit = _time_limit(state)
    return (not limit or seconds * cost < 0.8 * limit) and peak * cost < 0.5 * psutil.virtual_memory().total


def counted(number: int, thing: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def listed(items: Sequence[str]) -> str:
    """`a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _slowness(state: SessionState, cost: float) -> float:
    """What a longer run takes off an idea's feasibility: half a point for each doubling beyond what is quick."""
    seconds, _ = _newest_use(state)
    starter = [run.wall_s for run in state.runs.values() if run.purpose == "baseline" and run.outcome == "ok"]
    quick = max(_QUICK_S, 2.0 * mean(starter)) if starter else _QUICK_S
    expected = seconds * cost if seconds else quick * cost
    return (0.5 * log2(expected / quick) if expected > quick else 0.0) + (3.0 if not affordable(state, cost) else 0.0)


def _newest_use(state: SessionState) -> tuple[float, float]:
    """Mean wall time in seconds and peak memory in bytes of the newest runs that ended well; zeros before any."""
    newest = [run for run in state.runs.values() if run.outcome == "ok" and run.wall_s > 0][-3:]
    if not newest:
        return 0.0, 0.0
    return mean(run.wall_s for run in newest), max(float(run.peak_rss_bytes) for run in newest)


def _time_limit(state: SessionState) -> float:
    """Seconds that a run may take, from the workspace's contract; 0 where it states none."""
    try:
        minutes = tomllib.loads(state.started.config if state.started else "").get("run", {}).get("timeout_minutes", 10)
    except tomllib.TOMLDecodeError:
        return 0.0
    return float(minutes) * 60 if isinstance(minutes, int | float) else 0.0


def _disappointment(state: SessionState, technique: Technique) -> float:
    """How much less is to be hoped for after techniques of the same family failed."""
    losses = 0
    for idea in state.ideas.values():
        if idea.status not in {"discarded", "crashed", "rejected"}:
            continue
        for part in from_dict(idea.idea.recipe).techniques:
            other = technique_by_id(part.technique)
            losses += other is not None and other.claim.families[0] == technique.claim.families[0]
    return min(0.5 * losses, 1.5)


def _results(state: SessionState, technique: Technique) -> list[Evidence]:
    """The measured fate of the nearest relative, kept or not."""
    for idea in reversed(state.ideas.values()):
        for part in from_dict(idea.idea.recipe).techniques:
            other = technique_by_id(part.technique)
            if (
                idea.verdict is not None
                and other is not None
                and set(other.claim.families) & set(technique.claim.families)
            ):
                effect = f" ({idea.verdict.relative:+.1%})" if idea.verdict.relative is not None else ""
                return [
                    Evidence(
                        kind="result", text=f"{idea.idea.title}: {idea.status}{effect}", ref=f"idea {idea.idea.number}"
                    )
                ]
    return []


def _code_evidence(source: SourceFile, line: int) -> Evidence:
    lines = source.text.splitlines()
    text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return Evidence(kind="code", text=text, ref=f"{source.path}:{line}")


def _scores(novelty: float, feasibility: float, effectiveness: float) -> dict[str, float]:
    named = {"novelty": novelty, "feasibility": feasibility, "effectiveness": effectiveness}
    return {name: round(min(max(score, 1.0), 10.0), 1) for name, score in named.items()}


def _sentence(text: str) -> str:
    plain = text[:1].upper() + text[1:]
    return plain if plain.endswith((".", "!", "?")) else f"{plain}."
