"""The child process that reads one PDF from its standard input, within limits, and answers in JSON lines."""

import logging
import math
import os
import resource
import sys
from collections.abc import Callable
from typing import BinaryIO

import msgspec
from pypdf.errors import LimitReachedError

from mlrcopilot_tui.papers.extract import extract
from mlrcopilot_tui.papers.protocol import Failed, FailureKind, Message, PageRead, Parsed, Started, UnreadableError
from mlrcopilot_tui.papers.structure import structure


def main() -> None:
    """Run the child; its arguments are the limits: bytes of memory, seconds of processor time."""
    channel = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints stays out of the answer
    send(channel, Started())
    logging.disable()  # pypdf warns at length about fonts and damage, which costs time and is read by nobody
    limit(int(sys.argv[-2]), float(sys.argv[-1]))
    with os.fdopen(0, "rb", closefd=False) as file:
        send(channel, answer(file, lambda done, total: send(channel, PageRead(done=done, total=total))))
    os._exit(0)  # no destructors: a damaged file's objects may be deeply nested


def send(channel: BinaryIO, message: Message) -> None:
    """Write one message as one line."""
    view = memoryview(msgspec.json.encode(message) + b"\n")
    while view:
        view = view[channel.write(view) :]


def limit(memory_bytes: int, seconds: float) -> None:
    """Bound what this process may use; it needs to write no file, and leaves no core behind."""
    processor = math.ceil(seconds) + 1
    wanted = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: processor,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    for name, bound in wanted.items():
        _, hard = resource.getrlimit(name)
        value = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        try:
            resource.setrlimit(name, (value, value))
        except (ValueError, OSError):
            continue  # macOS refuses RLIMIT_AS; the parent's clock still holds


def answer(file: BinaryIO, on_page: Callable[[int, int], None]) -> Parsed | Failed:
    """The paper in `file`, or of which kind its trouble is; no file makes this raise."""
    kind: FailureKind
    try:
        read = extract(file, on_page)
    except UnreadableError as error:
        kind = error.kind
    except MemoryError:
        kind = "memory"
    except Exception as error:  # noqa: BLE001 - pypdf raises anything on damaged files, a bare TypeError too
        kind = "too_large" if isinstance(error, LimitReachedError) else "damaged"
    else:
        return structure(read)
    return Failed(kind=kind)


if __name__ == "__main__":
    main()
