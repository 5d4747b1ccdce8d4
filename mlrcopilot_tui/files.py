"""Files that are whole or absent, whenever the process that writes them dies."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def written_aside(target: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file that takes the place of `target` in one step when the block ends well, and is gone when it does not.

    Only its owner may read it. Its folder must exist.

    Args:
        target: what is replaced; it need not be there.
        durable: whether its bytes are on the disk before it takes the place: a power failure would otherwise leave an
            empty file on some file systems. What can be made again does without.
    """
    aside = target.with_name(f".{target.name[:100]}.{os.urandom(6).hex()}.part")
    try:
        with open(aside, "xb", opener=_for_owner_only) as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_whole(target: Path, data: bytes, *, durable: bool = True) -> None:
    """Makes `data` the content of `target`, in one step; see `written_aside`."""
    with written_aside(target, durable=durable) as file:
        file.write(data)


def _for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
