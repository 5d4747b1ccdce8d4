"""Saving an edit: jailed, parsed before it is written, remembered so that it can be undone, told as a diff."""

import ast
import difflib
import json
import tomllib
import warnings
from pathlib import PurePosixPath
from typing import Final

from mlrcopilot_tui.agents.claude.actions.action import Observation, Workbench
from mlrcopilot_tui.agents.claude.actions.paths import refuse_kept
from mlrcopilot_tui.agents.claude.actions.views import around, lines_of
from mlrcopilot_tui.agents.claude.fences import cleaned, fenced, shortened
from mlrcopilot_tui.errors import InputError, RefusedError

DIFF_LIMIT: Final = 4_500
MOST_DIFFED: Final = 400_000
"""Characters; finding the differences of more could take seconds."""


def text_before(bench: Workbench, path: PurePosixPath) -> str | None:
    """A file's text, or None where there is no such file.

    Raises:
        InputError: it is no text, or cannot be seen.
    """
    return bench.brief.tree.read(path) if path in bench.brief.tree.files() else None


def refuse_unseen(bench: Workbench, path: PurePosixPath) -> None:
    """Raises InputError where the file holds an edit of the researcher's that would be overwritten unseen."""
    if str(path) in bench.unseen:
        raise InputError(
            f"Not saved: the researcher changed {path} while you were at this turn.",
            "You are told how; read it again, and keep what they wrote.",
        )


def save(bench: Workbench, path: PurePosixPath, before: str | None, after: str) -> Observation:
    """Writes a file's new text where it is one that can stand, and tells what changed.

    Raises:
        InputError: it may not be edited, or the text is no such file's; then the file is as it was.
        RefusedError: nothing would change.
    """
    refuse_kept(bench.brief, path)
    if before == after:
        raise RefusedError(f"That leaves {path} as it is.", "Say what is to be different.")
    refuse_broken(path, after)
    bench.brief.tree.write(path, after)
    bench.edits.remember(path, before)
    bench.numbers.read(after)
    diff = told_change(path, before, after)
    bench.brief.say("action", shortened(cleaned(diff), DIFF_LIMIT))
    verb = "Made" if before is None else "Saved"
    note = "; undo_edit takes it back."
    return Observation(f"{verb} {path}{note}\n{fenced(f'change of {path}', diff, DIFF_LIMIT)}", edited=(str(path),))


def refuse_broken(path: PurePosixPath, text: str) -> None:
    """Raises InputError where a Python, JSON or TOML file with this text would not parse."""
    line: int | None
    try:
        if path.suffix in {".py", ".pyi"}:
            with warnings.catch_warnings(action="ignore"):
                ast.parse(text)
        elif path.suffix in {".json", ".ipynb"}:
            json.loads(text)
        elif path.suffix == ".toml":
            tomllib.loads(text)
    except SyntaxError as error:
        line, reason = error.lineno, error.msg
    except (ValueError, RecursionError, MemoryError) as error:
        line, reason = None, str(error) or "it is nested too deeply"
    else:
        return
    where = f" at line {line} of the new text: {reason}." if line else f": {reason}."
    shown = f"\n{fenced('the new text there', around(lines_of(text), line), 2_000)}" if line else ""
    raise InputError(f"Not saved: {path} would not parse{where} The file is as it was.{shown}")


def told_change(path: PurePosixPath, before: str | None, after: str | None) -> str:
    """The unified diff between two states of a file, None where it is absent; of huge texts only how they differ."""
    old, new = before or "", after or ""
    if len(old) + len(new) > MOST_DIFFED:
        return f"{path}: {len(old):,} characters before, {len(new):,} after"
    source = "/dev/null" if before is None else f"a/{path}"
    target = "/dev/null" if after is None else f"b/{path}"
    lines = difflib.unified_diff(lines_of(old), lines_of(new), source, target)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ no line end\n" for line in lines).rstrip("\n")


def with_ends_of(text: str, of: str) -> str:
    """The text with the line ends of another, which a model is not shown."""
    return text.replace("\n", "\r\n") if "\r\n" in of and "\r" not in text else text
