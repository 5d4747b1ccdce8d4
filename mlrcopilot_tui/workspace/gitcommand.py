"""The one door to git: an argv list, a fixed environment and configuration, and errors turned into sentences.

A repository that training code could write to is not trusted: its hooks, monitors, drivers and signing programs are
switched off for every command that is started here. Git is started through GitPython's `Git.execute`, with argv lists
only; none of its keyword-to-option translation is used.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError, InputError, RefusedError

MINIMUM_VERSION = (2, 34)

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.pager=cat",
    "core.quotepath=false",
    "core.sparseCheckout=false",
    "core.splitIndex=false",
    "core.safecrlf=false",
    "merge.conflictStyle=merge",
    "diff.orderFile=/dev/null",
    "commit.gpgsign=false",
    "tag.gpgsign=false",
    "log.showSignature=false",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "gc.auto=0",
    "maintenance.auto=false",
    "rerere.enabled=false",
    "protocol.allow=never",
    "submodule.recurse=false",
)
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_EDITOR": ":",
    "LC_ALL": "C",
}
# With the person's own configuration, which tells their name and the folders that they declared safe, these stay.
_OWN_CONFIGURATION = {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"}

NEVER = frozenset(
    [
        "reset",
        "clean",
        "checkout",
        "switch",
        "restore",
        "stash",
        "gc",
        "prune",
        "reflog",
        "rm",
        "mv",
        "commit",
        "merge",
        "rebase",
        "am",
        "pull",
        "push",
        "fetch",
        "filter-branch",
        "submodule",
        "sparse-checkout",
        "repack",
        "maintenance",
        "replace",
    ]
)
"""What no command of this program is: each of them changes, moves or drops what may be the researcher's."""

FULL = 1 << 16
"""Bytes: with less than that free, what git could not write it could not write for want of room."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class GitOutput:
    """What one git command gave: exit status, standard output as bytes, standard error as text."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Standard output as UTF-8 text without its final line end; bytes that are no UTF-8 become U+FFFD."""
        return self.stdout.decode("utf-8", "replace").removesuffix("\n")

    @property
    def fields(self) -> list[str]:
        """Standard output split at NUL; file names keep undecodable bytes as surrogates, as `os.fsdecode` does."""
        return [os.fsdecode(field) for field in self.stdout.split(b"\0")[:-1]]


@dataclass(frozen=True, slots=True)
class GitDirs:
    """Where a command works: the git folder and the work tree, both told explicitly so that nothing is discovered."""

    git_dir: Path
    work_tree: Path


def run_git(
    arguments: Sequence[str],
    folder: Path,
    *,
    dirs: GitDirs | None = None,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    accept: Sequence[int] = (0,),
    own_configuration: bool = False,
) -> GitOutput:
    """Runs one git command and returns its output.

    Args:
        arguments: the subcommand and its arguments; paths and refs stand after `--` or `--end-of-options`.
        folder: the working folder of the command.
        dirs: the git folder and work tree; without them git looks for a repository from `folder` upward.
        stdin: what the command reads; nothing by default.
        environment: variables beside the fixed ones.
        accept: the exit statuses that are no error.
        own_configuration: also read the person's and the system's configuration (for commands that run nothing).

    Raises:
        EnvironmentLackError: git is missing or too old, or the disk is full.
        CopilotError: the command failed; one sentence says why.
        ValueError: it is one of those that this program never runs.
    """
    if arguments[0] in NEVER:
        raise ValueError(f"git {arguments[0]} is nothing that this program may do")
    program = git_program()
    from git.cmd import Git  # noqa: PLC0415 - 105 ms (2 vCPU Xeon VM, Python 3.11): only what touches git pays for it

    variables = {**_ENVIRONMENT, **(environment or {})}
    if own_configuration:
        for name in _OWN_CONFIGURATION:
            variables.pop(name, None)
            variables |= {name: os.environ[name]} if name in os.environ else {}
    where = [f"--git-dir={dirs.git_dir}", f"--work-tree={dirs.work_tree}"] if dirs else []
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    command = [*_without_inherited(variables), program, *where, *settings, *arguments]
    with tempfile.TemporaryFile() as source:
        source.write(stdin)
        source.seek(0)
        status, stdout, stderr = Git(str(folder)).execute(  # waits for its child and closes the pipes
            command,
            istream=source,
            with_extended_output=True,
            with_exceptions=False,
            stdout_as_string=False,
            strip_newline_in_stdout=False,
            shell=False,
            env=variables,
        )
    output = GitOutput(status, stdout, stderr)
    if status not in accept:
        raise explain(arguments[0], output.stderr or output.text, dirs.work_tree if dirs else folder)
    return output


def _without_inherited(variables: Mapping[str, str]) -> list[str]:
    """A prefix that removes inherited git variables: `Git.execute` can add to the environment but not take away."""
    inherited = sorted(name for name in os.environ if name.startswith("GIT_") and name not in variables)
    return ["/usr/bin/env", *(part for name in inherited for part in ("-u", name))] if inherited else []


def git_program() -> str:
    """The path of a git that is new enough; raises EnvironmentLackError otherwise."""
    program = shutil.which("git")
    if program is None:
        raise EnvironmentLackError("git was not found.", "Install git (for example `apt install git`) and try again.")
    found = _version(program)
    if found < MINIMUM_VERSION:
        have, need = (".".join(map(str, version)) for version in (found, MINIMUM_VERSION))
        raise EnvironmentLackError(f"git {have} at {program} is too old.", f"Install git {need} or newer.")
    return str(Path(program).absolute())


@cache
def _version(program: str) -> tuple[int, ...]:
    try:
        from git.cmd import Git  # noqa: PLC0415 - see run_git
    except ImportError as error:  # GitPython asks the program for its version when it is imported
        raise EnvironmentLackError(f"git at {program} does not start.", "Reinstall git and try again.") from error
    _, text, _ = Git().execute([program, "version"], with_extended_output=True, with_exceptions=False)
    found = re.search(r"(\d+)\.(\d+)", str(text))
    if found is None:
        raise EnvironmentLackError(f"{program} does not tell its version.", "Reinstall git and try again.")
    return int(found[1]), int(found[2])


_EXPLANATIONS: tuple[tuple[str, type[CopilotError], str, str], ...] = (
    (
        "dubious ownership",
        InputError,
        "The repository at {folder} belongs to another user, so git does not open it.",
        "If you trust it, run `git config --global --add safe.directory {folder}`.",
    ),
    (
        "not a git repository|invalid gitfile|bad repository",
        InputError,
        "{folder} is not in a git repository.",
        "Run `git init` there, commit your files, and try again.",
    ),
    ("no space left on device|disk quota", EnvironmentLackError, "The disk is full.", "Free some space and try again."),
    (
        r"permission denied|read-only file system|insufficient permission",
        InputError,
        "git may not write in {folder}.",
        "Check the permissions of the folder and of its .git.",
    ),
    ("exists; cannot create", InputError, "A branch of another name is in the way: {reason}.", "Choose another name."),
    (
        r"\.lock': file exists|unable to lock|cannot lock ref.*file exists",
        RefusedError,
        "Another git command is at work in {folder}: {reason}.",
        "Try again when it is done; if none runs, remove the .lock file that it left.",
    ),
    (
        "bad object|corrupt|missing blob|missing tree|unable to read|inflate|bad tree|could not parse|fsck|bad config",
        InputError,
        "The git repository at {folder} is damaged: {reason}.",
        "Look with `git fsck --full`, and mend or clone it again.",
    ),
)


def explain(action: str, stderr: str, folder: Path) -> CopilotError:
    """Git's complaint as one sentence with its mend."""
    complaints = [line for line in stderr.splitlines() if line.startswith(("fatal:", "error:"))] or [stderr]
    reason = _CONTROL.sub(" ", complaints[-1]).partition(": ")[2] or _CONTROL.sub(" ", complaints[-1]) or "no reason"
    for pattern, kind, sentence, mend in _EXPLANATIONS:
        if re.search(pattern, stderr, re.IGNORECASE):
            known = {"folder": str(folder), "reason": reason.strip().rstrip(".")}
            return kind(sentence.format_map(known), mend.format_map(known))
    if _is_full(folder):  # git has many words for a write that failed
        return EnvironmentLackError("The disk is full.", "Free some space and try again.")
    return InputError(f"`git {action}` failed in {folder}: {reason.strip().rstrip('.')}.")


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < FULL
    except OSError:
        return False
