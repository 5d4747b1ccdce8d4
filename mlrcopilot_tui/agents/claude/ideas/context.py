"""What the IdeaAgent's model is shown of a session: the workspace, the numbers, the gaps, every idea and its fate."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from mlrcopilot_tui.agents.base import Brief, SourceTree
from mlrcopilot_tui.agents.claude.fences import fenced
from mlrcopilot_tui.agents.claude.said import in_words
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.session.model import Evidence, Idea, Quote, Verdict
from mlrcopilot_tui.session.state import IdeaState, SessionState, mean
from mlrcopilot_tui.session.words import Words, holding
from mlrcopilot_tui.text import one_line

CODE_CHARS: Final = 60_000
IDEAS_CHARS: Final = 30_000
_FILES_NAMED: Final = 300
_FILES_READ: Final = 40
_SOURCE: Final = frozenset({".py", ".sh", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".md"})


@dataclass(frozen=True, slots=True)
class Code:
    """The workspace's files as they stood when the agent began to think.

    Attributes:
        paths: every visible file.
        editable: those that a patch may change.
        texts: source files by path, those that the run needs first.
    """

    paths: tuple[str, ...]
    editable: frozenset[str]
    texts: Mapping[str, str]

    def lines(self, path: str, first: int, last: int) -> str:
        """Lines `first` to `last` of a file, counted from 1; empty where there are none."""
        lines = self.texts.get(path, "").splitlines()
        return "\n".join(lines[first - 1 : last]) if 1 <= first <= last <= len(lines) else ""


def read_code(tree: SourceTree, command: str) -> Code:
    """Reads what is shown; many small reads, to be done in a thread."""
    paths = list(tree.files())
    editable = frozenset(path.as_posix() for path in paths if tree.editable(path))

    def rank(path: PurePosixPath) -> tuple[bool, bool, bool, str]:
        name = path.as_posix()
        return (name not in command, name not in editable, path.suffix != ".py", name)

    texts: dict[str, str] = {}
    shown = [path for path in paths if path.as_posix() in editable or path.suffix in _SOURCE]
    for path in sorted(shown, key=rank)[:_FILES_READ]:
        try:
            texts[path.as_posix()] = tree.read(path)
        except InputError:  # binary, whatever its name says
            continue
    return Code(tuple(path.as_posix() for path in paths), editable, texts)


def workspace(brief: Brief, code: Code, size: float) -> str:
    """The task, the files and the code; the same from task to task while the champion stays."""
    named = [f"{path}{' (editable)' if path in code.editable else ''}" for path in code.paths[:_FILES_NAMED]]
    more = len(code.paths) - len(named)
    named += [f"and {more} more files"] if more > 0 else []
    parts = [
        "# The workspace",
        f"Run command: {one_line(brief.command, 400)}",
        f"Metric: {brief.metric}; {'lower' if brief.direction == 'min' else 'higher'} is better.",
        fenced("task description", brief.task or "(none)", 4_000),
    ]
    if brief.state.started is not None and brief.state.started.config:
        parts.append(fenced("the workspace's contract, mlrcopilot.toml", brief.state.started.config, 4_000))
    parts.append(fenced("files", "\n".join(named)))
    room = int(CODE_CHARS * size)
    for path, text in code.texts.items():
        if room <= 0:
            parts.append(f"Not shown for want of room: {one_line(path, 200)}")
            continue
        numbered = "\n".join(f"{number:>4}  {line}" for number, line in enumerate(text.splitlines(), 1))
        parts.append(fenced(f"file {path}{' (editable)' if path in code.editable else ''}", numbered, room))
        room -= len(numbered)
    return "\n\n".join(parts)


def findings(state: SessionState, size: float) -> str:
    """The paper's gaps, the numbers measured so far, and every idea with what became of it."""
    parts = [*_paper(state), "# What was measured", *_numbers(state), "# Ideas so far"]
    ideas = "\n\n".join(_told(idea) for idea in reversed(state.ideas.values()))
    parts.append(fenced("ideas so far, the newest first", ideas, int(IDEAS_CHARS * size)) if ideas else "None yet.")
    return "\n\n".join(parts)


def heeded(brief: Brief, about: Sequence[int] = ()) -> tuple[Words, ...]:
    """The researcher's words that a task is to heed: standing ones, those on the ideas that it is about, and those on
    what came out of any idea, for they may be said when nothing is done for that idea any more."""
    words = brief.state.words.values()
    results = (said for said in words if said.about.kind in {"run", "verdict"} and said.stands())
    own = (*holding(words, about), *results)
    return tuple(sorted({said.seq: said for said in (*brief.host.words(), *own)}.values(), key=lambda said: said.seq))


def researcher(words: Sequence[Words]) -> str:
    """The researcher's words, which are instructions; empty where they said none."""
    told = "\n".join(f"- {f'(idea {said.idea}) ' if said.idea else ''}{in_words(said)}" for said in words)
    return f"# What the researcher said, oldest first\n{told}" if told else ""


def in_detail(idea: IdeaState) -> str:
    """One idea with its plan, its patches and its verdicts."""
    what = idea.idea
    lines = [
        _told(idea),
        *(f"  plan {at}: {step}" for at, step in enumerate(what.plan, 1)),
        f"  prediction: {what.prediction}",
        *(f"  evidence {item.ref}: {item.text}" for item in what.evidence),
        *_marks(idea),
        *(f"  attempt {attempt.number}: {attempt.subject}" for attempt in idea.attempts),
        *(f"  attempt {judged.attempt}: {verdict_in_words(judged.verdict)}" for judged in idea.verdicts),
    ]
    return fenced(f"idea {what.number} in detail", "\n".join(lines), 12_000)


def verdict_in_words(verdict: Verdict) -> str:
    """`discard, effect -0.012 (-3.1%), interval -0.02 to -0.004; rule: …`; a positive effect is an improvement."""
    effect = "" if verdict.effect is None else f", effect {verdict.effect:+.4g}"
    relative = "" if verdict.relative is None else f" ({verdict.relative:+.1%})"
    interval = "" if verdict.interval is None else f", interval {verdict.interval[0]:.4g} to {verdict.interval[1]:.4g}"
    return f"{verdict.kind}{effect}{relative}{interval}; rule: {verdict.rule}"


def as_evidence(idea: IdeaState) -> Evidence:
    """What an idea's end shows, in the journal's words and numbers."""
    gain = idea.verdict.relative if idea.verdict is not None else None
    measured = "" if gain is None else f" ({gain:+.1%})"
    return Evidence(kind="result", text=f"{idea.idea.title}: {idea.status}{measured}", ref=f"idea {idea.idea.number}")


def _told(idea: IdeaState) -> str:
    what: Idea = idea.idea
    parent = f", grew from idea {what.parent}" if what.parent else ""
    by = ", the researcher's own" if what.by == "researcher" else ""
    lines = [
        f"idea {what.number}: {what.title}",
        f"  status: {idea.status}{parent}{by}",
        f"  hypothesis: {what.hypothesis}",
    ]
    lines += [f"  verdict: {verdict_in_words(idea.verdict)}"] if idea.verdict is not None else []
    lines += [f"  reason: {idea.reason}"] if idea.reason else []
    lines += [f"  left out of a patch by the researcher: {line}" for line in idea.left_out]
    return "\n".join(lines)


def _marks(idea: IdeaState) -> Iterator[str]:
    for mark in idea.plan_marks:
        yield f"  plan {mark.step} was {'done' if mark.done else 'not done'}{f': {mark.note}' if mark.note else ''}"


def _paper(state: SessionState) -> Iterator[str]:
    if state.summary is None:
        return
    yield "# The paper"
    gaps = [f'{gap.id} (page {gap.quote.page}): {gap.statement}\n  "{gap.quote.text}"' for gap in state.summary.gaps]
    yield fenced("gaps of the paper, by id", "\n".join(gaps) or "(none found)", 12_000)
    told = {
        "task": state.summary.task,
        "data": state.summary.datasets,
        "method": state.summary.method,
        "results": state.summary.results,
        "future work": state.summary.future_work,
    }
    lines = [f"{name}: {_quoted(quotes)}" for name, quotes in told.items() if quotes]
    if lines:
        yield fenced("what else the paper says", "\n".join(lines), 8_000)


def _quoted(quotes: tuple[Quote, ...]) -> str:
    return " ".join(f'"{quote.text}" (page {quote.page})' for quote in quotes[:4])


def _numbers(state: SessionState) -> Iterator[str]:
    if state.baseline is None:
        yield "Nothing yet."
        return
    sure = ", the same on every seed" if state.baseline.deterministic else ""
    yield f"Starter: {_values(state.baseline.values)}{sure}."
    champion, gain = state.champion, state.improvement()
    if champion is not None and champion.idea:
        better = "" if gain is None else f"; {gain:+.1%} against the starter"
        yield f"Champion, which new ideas start from: idea {champion.idea}, {_values(champion.values)}{better}."
    ended = [run.wall_s for run in state.runs.values() if run.outcome == "ok" and run.wall_s > 0]
    if ended:
        yield f"A run takes about {mean(ended[-5:]):.3g} s."


def _values(values: Mapping[int, float]) -> str:
    return ", ".join(f"{value:.5g} (seed {seed})" for seed, value in sorted(values.items())) or "not measured"
