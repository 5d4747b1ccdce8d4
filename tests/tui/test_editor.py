"""The researcher's editor: which one, at which line, with a window or in the terminal; and what it does to ours."""

import os
import shutil
import signal
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.tui.editor import EditorCall, edit_in_terminal, editor_call, open_window

FILES = (Path("/w/my train.py"), Path("/w/model.py"))
SCREEN = {"DISPLAY": ":0"}


def call(env: Mapping[str, str], line: int = 12, *, installed: tuple[str, ...] | None = None) -> EditorCall:
    def which(name: str) -> str | None:
        return f"/usr/bin/{name}" if installed is None or name in installed else None

    return editor_call(FILES, line, env, which=which, platform="linux")


@pytest.mark.parametrize(
    ("editor", "at"),
    [
        ("vi", ["+12", "/w/my train.py"]),
        ("/opt/bin/nvim", ["+12", "/w/my train.py"]),
        ("nano", ["+12", "/w/my train.py"]),
        ("emacsclient -t", ["+12", "/w/my train.py"]),
        ("hx", ["/w/my train.py:12"]),
        ("code --wait", ["--goto", "/w/my train.py:12"]),
        ("kate", ["--line", "12", "/w/my train.py"]),
        ("ed", ["/w/my train.py"]),
    ],
)
def test_editors_are_told_the_line_in_their_own_way(editor: str, at: list[str]) -> None:
    made = call({"EDITOR": editor, **SCREEN})
    assert list(made.command) == [*editor.split(), *at, "/w/model.py"]
    assert call({"EDITOR": editor, **SCREEN}, 0).command[-2:] == ("/w/my train.py", "/w/model.py")


def test_visual_comes_before_editor_and_quotes_hold_words_together() -> None:
    made = call({"VISUAL": "'/opt/my editors/vim' -c 'set nu'", "EDITOR": "nano"})
    assert made.command[:3] == ("/opt/my editors/vim", "-c", "set nu")
    assert made.name == "vim"
    with pytest.raises(InputError, match=r"VISUAL cannot be read: no closing quotation\."):
        call({"VISUAL": "vim 'oops"})


def test_where_nobody_chose_one_the_first_that_is_there_is_taken() -> None:
    assert call({}, installed=("vi", "nano")).name == "nano"
    assert call({"EDITOR": " "}, installed=("vi",)).command[:2] == ("vi", "+12")
    with pytest.raises(EnvironmentLackError, match="no editor here"):
        call({}, installed=())
    with pytest.raises(EnvironmentLackError, match=r"emacs is not there \(EDITOR\)"):
        call({"EDITOR": "emacs -nw"}, installed=("vi",))


def test_an_editor_with_a_window_wants_a_display() -> None:
    assert call({"EDITOR": "subl -w", **SCREEN}).windowed
    assert call({"EDITOR": "code", "WAYLAND_DISPLAY": "wayland-0"}).windowed
    assert call({"EDITOR": "code", "VSCODE_IPC_HOOK_CLI": "/run/x"}).windowed, "a terminal within the editor itself"
    assert not call({"EDITOR": "emacs"}).windowed
    with pytest.raises(EnvironmentLackError, match="gvim opens a window, and there is no display here"):
        call({"EDITOR": "gvim"})


def script(folder: Path, name: str, body: str) -> EditorCall:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return EditorCall(name, (str(path), str(folder / "train.py")), windowed=True)


def test_ctrl_c_in_the_editor_is_the_editor_s(tmp_path: Path) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTSTP, signal.SIGCONT)}
    # Both get it, as from the keyboard; the editor dies of it as any shell command does.
    made = script(tmp_path, "editor", f"kill -INT {os.getpid()} $$; sleep 5")
    status, seconds = edit_in_terminal(made)
    assert status == -signal.SIGINT
    assert seconds < 5
    assert {number: signal.getsignal(number) for number in before} == before


def test_what_a_window_s_editor_complains_about_is_told(tmp_path: Path) -> None:
    assert open_window(script(tmp_path, "one", "exit 0")) == ""
    assert open_window(script(tmp_path, "two", "echo cannot open display >&2; exit 1")) == "cannot open display"
    assert open_window(script(tmp_path, "three", "exit 3")) == "it ended with status 3"
    assert shutil.which("sh")
