"""Papers and patches as they lie in the session's folder, read in a thread so that no disk holds up the screen."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from textual.dom import DOMNode

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.research.comparing import compare
from mlrcopilot_tui.tui.client import SessionClient
from mlrcopilot_tui.workspace.kept_diff import KeptDiff, read_diff

_T = TypeVar("_T")


class Library:
    """Reads what somebody wants to see; of each kind only the last wish counts.

    Args:
        owner: whose workers read.
    """

    def __init__(self, client: SessionClient, owner: DOMNode) -> None:
        self._client = client
        self._owner = owner
        self._paper = ""

    def want_paper(self, digest: str, show: Callable[[Paper | None], None]) -> None:
        """Gives the parsed paper to `show` once it is read; one that was shown is not read again."""
        folder = self._client.folder
        if folder is None or not digest.isalnum() or digest == self._paper:
            return
        self._paper = digest
        self._read("paper", lambda: read_paper(folder / "papers" / f"{digest}.json"), show)

    def want_patch(self, commit: str, show: Callable[[KeptDiff], None]) -> None:
        """Gives the diff of an attempt to `show`; empty for none."""
        folder = self._client.folder
        if folder is None or not commit.isalnum():
            show(KeptDiff())
            return
        self._read("patch", lambda: read_diff(folder / "patches" / f"{commit}.diff"), show)

    def want_comparison(
        self, commit: str, against: str, show: Callable[[KeptDiff], None], explain: Callable[[CopilotError], None]
    ) -> None:
        """Gives the diff from `against` to `commit` to `show` once it is known, or tells why it cannot be."""
        folder, root, tell = self._client.folder, self._client.layout.root, self._owner.app.call_from_thread
        if folder is None or not (commit.isalnum() and against.isalnum()):
            return

        def work() -> None:
            try:
                diff = compare(root, folder, against, commit)
            except CopilotError as error:
                tell(explain, error)
            else:
                tell(show, diff)

        self._owner.run_worker(work, group="patch", exclusive=True, thread=True)

    def want_found(
        self, words: Sequence[str], commits: Collection[str], show: Callable[[dict[str, bool]], None]
    ) -> None:
        """Gives to `show` which attempts' patches hold all of these words, in either case."""
        folder = self._client.folder
        if folder is not None:
            patches = folder / "patches"
            self._read("found", lambda: {commit: _holds(patches / f"{commit}.diff", words) for commit in commits}, show)

    def _read(self, group: str, read: Callable[[], _T], show: Callable[[_T], None]) -> None:
        def work() -> None:
            result = read()
            self._owner.app.call_from_thread(show, result)

        self._owner.run_worker(work, group=group, exclusive=True, thread=True)


def read_paper(path: Path) -> Paper | None:
    """A parsed paper; None where it is absent or of another program's form."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Paper)
    except (OSError, msgspec.MsgspecError):
        return None


def _holds(path: Path, words: Sequence[str]) -> bool:
    text = read_diff(path).text.lower()
    return all(word in text for word in words)
