"""The inbox: one file a decision, dropped by any client, consumed by the copilot."""

import secrets
import time
from pathlib import Path

import msgspec

from mlrcopilot_tui.files import write_whole
from mlrcopilot_tui.session.model import Decision

_SUFFIX = ".json"


class Inbox:
    """The folder of a session's decisions that wait to be applied."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def drop(self, decision: Decision) -> Path:
        """Leaves `decision` for the copilot; the file appears whole or not at all."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self.folder / f"{decision.id}{_SUFFIX}"
        write_whole(target, msgspec.json.encode(decision))
        return target

    def waiting(self) -> list[Decision]:
        """The decisions in the order in which they were made; files that are none are set aside as `*.bad`."""
        found = map(self._read, sorted(self.folder.glob(f"*{_SUFFIX}")))
        return [decision for decision in found if decision is not None]

    def _read(self, path: Path) -> Decision | None:
        try:
            decision = msgspec.json.decode(path.read_bytes(), type=Decision)
        except msgspec.MsgspecError:
            decision = None
        except OSError:  # taken meanwhile, or not readable for us
            return None
        if decision is None or decision.id != path.stem:
            path.rename(path.with_suffix(".bad"))
            return None
        return decision

    def discard(self, decision: Decision) -> None:
        """Forgets a decision that the journal now tells of."""
        (self.folder / f"{decision.id}{_SUFFIX}").unlink(missing_ok=True)


def new_decision_id() -> str:
    """An id that sorts by time and is unique: nanoseconds in hex, then eight random digits."""
    return f"{time.time_ns():016x}-{secrets.token_hex(4)}"
