"""Keeps a session's papers: each parsed once, stored beside a copy of its PDF, found again by its digest."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.files import write_whole, written_aside
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.papers.pdf import file_digest, read_paper

_DIGEST = re.compile(r"[0-9a-f]{64}")


class PaperLibrary:
    """A folder of papers: `<digest>.json` as parsed and `<digest>.pdf` as given.

    Args:
        folder: made on the first `add`, readable by its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, path: Path, *, progress: Callable[[int, int], None] | None = None) -> Paper:
        """Read a PDF and keep it; a file with the same content is not read again.

        Raises:
            InputError: as `read_paper`, or the file changed while it was read.
            EnvironmentLackError: the folder cannot be written.
        """
        digest = file_digest(path)
        if (stored := self._load(digest)) is not None and self.pdf(digest).exists():
            return stored
        paper = read_paper(path, progress=progress)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("rb") as source, written_aside(self.pdf(paper.digest)) as copy:
                shutil.copyfileobj(source, copy)
            if file_digest(self.pdf(paper.digest)) != paper.digest:
                self.pdf(paper.digest).unlink()
                raise InputError(f"{paper.source} changed while it was read.", "Add it again.")
            write_whole(self._json(paper.digest), msgspec.json.encode(paper))
        except OSError as error:
            raise EnvironmentLackError(
                f"The paper cannot be kept in {self.folder}: {error.strerror}.",
                "Free space there, or make it writable.",
            ) from None
        return paper

    def get(self, digest: str) -> Paper:
        """The paper with this digest.

        Raises:
            InputError: it is not in the library, or what is stored of it cannot be read.
        """
        paper = self._load(digest) if _DIGEST.fullmatch(digest) else None
        if paper is None:
            raise InputError(f"There is no paper {digest[:12]!r} in this session.", "Add its PDF again.")
        return paper

    def pdf(self, digest: str) -> Path:
        """Where the copy of the paper's file is."""
        return self.folder / f"{digest}.pdf"

    def _json(self, digest: str) -> Path:
        return self.folder / f"{digest}.json"

    def _load(self, digest: str) -> Paper | None:
        try:
            return msgspec.json.decode(self._json(digest).read_bytes(), type=Paper)
        except (OSError, msgspec.MsgspecError):
            return None  # absent, or written by another version: it is read again from its PDF
