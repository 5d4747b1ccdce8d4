"""The header: what is run, how well it does, and whether anybody is needed."""

from datetime import datetime

from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.projector.agent import retry_in
from mlrcopilot_tui.tui.projector.focus import waiting_gates
from mlrcopilot_tui.tui.projector.spending import asks_model, money
from mlrcopilot_tui.tui.projector.words import average, change, clock, span_of_time
from mlrcopilot_tui.tui.views import Segment


def header(
    state: SessionState,
    glyphs: Glyphs,
    *,
    workspace: str,
    copilot_alive: bool | None,
    now: datetime,
    restart: str = "",
) -> tuple[Segment, ...]:
    """The header's pieces, left ones first, each group in reading order.

    Args:
        workspace: the folder's name, shown until the session has told its own.
        copilot_alive: None while nobody has looked yet.
        restart: the key that starts a copilot that is gone.
        now: the wall clock, for the time until a call to a model is made again.
    """
    started = state.started
    if started is None:
        return (
            Segment("mlrcopilot", "heading"),
            Segment(workspace, "strong"),
            Segment("starting" if copilot_alive is not False else "no copilot", "muted", right=True),
        )
    name = started.template or workspace
    return (
        Segment("mlrcopilot", "heading", rank=6),
        Segment(f"{name} {glyphs.dot} session {started.session[:4]}", "strong", rank=3),
        Segment(f"engine {state.engine}", "muted", rank=5),
        *_line(state, glyphs),
        *_right(state, glyphs, now, copilot_alive=copilot_alive, restart=restart),
    )


def _line(state: SessionState, glyphs: Glyphs) -> tuple[Segment, ...]:
    kept = Segment(f"+{len(state.kept)} kept", "kept" if state.kept else "muted", rank=2)
    champion = state.champion
    if champion is None or not champion.values:
        return (kept,) if champion is None or not champion.unmeasured else (kept, Segment("tip unmeasured", "waiting"))
    gain = change(state.improvement(), state, glyphs)
    best = f"best {average(champion.values.values())}"
    metric = state.started.metric if state.started is not None else ""
    return (
        kept,
        Segment(best + (f" ({gain})" if state.kept and gain else ""), "strong", rank=0),
        Segment(metric, "muted", rank=7),
    )


def _right(
    state: SessionState, glyphs: Glyphs, now: datetime, *, copilot_alive: bool | None, restart: str
) -> tuple[Segment, ...]:
    pieces = []
    if waiting := len(waiting_gates(state)):
        need = "1 needs you" if waiting == 1 else f"{waiting} need you"
        pieces.append(Segment(f"{glyphs.waiting} {need}", "waiting", rank=0, right=True))
    if state.finished:
        pieces.append(Segment("finished", "strong", rank=1, right=True))
    elif copilot_alive is False:
        pieces.append(Segment("copilot stopped", "error", rank=0, right=True))
        pieces += [Segment(f"{restart} starts it", "key", rank=3, right=True)] * bool(restart)
    elif state.paused:
        word = "interrupted" if state.interrupted else "paused"
        pieces.append(Segment(word, "waiting", rank=0, right=True))
    elif left := retry_in(state, now):
        pieces.append(Segment(f"{glyphs.waiting} model fault, again in {clock(left)}", "waiting", rank=0, right=True))
    limit = state.settings.get("max_experiments") or 0
    tried = f"{len(state.experiments)}/{limit} exp" if limit else f"{len(state.experiments)} exp"
    pieces.append(Segment(tried, "plain", rank=2, right=True))
    pieces.append(Segment(span_of_time(state.active_s), "plain", rank=4, right=True))
    if state.looks:
        pieces.append(Segment(f"test set seen {state.looks}{glyphs.times}", "muted", rank=6, right=True))
    if state.saved_s >= 1:
        pieces.append(Segment(f"{span_of_time(state.saved_s)} saved", "kept", rank=6, right=True))
    free = Segment("$0.00", "muted", rank=5, right=True)
    pieces.append(money(state) if asks_model(state) else free)
    return tuple(pieces)
