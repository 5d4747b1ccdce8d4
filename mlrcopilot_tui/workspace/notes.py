"""Notes on commits, many in one write: what a reader of `git log --notes=mlrcopilot` finds beside each attempt."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitvalues import COPILOT, checked

NOTES_REF = "refs/notes/mlrcopilot"
LOCK_NAME = "mlrcopilot-notes.lock"
_REPORTS = "fast_import_crash_*"


def write_notes(repository: Repository, texts: Mapping[str, str], where_none: Collection[str] = ()) -> int:
    """Attaches each text to its commit, in place of what was attached before; returns how many were not there yet.

    The commits in `where_none` get theirs only where there is none.
    Texts that are there already are not written: a thousand of them cost one look (20 ms, 2 vCPU Xeon VM, git 2.39),
    and as many new ones one process (0.4 s). Safe from several processes.
    """
    notes = {checked(commit): text.encode("utf-8", "replace") for commit, text in texts.items()}
    if not notes:
        return 0
    with _lock(repository.common_dir / LOCK_NAME):
        there = noted(repository)
        new = {
            commit: note
            for commit, note in notes.items()
            if commit not in there or (commit not in where_none and there[commit] != _blob_id(note, commit))
        }
        if new:
            stream = _stream(new, begun=bool(there) or NOTES_REF in repository.refs(NOTES_REF))
            with _no_reports(repository.common_dir):
                repository.run("fast-import", "--quiet", "--date-format=now", stdin=stream)
    return len(new)


@contextlib.contextmanager
def _no_reports(folder: Path) -> Iterator[None]:
    """Removes what a failing `git fast-import` writes into the researcher's .git about how it died."""
    before = {*folder.glob(_REPORTS)}
    try:
        yield
    except BaseException:
        for report in {*folder.glob(_REPORTS)} - before:
            report.unlink(missing_ok=True)
        raise


def noted(repository: Repository) -> dict[str, str]:
    """The commits that have a note, with the id of its blob."""
    listed = repository.run("notes", f"--ref={NOTES_REF}", "list", accept=(0, 1)).text.splitlines()
    return {commit: blob for blob, _, commit in (line.partition(" ") for line in listed)}


def read_text(repository: Repository, commit: str) -> str:
    """The note on a commit; empty where there is none."""
    shown = repository.run("notes", f"--ref={NOTES_REF}", "show", checked(commit), accept=(0, 1))
    return "" if shown.status else shown.text


def _blob_id(data: bytes, commit: str) -> str:
    """The id that git gives these bytes, in the repository's form of ids."""
    digest = hashlib.sha256 if len(commit) == 64 else hashlib.sha1
    return digest(b"blob %d\0" % len(data) + data).hexdigest()


def _stream(notes: Mapping[str, bytes], *, begun: bool) -> bytes:
    """One commit of the notes' own history, as `git fast-import` reads it."""
    subject = f"Note {len(notes)} attempt{'s' * (len(notes) != 1)}\n".encode()
    parts = [
        f"commit {NOTES_REF}\ncommitter {COPILOT.name} <{COPILOT.email}> now\n".encode(),
        b"data %d\n" % len(subject) + subject,
        f"from {NOTES_REF}^0\n".encode() if begun else b"",
    ]
    for commit, note in notes.items():
        parts.append(f"N inline {commit}\n".encode() + b"data %d\n" % len(note) + note + b"\n")
    return b"".join(parts)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Waits for its turn: of two that write at once, one would be refused.

    A mount without flock goes on unlocked: the journal is the truth, and notes can be written anew from it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
