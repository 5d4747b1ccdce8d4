"""The files of a patch as a list to jump from: what happens to each, how much of it, and how much of that is taken."""

from collections.abc import Sequence

from mlrcopilot_tui.tui.views import Row, Span
from mlrcopilot_tui.tui.widgets.diff_page import DiffPage
from mlrcopilot_tui.tui.widgets.diff_painter import BOX, Look
from mlrcopilot_tui.tui.widgets.diff_rows import note_of
from mlrcopilot_tui.workspace.patch import FileChange


def rows(page: DiffPage, look: Look) -> Sequence[Row]:
    """A row for each file of the patch; its key is the file's position."""
    alarming = {"waiting", "error"}
    tagged = frozenset(hunk for (hunk, _), said in page.notes.items() if alarming & {span.role for span in said})
    return tuple(_row(str(at), file, page, look, tagged) for at, file in enumerate(page.patch.files))


def _row(key: str, file: FileChange, page: DiffPage, look: Look, tagged: frozenset[int]) -> Row:
    added, removed = file.counts
    box = BOX[page.choice.of_file(file)] if page.selectable else ""
    marks = sum(hunk.index in tagged for hunk in file.hunks)
    right = [
        Span(f"{file.kind} " if file.kind != "modified" else "", "muted"),
        Span(f"{marks} tagged " if marks else "", "waiting"),
        Span(f"+{added} ", "kept"),
        Span(f"{look.minus}{removed} ", "discarded"),
        Span(_hunks(file, page), "muted"),
    ]
    return Row(
        key=key,
        left=(Span(f"{box}{file.path}"),),
        right=tuple(span for span in right if span.text) if file.hunks else (Span(note_of(file), "muted"),),
    )


def _hunks(file: FileChange, page: DiffPage) -> str:
    count = len(file.hunks)
    shares = [page.choice.of_hunk(hunk.index) for hunk in file.hunks]
    if page.selectable and shares.count("all") < count:
        partly = " + part" if "some" in shares else ""
        return f"{shares.count('all')}{partly} of {count} in"
    return f"{count} hunk{'s' if count != 1 else ''}"
