"""All rules over one patch: the tags of its hunks, in their order."""

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from mlrcopilot_tui.research.tampering.facts import Facts
from mlrcopilot_tui.research.tampering.findings import Change, Finding, moved_between
from mlrcopilot_tui.research.tampering.renames import plain, renamed
from mlrcopilot_tui.research.tampering.rules.clock import clock
from mlrcopilot_tui.research.tampering.rules.cutting import cutting
from mlrcopilot_tui.research.tampering.rules.guarded import guarded
from mlrcopilot_tui.research.tampering.rules.leaks import leaks
from mlrcopilot_tui.research.tampering.rules.outside import outside
from mlrcopilot_tui.research.tampering.rules.reported import reported
from mlrcopilot_tui.research.tampering.rules.seed import seed
from mlrcopilot_tui.research.tampering.rules.storage import storage
from mlrcopilot_tui.research.tampering.rules.subsets import subsets
from mlrcopilot_tui.research.tampering.rules.text import textual
from mlrcopilot_tui.research.tampering.script import Script
from mlrcopilot_tui.research.tampering.source import Source
from mlrcopilot_tui.session.model import Tag, TagRule
from mlrcopilot_tui.workspace.globs import Matcher
from mlrcopilot_tui.workspace.patch import FileChange, Patch

Rule = Callable[[Script], Iterator[Finding]]

RULES: Final[tuple[Rule, ...]] = (seed, reported, cutting, leaks, subsets, clock, storage, guarded, outside)
ORDER: Final[tuple[TagRule, ...]] = (
    "protected", "metric", "evaluation", "split", "seed", "cache", "network", "subprocess", "time-limit",
    "sleep", "unjudged",
)  # fmt: skip
_LOADED_UNASKED: Final = frozenset({"conftest.py", "sitecustomize.py", "usercustomize.py"})

UNREADABLE: Final = "The file cannot be read as Python, so that no rule could judge it."
BROKEN: Final = "A rule failed on this file, so that it could not be judged."


def tamper_tags(patch: Patch, before: Mapping[str, str], after: Mapping[str, str], facts: Facts) -> tuple[Tag, ...]:
    """The tags of a patch, by hunk: one a rule and hunk, the same for equal arguments.

    Args:
        patch: the change.
        before: the text of each changed file as it was, by path; absent or empty where there was none.
        after: likewise as it becomes.
        facts: what the workspace's contract says.
    """
    changes = [
        change
        for file in patch.files
        for change in _changes(
            file, before.get(file.old_path) or before.get(file.path, ""), after.get(file.path, ""), facts
        )
    ]
    moved = moved_between(changes)
    tags = [tag for change in changes for tag in change.tags(moved)]
    first: dict[tuple[int, str, TagRule], Tag] = {}
    for tag in tags:
        first.setdefault((tag.hunk, tag.path if not tag.hunk else "", tag.rule), tag)
    paths = [file.path for file in patch.files]
    return tuple(sorted(first.values(), key=lambda t: (paths.index(t.path), t.hunk, ORDER.index(t.rule))))


def _changes(file: FileChange, before: str, after: str, facts: Facts) -> list[Change]:
    changes = [Change(file, tuple(_of_file(file, facts)))]
    if not file.path.endswith((".py", ".pyw", ".pyi")):
        old_lines, new_lines = textual(file.path, before, facts), textual(file.path, after, facts)
        return [*changes, Change.between(file, old_lines, new_lines)]
    try:
        old, new = plain(ast.parse(before)), plain(ast.parse(after))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [*changes, _unjudged(file, UNREADABLE)]
    try:
        if ast.dump(old) == ast.dump(new):
            return changes
        old = renamed(old, new)
        scripts = Script(Source.of_tree(file.path, old), facts), Script(Source.of_tree(file.path, new), facts)
        return [*changes, *(Change.between(file, *map(rule, scripts)) for rule in RULES)]
    except Exception:  # noqa: BLE001  an odd file must be looked at, and must not stop a session
        return [*changes, _unjudged(file, BROKEN)]


def _unjudged(file: FileChange, why: str) -> Change:
    return Change(file, (Finding("unjudged", "file", 1, sys.maxsize, why),))


def _of_file(file: FileChange, facts: Facts) -> Iterator[Finding]:
    """What a file's name and place tell."""
    path = PurePosixPath(file.path)
    whole = 1, sys.maxsize
    kept = Matcher((*facts.protected, *facts.hidden, *facts.shared, "mlrcopilot.toml"), fold_case=True)
    if kept(file.path) or kept(file.old_path):
        yield Finding("protected", "kept", *whole, "The workspace's contract protects this file.")
    elif path.name in _LOADED_UNASKED or path.suffix == ".pth" or path.name in {".gitattributes", ".gitmodules"}:
        yield Finding("protected", "unasked", *whole, "Python or git loads a file of this name without being asked.")
    elif path.suffix in {".so", ".pyd", ".pyc", ".dll"}:
        yield Finding("subprocess", "compiled", *whole, "It is compiled code, which no diff shows.")
    elif file.kind == "added" and path.suffix == ".py" and _shadows(path, facts):
        yield Finding(
            "protected", "shadows", *whole, "Its name hides a module of Python's library or of the workspace."
        )


def _shadows(path: PurePosixPath, facts: Facts) -> bool:
    name = path.parent.name if path.name == "__init__.py" else path.stem
    guarded_names = {PurePosixPath(glob).stem for glob in facts.protected if glob.endswith(".py")}
    known = {"numpy", "torch", "sklearn", "scipy", "pandas", "tensorflow", "jax"}
    top = len(path.parts) == 1 or (len(path.parts) == 2 and path.name == "__init__.py")
    return top and (name in sys.stdlib_module_names or name in guarded_names or name in known)
