"""Themes as TOML files, and the meanings (kept, running, needs you, …) that every theme gives a colour."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from textual.app import App
from textual.color import Color, ColorParseError
from textual.css.constants import VALID_STYLE_FLAGS
from textual.theme import Theme

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.text import one_line

COLORS: Final = (
    "primary", "secondary", "warning", "error", "success", "accent",
    "foreground", "background", "surface", "panel", "boost",
)  # fmt: skip

# Each meaning as a value for a theme that names none: first where colours are exact, then for the terminal's own 16.
# A name in braces is one of Textual's variables.
MEANINGS: Final[dict[str, tuple[str, str]]] = {
    "kept": ("{text-success}", "ansi_green"),
    "discarded": ("{text-error}", "ansi_red"),
    "crashed": ("{text-error}", "ansi_red"),
    "inconclusive": ("{text-secondary}", "ansi_cyan"),
    "running": ("{text-primary}", "ansi_blue"),
    "proposed": ("{foreground} 70%", "ansi_default"),
    "needs-you": ("{text-warning}", "ansi_yellow"),
    "champion": ("{text-accent}", "ansi_magenta"),
    "muted": ("{foreground} 60%", "ansi_default"),
    "muted-style": ("none", "dim"),
    "diff-add": ("{text-success}", "ansi_green"),
    "diff-add-background": ("{success} 12%", "ansi_default"),
    "diff-add-emphasis": ("{success} 35%", "ansi_default"),
    "diff-remove": ("{text-error}", "ansi_red"),
    "diff-remove-background": ("{error} 12%", "ansi_default"),
    "diff-remove-emphasis": ("{error} 35%", "ansi_default"),
    "diff-emphasis-style": ("none", "bold underline"),
    "diff-hunk": ("{text-secondary}", "ansi_cyan"),
    "diff-cursor-background": ("{primary} 25%", "ansi_default"),
    "diff-cursor-style": ("none", "bold"),
    "match": ("{background}", "ansi_black"),
    "match-background": ("{warning}", "ansi_yellow"),
    "curve": ("{text-primary}", "ansi_blue"),
    "curve-band": ("{foreground} 35%", "ansi_default"),
    "syntax-keyword": ("{text-accent}", "ansi_magenta"),
    "syntax-string": ("{text-success}", "ansi_green"),
    "syntax-number": ("{text-warning}", "ansi_yellow"),
    "syntax-comment": ("{foreground} 55%", "ansi_default"),
    "syntax-definition": ("{text-primary}", "ansi_blue"),
    "syntax-builtin": ("{text-secondary}", "ansi_cyan"),
}

_16_COLOUR_THEME: Final = "ansi-16"
# Textual's own widgets ask for these in an ANSI theme, and end the program where it lacks them.
_ANSI_GROUND: Final = {
    True: {"ansi-background": "ansi_black", "ansi-foreground": "ansi_white"},
    False: {"ansi-background": "ansi_white", "ansi-foreground": "ansi_black"},
}


@dataclass(frozen=True, slots=True)
class ThemeFiles:
    """The themes that could be read, and what is wrong with the others."""

    themes: tuple[Theme, ...]
    errors: tuple[InputError, ...]


def variable_defaults(theme: Theme) -> dict[str, str]:
    """Give the meanings that this theme leaves open, for `App.get_theme_variable_defaults`."""
    if theme.ansi:
        return {name: ansi for name, (_, ansi) in MEANINGS.items()}
    known = theme.to_color_system().generate()
    return {name: exact.format_map(known) for name, (exact, _) in MEANINGS.items()}


def register_themes(app: App[Any]) -> tuple[InputError, ...]:
    """Give the app every shipped theme and every one of the user's; return what is wrong with those left out."""
    from mlrcopilot_tui.resources import shipped, user_folder  # noqa: PLC0415 -- platformdirs, after the first frame

    files = read_themes(shipped("themes"), user_folder("themes"))
    for theme in files.themes:
        app.register_theme(theme)
    return files.errors


def read_themes(*folders: Path) -> ThemeFiles:
    """Read every `*.toml` of these folders; a later theme of the same name takes the place of an earlier one."""
    themes: dict[str, Theme] = {}
    errors: list[InputError] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml")):
            try:
                themes[path.stem] = read_theme(path)
            except InputError as error:
                errors.append(error)
    return ThemeFiles(tuple(themes.values()), tuple(errors))


def read_theme(path: Path) -> Theme:
    """Read one theme; InputError names the file, the key and the nearest key that exists."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _wrong(path, str(error), "Mend the file, or choose another theme.") from error
    _check_names(path, "", table, ("dark", "ansi", "colors", "meanings", "textual"))
    flags = {name: _flag(path, table, name) for name in ("dark", "ansi")}
    colors: dict[str, Any] = _values(path, table, "colors", COLORS)
    if "primary" not in colors:
        raise _wrong(path, "colors.primary is missing", "Give it a colour such as '#5f87af'.")
    variables = _values(path, table, "meanings", MEANINGS) | _values(path, table, "textual", None)
    dark, ansi = flags["dark"] is not False, flags["ansi"] is True
    if ansi:
        variables = _ANSI_GROUND[dark] | variables
    return Theme(name=path.stem, dark=dark, ansi=ansi, variables=variables, **colors)


def preferred_theme(env: Mapping[str, str]) -> str:
    """Name the theme to start with: the terminal's own colours over SSH (half the bytes), at 16 colours and without
    colour; else light or dark, as far as the terminal tells."""
    term = env.get("TERM", "").rpartition("-")[2]
    exact = env.get("COLORTERM", "").lower() in {"truecolor", "24bit"} or term in {"256color", "direct", "kitty"}
    remote = any(env.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"))
    if remote or not exact or env.get("NO_COLOR"):
        return _16_COLOUR_THEME
    return "light" if env.get("COLORFGBG", "").rpartition(";")[2] in {"7", "15"} else "dark"


def _flag(path: Path, table: Mapping[str, Any], name: str) -> bool | None:
    value = table.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(path, f"{name} is {value!r}", "Write true or false.")
    return value


def _values(path: Path, table: Mapping[str, Any], section: str, known: Iterable[str] | None) -> dict[str, Any]:
    values = table.get(section, {})
    if not isinstance(values, dict):
        raise _wrong(path, f"{section} is not a table", f"Write it as [{section}].")
    if known is not None:
        _check_names(path, f"{section}.", values, known)
    for name, value in values.items():
        check = _is_style if name.endswith("-style") else _is_color
        if not isinstance(value, str) or not check(value):
            kind = "a text style such as 'bold'" if name.endswith("-style") else "a colour such as '#5f87af'"
            raise _wrong(path, f"{section}.{name} is {value!r}", f"Give it {kind}.")
    return values


def _check_names(path: Path, prefix: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
    names = tuple(known)
    for name in table:
        if name not in names:
            import difflib  # noqa: PLC0415 -- only a broken theme needs it

            near = difflib.get_close_matches(name, names, n=1) or names[:1]
            raise _wrong(path, f"there is no key {prefix}{name}", f"Did you mean {prefix}{near[0]}?")


def _is_style(value: str) -> bool:
    return set(value.split()) <= VALID_STYLE_FLAGS


def _is_color(value: str) -> bool:
    color, _, alpha = value.partition(" ")
    if alpha and not (alpha.endswith("%") and alpha[:-1].isdecimal()):
        return False
    try:
        Color.parse(color)
    except ColorParseError:
        return color == "auto"
    return True


def _wrong(path: Path, what: str, mend: str) -> InputError:
    return InputError(f"The theme {one_line(str(path), 200)} cannot be used: {one_line(what, 120)}.", mend)
