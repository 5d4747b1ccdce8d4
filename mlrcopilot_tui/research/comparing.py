"""Comparing two commits for a screen that calls no git: a child process reads the diff, which is kept for ever after.

Run as a module it is that child: it reads the repository, and changes nothing in it.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError
from mlrcopilot_tui.workspace.kept_diff import KeptDiff, keep_diff, read_diff

PATIENCE_S: Final = 60.0


def compare(root: Path, folder: Path, old: str, new: str) -> KeptDiff:
    """The diff from commit `old` to commit `new`; it waits for a process, so call it in a thread.

    Two commits differ as they do for ever, so what was read once lies in the session's folder. It works with no
    copilot alive.

    Args:
        root: the workspace.
        folder: the session's.
        old, new: full commit ids.

    Raises:
        CopilotError: git cannot tell, or the disk is full; the sentence is the child's.
    """
    kept = folder / "comparisons" / f"{old}-{new}.diff"
    if not kept.is_file():
        _read_anew(root, kept, old, new)
    return read_diff(kept)


def _read_anew(root: Path, kept: Path, old: str, new: str) -> None:
    command = [sys.executable, "-m", "mlrcopilot_tui.research.comparing", str(root), str(kept), old, new]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PATIENCE_S,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentLackError(f"git has not compared the two within {PATIENCE_S:.0f} s.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise CopilotError(said[-1] if said else "The two could not be compared.")


def main(root: str, kept: str, old: str, new: str) -> int:
    """Writes the diff, and the same with wide context, to `kept` and beside it."""
    from mlrcopilot_tui.workspace.git import Repository  # noqa: PLC0415 - whoever only starts the child needs no git

    try:
        keep_diff(Repository(Path(root)), Path(kept), old, new)
    except CopilotError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"{error.filename or kept}: {error.strerror or error}.\n")
        return EnvironmentLackError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
