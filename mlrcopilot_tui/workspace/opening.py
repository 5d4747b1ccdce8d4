"""A workspace, opened: its paths, its repository and its contract, checked against each other."""

from dataclasses import dataclass
from pathlib import Path

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.adopt import make_home
from mlrcopilot_tui.workspace.config import LoadedConfig, load_config
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.layout import CONFIG_NAME, Layout, find_workspace


@dataclass(frozen=True, slots=True)
class Workspace:
    """What everything that works on a workspace needs."""

    layout: Layout
    repository: Repository
    contract: LoadedConfig


def open_workspace(start: Path) -> Workspace:
    """Finds the workspace around `start`, reads its contract, and makes its `.mlrcopilot` where there is none yet.

    Raises:
        InputError: no workspace, no usable repository, or a contract that is wrong.
    """
    root = find_workspace(start)
    contract = load_config(root)
    repository = Repository(root)
    if not root.samefile(repository.root):
        raise InputError(
            f"{root / CONFIG_NAME} is not at the top of its git repository, {repository.root}.", "Move it there."
        )
    return Workspace(make_home(repository), repository, contract)
