"""The actions that change files: write, append, copy, replace, replace lines, undo."""

import difflib
from typing import Annotated, Final

import msgspec

from mlrcopilot_tui.agents.claude.actions.action import Action, Observation, Workbench
from mlrcopilot_tui.agents.claude.actions.paths import PathField, checked_path, visible_path
from mlrcopilot_tui.agents.claude.actions.saving import (
    DIFF_LIMIT,
    refuse_unseen,
    save,
    text_before,
    told_change,
    with_ends_of,
)
from mlrcopilot_tui.agents.claude.actions.views import around, lines_of
from mlrcopilot_tui.agents.claude.fences import cleaned, fenced
from mlrcopilot_tui.errors import InputError, RefusedError

MOST_COMPARED: Final = 20_000
"""Lines that are held against a text that was not found: 20,000 take 0.2 s on a 2 vCPU Xeon VM."""


class WriteFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file's whole new text."""

    path: PathField
    content: Annotated[str, msgspec.Meta(description="All of the file's text.")]


class AppendFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to add to a file."""

    path: PathField
    content: Annotated[str, msgspec.Meta(min_length=1, description="The text that follows the file's last line.")]


class CopyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to copy, and where to."""

    source: PathField
    destination: PathField


class Replacement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One search and replace."""

    search: Annotated[str, msgspec.Meta(min_length=1, description="Text of the file, exactly, with its indentation.")]
    replace: Annotated[str, msgspec.Meta(description="What stands there instead.")]
    count: Annotated[int, msgspec.Meta(ge=1, description="How often the text occurs; all are replaced.")] = 1


class EditFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Replacements in one file, done one after the other and saved together or not at all."""

    path: PathField
    replacements: Annotated[list[Replacement], msgspec.Meta(min_length=1, max_length=50)]


class EditScriptSegment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines to replace."""

    path: PathField
    start_line: Annotated[int, msgspec.Meta(ge=1, description="The first line that is replaced.")]
    end_line: Annotated[
        int, msgspec.Meta(ge=0, description="The last one; start_line - 1 inserts before start_line instead.")
    ]
    old_first_line: Annotated[str, msgspec.Meta(description="Line start_line as it is now; a wrong one is refused.")]
    content: Annotated[str, msgspec.Meta(description="The new lines; empty to remove the old ones.")]


class UndoEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which file's newest edit to take back."""

    path: Annotated[str, msgspec.Meta(description="The file; empty for the newest edit of all.")] = ""


async def write_file(bench: Workbench, asked: WriteFile) -> Observation:
    """Replaces a file's text, or makes the file."""
    path = checked_path(asked.path)
    refuse_unseen(bench, path)
    return save(bench, path, text_before(bench, path), asked.content)


async def append_file(bench: Workbench, asked: AppendFile) -> Observation:
    """Adds lines at a file's end; a last line without its end gets one first."""
    path = visible_path(bench.brief, asked.path)
    before = bench.brief.tree.read(path)
    joint = "\n" if before and not before.endswith("\n") else ""
    return save(bench, path, before, before + with_ends_of(joint + asked.content, before))


async def copy_file(bench: Workbench, asked: CopyFile) -> Observation:
    """Copies a text file to a path that is editable."""
    source, destination = visible_path(bench.brief, asked.source), checked_path(asked.destination)
    refuse_unseen(bench, destination)
    return save(bench, destination, text_before(bench, destination), bench.brief.tree.read(source))


async def edit_file(bench: Workbench, asked: EditFile) -> Observation:
    """Replaces texts that are found exactly as often as is said; else nothing is saved."""
    path = visible_path(bench.brief, asked.path)
    before = after = bench.brief.tree.read(path)
    for at, one in enumerate(asked.replacements, start=1):
        search = with_ends_of(one.search, before)
        found = after.count(search)
        which = f"Replacement {at} of {len(asked.replacements)}: " if len(asked.replacements) > 1 else ""
        if not found:
            raise InputError(
                f"{which}the search text does not occur in {path}. Nothing is saved.", _nearest(after, one)
            )
        if found != one.count:
            lines = ", ".join(map(str, _places(after, search)))
            mend = f"Give count={found} to replace all of them, or search for more of the surrounding lines."
            raise InputError(f"{which}the search text occurs {found} times in {path}, at lines {lines}.", mend)
        after = after.replace(search, with_ends_of(one.replace, before))
    return save(bench, path, before, after)


async def edit_script_segment(bench: Workbench, asked: EditScriptSegment) -> Observation:
    """Replaces a range of lines, if the first of them is what the agent takes it for."""
    path = visible_path(bench.brief, asked.path)
    before = bench.brief.tree.read(path)
    lines = lines_of(before)
    start, end = asked.start_line, asked.end_line
    if end < start - 1 or end > len(lines) or start > len(lines) + 1:
        raise InputError(f"{path} has no lines {start}-{end}; its last is {len(lines)}.", "Inspect the lines first.")
    there = lines[start - 1] if start <= len(lines) else ""
    if cleaned(there).rstrip() != cleaned(asked.old_first_line).rstrip():  # as the lines were shown
        shown = fenced(f"lines of {path}", around(lines, start), 2_000)
        raise InputError(f"Line {start} of {path} is another than you say. Nothing is saved.\n{shown}")
    content = with_ends_of(asked.content, before)
    if content and not content.endswith("\n") and end < len(lines):
        content += with_ends_of("\n", before)
    head = "".join(lines[: start - 1])
    joint = with_ends_of("\n", before) if content and head and not head.endswith("\n") else ""
    return save(bench, path, before, head + joint + content + "".join(lines[end:]))


async def undo_edit(bench: Workbench, asked: UndoEdit) -> Observation:
    """Takes the newest edit back, of one file or of all; a file that the edit made is removed."""
    wanted = checked_path(asked.path) if asked.path.strip() else None
    edit = bench.edits.last(wanted)
    if edit is None:
        raise RefusedError(f"There is no edit of {wanted or 'any file'} left to undo.", "The attempt began like this.")
    tree, path = bench.brief.tree, edit.path
    try:
        now = text_before(bench, path)
        if edit.before is None:
            tree.delete(path)
        else:
            tree.write(path, edit.before)
    except BaseException:
        bench.edits.remember(path, edit.before)
        raise
    left = sum(other.path == path for other in bench.edits.edits)
    what = f"{path} is gone again, as before that edit" if edit.before is None else f"{path} is as before that edit"
    diff = told_change(path, now, edit.before)
    bench.brief.say("action", f"{what}.")
    shown = fenced(f"change of {path}", diff, DIFF_LIMIT)
    return Observation(f"Undone: {what}; {left} earlier edits of it are left.\n{shown}", edited=(str(path),))


def _places(text: str, search: str) -> list[int]:
    """The lines at which a text begins, at most ten."""
    places: list[int] = []
    at = text.find(search)
    while at >= 0 and len(places) < 10:
        places.append(text.count("\n", 0, at) + 1)
        at = text.find(search, at + len(search))
    return places


def _nearest(text: str, wanted: Replacement) -> str:
    """What the search text may have meant: the lines that are most like its first one."""
    lines = lines_of(text)
    target = next((line.strip() for line in wanted.search.split("\n") if line.strip()), "")
    matcher = difflib.SequenceMatcher(b=target, autojunk=False)
    ranked: list[tuple[float, int]] = []
    for number, line in enumerate(lines[:MOST_COMPARED], start=1):
        matcher.set_seq1(line.strip()[:500])
        if matcher.real_quick_ratio() > 0.5 and matcher.quick_ratio() > 0.5:
            ranked.append((matcher.quick_ratio(), number))
    best = [number for _, number in sorted(ranked, key=lambda one: (-one[0], one[1]))[:2]]
    if not best:
        return "No line is like its first one: read the file again."
    equal = lines[best[0] - 1].strip() == target
    hint = "Its first line occurs, so later lines or the indentation differ; " if equal else ""
    shown = "\n…\n".join(around(lines, number) for number in sorted(best))
    return f"{hint}the nearest lines are:\n{fenced('lines of the file', shown, 3_000)}"


ACTIONS: tuple[Action, ...] = (
    Action(
        "edit_file",
        "Replaces exact texts in a file, several in one call. Each must occur exactly once, or `count` times. The way "
        "to change a file that is there.",
        EditFile,
        edit_file,
    ),
    Action(
        "edit_script_segment",
        "Replaces a range of lines; for long changes in one place. Inspect the lines first.",
        EditScriptSegment,
        edit_script_segment,
    ),
    Action("write_file", "Makes a file, or replaces all of its text.", WriteFile, write_file),
    Action("append_file", "Adds text at the end of a file.", AppendFile, append_file),
    Action("copy_file", "Copies a text file.", CopyFile, copy_file),
    Action("undo_edit", "Takes back the newest edit of a file, as often as you edited it.", UndoEdit, undo_edit),
)
