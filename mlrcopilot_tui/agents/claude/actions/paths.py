"""The way from a model's words to a file of the workspace: paths are checked, refusals say what would be right."""

import tomllib
from pathlib import PurePosixPath
from typing import Annotated, Final

import msgspec

from mlrcopilot_tui.agents.base import Brief
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.text import one_line, printable

LONGEST: Final = 300
MOST_NAMED: Final = 12

PathField = Annotated[str, msgspec.Meta(description="A file's path, relative to the workspace, e.g. train.py.")]


def checked_path(text: str) -> PurePosixPath:
    """A path that cannot leave the workspace, pass for an option, or hide what it is.

    Raises:
        InputError: it is none.
    """
    path = PurePosixPath(text)
    told = one_line(text, 80)
    if not text.strip() or not path.parts:
        raise InputError("The path is empty.", "Name a file, as list_files shows it.")
    if len(text) > LONGEST or printable(text) != text:
        raise InputError(f"{told!r} is too long or has characters that nobody sees.", "Use a plain file name.")
    if path.is_absolute() or ".." in path.parts or text.startswith("~"):
        raise InputError(f"{told!r} leads out of the workspace.", "Use a path relative to its top, without `..`.")
    if any(part.startswith("-") for part in path.parts):
        raise InputError(f"{told!r} could be taken for an option.", "Use a name that does not begin with a dash.")
    return path


def visible_path(brief: Brief, text: str) -> PurePosixPath:
    """The path of a file that is there to be seen.

    Raises:
        InputError: there is none; similar names are told.
    """
    path = checked_path(text)
    files = brief.tree.files()
    if path in files:
        return path
    similar = [str(file) for file in files if file.name == path.name or path in file.parents][:MOST_NAMED]
    mend = f"Do you mean {', '.join(similar)}?" if similar else "list_files shows what is there."
    raise InputError(f"There is no file {path}.", mend)


def refuse_kept(brief: Brief, path: PurePosixPath) -> None:
    """Raises InputError for a file that the agent must leave as it is; it names what may be edited."""
    if brief.tree.editable(path):
        return
    globs = _editable_globs(brief) or [str(file) for file in brief.tree.files() if brief.tree.editable(file)]
    named = ", ".join(globs[:MOST_NAMED]) or "nothing"
    raise InputError(f"{path} is not editable.", f"Editable: {named} (hidden and protected files never are).")


def _editable_globs(brief: Brief) -> list[str]:
    """What the workspace's contract names, as the session began with it."""
    if brief.state.started is None:
        return []
    try:
        globs = tomllib.loads(brief.state.started.config)["files"]["editable"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        return []
    return [str(glob) for glob in globs] if isinstance(globs, list) else []
