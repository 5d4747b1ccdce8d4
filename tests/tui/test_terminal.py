"""The real program in a real terminal: it answers keys, leaves the terminal as it was, and survives losing it."""

import base64
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.tui import terminal
from tests.tui.story import up_to_gate

SCREEN = Path(__file__).parent / "real_screen.py"
PATIENCE_S = 30.0

_tmux = shutil.which("tmux")


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)


class Tmux:
    """One shell in a tmux server of its own."""

    def __init__(self, socket: Path) -> None:
        self._base = [str(_tmux), "-S", str(socket), "-f", os.devnull]
        shell = ["env", "PS1=$ ", "COLORTERM=truecolor", "sh"]
        subprocess.run([*self._base, "new-session", "-d", "-x", "80", "-y", "24", *shell], check=True)

    def type(self, *keys: str) -> None:
        """Presses keys."""
        subprocess.run([*self._base, "send-keys", *keys], check=True)

    def shows(self, text: str) -> bool:
        """Whether the screen holds a text."""
        done = subprocess.run([*self._base, "capture-pane", "-p"], check=True, capture_output=True, text=True)
        return text in done.stdout

    def state(self, what: str) -> str:
        """What tmux knows of the terminal's modes."""
        done = subprocess.run([*self._base, "display", "-p", what], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def end(self) -> None:
        """Ends the server."""
        subprocess.run([*self._base, "kill-server"], check=False)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A terminal to start the program in."""
    if _tmux is None:
        pytest.skip("tmux is not installed")
    server = Tmux(tmp_path / "tmux")
    yield server
    server.end()


def _pid_of(screen: Path) -> int:
    return int((screen / "pid").read_text("utf-8"))


def test_keys_work_and_the_terminal_is_restored(tmux: Tmux, tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    run = f"{sys.executable} {SCREEN} {story.root}; echo left $?"
    tmux.type(run, "Enter")
    wait_for(lambda: tmux.shows("palette"))
    assert tmux.state("#{alternate_on} #{mouse_any_flag} #{cursor_flag}") == "1 1 0"
    tmux.type("3")
    wait_for(lambda: tmux.shows("May idea 4 run?"))
    time.sleep(0.6)  # the grace period of a question that just appeared
    tmux.type("a")
    wait_for(lambda: bool(story.decisions()))
    assert story.decisions()[0].kind == "approve"
    tmux.type("q")
    wait_for(lambda: tmux.shows("left 0"))
    assert tmux.shows(f"mlrcopilot -C {story.root}"[:40])
    assert tmux.state("#{alternate_on} #{mouse_any_flag} #{cursor_flag}") == "0 0 1"


def test_an_escape_is_told_from_the_keys_that_begin_with_one(tmux: Tmux, tmp_path: Path) -> None:
    story = up_to_gate(tmp_path / "digits")
    tmux.type(f"{sys.executable} {SCREEN} {story.root}; echo left $?", "Enter")
    wait_for(lambda: tmux.shows("palette"))
    tmux.type("?")
    wait_for(lambda: tmux.shows("Help: ideas"))
    tmux.type("Escape")
    wait_for(lambda: not tmux.shows("Help: ideas"))
    tmux.type("End", "Up", "Down", "Up", "d")
    wait_for(lambda: tmux.shows("Why is idea 5 label spreading not worth a run?"))
    tmux.type("Escape")
    wait_for(lambda: not tmux.shows("not worth a run?"))
    tmux.type("q")
    wait_for(lambda: tmux.shows("left 0"))
    assert story.decisions() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(tmux: Tmux, tmp_path: Path, number: signal.Signals) -> None:
    story = up_to_gate(tmp_path / "digits")
    tmux.type(f"sh -c 'echo $$ > {tmp_path}/pid; exec {sys.executable} {SCREEN} {story.root}'; echo left $?", "Enter")
    wait_for(lambda: tmux.shows("palette"))
    os.kill(_pid_of(tmp_path), number)
    wait_for(lambda: tmux.shows(f"left {128 + number}"))
    assert tmux.state("#{alternate_on} #{mouse_any_flag} #{cursor_flag}") == "0 0 1"


def test_a_terminal_that_is_taken_away_ends_the_program(tmp_path: Path) -> None:
    """As under nohup: no signal comes, and reading gives nothing for ever."""
    story = up_to_gate(tmp_path / "digits")
    main, far = pty.openpty()
    program = subprocess.Popen(
        ["env", "TERM=xterm-256color", sys.executable, str(SCREEN), str(story.root)],
        stdin=far,
        stdout=far,
        stderr=far,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),  # noqa: PLW1509 -- as nohup does it
    )
    os.close(far)
    seen = b""
    deadline = time.monotonic() + PATIENCE_S
    while b"palette" not in seen and time.monotonic() < deadline:
        if select.select([main], [], [], 0.2)[0]:
            seen += os.read(main, 65536)
    os.close(main)
    assert program.wait(PATIENCE_S) == 128 + signal.SIGHUP


def test_stray_writes_go_to_a_file(tmp_path: Path) -> None:
    log = tmp_path / "deep" / "screen.log"
    with terminal.stray_writes_to(log):
        os.write(2, b"a library speaks\n")
        assert sys.__stderr__ is not None
        assert sys.__stderr__.fileno() != 2
    assert log.read_bytes() == b"a library speaks\n"
    assert sys.__stderr__.fileno() == 2


@pytest.mark.parametrize("term", ["dumb", "", None])
def test_a_dumb_terminal_is_refused(term: str | None) -> None:
    env = {} if term is None else {"TERM": term}
    with pytest.raises(EnvironmentLackError, match="TERM is dumb"):
        terminal.refuse_dumb_terminal(env)


def test_a_terminal_that_is_none_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    main, far = pty.openpty()
    monkeypatch.setattr(termios, "tcgetattr", lambda fd, _of=termios.tcgetattr: _of(far if fd == 0 else fd))
    assert not terminal.is_gone()
    os.close(main)
    assert terminal.is_gone()
    os.close(far)


def test_copying_reaches_the_terminal_outside_of_tmux() -> None:
    bare = terminal.clipboard_sequence("a\x1b[b", {})
    assert base64.b64decode(bare.removeprefix("\x1b]52;c;").removesuffix("\x07")) == b"a\x1b[b"
    wrapped = terminal.clipboard_sequence("a", {"TMUX": "socket,1,0"})
    assert wrapped.startswith("\x1b]52;c;YQ==\x07")
    assert "\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\" in wrapped


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"TERM_PROGRAM": "WezTerm"}, "\x1b]9;t: b\x07"),
        ({"TERM": "xterm-kitty"}, "\x1b]9;t: b\x07"),
        ({"VTE_VERSION": "7600"}, "\x1b]777;notify;t;b\x07"),
        ({"TERM": "linux"}, ""),
        ({"TERM": "xterm-256color"}, ""),
    ],
)
def test_notifications_go_where_they_are_known(env: dict[str, str], expected: str) -> None:
    assert terminal.notification_sequence("t", "b\x1b]52;c;x\x07", env) == expected


def test_ssh_is_remote() -> None:
    assert terminal.is_remote({"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"})
    assert not terminal.is_remote({})
