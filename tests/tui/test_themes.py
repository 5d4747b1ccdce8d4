"""Every shipped theme can be read and seen; a broken one is told by file and key, and the app goes on."""

import itertools
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

import mlrcopilot_tui
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.tui import themes
from mlrcopilot_tui.tui.themes import MEANINGS, preferred_theme, read_theme, read_themes, variable_defaults
from mlrcopilot_tui.tui.widgets.curve import Curve
from mlrcopilot_tui.tui.widgets.data_text import DataText
from mlrcopilot_tui.tui.widgets.diff_view import DiffView
from mlrcopilot_tui.tui.widgets.log_pane import LogPane
from tests.tui.doubles import staged
from tests.tui.story import up_to_gate

SHIPPED = Path(mlrcopilot_tui.__file__).parent.parent / "themes"
NAMES = ("ansi-16", "colour-blind", "dark", "high-contrast", "light")
READ = (
    "kept",
    "discarded",
    "crashed",
    "inconclusive",
    "running",
    "needs-you",
    "champion",
    "muted",
    "diff-add",
    "diff-remove",
    "diff-hunk",
)
CODE = ("syntax-keyword", "syntax-string", "syntax-number", "syntax-comment", "syntax-definition", "syntax-builtin")

GROUNDS_OF_NOTE = ("diff-add-emphasis", "diff-remove-emphasis", "diff-cursor-background")


def luminance(color: Color) -> float:
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.normalized]
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2]


def contrast(theme: Theme, ink: str, ground: str) -> float:
    values = {**variable_defaults(theme), **theme.to_color_system().generate(), **theme.variables}
    a, b = (luminance(Color.parse(values[name])) for name in (ink, ground))
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


def test_the_shipped_themes_are_all_sound() -> None:
    files = read_themes(SHIPPED)
    assert files.errors == ()
    assert tuple(theme.name for theme in files.themes) == NAMES


@pytest.mark.parametrize(
    ("name", "least"), [("dark", 4.5), ("light", 4.5), ("colour-blind", 4.5), ("high-contrast", 7.0)]
)
def test_text_stands_out_from_its_ground(name: str, least: float) -> None:
    theme = read_theme(SHIPPED / f"{name}.toml")
    grounds = ("background", "surface")
    pairs = [*itertools.product((*READ, *CODE, "foreground"), grounds), ("match", "match-background")]
    pairs += itertools.product((*CODE, "foreground", "diff-add"), ["diff-add-background"])
    pairs += itertools.product((*CODE, "foreground", "diff-remove"), ["diff-remove-background"])
    loud = itertools.product((*CODE, "foreground"), GROUNDS_OF_NOTE)
    needed = [*((pair, least) for pair in pairs), *((pair, 3.0) for pair in loud)]
    found = [(pair, round(contrast(theme, *pair), 2), ratio) for pair, ratio in needed]
    assert [weak for weak in found if weak[1] < weak[2]] == []


def test_the_colour_blind_theme_is_told_apart_without_red_and_green() -> None:
    theme = read_theme(SHIPPED / "colour-blind.toml")
    for good, bad in (("kept", "discarded"), ("diff-add", "diff-remove")):
        one, other = (Color.parse(theme.variables[name]) for name in (good, bad))
        assert one.b - one.r > 80
        assert other.r - other.b > 80


@pytest.mark.parametrize(
    "theme", [*BUILTIN_THEMES.values(), *read_themes(SHIPPED).themes], ids=lambda theme: theme.name
)
async def test_every_meaning_can_be_drawn_in_every_theme(theme: Theme) -> None:
    class ThemedApp(App[None]):
        CSS = "\n".join(
            f"#x{n} {{ {'text-style' if name.endswith('-style') else 'color'}: ${name}; }}"
            for n, name in enumerate(MEANINGS)
        )

        def compose(self) -> ComposeResult:
            yield from (DiffView(), LogPane(), Curve(), DataText("text"))

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return variable_defaults(self.current_theme)

    app = ThemedApp()
    app.register_theme(theme)
    app.theme = theme.name
    async with app.run_test(size=(20, 5)):
        assert app.current_theme.name == theme.name


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dark = true", "colors.primary is missing"),
        ("[colors]\nprimary = 'blurple'", "colors.primary is 'blurple'"),
        ("[colors]\nprimary = 'red'\nsucces = 'green'", "Did you mean colors.success?"),
        ("[colors]\nprimary = 'red'\n[meanings]\nkeep = 'green'", "Did you mean meanings.kept?"),
        ("[colors]\nprimary = 'red'\n[meanings]\nmuted-style = 'wavy'", "a text style such as 'bold'"),
        ("[colors]\nprimary = 'red'\n[textual]\nborder = 'red; color: blue'", "textual.border is"),
        ("[colors]\nprimary = 3", "colors.primary is 3"),
        ("colors = 3", "Write it as [colors]"),
        ("dark = 'yes'\n[colors]\nprimary = 'red'", "Write true or false"),
        ("[colours]\nprimary = 'red'", "Did you mean colors?"),
        ("[colors", "Expected"),
        ("\udcff", "utf-8"),
    ],
)
def test_a_broken_theme_is_told_by_file_and_key(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine\x1b[2J.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputError) as caught:
        read_theme(path)
    assert told in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_a_broken_theme_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("[colors]\n")
    (tmp_path / "mine.toml").write_text("[colors]\nprimary = '#336699'\n[meanings]\nkept = 'blue 50%'")
    (tmp_path / "dark.toml").write_text("[colors]\nprimary = 'white'")
    files = read_themes(SHIPPED, tmp_path, tmp_path / "absent")
    assert {theme.name for theme in files.themes} == {*NAMES, "mine"}
    assert next(theme for theme in files.themes if theme.name == "dark").primary == "white"
    assert len(files.errors) == 1


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({"TERM": "xterm-256color"}, "dark"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "dark"),
        ({"TERM": "xterm-kitty"}, "dark"),
        ({"TERM": "linux"}, "ansi-16"),
        ({"TERM": "screen"}, "ansi-16"),
        ({}, "ansi-16"),
        ({"TERM": "xterm-256color", "SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}, "ansi-16"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "ansi-16"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "dark"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;default;15"}, "light"),
        ({"TERM": "xterm-256color", "COLORFGBG": "15;0"}, "dark"),
    ],
)
def test_the_preferred_theme_suits_the_terminal(env: dict[str, str], name: str) -> None:
    assert preferred_theme(env) == name
    assert name in NAMES


async def test_without_colour_the_terminals_own_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with staged(up_to_gate(tmp_path / "digits"), (80, 24), theme="ansi-16") as stage:
        segments = [segment for strip in stage.app.screen._compositor.render_strips() for segment in strip]
    under = {segment.text.split()[0] for segment in segments if segment.style is not None and segment.style.underline}
    assert under == {"\N{BLACK CIRCLE}"}, "the cursor is seen without colour too"
    styles = [segment.style for segment in segments if segment.text.strip() and segment.style is not None]
    assert {style.color.is_default for style in styles if style.color is not None} == {True}
    assert {style.bgcolor.is_default for style in styles if style.bgcolor is not None} == {True}


def test_register_themes_reads_the_shipped_and_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLRCOPILOT_HOME", str(tmp_path))
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "mine.toml").write_text("[colors]\nprimary = '#336699'")
    (tmp_path / "themes" / "bad.toml").write_text("[colors]\n")
    app: App[None] = App()
    errors = themes.register_themes(app)
    assert {*NAMES, "mine"} <= set(app.available_themes)
    assert len(errors) == 1
