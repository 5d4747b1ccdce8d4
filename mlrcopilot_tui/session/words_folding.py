"""How the researcher's words, and what becomes of them, change the state of a session."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlrcopilot_tui.session.events import FeedbackTaken
from mlrcopilot_tui.session.folding import on
from mlrcopilot_tui.session.subjects import Subject
from mlrcopilot_tui.session.words import Hearing, Words
from mlrcopilot_tui.session.words_events import InstructionDropped, InstructionRewritten, WordsHeard

if TYPE_CHECKING:
    from mlrcopilot_tui.session.state import SessionState


@on(FeedbackTaken)
def _feedback_taken(state: "SessionState", event: FeedbackTaken) -> None:
    about = event.about or Subject(kind="idea" if event.idea else "session", idea=event.idea)
    said = Words(event.text, event.understood, about, state.seq, state.time)
    state.words[state.seq] = said
    if event.idea in state.ideas:
        state.ideas[event.idea].feedback.append(said)
    elif not event.idea:
        said.number, said.since = 1 + max((other.number for other in state.words.values()), default=0), state.time


@on(InstructionRewritten)
def _instruction_rewritten(state: "SessionState", event: InstructionRewritten) -> None:
    before = state.instruction(event.number)
    if before is not None:
        before.ended = state.seq
        state.words[state.seq] = Words(
            event.text, event.understood, before.about, state.seq, state.time, before.number, before.since
        )


@on(InstructionDropped)
def _instruction_dropped(state: "SessionState", event: InstructionDropped) -> None:
    if (standing := state.instruction(event.number)) is not None:
        standing.ended, standing.dropped = state.seq, True


@on(WordsHeard)
def _words_heard(state: "SessionState", event: WordsHeard) -> None:
    take_in(state, event.words, Hearing(event.agent, event.task, event.idea, event.attempt, 0, state.seq, state.time))


def take_in(state: "SessionState", words: Iterable[int], hearing: Hearing) -> None:
    """Notes which turn took words in, by their places in the journal; places that hold none are passed over."""
    for seq in words:
        if (said := state.words.get(seq)) is not None:
            said.take_in(hearing)
