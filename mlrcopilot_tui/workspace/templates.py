"""Makes a workspace from a template: its files, what it prepares, a paper, and the first commit."""

import difflib
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from mlrcopilot_tui import resources
from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.workspace.command import resolve_python
from mlrcopilot_tui.workspace.config import load_config
from mlrcopilot_tui.workspace.config_errors import TomlSource, explain_mismatch, refuse_unknown_keys

PAPER_NAME: Final = "paper.pdf"

_HEADER_NAME: Final = "template.toml"
_HOOK_NAME: Final = "prepare.py"
_PREPARE_SECONDS: Final = 300
_MISSING: Final = """
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        version(name)
    except PackageNotFoundError:
        print(name)
"""

Origin = Literal["shipped", "user"]


@dataclass(frozen=True, slots=True)
class Template:
    """A folder that workspaces are made from.

    Attributes:
        requirements: distributions that its training script imports.
        seconds_per_run: about how long one run takes on two cores.
    """

    name: str
    title: str
    description: str
    requirements: tuple[str, ...]
    seconds_per_run: float
    folder: Path
    origin: Origin


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """What `template.toml` says."""

    title: str
    description: str
    requirements: tuple[str, ...] = ()
    seconds_per_run: float = 0.0


def list_templates() -> tuple[Template, ...]:
    """All templates by name; a user's template stands in for a shipped one of the same name.

    Raises:
        InputError: a `template.toml` is broken; the sentence names file, line and key.
    """
    return tuple(_read(folder, origin) for _, (folder, origin) in sorted(_folders().items()))


def find_template(name: str) -> Template:
    """The template of that name.

    Raises:
        InputError: there is none, with the nearest name as the mend, or its `template.toml` is broken.
    """
    folders = _folders()
    if name in folders:
        return _read(*folders[name])
    near = difflib.get_close_matches(name, folders, n=1)
    mend = f"Did you mean `{near[0]}`?" if near else f"There are: {', '.join(sorted(folders))}."
    raise InputError(f"There is no template named {name!r}.", mend)


def create_workspace(template: Template, destination: Path, *, paper: Path | None = None) -> Path:
    """Makes a workspace with one commit; it is built aside, so that a failure leaves nothing behind.

    Args:
        template: where the files come from.
        destination: a new or an empty folder.
        paper: a PDF to take the place of the template's own.

    Returns:
        The workspace's absolute path.

    Raises:
        InputError: the destination is not empty or cannot be written to, the paper is no PDF, or the template's
            `mlrcopilot.toml` is missing or wrong.
        EnvironmentLackError: a requirement is not installed, or the preparation failed.
    """
    destination = destination.expanduser().absolute()
    _check_destination(destination)
    if paper is not None:
        _check_paper(paper)
    _check_requirements(template, resolve_python(load_config(template.folder / "workspace").config.run, destination))
    try:
        _build(template, destination, paper)
    except OSError as error:
        mend = "Name a folder that can be written to, on a disk with room."
        raise InputError(f"{destination} cannot be made: {error.strerror or error}.", mend) from error
    return destination


def _build(template: Template, destination: Path, paper: Path | None) -> None:
    from mlrcopilot_tui.workspace.new_repository import init_repository  # noqa: PLC0415 - listing templates needs no git

    # A folder that exists may be the shell's current one or a mount point: it is filled, not replaced.
    fill = destination.is_dir()
    parent = destination if fill else destination.parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".mlrcopilot-new-", dir=parent) as aside:
        workspace = Path(aside) / "workspace"
        _copy_files(template.folder / "workspace", workspace)
        _prepare(template, workspace)
        if paper is not None:
            shutil.copyfile(paper, workspace / PAPER_NAME)
        init_repository(workspace, f"Start from the template {template.name}")
        if fill:
            for entry in sorted(workspace.iterdir()):
                entry.rename(destination / entry.name)
        else:
            workspace.rename(destination)


def _folders() -> dict[str, tuple[Path, Origin]]:
    places: dict[Origin, Path] = {
        "shipped": resources.shipped("templates"),
        "user": resources.user_folder("templates"),
    }
    return {
        header.parent.name: (header.parent, origin)
        for origin, place in places.items()
        for header in place.glob(f"*/{_HEADER_NAME}")
    }


def _read(folder: Path, origin: Origin) -> Template:
    path = folder / _HEADER_NAME
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from error
    source = TomlSource(text, path, _Header)
    refuse_unknown_keys(tables, _Header, source)
    try:
        header = msgspec.convert(tables, _Header)
    except msgspec.ValidationError as error:
        raise explain_mismatch(error, source) from error
    return Template(
        name=folder.name,
        title=header.title,
        description=header.description,
        requirements=header.requirements,
        seconds_per_run=header.seconds_per_run,
        folder=folder,
        origin=origin,
    )


def _check_destination(destination: Path) -> None:
    if destination.is_dir():
        try:
            taken = any(destination.iterdir())
        except OSError as error:
            raise InputError(f"{destination} cannot be read: {error.strerror}.", "Name another folder.") from error
        if taken:
            raise InputError(f"{destination} is not empty.", "Name a new or an empty folder.")
    elif destination.exists():
        raise InputError(f"{destination} is a file.", "Name a new or an empty folder.")


def _check_paper(paper: Path) -> None:
    try:
        with paper.open("rb") as file:
            start = file.read(1024)
    except OSError as error:
        raise InputError(f"The paper {paper} cannot be read: {error.strerror}.", "Name a PDF file.") from error
    if b"%PDF-" not in start:
        raise InputError(f"The paper {paper} is not a PDF.", "Name a PDF file.")


def _check_requirements(template: Template, python: str) -> None:
    """Asks the interpreter that will run the workspace, which need not be ours."""
    if not template.requirements:
        return
    missing = _run([python, "-c", _MISSING, *template.requirements], template.folder).stdout.split()
    if missing:
        ours = python == sys.executable and template.origin == "shipped"
        mend = "pip install 'mlrcopilot[demo]'" if ours else f"{python} -m pip install {' '.join(missing)}"
        sentence = f"The template {template.name} needs {' and '.join(missing)}, not installed for {python}."
        raise EnvironmentLackError(sentence, f"Run: {mend}")


def _copy_files(source: Path, target: Path) -> None:
    ignored = shutil.ignore_patterns(".git", "__pycache__", "*.pyc", ".DS_Store")
    shutil.copytree(source, target, copy_function=shutil.copy, ignore=ignored)
    # An installation may be read-only, and `copy` keeps modes.
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)


def _prepare(template: Template, workspace: Path) -> None:
    hook = template.folder / _HOOK_NAME
    if not hook.is_file():
        return
    done = _run([sys.executable, "-I", str(hook), str(workspace)], workspace)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise EnvironmentLackError(f"The template {template.name} could not be prepared: {said[-1]}")


def _run(argv: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PREPARE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentLackError(f"{argv[0]} did not end within {_PREPARE_SECONDS} s.") from error
