"""Commits as patch files: what `git am` takes, with a cover letter beside them."""

import re
import tempfile
from pathlib import Path
from typing import Final

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.workspace.git import Repository

COVER: Final = "0000-cover-letter.txt"
"""No `.patch`: so `git am FOLDER/*.patch` takes the patches and nothing else."""
_PATCH: Final = re.compile(r"\d{4,}-.*\.patch")
_FORM: Final = (
    "--numbered", "--start-number=1", "--suffix=.patch", "--filename-max-length=64", "--subject-prefix=PATCH",
    "--no-attach", "--no-signature", "--no-cover-letter", "--no-base", "--no-notes", "--no-thread", "--no-signoff",
    "--no-to", "--no-cc", "--no-add-header", "--no-encode-email-headers", "--no-ext-diff", "--no-textconv",
    "--no-color", "--full-index", "--binary", "-U3", "--inter-hunk-context=0", "--submodule=short", "--src-prefix=a/",
    "--dst-prefix=b/",
)  # fmt: skip
"""Said outright, so that no configuration makes patches that `git am` does not take."""


def patch_files(repository: Repository, base: str, tip: str) -> dict[str, bytes]:
    """The commits from `base` to `tip` as files: their names, in order, and what is in them."""
    with tempfile.TemporaryDirectory(prefix="mlrcopilot-") as aside:
        repository.run("format-patch", *_FORM, f"--output-directory={aside}", f"{base}..{tip}", "--")
        return {path.name: path.read_bytes() for path in sorted(Path(aside).iterdir())}


def write_patch_files(folder: Path, files: dict[str, bytes], session: str) -> None:
    """Writes patches and cover letter into a folder; those that the session left there before are replaced.

    Raises:
        InputError: the folder cannot be one.
        RefusedError: another's patches are there, which would be lost or applied with these.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is no folder.", "Name a new one.")
    old = (
        [path for path in folder.iterdir() if _PATCH.fullmatch(path.name) or path.name == COVER]
        if folder.exists()
        else []
    )
    if foreign := sorted(path.name for path in old if not _is_ours(path, session)):
        raise RefusedError(f"{folder} holds {foreign[0]}, which is not of this session.", "Name another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in old:
            if path.name not in files:
                path.unlink()
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror}.", "Name another folder.") from error


def _is_ours(path: Path, session: str) -> bool:
    line = f"Session: {session}".encode()
    return path.is_file() and not path.is_symlink() and line in path.read_bytes().splitlines()
