"""What of the researcher's edits waits to be taken in, as the copilot tells screens."""

from typing import Final

from mlrcopilot_tui.session.model import Value

EDITS_NAME: Final = "edits.json"
"""The file in a session's folder: by idea, a `PendingEdit`."""


class PendingEdit(Value, frozen=True, kw_only=True):
    """The edits in one idea's worktree that no attempt holds.

    Attributes:
        files: those that a patch may hold.
        problem: why they cannot come in as they are, as a sentence.
        strays: changed files that no patch may change.
    """

    files: tuple[str, ...] = ()
    problem: str = ""
    strays: tuple[str, ...] = ()
