"""Files of one folder, and of no other: paths from agents are opened step by step and no link is followed."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mlrcopilot_tui.errors import EnvironmentLackError, InputError

MAX_TEXT = 4 * 1024 * 1024
"""Bytes of the largest file that is read or written as text."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LINK_ERRORS = {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}


class Jail:
    """Reads and writes text files below `root`, whatever the path says and whoever plants links meanwhile.

    Every path is relative and posix. InputError is raised for one that leads out, through a link, into `.git`, or to
    what is no regular file.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: PurePosixPath) -> str:
        """A file's text as it is on disk: no line end is changed."""
        parts = _parts(path)
        with self._folder(parts[:-1]) as folder, _said(path):
            handle = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise InputError(f"{path} is not a file.")
                data = file.read(MAX_TEXT + 1)
        return as_text(data, path)

    def write(self, path: PurePosixPath, text: str) -> None:
        """Replaces a file's text at once, or makes the file with the folders above it; its mode stays."""
        data, parts = checked_text(path, text), _parts(path)
        with self._folder(parts[:-1], make=True) as folder, _said(path):
            mode = _mode(parts[-1], folder, path)
            aside = f".{secrets.token_hex(8)}.tmp"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                with os.fdopen(os.open(aside, flags, 0o600, dir_fd=folder), "wb") as file:
                    file.write(data)
                    os.fchmod(file.fileno(), mode)
                os.rename(aside, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(aside, dir_fd=folder)
                raise

    def delete(self, path: PurePosixPath) -> None:
        """Removes a file."""
        parts = _parts(path)
        with self._folder(parts[:-1]) as folder, _said(path):
            os.unlink(parts[-1], dir_fd=folder)

    @contextlib.contextmanager
    def _folder(self, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
        at = os.open(self.root, _FOLDER)
        try:
            for depth, part in enumerate(parts, start=1):
                with _said(PurePosixPath(*parts[:depth])):
                    if make:
                        with contextlib.suppress(FileExistsError):
                            os.mkdir(part, 0o755, dir_fd=at)
                    below = os.open(part, _FOLDER, dir_fd=at)
                os.close(at)
                at = below
            yield at
        finally:
            os.close(at)


def is_git_name(name: str) -> bool:
    """Whether some file system takes the name for `.git`: case, trailing dots and spaces, DOS short names."""
    return name.casefold().rstrip(". ") in {".git", "git~1"}


def _parts(path: PurePosixPath) -> tuple[str, ...]:
    text = str(path)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        raise InputError(f"{text!r} leads out of the workspace.", "Use a path relative to its top.")
    if any(ord(char) < 32 or char == "\x7f" for char in text):
        raise InputError(f"{text!r} has control characters.", "Use a plain file name.")
    if any(is_git_name(part) for part in path.parts):
        raise InputError(f"{text!r} is git's own.", "Choose another file.")
    return path.parts


def _mode(name: str, folder: int, path: PurePosixPath) -> int:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return 0o644
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path} is a link, a folder or a device, and cannot be written.")
    return stat.S_IMODE(found.st_mode) & 0o777


def checked_text(path: PurePosixPath, text: str) -> bytes:
    """A file's new text as bytes, once path and text are known to be ones that may stand."""
    _parts(path)
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"The new text of {path} is not valid Unicode.") from error
    as_text(data, path)
    return data


def as_text(data: bytes, path: PurePosixPath) -> str:
    """A file's bytes as text; raises InputError where they are none."""
    if len(data) > MAX_TEXT:
        raise InputError(f"{path} is larger than {MAX_TEXT // 1024**2} MB.")
    if b"\0" in data:
        raise InputError(f"{path} is binary.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text.") from error


@contextlib.contextmanager
def _said(path: PurePosixPath) -> Iterator[None]:
    """Turns what the system says about one path into a sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(f"There is no {path}.") from error
    except OSError as error:
        if error.errno in _LINK_ERRORS:
            raise InputError(f"{path} is a link or leads through one.", "Links are not followed.") from error
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:  # nothing that an agent did
            raise EnvironmentLackError("The disk is full.", "Free some space and try again.") from error
        raise InputError(f"{path}: {(error.strerror or 'it cannot be used').lower()}.") from error
