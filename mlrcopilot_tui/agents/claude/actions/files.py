"""The actions that look at files: list, read, inspect lines."""

from collections import Counter
from pathlib import PurePosixPath
from typing import Annotated, Final

import msgspec

from mlrcopilot_tui.agents.claude.actions.action import Action, Observation, Workbench
from mlrcopilot_tui.agents.claude.actions.paths import PathField, checked_path, visible_path
from mlrcopilot_tui.agents.claude.actions.views import LIMIT, fitting, lines_of, numbered
from mlrcopilot_tui.agents.claude.fences import fenced
from mlrcopilot_tui.errors import InputError

MOST_LISTED: Final = 150
MOST_LINES: Final = 100

FromLine = Annotated[int, msgspec.Meta(ge=1, description="The first line, counted from 1.")]


class ListFiles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which folder to list."""

    folder: Annotated[str, msgspec.Meta(description="A folder of the workspace; empty for all of it.")] = ""


class ReadFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file to read, and from where."""

    path: PathField
    start_line: FromLine = 1


class InspectScriptLines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines to see."""

    path: PathField
    start_line: FromLine
    end_line: Annotated[int, msgspec.Meta(ge=1, description="The last line; at most 100 lines are shown.")]


async def list_files(bench: Workbench, asked: ListFiles) -> Observation:
    """Names the files below a folder; of many, the folders with how many files they hold."""
    tree = bench.brief.tree
    top = PurePosixPath() if asked.folder.strip() in {"", ".", "./"} else checked_path(asked.folder)
    files = [path for path in tree.files() if top == PurePosixPath() or top in path.parents]
    if not files:
        raise InputError(f"There is no folder {top} with files that you may see.", "Leave `folder` empty to see all.")
    if len(files) <= MOST_LISTED:
        listed = [f"{path}{' (editable)' if tree.editable(path) else ''}" for path in files]
    else:
        depth = len(top.parts)
        counts = Counter(path.parts[depth] + ("/" if len(path.parts) > depth + 1 else "") for path in files)
        listed = [f"{top / name}/: {n} files" if name.endswith("/") else str(top / name) for name, n in counts.items()]
    shown = fenced(f"files in {asked.folder or 'the workspace'}", "\n".join(listed), LIMIT)
    more = " List a folder to see what is in it." if len(listed) < len(files) else ""
    return Observation(f"{len(files)} files.{more}\n{shown}")


async def read_file(bench: Workbench, asked: ReadFile) -> Observation:
    """Shows a file as it is, in pages."""
    path, text, lines = _opened(bench, asked.path, asked.start_line)
    page = lines[asked.start_line - 1 :]
    page = page[: fitting(page, LIMIT)]
    last = asked.start_line + len(page) - 1
    bench.numbers.read("".join(page))
    told = f"{path}: all of it, {len(lines)} lines." if len(page) == len(lines) else ""
    if not told:
        onward = f" Go on with start_line={last + 1}." if last < len(lines) else ""
        told = f"{path}: lines {asked.start_line}-{last} of {len(lines)}.{onward}"
    return Observation(f"{told}\n{fenced(f'file {path}', ''.join(page) if text else '(empty)', LIMIT)}")


async def inspect_script_lines(bench: Workbench, asked: InspectScriptLines) -> Observation:
    """Shows numbered lines, and says which is the last of the file."""
    path, _, lines = _opened(bench, asked.path, asked.start_line)
    if asked.end_line < asked.start_line:
        raise InputError(f"Line {asked.end_line} comes before line {asked.start_line}.", "Name the lower one first.")
    page = lines[asked.start_line - 1 : min(asked.end_line, asked.start_line + MOST_LINES - 1)]
    page = page[: fitting(page, LIMIT - 8 * len(page))]
    last = asked.start_line + len(page) - 1
    bench.numbers.read("".join(page))
    short = f" Shown up to line {last}; ask for the rest." if last < min(asked.end_line, len(lines)) else ""
    shown = fenced(f"lines of {path}", numbered(page, asked.start_line), LIMIT + 1000)
    return Observation(f"The last line of {path} is {len(lines)}.{short}\n{shown}")


def _opened(bench: Workbench, name: str, first: int) -> tuple[PurePosixPath, str, list[str]]:
    path = visible_path(bench.brief, name)
    text = bench.brief.tree.read(path)
    lines = lines_of(text)
    if first > max(1, len(lines)):
        raise InputError(f"{path} has only {len(lines)} lines.", "Ask for lines that are there.")
    return path, text, lines


ACTIONS: tuple[Action, ...] = (
    Action("list_files", "Lists the files of the workspace, and which of them you may edit.", ListFiles, list_files),
    Action("read_file", "Shows a file, as it is, page by page.", ReadFile, read_file),
    Action(
        "inspect_script_lines",
        "Shows at most 100 lines of a file with their numbers, and tells the number of its last line.",
        InspectScriptLines,
        inspect_script_lines,
    ),
)
