"""The user's own settings: `config.toml` in the config folder, read as strictly as a workspace's contract."""

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from mlrcopilot_tui.agents.claude.books.prices import Price
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.resources import config_folder
from mlrcopilot_tui.workspace.config_errors import TomlSource, explain_mismatch, refuse_unknown_keys


class ScreenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the screen looks; an empty theme is the one chosen in the screen, or the one that suits the terminal."""

    theme: str = ""
    plain: bool = False


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The researcher's own way to a model; what a workspace sets goes before it.

    The key itself cannot stand here: what a file of settings holds ends up in backups, dotfile repositories and on
    shared screens.

    Attributes:
        base_url: the address of a server that speaks the Messages API, without `/v1`.
        profile: `plain` for servers that know only the core of the protocol.
        api_key_command: a program with its arguments that prints the key; no shell reads it.
        api_key_file: a file that holds the key and that nobody else may read; `~` is the home folder.
    """

    model: str = ""
    fast_model: str = ""
    base_url: str = ""
    profile: Literal["full", "plain"] = "full"
    api_key_command: tuple[str, ...] = ()
    api_key_file: str = ""


class UserSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All of `config.toml`.

    Attributes:
        prices: what models cost, by the beginning of their ids; these go before the list that is shipped.
        keys: keys by the id of their action, as in `"patch.approve" = "a,enter"`; `?` in the screen shows the ids.
    """

    screen: ScreenSettings = ScreenSettings()
    engine: EngineSettings = EngineSettings()
    prices: dict[str, Price] = {}
    keys: dict[str, str] = {}


def settings_path() -> Path:
    """Where the file is, or would be."""
    return config_folder() / "config.toml"


def load_settings() -> UserSettings:
    """The user's settings; the defaults where there is no file.

    Raises:
        InputError: the file is wrong; the sentence names file, line, key and the nearest valid key.
    """
    path = settings_path()
    try:
        text = path.read_text("utf-8")
        tables = tomllib.loads(text)
    except FileNotFoundError:
        return UserSettings()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}.") from error
    source = TomlSource(text, path, UserSettings)
    refuse_unknown_keys(tables, UserSettings, source)
    try:
        return msgspec.convert(tables, UserSettings)
    except msgspec.ValidationError as error:
        raise explain_mismatch(error, source) from error
