"""The digest in words: one wording for the screen and the shell, each line with what it is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from mlrcopilot_tui import text
from mlrcopilot_tui.agents.claude.books.prices import in_dollars
from mlrcopilot_tui.research.digest import Activity, Digest, Judged
from mlrcopilot_tui.session.model import Gate

Tone = Literal["plain", "muted", "kept", "discarded", "inconclusive", "error", "waiting"]

MOST: Final = 12
"""Verdicts and warnings that are told one by one."""
_WORTH_TELLING_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the digest; `gate` is the question that it tells of."""

    about: str
    text: str
    tone: Tone = "plain"
    gate: Gate | None = None


def told(digest: Digest) -> tuple[Line, ...]:
    """What happened, what is to be decided first."""
    return tuple(
        line
        for lines in (_waits, _ended, _verdicts, _champion, _runs, _time, _spent, _trouble, _rest)
        for line in lines(digest)
    )


def heading(digest: Digest) -> str:
    """How long one was away."""
    return f"While you were away ({span(digest.away_s)})"


def _waits(digest: Digest) -> Iterator[Line]:
    for gate in digest.waiting:
        yield Line("waits", gate.told, "waiting", gate)


def _ended(digest: Digest) -> Iterator[Line]:
    if digest.finished:
        yield Line("finished", digest.finished, "waiting")
    elif digest.alone:
        on = f"; {_listed(digest.live)} went on by itself" if digest.live else ""
        yield Line("copilot", f"was not at work any more{on}", "error")


def _verdicts(digest: Digest) -> Iterator[Line]:
    for judged in digest.verdicts[-MOST:]:
        yield Line("verdict", f"idea {judged.idea} {judged.title}: {_became(judged)}", _TONES[judged.kind])
    if (before := len(digest.verdicts) - MOST) > 0:
        yield Line("verdict", f"and {before} before these: `mlrcopilot log`", "muted")


_WORDS: Final = {"keep": "kept", "discard": "discarded", "inconclusive": "undecided", "crash": "crashed"}
_TONES: Final[dict[str, Tone]] = {
    "keep": "kept", "discard": "discarded", "inconclusive": "inconclusive", "crash": "error",
}  # fmt: skip


def _became(judged: Judged) -> str:
    word = _WORDS[judged.kind]
    if judged.relative is None:
        return word
    return f"{word}, {abs(judged.relative):.1%} {'better' if judged.relative >= 0 else 'worse'} than its parent"


def _champion(digest: Digest) -> Iterator[Line]:
    before, now = digest.champion
    if now is None or before == now:
        return
    gain = digest.improvement
    share = f", {abs(gain):.1%} {'better' if gain >= 0 else 'worse'} than the starter" if gain else ""
    was = f"{before:.4g} -> " if before is not None else ""
    yield Line("champion", f"{digest.metric} {was}{now:.4g}{share}", "kept" if gain and gain > 0 else "plain")


def _runs(digest: Digest) -> Iterator[Line]:
    if digest.runs:
        well = sum(digest.runs[name] for name in _WELL)
        ill = [f"{count} {_OUTCOMES.get(name, name)}" for name, count in digest.runs.items() if name not in _WELL]
        yield Line("runs", ", ".join([f"{well} finished", *ill]), "error" if ill else "plain")
    if digest.live and not digest.alone:
        yield Line("running", _listed(digest.live))
    if digest.contended:
        yield Line("contended", f"others computed on the hardware of {_listed(digest.contended)}", "muted")


_WELL: Final = ("ok", "smoked")
_OUTCOMES: Final = {"no_metric": "without a metric", "not_started": "not started", "timeout": "out of time"}


def _time(digest: Digest) -> Iterator[Line]:
    yield Line("time", f"{span(digest.times['worked'])} of work")
    for activity, why in _IDLE.items():
        if (idle := digest.times[activity]) >= _WORTH_TELLING_S:
            yield Line("idle", f"{span(idle)} {why}", "waiting" if activity != "paused" else "muted")
    if digest.saved_s >= 1:
        yield Line("saved", f"{span(digest.saved_s)} by stopping runs early", "kept")


_IDLE: Final[dict[Activity, str]] = {
    "decision": "nothing ran, because it waited for your decision",
    "paused": "nothing ran, because it was paused",
    "stopped": "nothing ran, because no copilot was at work",
}


def _spent(digest: Digest) -> Iterator[Line]:
    if digest.calls:
        calls = f"{digest.calls} call{'s' * (digest.calls != 1)}"
        yield Line("money", f"{in_dollars(digest.usd)} for {calls} to the model")
    if digest.looks:
        looks = f"{digest.looks} look{'s' * (digest.looks != 1)} at the test set, {digest.looks_in_all} in all"
        yield Line("test set", looks, "muted")


def _trouble(digest: Digest) -> Iterator[Line]:
    if digest.deaths:
        died = "the copilot died" if digest.deaths == 1 else f"the copilot died {digest.deaths} times"
        yield Line("copilot", f"{died}, and was started again" if digest.starts else died, "error")
    for warning in digest.warnings[-MOST:]:
        yield Line("warning", f"{warning.text} {warning.mend}".rstrip(), "waiting")


def _rest(digest: Digest) -> Iterator[Line]:
    if digest.proposed or digest.closed:
        new = f"{digest.proposed} new" if digest.proposed else ""
        gone = f"{digest.closed} given up" if digest.closed else ""
        yield Line("ideas", ", ".join(part for part in (new, gone) if part), "muted")


def span(seconds: float) -> str:
    """A duration, a long one in days: `8 s`, `3 min`, `2 h 05 min`, `3 days`."""
    minutes = round(seconds / 60)
    return text.span(seconds) if minutes < 48 * 60 else f"{minutes // 1440} days"


def _listed(names: "list[str] | tuple[str, ...]") -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown


def digest_view(digest: Digest) -> dict[str, Any]:
    """The form of `digest --json`."""
    before, now = digest.champion
    return {
        "since": digest.since,
        "until": digest.until,
        "away_s": round(digest.away_s, 3),
        "time_s": {name: round(seconds, 3) for name, seconds in digest.times.items()},
        "verdicts": [
            {"idea": each.idea, "title": each.title, "verdict": each.kind, "effect": each.effect,
             "relative": each.relative}
            for each in digest.verdicts
        ],
        "champion": {"before": before, "now": now, "improvement": digest.improvement},
        "runs": dict(digest.runs),
        "live_runs": list(digest.live),
        "contended": digest.contended,
        "calls": digest.calls,
        "usd": digest.usd,
        "warnings": [{"text": said.text, "mend": said.mend} for said in digest.warnings],
        "copilot": {"deaths": digest.deaths, "starts": digest.starts, "gone": digest.alone},
        "saved_s": digest.saved_s,
        "looks": {"since": digest.looks, "in_all": digest.looks_in_all},
        "ideas": {"proposed": digest.proposed, "closed": digest.closed},
        "waiting": [
            {"gate": gate.id, "kind": gate.kind, "idea": gate.idea or None, "question": gate.question}
            for gate in digest.waiting
        ],
        "finished": digest.finished,
    }  # fmt: skip
