"""The screen without a workspace: go on with one, begin one from a template, or adopt a repository."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.text import printable
from mlrcopilot_tui.tui import start
from mlrcopilot_tui.tui.preferences import Preferences
from mlrcopilot_tui.tui.screens.prompt import Prompt
from mlrcopilot_tui.tui.start import Beginnings, Direction
from mlrcopilot_tui.tui.views import Segment
from mlrcopilot_tui.tui.widgets.document import DocumentView
from mlrcopilot_tui.tui.widgets.footer import Footer, Hint
from mlrcopilot_tui.tui.widgets.header import Header
from mlrcopilot_tui.tui.widgets.lines import RowList
from mlrcopilot_tui.tui.widgets.roles import CLASSES

_HINTS = (Hint("enter", "open or begin", "screen.begin"), Hint("j k", "move", "screen.move(1)"))
_DOCKED = (Hint("q", "leave", "app.exit"),)


class StartScreen(Screen[None]):
    """Offers beginnings; `open_workspace` takes the one that was chosen.

    Args:
        here: the folder that the program was started in.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = set(CLASSES)
    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "begin", "open or begin", id="start.begin", show=False),
        Binding("j,down", "move(1)", "down", id="start.down", show=False),
        Binding("k,up", "move(-1)", "up", id="start.up", show=False),
        Binding("q", "leave", "leave", id="start.leave", show=False),
    ]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 -- Textual declares it without ClassVar
        (0, "-narrow"),
        (100, "-broad"),
    ]
    DEFAULT_CSS = """
    StartScreen {
        & > Container { height: 1fr; layout: horizontal; }
        &.-narrow > Container { layout: vertical; }
        & RowList, & DocumentView {
            width: 1fr; height: 1fr; border: round $border-blurred; padding: 0 1; border-title-color: $muted;
        }
        & RowList:focus { border: round $border; }
    }
    """

    def __init__(
        self, beginnings: Beginnings, preferences: Preferences, here: Path, open_workspace: Callable[[Path], None]
    ) -> None:
        super().__init__()
        self._beginnings = beginnings
        self._preferences = preferences
        self._here = here
        self._open_workspace = open_workspace

    def compose(self) -> ComposeResult:
        """The beginnings and what works on this machine."""
        self._header = Header(id="header")
        self._rows = RowList()
        self._rows.border_title = "Begin"
        self._findings = DocumentView(empty="Looking at this machine …")
        self._findings.border_title = "This machine"
        self._footer = Footer(id="footer")
        yield self._header
        yield Container(self._rows, self._findings)
        yield self._footer

    def on_mount(self) -> None:
        """Shows what is known at once; templates and checks come in a thread."""
        self._header.show(
            (Segment("mlrcopilot", "heading"), Segment("from a paper to measured, reviewed commits", "muted"))
        )
        self._footer.show(_HINTS, _DOCKED)
        self._show_rows(())
        self._rows.focus()
        self.call_after_refresh(lambda: self.run_worker(self._look, thread=True, group="look"))

    def _look(self) -> None:
        call = self.app.call_from_thread
        try:
            call(self._show_rows, self._beginnings.offers())
            call(self._findings.show, self._beginnings.findings())
        except CopilotError as error:
            call(self._fail, error)

    def _show_rows(self, offers: tuple[start.Offer, ...]) -> None:
        self._rows.show(start.rows(self._preferences, offers, self._here))
        if not self._rows.key:
            self.action_move(1)

    def action_move(self, by: int) -> None:
        """To the next row that can be chosen."""
        self._rows.move(by)
        for _ in range(4):
            if not self._rows.key:
                self._rows.move(by)
        if not self._rows.key:
            self._rows.move(-by)

    def action_begin(self) -> None:
        """Opens or begins what the cursor stands on."""
        key = self._rows.key or ""
        if key.startswith(start.OPEN):
            self._open_workspace(Path(key.removeprefix(start.OPEN)))
        elif key.startswith(start.MAKE):
            self._ask_folder(key.removeprefix(start.MAKE))
        elif key.startswith(start.ADOPT):
            self._ask_command(Path(key.removeprefix(start.ADOPT)))

    def on_row_list_chosen(self, _: RowList.Chosen) -> None:
        """A click on the cursor's row is enter."""
        self.action_begin()

    def action_leave(self) -> None:
        """Ends the program."""
        self.app.exit(0)

    def _ask_folder(self, template: str) -> None:
        def make(answer: str) -> None:
            folder = Path(answer).expanduser()
            self._work(lambda: self._beginnings.create(template, folder), f"Making {folder} …")

        self._ask(f"Where shall the workspace {template} be made?", make, str(self._here / template))

    def _ask_command(self, folder: Path) -> None:
        def metric_of(command: str) -> None:
            def direction_of(metric: str) -> None:
                def adopt(answer: str) -> None:
                    direction: Direction = "max" if answer.lower().startswith(("max", "l")) else "min"
                    self._work(lambda: self._beginnings.adopt(folder, command, metric, direction), "Adopting …")

                self._ask(f"Shall {metric} be made small or large: min or max?", adopt, "min")

            self._ask("Which metric does it report?", direction_of, hint="Its name as the run prints it: val_loss")

        self._ask("Which command trains the model?", metric_of, "python train.py")

    def _ask(self, question: str, then: Callable[[str], None], value: str = "", hint: str = "") -> None:
        self.app.push_screen(Prompt(question, value=value, hint=hint), lambda answer: then(answer) if answer else None)

    def _work(self, make: Callable[[], Path], said: str) -> None:
        self.notify(printable(said), markup=False)

        def work() -> None:
            try:
                workspace = make()
            except CopilotError as error:
                self.app.call_from_thread(self._fail, error)
            else:
                self.app.call_from_thread(self._open_workspace, workspace)

        self.run_worker(work, thread=True, exclusive=True, group="make")

    def _fail(self, error: CopilotError) -> None:
        self.notify(printable(str(error)), severity="error", timeout=15, markup=False)
