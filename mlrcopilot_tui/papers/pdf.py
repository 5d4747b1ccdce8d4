"""Reads a PDF in a limited child process, so that no file can hang, crash or flood this one."""

import hashlib
import os
import selectors
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

import msgspec

from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError, InputError
from mlrcopilot_tui.papers.characters import tidy
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.papers.protocol import Failed, FailureKind, Message, PageRead, Parsed, Started

MAX_FILE_BYTES = 512 << 20
MAX_ANSWER_BYTES = 64 << 20

_HEAD_BYTES = 1024
_CHUNK = 1 << 16
_KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH")
_IN_CHILD = (
    "import sys; sys.path[:] = sys.argv[1].split(chr(10)); from mlrcopilot_tui.papers.worker import main; main()"
)
_DOWNLOAD_AGAIN = "Download it again."
_FAILURES: dict[FailureKind, tuple[str, str]] = {
    "not_pdf": ("is not a PDF.", "Give a file that begins with %PDF-."),
    "damaged": ("is damaged: its pages cannot be read.", _DOWNLOAD_AGAIN),
    "encrypted": ("is protected by a password.", "Save a copy without the password and give that."),
    "cipher": ("is encrypted in a way that cannot be read here.", "Save a copy without encryption and give that."),
    "fonts": (
        "does not tell which letters its fonts print.",
        "Run it through OCR first, or give another copy.",
    ),
    "scanned": (
        "has hardly any text: its pages are pictures.",
        "Run it through OCR first, or give another copy.",
    ),
    "pages": ("has more than 2,000 pages.", "Give the paper alone, not the collection that it is in."),
    "too_large": ("is too large or too deeply nested to be a paper.", "Give a smaller or simpler copy of it."),
    "memory": ("needs more memory to read than it may take.", "Give a smaller copy of it."),
}


def read_paper(
    path: Path,
    *,
    timeout_s: float = 20.0,
    memory_bytes: int = 2 << 30,
    progress: Callable[[int, int], None] | None = None,
) -> Paper:
    """Read a PDF into a paper.

    Args:
        path: the PDF.
        timeout_s: how long reading may take in all, in seconds of wall clock.
        memory_bytes: how much address space the reading process may take (not enforced on macOS).
        progress: told (pages done, pages in all) as reading goes on, in the calling thread.

    Raises:
        InputError: the file is missing, is no PDF, or its text cannot be had; one sentence says why.
        EnvironmentLackError: the reading process cannot be started.
    """
    name = tidy(path.name) or "The file"
    with _open(path, name) as file:
        digest = _digest(file, name)
        parsed = _parse(file, name, timeout_s, memory_bytes, progress)
    untitled = ("No title was found: the file's name stands in for it.",) if not parsed.title else ()
    return Paper(
        digest=digest,
        title=parsed.title or tidy(path.stem) or name,
        abstract=parsed.abstract,
        sections=parsed.sections,
        page_count=parsed.page_count,
        source=name,
        warnings=(*parsed.warnings, *untitled),
    )


def file_digest(path: Path) -> str:
    """SHA-256 of a PDF, in hex; the same errors as `read_paper` for what is plainly none."""
    name = tidy(path.name) or "The file"
    with _open(path, name) as file:
        return _digest(file, name)


def _digest(file: BufferedReader, name: str) -> str:
    try:
        return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.", "Give a copy on another disk.") from None


def _open(path: Path, name: str) -> BufferedReader:
    """The file, opened at its beginning, if it is a file that can be a PDF."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise InputError(f"There is no file {name}.", "Check the path.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its name is not a valid path"
        raise InputError(f"{name} cannot be opened: {reason}.", "Check the path and its permissions.") from None
    try:
        _check_status(os.fstat(descriptor), name)
        file = os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if b"%PDF-" in head:
        return file
    file.close()
    if b"<html" in head.lower() or b"<!doctype html" in head.lower():
        raise InputError(f"{name} is a web page, not a PDF.", "Download the PDF that the page links to.")
    raise _failure(name, "not_pdf")


def _check_status(status: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise InputError(f"{name} is a folder.", "Name the PDF in it.")
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{name} is not a regular file.", "Give the PDF as a file.")
    if status.st_size == 0:
        raise InputError(f"{name} is empty.", _DOWNLOAD_AGAIN)
    if status.st_size > MAX_FILE_BYTES:
        raise InputError(f"{name} is larger than {MAX_FILE_BYTES >> 20} MiB.", "Give a smaller copy of it.")


def _failure(name: str, kind: FailureKind) -> InputError:
    sentence, mend = _FAILURES[kind]
    return InputError(f"{name} {sentence}", mend)


def _parse(
    file: BufferedReader, name: str, timeout_s: float, memory_bytes: int, progress: Callable[[int, int], None] | None
) -> Parsed:
    deadline = time.monotonic() + timeout_s
    started = False
    process = _start(file, timeout_s, memory_bytes)
    try:
        for message in _messages(process, deadline):
            match message:
                case Started():
                    started = True
                case PageRead(done=done, total=total):
                    if progress is not None:
                        progress(done, total)
                case Parsed():
                    return message
                case Failed(kind=kind):
                    raise _failure(name, kind)
    except TimeoutError:
        raise InputError(
            f"{name} takes longer than {timeout_s:g} s to read.", "Give a smaller or simpler copy of it."
        ) from None
    except (msgspec.MsgspecError, BufferError):
        raise _failure(name, "too_large") from None
    finally:
        process.kill()
        process.wait()
        cast("IO[bytes]", process.stdout).close()
    raise _silence(name, started=started)


def _silence(name: str, *, started: bool) -> CopilotError:
    """The child ended without an answer: killed by a limit or by the kernel, or never able to begin."""
    if started:
        return InputError(f"{name} cannot be read: the reading process broke off.", "Give another copy of it.")
    return EnvironmentLackError(
        "The process that reads papers could not start.", f"Check that {sys.executable} can import mlrcopilot_tui."
    )


def _start(file: BufferedReader, timeout_s: float, memory_bytes: int) -> "subprocess.Popen[bytes]":
    package_root = Path(__file__).resolve().parents[2]
    # The child finds its modules where this process found them, however they were installed, and in no other place.
    search_path = "\n".join([*(str(Path(entry).resolve()) for entry in sys.path if entry), str(package_root)])
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-c", _IN_CHILD, search_path, str(memory_bytes), str(timeout_s)],
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        raise EnvironmentLackError(
            f"The process that reads papers could not start: {error.strerror}.", "Free memory and processes."
        ) from None


def _messages(process: "subprocess.Popen[bytes]", deadline: float) -> Iterator[Message]:
    """The child's messages as they come, until it closes its end.

    Raises:
        TimeoutError: the deadline, in `time.monotonic` seconds, passed.
        BufferError: it sends more than any paper holds.
        msgspec.MsgspecError: it sends something else than messages.
    """
    decoder = msgspec.json.Decoder(Message)
    pending = bytearray()
    received = 0
    for chunk in _chunks(process, deadline):
        received += len(chunk)
        if received > MAX_ANSWER_BYTES:
            raise BufferError
        pending += chunk
        if b"\n" in chunk:
            *lines, rest = pending.split(b"\n")
            pending = bytearray(rest)
            yield from map(decoder.decode, lines)


def _chunks(process: "subprocess.Popen[bytes]", deadline: float) -> Iterator[bytes]:
    descriptor = cast("IO[bytes]", process.stdout).fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not selector.select(remaining):
                if time.monotonic() >= deadline:
                    raise TimeoutError
                continue
            chunk = os.read(descriptor, _CHUNK)
            if not chunk:
                return
            yield chunk
