"""Shadows: modules that a run leaves where its evaluation would import them in place of the ones that it means.

Python looks beside the script first: a file `statistics.py` or a package `numpy` there wins over the real one, and a
package `scoring` over the protected file `scoring.py`.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

COMPILED: Final = (".py", ".pyc", ".so")
UNASKED: Final = {"conftest", "sitecustomize", "usercustomize"}
"""What Python and pytest import of themselves wherever they find it."""


def importable(folders: Iterable[str]) -> dict[str, str]:
    """What can be imported from these folders by its own name: path -> that name."""
    found: dict[str, str] = {}
    for folder in folders:
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            if entry.name.endswith(COMPILED) or (entry.is_dir() and _is_package(entry.path)):
                found[entry.path] = entry.name.partition(".")[0]
    return found


def looked_in(argv: Sequence[str], tree: str) -> set[str]:
    """The folders in which a Python command looks for modules first: its script's, those it names, where it runs."""
    folders = {tree}
    for word in argv[1:]:
        path = Path(tree, word)
        if _is_folder(path):
            folders.add(str(path))
        elif path.suffix:
            folders.add(str(path.parent))
    return folders


def shadowing(before: Mapping[str, str], now: Mapping[str, str], protected: Iterable[str], python: str) -> list[str]:
    """The paths among `now` that are new and take the name of a module that is meant to be another.

    Args:
        before: what could be imported when the run began.
        now: what can be imported after it.
        protected: the protected files.
        python: the program that evaluates; the packages installed beside it are looked up.
    """
    taken = {Path(path).name.partition(".")[0] for path in protected} | sys.stdlib_module_names | UNASKED
    packages = _packages(python)
    new = {path: name for path, name in now.items() if path not in before}
    return sorted(path for path, name in new.items() if name in taken or any(_holds(at, name) for at in packages))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long a word to be a name
        return False


def _is_package(folder: str) -> bool:
    return any(Path(folder).glob("__init__.*"))


def _packages(python: str) -> list[Path]:
    program = Path(shutil.which(python) or python)
    prefixes = {program.parent.parent, Path(os.path.realpath(program)).parent.parent}
    return [found for prefix in prefixes for found in prefix.glob("lib/python3*/*-packages")]


def _holds(packages: Path, name: str) -> bool:
    return (packages / name).is_dir() or any(packages.glob(f"{name}.*"))
