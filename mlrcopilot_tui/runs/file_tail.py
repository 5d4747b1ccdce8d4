"""Follows a file that another process appends to, rewrites or replaces, without ever trusting what kind it is."""

import os
import stat
from collections.abc import Iterator
from typing import Final

CHUNK_BYTES: Final = 1 << 18
READ_LIMIT: Final = 1 << 22


class FileTail:
    """Reads what is new in a regular file; from its start again when it was truncated or replaced."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._inode = 0
        self._offset = 0

    def read(self, limit: int = READ_LIMIT) -> Iterator[bytes]:
        """The bytes that came since the last call, in chunks, about `limit` of them at most."""
        try:
            # Not blocking: a run may have put a pipe in the file's place, or a link to what only others may read.
            file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                return
            if found.st_ino != self._inode or found.st_size < self._offset:
                self._inode, self._offset = found.st_ino, 0
            end = min(found.st_size, self._offset + limit)
            while self._offset < end and (chunk := os.pread(file, min(CHUNK_BYTES, end - self._offset), self._offset)):
                self._offset += len(chunk)
                yield chunk
        finally:
            os.close(file)
