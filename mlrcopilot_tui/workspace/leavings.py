"""What a run has left in its tree: told apart from what it found there, and taken over into a clean one.

Nothing of the run is alive any more, but all that it left may be forged: names, kinds, links, modes.
"""

import filecmp
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

CODE: Final = (".py", ".pyc", ".pyo", ".pyd", ".pth", ".so", ".dylib")
"""What Python would import, wherever it finds it."""
TOLD: Final = {
    "makefile", "Makefile", "GNUmakefile", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml",
}  # fmt: skip
"""What tells tools what to run."""
PASSED_BY: Final = {".git", "__pycache__"}


def rewritten(left: Path, clean: Path, tracked: Iterable[str]) -> list[str]:
    """The files of the commit that a run has changed in the tree that it left; those that it removed do not count."""
    return sorted(name for name in tracked if os.path.lexists(left / name) and not _same(left / name, clean / name))


def _same(one: Path, other: Path) -> bool:
    try:
        if one.is_symlink() or other.is_symlink():
            return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
        return one.is_file() and other.is_file() and filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False


def take_over(left: Path, clean: Path, found: Callable[[str], bool], barred: Callable[[str], bool]) -> list[str]:
    """Moves the files that a run made from the tree that it left into a clean one, at the same paths.

    Only regular files move, whatever their size, for no byte is copied; a link to one of them becomes a second name of
    it. Code does not: what an evaluation imports comes from commits.

    Args:
        left: the run's tree.
        clean: the tree that gets them; what is there is never replaced.
        found: whether a path was there when the run began.
        barred: whether what lies at a path is nothing that a run may bring.

    Returns:
        What stays behind, each with the reason.
    """
    behind: list[str] = []
    links: list[tuple[str, str]] = []
    moved: set[str] = set()
    top = os.path.realpath(left)
    for entry in _entries(left, behind):
        name = Path(entry.path).relative_to(left).as_posix()
        if entry.is_dir(follow_symlinks=False) or found(name):
            continue
        if entry.is_symlink():
            links.append((name, os.path.relpath(os.path.realpath(entry.path), top)))
        elif reason := _objection(entry, barred(name)) or _moved(left / name, clean, name):
            behind.append(f"{name}: {reason}")
        else:
            moved.add(name)
    for name, target in links:
        if reason := _link_objection(name, target in moved, barred(name)) or _second_name(clean, target, name):
            behind.append(f"{name}: {reason}")
    return behind


def _entries(top: Path, behind: list[str]) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder; no link is followed, and a folder without rights gets them first."""
    pending = [top]
    while pending:
        folder = pending.pop()
        try:
            folder.chmod(stat.S_IRWXU)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            behind.append(f"{folder.relative_to(top).as_posix()}: {error.strerror}")
            continue
        for entry in entries:
            if entry.name not in PASSED_BY:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    pending.append(Path(entry.path))


def _objection(entry: os.DirEntry[str], barred: bool) -> str:
    return _name_objection(entry.name, barred) if entry.is_file(follow_symlinks=False) else "it is no regular file"


def _link_objection(name: str, to_a_file: bool, barred: bool) -> str:
    return _name_objection(name, barred) if to_a_file else "it is a link that leads to no file of the run"


def _name_objection(name: str, barred: bool) -> str:
    if barred:
        return "the contract keeps its place for something else"
    return "it is code that is in no commit" if _is_code(name) else ""


def _is_code(name: str) -> bool:
    return name.endswith(CODE) or os.path.basename(name) in TOLD  # noqa: PTH119  a string, of which there are many


def _moved(source: Path, clean: Path, name: str) -> str:
    """Moves a file; the reason where that cannot be."""
    return _placed(clean, name, source.rename)


def _second_name(clean: Path, target: str, name: str) -> str:
    return _placed(clean, name, lambda path: path.hardlink_to(clean / target))


def _placed(clean: Path, name: str, place: Callable[[Path], object]) -> str:
    """Has something put at a path of the clean tree where nothing is, in folders that are none but its own."""
    path = clean / name
    try:
        for parent in reversed(path.relative_to(clean).parents[:-1]):
            folder = clean / parent
            if folder.is_symlink():
                return "its folder is an input"
            folder.mkdir(mode=0o700, exist_ok=True)
        if os.path.lexists(path):
            return "its place is taken"
        place(path)
    except OSError as error:
        return error.strerror or "it cannot be moved"
    return ""
