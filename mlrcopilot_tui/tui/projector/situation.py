"""Where the researcher stands: what the keys of this moment would act on."""

from dataclasses import dataclass, field

from mlrcopilot_tui.session.model import Attempt, Gate
from mlrcopilot_tui.session.state import IdeaState, RunState, SessionState
from mlrcopilot_tui.tui.projector import agent, focus
from mlrcopilot_tui.tui.views import HistoryChoice, PaneName, Selection


@dataclass(frozen=True, slots=True)
class Situation:
    """The state, the selection and the focus together; predicates of actions read nothing else.

    Attributes:
        cursor: the idea under the cursor of the idea tree; None on the tree's root.
        zoomable: whether more than one pane is in view, or one is zoomed.
        turn: whether a model is at a turn.
        marked: the ideas that are marked to be merged.
        alive: whether a copilot holds the session; None while nobody has looked yet.
        row: the attempt, or the starter, under the cursor of the history, while that is in view; else empty.
        history: how the history is listed.
    """

    state: SessionState
    selection: Selection
    pane: PaneName
    tab: str
    cursor: int | None = None
    zoomable: bool = True
    turn: bool = False
    marked: frozenset[int] = frozenset()
    alive: bool | None = None
    row: str = ""
    history: HistoryChoice = field(default_factory=HistoryChoice)

    @property
    def started(self) -> bool:
        """Whether there is a session."""
        return self.state.started is not None

    @property
    def away(self) -> bool:
        """Whether there is a decision in another pane, or something else than what is live is shown."""
        return self.called or self.selection != Selection()

    @property
    def called(self) -> bool:
        """Whether a decision waits in another pane, or beside the history."""
        here = "" if self.pane == "patch" and self.tab == "History" else self.pane
        return any(focus.pane_of(gate) != here for gate in focus.waiting_gates(self.state))

    @property
    def idea(self) -> IdeaState | None:
        """The idea that keys act on: in the tree the one under the cursor, elsewhere the one that is shown."""
        if self.pane == "ideas":
            return self.state.ideas.get(self.cursor) if self.cursor is not None else None
        if self.row:
            return self.state.ideas.get(int(self.row.partition(".")[0]))
        return focus.shown_idea(self.state, self.selection)

    @property
    def attempt(self) -> Attempt | None:
        """The attempt that keys act on."""
        if self.pane == "ideas":
            return self.idea.attempt if self.idea is not None else None
        if self.row:
            attempts = self.idea.attempts if self.idea is not None else ()
            return next((each for each in attempts if self.row == f"{each.idea}.{each.number}"), None)
        return focus.shown_attempt(self.state, self.selection)

    @property
    def comparing(self) -> bool:
        """Whether the patch pane holds two versions against each other, which nobody can decide on."""
        return self.pane == "patch" and self.tab == "Patch" and bool(self.selection.against)

    @property
    def patch_gate(self) -> Gate | None:
        """The question about the shown patch."""
        return None if self.comparing else focus.can_decide(self.state, self.attempt)

    @property
    def ideas_gate(self) -> Gate | None:
        """The question which ideas to try."""
        return focus.gate_for(self.state, "ideas")

    @property
    def question(self) -> Gate | None:
        """What an agent asks: an answer in words, or a yes to what leaves the machine."""
        return agent.question(self.state)

    @property
    def at_work(self) -> bool:
        """Whether an agent is at something that can be interrupted."""
        return self.alive is not False and agent.at_work(self.state, turn=self.turn)

    @property
    def run(self) -> RunState | None:
        """The run that is shown."""
        return focus.shown_run(self.state, self.selection)

    @property
    def kept(self) -> bool:
        """Whether the attempt stands on the session's line."""
        return focus.committed(self.state, self.attempt)

    @property
    def reverted(self) -> bool:
        """Whether the attempt stood on the session's line and was taken back."""
        attempt = self.attempt
        moved = [move for move in self.state.line if attempt is not None and move.of == attempt.commit]
        return bool(moved) and moved[-1].reason == "reverted"
