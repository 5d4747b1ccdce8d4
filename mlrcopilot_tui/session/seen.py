"""How far the researcher has seen a session: a small file beside its journal, kept by whatever shows it to them."""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from mlrcopilot_tui.files import write_whole

SEEN_NAME: Final = "seen.json"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The newest event that was shown to the researcher, and when they were last there, as journals write times."""

    seq: int
    time: str


def read_seen(folder: Path) -> Seen | None:
    """How far the session in `folder` was seen; None where nobody has looked, or nobody can tell."""
    try:
        return msgspec.json.decode((folder / SEEN_NAME).read_bytes(), type=Seen)
    except (OSError, msgspec.MsgspecError):
        return None


def write_seen(folder: Path, seen: Seen) -> None:
    """Keeps it; what another screen has shown stays shown, and a disk that takes nothing is no reason to stop.

    It need not survive a power failure: something is told twice then, which harms nobody.
    """
    if (known := read_seen(folder)) is not None:
        seen = Seen(seq=max(known.seq, seen.seq), time=max(known.time, seen.time))
    with contextlib.suppress(OSError):
        write_whole(folder / SEEN_NAME, msgspec.json.encode(seen) + b"\n", durable=False)
