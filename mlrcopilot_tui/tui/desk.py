"""What actions work with: the session's client, the panes, and ways to ask, to tell and to send."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, Unpack

from mlrcopilot_tui.session.model import DecisionKind, Gate
from mlrcopilot_tui.tui.client import DecisionFields, SessionClient
from mlrcopilot_tui.tui.projector.situation import Situation
from mlrcopilot_tui.tui.remarks import Remarks, Spot
from mlrcopilot_tui.tui.views import HistoryChoice, PaneName, Row, Selection

ScreenName = Literal["help", "notices", "themes", "digest", "ablation", "instructions"]


class Readable(Protocol):
    """What keys move through: a document, a list, a log or a diff."""

    def move(self, lines: int) -> None:
        """Down by so many lines, up where negative."""

    def page(self, halves: int) -> None:
        """Down by so many half pages, up where negative."""

    def to_start(self) -> None:
        """To the first line."""

    def to_end(self) -> None:
        """To the last line."""

    def search(self, pattern: str, *, backwards: bool = False) -> None:
        """Marks what matches and goes to the next match; the same pattern again goes on."""

    def copied(self) -> str:
        """What `y` copies."""


class PaneHandle(Protocol):
    """A pane as actions see it."""

    tabs: tuple[str, ...]

    def show_tab(self, tab: str) -> None:
        """Brings an inner tab into view."""

    def next_tab(self) -> None:
        """Brings the next inner tab into view."""


class DeckHandle(Protocol):
    """The panes as actions see them."""

    @property
    def focused(self) -> PaneName:
        """The pane that has the focus."""

    @property
    def view(self) -> Readable:
        """What the pane in focus shows."""

    def pane(self, name: PaneName) -> PaneHandle:
        """One of the panes."""

    def focus_pane(self, name: PaneName) -> None:
        """Gives a pane the focus."""

    def zoom(self) -> None:
        """Gives the pane in focus all the room, or takes it back."""

    def cursor_key(self) -> str | None:
        """The key of what is marked in the list or the document in focus."""

    def point(self, pane: PaneName, tab: str, key: str) -> None:
        """Goes to what stands under `key` in a tab of a pane."""

    def step(self, by: int) -> None:
        """Goes to the next thing in the document in focus that leads on, or to the one before where negative."""


class ReviewHandle(Protocol):
    """The diff in the patch pane as actions see it."""

    @property
    def hunk_at_cursor(self) -> tuple[int, str] | None:
        """The number of the hunk under the cursor and the path of its file; None where the cursor is on no hunk."""

    @property
    def spot(self) -> tuple[Spot, str]:
        """The hunk under the cursor, or the marked lines of it, and the path of its file; else the whole patch."""

    @property
    def file_at_cursor(self) -> str:
        """The key of the row of `files` that stands for the file under the cursor."""

    @property
    def has_room_for_two(self) -> bool:
        """Whether old and new can stand side by side."""

    def perform(self, command: str) -> None:
        """One of the diff's own commands: toggle, range, next_hunk, side_by_side, …"""

    def sideways(self, direction: int) -> None:
        """Scrolls long lines, to the left where negative."""

    def files(self) -> Sequence[Row]:
        """The patch's files, a row each."""

    def to_hunk(self, number: int) -> None:
        """Goes to a hunk."""

    def to_file(self, key: str) -> None:
        """Goes to the file that a row of `files` stands for."""


@dataclass(frozen=True, slots=True)
class ChosenPatch:
    """What is approved: everything where both are empty, else the numbers of the hunks and the smaller patch itself."""

    hunks: tuple[int, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """What the words typed into a line can be instead, by a key; `value` is what is there of it already."""

    question: str
    then: Callable[[str], None]
    value: str = ""
    hint: str = ""


class Desk(Protocol):
    """What an action may do."""

    client: SessionClient
    last_search: str

    @property
    def deck(self) -> DeckHandle:
        """The panes."""

    @property
    def review(self) -> ReviewHandle:
        """The diff in the patch pane."""

    @property
    def remarks(self) -> Remarks:
        """The notes on patches under review."""

    @property
    def situation(self) -> Situation:
        """Where the researcher stands."""

    def key(self, action: str) -> str:
        """The key of an action, as people read it; the researcher may have chosen another than the usual one."""

    def select(self, selection: Selection) -> None:
        """Shows something else in the panes."""

    def decide(self, kind: DecisionKind, **fields: Unpack[DecisionFields]) -> None:
        """Sends a decision to the copilot and follows what becomes of it."""

    def ask(
        self,
        question: str,
        then: Callable[[str], None],
        *,
        value: str = "",
        hint: str = "",
        may_be_empty: bool = False,
        other: Other | None = None,
    ) -> None:
        """Asks for one line; escape takes the question back, and tab asks the other thing instead, if there is one."""

    def note(self, commit: str, spot: Spot, text: str) -> None:
        """Keeps a note on a place of a patch until the decision on it; empty text takes it away."""

    def choose(self, title: str, rows: Sequence[Row], then: Callable[[str], None], *, chosen: str = "") -> None:
        """Lets one of several be chosen, from `chosen` on; `then` gets its key, and is not called where none is."""

    def confirm(self, question: str, consequence: str, then: Callable[[], None]) -> None:
        """Asks once before something that is not undone by a key."""

    def ask_for(self, gate: Gate) -> None:
        """Opens the dialog of a question, or of a consent, that an agent wants."""

    def offer_restart(self) -> None:
        """Opens the dialog of a copilot that ended."""

    def mark(self, ideas: frozenset[int]) -> None:
        """Marks these ideas in the tree, and no other."""

    def list_history(self, choice: HistoryChoice) -> None:
        """Lists the history otherwise: another filter, another order, another mark."""

    def unmark(self) -> bool:
        """Forgets the marked lines of a patch in focus, and says whether there were any."""

    def tell(self, sentence: str, mend: str = "", *, wrong: bool = False) -> None:
        """Says a sentence in passing; it stays in the list of notices."""

    def chosen_patch(self) -> ChosenPatch | None:
        """What is selected of the shown patch; None where nothing is."""

    def place(self) -> tuple[str, int]:
        """The file under the cursor of the shown patch, and the line in its new state; ("", 0) where there is none."""

    def edit(self, files: Sequence[Path], line: int = 0) -> bool:
        """Opens files in the researcher's editor, the first at a line, and says whether any was changed."""

    def copy(self, text: str) -> None:
        """Sends text to the terminal's clipboard."""

    def open(self, screen: ScreenName) -> None:
        """Opens one of the screens that lie over the panes."""

    def toggle_strip(self) -> None:
        """Hides or shows the hardware strip, and remembers it."""

    def leave(self) -> None:
        """Ends the program; the copilot goes on."""
