"""What the researcher chose for the screen, remembered between sessions in one small file."""

import contextlib
from pathlib import Path
from typing import Final

import msgspec

from mlrcopilot_tui.files import write_whole
from mlrcopilot_tui.resources import config_folder

_NAME: Final = "screen.json"
_RECENT: Final = 12


class Preferences(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The choices; what cannot be read counts as not chosen.

    Attributes:
        theme: a theme's name; empty for the one that suits the terminal.
        strip: whether the hardware strip is shown.
        recent: workspaces that were opened, the last one first.
    """

    theme: str = ""
    strip: bool = True
    recent: list[str] = []

    def recent_workspaces(self) -> list[Path]:
        """Those that are still there."""
        return [path for name in self.recent if (path := Path(name)).is_dir()]


def note_opened(preferences: Preferences, workspace: Path) -> None:
    """Remembers that a workspace was opened."""
    path = str(workspace)
    preferences.recent = [path, *(other for other in preferences.recent if other != path)][:_RECENT]
    save(preferences)


def load() -> Preferences:
    """The remembered choices."""
    try:
        return msgspec.json.decode((config_folder() / _NAME).read_bytes(), type=Preferences)
    except (OSError, msgspec.MsgspecError):
        return Preferences()


def save(preferences: Preferences) -> None:
    """Remembers the choices; a folder that cannot be written is no reason to stop."""
    path = config_folder() / _NAME
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, msgspec.json.format(msgspec.json.encode(preferences)), durable=False)
