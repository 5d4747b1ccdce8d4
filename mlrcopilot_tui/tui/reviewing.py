"""Notes on what is under review, and words on what ran: what they are about is what the researcher looks at."""

from mlrcopilot_tui.session.model import Attempt, Gate
from mlrcopilot_tui.session.subjects import Subject, place
from mlrcopilot_tui.tui.desk import Desk, Other
from mlrcopilot_tui.tui.remarks import Spot


def to_tagged(desk: Desk) -> None:
    """Goes to the next hunk that the tamper rules tagged, from the last on to the first."""
    attempt = desk.situation.attempt
    hunks = sorted({tag.hunk for tag in attempt.tags if tag.hunk}) if attempt is not None else []
    if not hunks:
        desk.tell("No hunk of this patch is tagged.")
        return
    here = desk.review.hunk_at_cursor
    now = here[0] if here is not None else 0
    desk.review.to_hunk(next((hunk for hunk in hunks if hunk > now), hunks[0]))


def note_hunk(desk: Desk) -> None:
    """Notes something on the hunk under the cursor, or on its marked lines; on a file's row, on the whole patch."""
    gate, attempt = desk.situation.patch_gate, desk.situation.attempt
    if gate is None or attempt is None:
        return
    other = _note(desk, attempt)
    desk.ask(other.question, other.then, value=other.value, hint=other.hint, may_be_empty=True)


def send_back(desk: Desk, gate: Gate, attempt: Attempt) -> None:
    """Sends the patch back with words, to which the notes on its hunks belong; tab makes the words a note."""
    along = notes_along(len(desk.remarks.of(attempt.commit)), "enter alone sends {them}.")
    note = _note(desk, attempt)
    desk.ask(
        f"What should patch {attempt.idea}.{attempt.number} do differently?",
        lambda words: _send_back(desk, gate, attempt, words),
        value=desk.remarks.whole(attempt.commit),
        hint=along or "For example: try a smaller learning rate; leave the optimizer alone.",
        may_be_empty=bool(desk.remarks.of(attempt.commit)),
        other=note,
    )


def _send_back(desk: Desk, gate: Gate, attempt: Attempt, words: str) -> None:
    notes = desk.remarks.of(attempt.commit)
    desk.decide("feedback", gate=gate.id, idea=attempt.idea, commit=attempt.commit, text=words, notes=notes)


def _note(desk: Desk, attempt: Attempt) -> Other:
    spot, path = desk.review.spot
    about = f"{place(spot.hunk, path, 0, 0)}{_lines(spot)}" if spot.hunk else f"patch {attempt.idea}.{attempt.number}"

    def keep(words: str) -> None:
        desk.note(attempt.commit, spot, words)

    return Other(
        question=f"A note on {about}",
        then=keep,
        value=desk.remarks.on(attempt.commit).get(spot, ""),
        hint="It stands below the hunk, and goes along with your decision: yes, no or back. Empty takes it away.",
    )


def _lines(spot: Spot) -> str:
    if not spot.last:
        return ""
    return f", its line{'s' * (spot.last > spot.first)} {spot.first}{f'-{spot.last}' if spot.last > spot.first else ''}"


def notes_along(notes: int, enter: str) -> str:
    """That the notes on hunks go along with a decision, and what enter alone does with `{them}`; empty for none."""
    if not notes:
        return ""
    many = notes > 1
    said = f"Your {notes} notes on hunks go along" if many else "Your note on a hunk goes along"
    return f"{said}; {enter.format(them='them' if many else 'it')}"


def speak_of_run(desk: Desk) -> bool:
    """Says something about the run that is shown, or about the verdict that it came to; False where none is shown."""
    situation = desk.situation
    run = situation.run
    if run is None:
        return False
    idea = situation.state.ideas.get(run.idea)
    judged = [v for v in idea.verdicts if v.attempt == run.attempt] if idea is not None else []
    if judged and run.purpose in {"idea", "parent"}:
        about = Subject(kind="verdict", idea=run.idea, attempt=run.attempt, commit=judged[-1].commit)
        named = f"the verdict on {run.idea}.{run.attempt}: {judged[-1].verdict.kind}"
    else:
        about = Subject(kind="run", idea=run.idea, run=run.run)
        named = f"run {run.run}" + (f" of idea {run.idea}" if run.idea else "")
    desk.ask(
        f"Words for the agents about {named}",
        lambda words: desk.decide("feedback", idea=run.idea, run=run.run, about=about, text=words),
        hint="They read them at their next turn on the idea, and when they think about how it ended."
        if run.idea
        else "It stands for the session, as an instruction.",
    )
    return True
