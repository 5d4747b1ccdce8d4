"""The standing instructions as rows, and one of them with what was understood and which turns took it in."""

from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.session.words import Hearing, Words
from mlrcopilot_tui.tui.projector.words import time_of_day
from mlrcopilot_tui.tui.views import Document, Paragraph, Row, Span, text

_LABEL = 12


def instruction_rows(state: SessionState) -> tuple[Row, ...]:
    """Those that hold by their numbers, then those that were dropped."""
    dropped = [said for said in state.words.values() if said.dropped]
    return tuple(_row(said) for said in (*state.instructions, *dropped))


def instruction_of(state: SessionState, key: str | None) -> Words | None:
    """The instruction of a row."""
    return state.words.get(int(key)) if key and key.isdecimal() else None


def _row(said: Words) -> Row:
    holds = said.stands()
    word = f"since {time_of_day(said.since)}" if holds else "dropped"
    first = said.text.split("\n", 1)[0]
    return Row(
        key=str(said.seq),
        left=(Span(f"{said.number:>2} ", "accent"), Span(first, "plain" if holds else "muted")),
        right=(Span(word, "muted" if holds else "discarded"),),
    )


def instruction_document(said: Words | None) -> Document:
    """All about one instruction."""
    if said is None:
        return ()
    parts: list[Paragraph] = [text(said.text, "strong")]
    if said.about.kind not in {"session", "idea"}:
        parts.append(text(said.about.told, lead=_label("About")))
    if said.understood:
        parts.append(text(said.understood, lead=_label("Engine")))
    if said.time != said.since:
        parts.append(text(f"at {time_of_day(said.time)}", "muted", lead=_label("Rewritten")))
    if said.first is None or said.last is None:
        parts.append(text(f"{said.reached[0].upper()}{said.reached[1:]}.", "waiting", lead=_label("Reached")))
        return tuple(parts)
    parts.append(_heard("First", said.first))
    if said.last != said.first:
        parts.append(_heard("Last", said.last))
    return tuple(parts)


def _heard(label: str, hearing: Hearing) -> Paragraph:
    return text(f"{hearing.told}, at {time_of_day(hearing.time)}", lead=_label(label))


def _label(name: str) -> str:
    return f"{name:<{_LABEL}}"
