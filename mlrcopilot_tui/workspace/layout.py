"""Where everything of ours lies inside a workspace, and how a workspace is found."""

import re
from dataclasses import dataclass
from pathlib import Path

from mlrcopilot_tui.errors import InputError

CONFIG_NAME = "mlrcopilot.toml"
HOME_NAME = ".mlrcopilot"

_SESSION = re.compile(r"[0-9a-f]{8}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one workspace; `make` creates them, nothing else here touches the disk.

    Args:
        root: the workspace, the folder that holds `mlrcopilot.toml`.
    """

    root: Path

    @property
    def config(self) -> Path:
        """The workspace's contract."""
        return self.root / CONFIG_NAME

    @property
    def home(self) -> Path:
        """The folder of everything that is ours."""
        return self.root / HOME_NAME

    @property
    def sessions(self) -> Path:
        """One folder a session."""
        return self.home / "sessions"

    @property
    def worktrees(self) -> Path:
        """The checkouts for editing and for running; all of it can be made again."""
        return self.home / "worktrees"

    def session(self, session: str) -> Path:
        """A session's folder."""
        return self.sessions / checked_session(session)

    def journal(self, session: str) -> Path:
        """A session's journal."""
        return self.session(session) / "journal.jsonl"

    def inbox(self, session: str) -> Path:
        """Where decisions are dropped."""
        return self.session(session) / "inbox"

    def lock(self, session: str) -> Path:
        """What the copilot of the session holds."""
        return self.session(session) / "lock"

    def papers(self, session: str) -> Path:
        """The parsed papers, by content digest."""
        return self.session(session) / "papers"

    def run(self, session: str, run: str) -> Path:
        """A run's records: spec, log, metrics, status."""
        return self.session(session) / "runs" / _checked_name(run)

    def trials(self, session: str) -> Path:
        """One folder of records for each command that an agent ran to look at something."""
        return self.session(session) / "trials"

    def trial(self, session: str, name: str) -> Path:
        """A trial's records: spec, log, status."""
        return self.trials(session) / _checked_name(name)

    def trial_tree(self, session: str, name: str) -> Path:
        """The checkout in which a trial works."""
        return self.worktrees / checked_session(session) / f"trial-{_checked_name(name)}"

    def idea_tree(self, session: str, idea: int) -> Path:
        """The worktree in which an idea is edited."""
        return self.worktrees / checked_session(session) / f"idea-{idea:d}"

    def writes(self, session: str, idea: int) -> Path:
        """What was written into an idea's worktree by us."""
        return self.session(session) / "writes" / f"idea-{idea:d}.jsonl"

    def kept(self, session: str, idea: int) -> Path:
        """How the folders begin that keep files of an idea's worktree which no commit holds."""
        return self.session(session) / "kept" / f"idea-{idea:d}"

    def run_tree(self, session: str, run: str) -> Path:
        """The checkout in which a run works."""
        return self.worktrees / checked_session(session) / f"run-{_checked_name(run)}"

    def left_tree(self, session: str, run: str) -> Path:
        """What a run has left, while its evaluation works in a clean tree in its place."""
        return self.worktrees / checked_session(session) / f"left-{_checked_name(run)}"

    def scratch(self, session: str, name: str) -> Path:
        """A worktree for one operation of our own."""
        return self.worktrees / checked_session(session) / f"scratch-{_checked_name(name)}"

    def make(self, folder: Path) -> Path:
        """Creates a folder of ours, readable by its owner only, with the folders above it; returns it."""
        below = folder.relative_to(self.root)
        at = self.root
        for part in below.parts:
            at /= part
            at.mkdir(mode=0o700, exist_ok=True)
        return folder


def find_workspace(start: Path) -> Path:
    """The nearest folder, from `start` upward, that holds a `mlrcopilot.toml`.

    Raises:
        InputError: there is none.
    """
    here = start.absolute()
    for folder in (here, *here.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder
    raise InputError(
        f"{here} is not in a workspace: no {CONFIG_NAME} here or above.",
        "Adopt a git repository with `mlrcopilot init`, or begin with `mlrcopilot demo`.",
    )


def checked_session(session: str) -> str:
    """The session id itself, once it is known to be 8 hex digits and so can stand in a path or a ref."""
    if not _SESSION.fullmatch(session):
        raise InputError(f"{session[:40]!r} is not a session id.", "`mlrcopilot sessions` lists them.")
    return session


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(f"{name[:40]!r} is not a name that can stand in a path.")
    return name
