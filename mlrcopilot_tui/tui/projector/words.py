"""How numbers, times and statuses read on every screen."""

import statistics
from collections.abc import Collection
from datetime import datetime

from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.session.state import IdeaState, IdeaStatus, SessionState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.views import Role

WORDS: dict[IdeaStatus, tuple[str, Role]] = {
    "proposed": ("proposed", "muted"),
    "approved": ("approved", "accent"),
    "implementing": ("writing", "running"),
    "waiting": ("needs you", "waiting"),
    "running": ("running", "running"),
    "kept": ("kept", "kept"),
    "discarded": ("discarded", "discarded"),
    "inconclusive": ("undecided", "inconclusive"),
    "crashed": ("crashed", "error"),
    "rejected": ("rejected", "discarded"),
    "pruned": ("pruned", "muted"),
    "withdrawn": ("withdrawn", "muted"),
    "reverted": ("reverted", "discarded"),
}


def sign(status: IdeaStatus, glyphs: Glyphs) -> str:
    """The sign of a status; its word always stands beside it."""
    signs: dict[IdeaStatus, str] = {
        "kept": glyphs.kept,
        "discarded": glyphs.discarded,
        "rejected": glyphs.discarded,
        "crashed": glyphs.discarded,
        "inconclusive": glyphs.inconclusive,
        "running": glyphs.running,
        "implementing": glyphs.running,
        "waiting": glyphs.waiting,
        "pruned": glyphs.closed,
        "withdrawn": glyphs.closed,
        "reverted": glyphs.reverted,
    }
    return signs.get(status, glyphs.proposed)


def number(value: float) -> str:
    """A metric with four significant digits."""
    return f"{value:.4g}"


def average(values: Collection[float]) -> str:
    """A mean with three significant digits."""
    return f"{statistics.fmean(values):.3g}"


def spread(values: Collection[float], glyphs: Glyphs) -> str:
    """The mean, and with more than one value the standard deviation over them."""
    if len(values) < 2:
        return average(values) if values else ""
    return f"{average(values)} {glyphs.plus_minus}{statistics.stdev(values):.2g}"


def change(relative: float | None, state: SessionState, glyphs: Glyphs) -> str:
    """How the metric itself moved: an improvement of 18 % of an error reads as -18 %."""
    if relative is None:
        return ""
    moved = relative if state.started is not None and state.started.direction == "max" else -relative
    percent = round(100 * moved)
    return f"{glyphs.minus if percent < 0 else '+'}{abs(percent)} %"


def effect(verdict: Verdict, glyphs: Glyphs) -> str:
    """The mean improvement with its interval, in the metric's unit; positive is better."""
    if verdict.effect is None:
        return ""
    figure = _signed(verdict.effect, glyphs)
    if verdict.interval is None:
        return figure
    low, high = (_signed(end, glyphs) for end in verdict.interval)
    return f"{figure} [{low}, {high}]"


def _signed(value: float, glyphs: Glyphs) -> str:
    return f"{glyphs.minus if value < 0 else '+'}{abs(value):.3g}"


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, seconds_left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds_left:02}" if hours else f"{minutes:02}:{seconds_left:02}"


def span_of_time(seconds: float) -> str:
    """A length of time in its largest unit."""
    if seconds < 60:
        return f"{int(seconds)} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02} min"


def time_of_day(time: str) -> str:
    """Local hours and minutes of a journal time; empty where it is none."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%H:%M")
    except ValueError:
        return ""


def seconds_between(start: str, end: datetime) -> float:
    """Seconds from a journal time to `end`; 0 where it is no time."""
    try:
        return max(0.0, (end - datetime.fromisoformat(start)).total_seconds())
    except ValueError:
        return 0.0


def short(commit: str) -> str:
    """A commit as people read it."""
    return commit[:8]


def title_of(idea: IdeaState | None) -> str:
    """`4 gradient features`, or nothing."""
    return f"{idea.idea.number} {idea.idea.title}" if idea is not None else ""
