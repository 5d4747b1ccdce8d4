"""What stands below the hunks of a patch: the researcher's notes, sent or not yet, and which turns took them in."""

from collections import defaultdict
from collections.abc import Mapping

from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.remarks import Spot
from mlrcopilot_tui.tui.views import WHOLE, Notes, Span


def notes_on(state: SessionState, attempt: Attempt, drafts: Mapping[Spot, str], glyphs: Glyphs) -> Notes:
    """What rules and the researcher said of an attempt's hunks, and which turn took it in; what they left out of it."""
    found: defaultdict[tuple[int, int], list[Span]] = defaultdict(list)
    for tag in attempt.tags:
        if tag.hunk:
            found[tag.hunk, WHOLE].append(Span(f"{glyphs.waiting} {tag.rule}: {tag.why}", "waiting"))
    for spot, text in drafts.items():
        if spot.hunk:
            found[spot.hunk, spot.last - 1 if spot.last else WHOLE].append(Span(f"{glyphs.proposed} {text}", "waiting"))
    idea = state.ideas[attempt.idea]
    if (answer := idea.selections.get(attempt.commit)) is not None:
        for left in answer.left_out:
            why = f": {answer.text}" if answer.text else ""
            found[left.hunk, WHOLE].append(Span(f"left out{why}", "discarded"))
    for said in idea.feedback:
        about = said.about
        if about.kind == "hunk" and about.commit == attempt.commit:
            found[about.hunk, WHOLE].append(Span(f"you: {said.text}", "accent"))
            found[about.hunk, WHOLE].append(Span(f"     {said.reached}", "muted"))
    return {place: tuple(lines) for place, lines in found.items()}
