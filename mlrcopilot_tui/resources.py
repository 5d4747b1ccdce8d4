"""Finds themes and workspace templates: what is shipped, in a wheel or in a checkout, and what the user added."""

import os
from pathlib import Path
from typing import Final, Literal

from platformdirs import user_config_path, user_state_path

from mlrcopilot_tui.errors import EnvironmentLackError

Kind = Literal["themes", "templates"]

_PACKAGE: Final = Path(__file__).resolve().parent
_SHIPPED: Final[dict[Kind, str]] = {"themes": "themes", "templates": "workspace_templates"}


def shipped(kind: Kind) -> Path:
    """The folder of what comes with the program: inside the package in a wheel, beside it in a checkout.

    Raises:
        EnvironmentLackError: the installation lacks it.
    """
    for root in (_PACKAGE / "_shipped", _PACKAGE.parent):
        folder = root / _SHIPPED[kind]
        if folder.is_dir():
            return folder
    raise EnvironmentLackError(f"This installation lacks its {kind}.", "Install mlrcopilot again.")


def config_folder() -> Path:
    """The user's own settings: `MLRCOPILOT_HOME` where it is set, else the platform's place; it may not exist yet."""
    if home := os.environ.get("MLRCOPILOT_HOME"):
        return Path(home).expanduser()
    return user_config_path("mlrcopilot", appauthor=False)


def state_folder() -> Path:
    """What the program itself keeps: `MLRCOPILOT_HOME`, else the platform's place; it may not exist yet."""
    if home := os.environ.get("MLRCOPILOT_HOME"):
        return Path(home).expanduser()
    return user_state_path("mlrcopilot", appauthor=False)


def user_folder(kind: Kind) -> Path:
    """The folder of what the user added; it may not exist."""
    return config_folder() / kind
