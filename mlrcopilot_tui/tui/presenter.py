"""From the session's state to the panes: one place decides what each of them shows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from mlrcopilot_tui.errors import CopilotError, InputError
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.research import fates
from mlrcopilot_tui.session.model import Summary
from mlrcopilot_tui.session.parents import parent_runs
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.tui.client import SessionClient
from mlrcopilot_tui.tui.feed import RunFeed
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.library import Library
from mlrcopilot_tui.tui.live_turn import LiveTurn
from mlrcopilot_tui.tui.pending_edits import PendingEdits, edit_line
from mlrcopilot_tui.tui.projector import agent, focus, history, ideas, paper, patch, run, spending
from mlrcopilot_tui.tui.projector.news import Herald, News
from mlrcopilot_tui.tui.remarks import Remarks
from mlrcopilot_tui.tui.views import PANES, Document, HistoryChoice, PaneName, Selection, Span
from mlrcopilot_tui.tui.widgets.deck import Deck
from mlrcopilot_tui.workspace.kept_diff import KeptDiff


class Presenter:
    """Shows a session in the panes.

    Args:
        library: where papers and patches are read, in a thread.
        explain: tells the researcher what went wrong.
        now: the wall clock, for how long a run has taken.
        key: the key of an action, as people read it.
    """

    def __init__(
        self,
        client: SessionClient,
        deck: Deck,
        library: Library,
        glyphs: Glyphs,
        explain: Callable[[CopilotError], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        key: Callable[[str], str] = str,
    ) -> None:
        self.selection = Selection()
        self.marked: frozenset[int] = frozenset()
        """The ideas that are marked to be merged."""
        self.history = HistoryChoice()
        self._in_patch: tuple[tuple[str, ...], dict[str, bool]] = ((), {})
        self._listed: tuple[object, ...] = ()
        self.remarks = Remarks()
        """The notes on patches under review."""
        self.feed = RunFeed()
        self._live_turn = LiveTurn()
        self._edits = PendingEdits()
        self._client = client
        self._deck = deck
        self._library = library
        self._glyphs = glyphs
        self._explain = explain
        self._now = now
        self._key = key
        self._run: RunState | None = None
        self._patch = ("", "")
        self._paper: Paper | None = None
        self._told_paper: tuple[Paper | None, Summary | None] = (None, None)
        self._talk: tuple[tuple[str, int], Document] = (("", 0), ())
        self._herald = Herald(glyphs, key)

    def present(self) -> None:
        """Shows the state as it is now; panes that would show the same are not drawn."""
        state, deck, glyphs = self._client.state, self._deck, self._glyphs
        deck.paper.show_paper(paper.paper_document(state, glyphs))
        deck.paper.show_idea(ideas.idea_document(state, focus.shown_idea(state, self.selection), glyphs))
        self.marked &= {idea.idea.number for idea in state.queue()}
        deck.ideas.show(ideas.tree(state, glyphs, self.marked))
        self._present_patch()
        self._present_history()
        self.present_agent()
        self._follow_run()
        self.present_run()
        self._flag()
        if state.paper is not None:
            self._library.want_paper(state.paper.digest, self._show_paper)
            self._present_text()

    def present_run(self) -> None:
        """Shows how far the run is; cheap enough for every second."""
        state = self._client.state
        live = self.feed.live
        self._deck.run.show(run.run_view(state, self._run, live, self._now()))
        metric = state.started.metric if state.started is not None else ""
        advice: tuple[Span, ...] = ()
        if self._run is not None:
            advice = run.stop_note(state, self._run, live, self._key("run.stop"), self._now())
        note = advice or run.beside_parent(state, live, self._glyphs)
        self._deck.run.show_curve(live, metric, note, advice[-1].text.lstrip("; ") if advice else "")

    def present_agent(self) -> None:
        """Shows the agents' words and what goes on below them, if anybody looks; cheap enough for every tick."""
        if self._deck.run.tab == "Agent":
            state, glyphs = self._client.state, self._glyphs
            if (key := (state.session, len(state.talk))) != self._talk[0]:
                self._talk = key, agent.talk_document(state, glyphs)
            now = agent.now_document(state, self._live_turn.turn, self._now(), glyphs, self._key)
            self._deck.run.show_costs(spending.status(state))
            self._deck.run.show_agent(self._talk[1], now)

    def follow_turn(self, *, copilot_alive: bool | None) -> bool:
        """Looks how the turn in flight has grown; says whether one began or ended."""
        before = self.turn
        there = copilot_alive is not False and self._client.state.copilot is not None
        if self._live_turn.poll(self._client.folder if there else None):
            self.present_agent()
        return self.turn != before

    def follow_edits(self) -> None:
        """Looks whether edits from elsewhere wait, and tells of them above the patch."""
        if self._edits.poll(self._client.folder):
            self._present_patch()

    @property
    def turn(self) -> bool:
        """Whether a model is at a turn."""
        return bool(self._live_turn.turn.text)

    @property
    def counting(self) -> bool:
        """Whether a call to a model is made again soon, so that the seconds until then must be drawn."""
        fault = self._client.state.model_fault
        return fault is not None and fault[1].retry_in_s is not None

    def news(self) -> list[News]:
        """What came about since the last call that the researcher should hear of."""
        return self._herald.news(self._client.state)

    @property
    def live(self) -> bool:
        """Whether the shown run goes on, so that its clock must be drawn."""
        return self._run is not None and self._run.live

    @property
    def devices(self) -> tuple[str, ...]:
        """The GPUs that the shown run has, by their drivers' names, while it goes on."""
        return self._run.devices if self._run is not None and self._run.live else ()

    def sandbox_note(self) -> Span:
        """What confines the shown run; in alarm where nothing does, or less than usual."""
        shown = self._run
        if shown is None or not shown.sandbox:
            return Span("")
        if shown.sandbox == "plain":
            return Span(f"sandbox none {self._glyphs.dot} net open", "error")
        net = "ON" if shown.network else "off"
        text = f"sandbox {shown.sandbox} {self._glyphs.dot} net {net}"
        return Span(text, "waiting" if shown.network else "muted")

    def needed(self) -> frozenset[PaneName]:
        """The panes in which a decision waits."""
        return frozenset(focus.pane_of(gate) for gate in focus.waiting_gates(self._client.state))

    def _show_paper(self, read: Paper | None) -> None:
        self._paper = read
        self._present_text()

    def _present_text(self) -> None:
        """Shows the paper's text again where it, or what its summary marks in it, is another one."""
        summary = self._client.state.summary
        if (self._paper, summary) != self._told_paper:
            self._told_paper = self._paper, summary
            self._deck.paper.show_text(paper.paper_text(self._paper, summary))

    def _present_patch(self) -> None:
        view = patch.patch_view(self._client.state, self.selection, self._glyphs, self.remarks)
        waiting = edit_line(self._edits.ideas.get(view.idea))
        view = replace(view, line=(*view.line[:1], *waiting, *view.line[1:]))
        self._deck.patch.show(view)
        if (view.commit, view.against) != self._patch:
            self._patch = view.commit, view.against
            show = partial(self._show_patch, self._patch)
            if view.against:
                explain = partial(self._explain_comparison, self._patch)
                self._library.want_comparison(view.commit, view.against, show, explain)
            else:
                self._library.want_patch(view.commit, show)

    def _show_patch(self, version: tuple[str, str], diff: KeptDiff) -> None:
        """Shows a diff, unless another was wanted meanwhile: nobody is to decide on one under another's name."""
        if version != self._patch:
            return
        try:
            self._deck.patch.show_patch(diff, "The two hold the same files." if version[1] else "")
        except InputError as error:
            self._explain(error)
        if not diff.text and not self._patch[1]:
            # The diff is not written yet: the next change of the journal asks again.
            self._patch = ("", "")

    def _explain_comparison(self, version: tuple[str, str], error: CopilotError) -> None:
        self._explain(error)
        if version == self._patch:
            self._deck.patch.show_patch(KeptDiff(), "The two could not be compared.")

    def _present_history(self) -> None:
        """Shows what was tried, if anybody looks; what patches hold is looked up in a thread and follows."""
        if self._deck.patch.tab != "History":
            return
        state, nodes = self._client.state, fates.history(self._client.state)
        words = history.sought(self.history.typed).words
        if words != self._in_patch[0]:
            self._in_patch = words, {}
        known = self._in_patch[1]
        # A thousand rows take 20 ms (2 vCPU Xeon VM), and most of what an agent says changes none of them.
        listed = (
            (state.session, len(state.line), len(state.measured), len(state.words), self.history, dict(known)),
            tuple((node.name, node.fate, node.idea.status) for node in nodes),
        )
        if listed != self._listed:
            self._listed = listed
            self._deck.patch.show_history(history.history_view(state, nodes, self.history, known, self._glyphs))
        unknown = {node.attempt.commit for node in nodes} - known.keys() if words else set()
        if unknown:
            known.update(dict.fromkeys(unknown, False))
            self._library.want_found(words, unknown, partial(self._take_found, words))

    def _take_found(self, words: tuple[str, ...], found: dict[str, bool]) -> None:
        if words == self._in_patch[0]:
            self._in_patch[1].update(found)
            self._present_history()

    def _follow_run(self) -> None:
        state = self._client.state
        self._run = focus.shown_run(state, self.selection)
        if self._run is None:
            self.feed.follow(None, ())
        else:
            parents = [self._client.run_folder(other.run) for other in parent_runs(state, self._run)]
            self.feed.follow(
                self._client.run_folder(self._run.run), [folder for folder in parents if folder is not None]
            )
        self._deck.run.show_log(self.feed.log)

    def _flag(self) -> None:
        state = self._client.state
        pinned = "" if self.selection == Selection() else f"idea {self.selection.idea} {self._glyphs.dot} 0 live"
        for name in PANES:
            gate = focus.gate_for(state, name)
            mark = f"{self._glyphs.waiting} needs you" if gate is not None else ""
            # The Agent tab shows it whole, among what led to it.
            told = name == "run" and self._deck.run.tab == "Agent"
            question = focus.question_of(gate) if gate is not None and not told else ()
            self._deck.pane(name).flag(mark, question, pinned if name != "ideas" else "")
