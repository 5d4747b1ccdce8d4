"""A researcher with a repository: what they do with plain git, and a record of everything that is theirs."""

import hashlib
import os
import subprocess
from pathlib import Path

SESSION = "0123abcd"
OURS = ("refs/heads/mlrcopilot", "refs/mlrcopilot", "refs/notes/mlrcopilot")

_OUR_PATHS = (
    *(".mlrcopilot", "mlrcopilot.toml", ".git/objects", ".git/worktrees", ".git/mlrcopilot-notes.lock"),
    *(".git/packed-refs", ".git/info/exclude", ".git/refs/notes", ".git/logs/refs/notes"),
    *(f"{above}{ref}" for above in (".git/", ".git/logs/") for ref in OURS),
)

TRAIN = "".join(f"line_{number} = {number}\n" for number in range(12))


def git(folder: Path, *arguments: str, stdin: str = "", check: bool = True) -> str:
    """Plain git, as the researcher types it."""
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, input=stdin, capture_output=True, text=True, check=False
    )
    assert not (check and done.returncode), f"git {arguments}: {done.stderr}"
    return done.stdout.rstrip("\n")


def begin(folder: Path, files: dict[str, str] | None = None) -> Path:
    """A repository with one commit of `files`."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    write(folder, files or {"train.py": TRAIN, "evaluate.py": "print('val_error: 0.5')\n", "README.md": "Hello\n"})
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=Begin")
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    """Writes text files, with the folders above them."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def belongings(folder: Path) -> dict[str, list[str]]:
    """Everything of the researcher: files with bytes, mode and time; index, HEAD, refs, reflogs, stash, settings."""
    git_dir = folder / ".git"
    everything: dict[str, list[str]] = {}
    for at, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_ours(Path(at, name).relative_to(folder))]
        for name in names:
            path = Path(at, name)
            if not _is_ours(path.relative_to(folder)):
                everything[str(path.relative_to(folder))] = _record(path, timed=git_dir not in path.parents)
    refs = subprocess.run(["git", "show-ref", "--head"], cwd=folder, capture_output=True, text=True, check=False).stdout
    everything["refs"] = [line for line in refs.splitlines() if not line.partition(" ")[2].startswith(OURS)]
    return everything


def _is_ours(path: Path) -> bool:
    text = path.as_posix()
    aside = text.startswith(".git/mlrcopilot-aside-")
    return aside or any(text == name or text.startswith(name + "/") for name in _OUR_PATHS)


def _record(path: Path, *, timed: bool) -> list[str]:
    facts = path.lstat()
    data = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    return [hashlib.sha256(data).hexdigest(), oct(facts.st_mode), str(facts.st_mtime_ns if timed else 0)]
