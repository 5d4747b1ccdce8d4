"""How the events of asking a model change the state of a session."""

from typing import TYPE_CHECKING

from mlrcopilot_tui.session import model_events as ev
from mlrcopilot_tui.session.folding import on
from mlrcopilot_tui.session.words import Hearing
from mlrcopilot_tui.session.words_folding import take_in

if TYPE_CHECKING:
    from mlrcopilot_tui.session.state import SessionState


@on(ev.ModelCalled)
def _model_called(state: "SessionState", event: ev.ModelCalled) -> None:
    state.spending.add(event)
    state.booked |= {event.exchange} - {""}
    if idea := state.ideas.get(event.idea):
        idea.spending.add(event)
        if event.purpose == "step" and not event.fault:
            idea.asked_after[event.attempt, event.step] = event.after
    if not event.fault:
        state.model_fault = None
        agent = "ExperimentAgent" if event.purpose == "step" else "IdeaAgent"
        hearing = Hearing(agent, event.purpose, event.idea, event.attempt, event.step, state.seq, state.time)
        take_in(state, event.words, hearing)


@on(ev.ModelFaulted)
def _model_faulted(state: "SessionState", event: ev.ModelFaulted) -> None:
    state.model_fault = (state.time, event)


@on(ev.ConsentGiven)
def _consent_given(state: "SessionState", event: ev.ConsentGiven) -> None:
    state.consents.append(event)


@on(ev.PlanChecked)
def _plan_checked(state: "SessionState", event: ev.PlanChecked) -> None:
    if idea := state.ideas.get(event.idea):
        idea.plan_marks = event.marks
