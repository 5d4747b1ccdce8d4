"""Pane 4: the run's live output, its curve, and what the agents said."""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget

from mlrcopilot_tui.tui.actions import bindings
from mlrcopilot_tui.tui.projector.run import Live, RunView
from mlrcopilot_tui.tui.views import Document, PaneName, Segment, Span
from mlrcopilot_tui.tui.widgets.header import Header
from mlrcopilot_tui.tui.widgets.line import Line
from mlrcopilot_tui.tui.widgets.pane import Pane
from mlrcopilot_tui.tui.widgets.progress import Progress
from mlrcopilot_tui.tui.widgets.run_curve import RunCurve
from mlrcopilot_tui.tui.widgets.run_log import RunLog
from mlrcopilot_tui.tui.widgets.talk_view import TalkView

_EMPTY = "Training's output will stand here as it is written. It begins when a patch is approved (3, then a)."


class RunPane(Pane):
    """What is being measured."""

    PANE: ClassVar[PaneName] = "run"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("run")]
    DEFAULT_CSS = """
    RunPane RunLog, RunPane TalkView { height: 1fr; }
    RunPane Header { padding: 0; background: $background; }
    """

    def views(self) -> Iterable[Widget]:
        """The log under its progress line, the curve under its note, and the agents' words."""
        self.progress = Progress(glyphs=self.glyphs)
        self.begins = Line()
        self.begins.show((Span(_EMPTY, "muted"),), wrapped=True)
        self.log_view = RunLog(empty="")
        self.note = Line()
        self.curve = RunCurve(ascii_only=not self.glyphs.unicode)
        self.costs = Header()
        self.costs.display = False
        self.agent = TalkView(empty="What the agents think, do and see will stand here.")
        log = Vertical(self.progress, self.note, self.begins, self.log_view)
        return (log, self.curve, Vertical(self.costs, self.agent))

    @property
    def target(self) -> RunLog | RunCurve | TalkView:
        """What scrolls takes the focus."""
        views: dict[str, RunLog | RunCurve | TalkView] = {
            "Run": self.log_view,
            "Curve": self.curve,
            "Agent": self.agent,
        }
        return views[self.tab]

    def show(self, view: RunView) -> None:
        """Shows how far the run is; without one, what begins it."""
        self.progress.show(view)
        self.begins.display = not view.line
        self.progress.display = bool(view.line)

    def show_log(self, path: Path | None) -> None:
        """Shows another run's output."""
        self.log_view.show(path)

    def show_curve(self, live: Live, metric: str, note: tuple[Span, ...], advice: str = "") -> None:
        """Shows the readings, where they stand beside the parent's, and over the curve what had better be done."""
        self.curve.show(live.curve, live.parents, metric, advice)
        self.note.show(note)
        self.note.display = bool(note)

    def show_costs(self, costs: tuple[Segment, ...]) -> None:
        """Shows above the agents' words what asking a model has cost."""
        self.costs.show(costs)
        self.costs.display = bool(costs)

    def show_agent(self, talk: Document, now: Document) -> None:
        """Shows what the agents said, and what goes on; the end stays in view."""
        self.agent.show(talk, now)
