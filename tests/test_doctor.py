"""What the diagnosis finds, and that it says how to mend it."""

import importlib.metadata
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from mlrcopilot_tui import doctor
from mlrcopilot_tui.doctor import Check, Status, run_checks
from mlrcopilot_tui.hardware import report
from mlrcopilot_tui.hardware.report import Finding
from mlrcopilot_tui.runs import landlock, landlock_sandbox, sandbox
from mlrcopilot_tui.runs.landlock_sandbox import LandlockSandbox
from mlrcopilot_tui.runs.sandbox import PlainSandbox
from mlrcopilot_tui.workspace import gitcommand

SECRET = "sk-ant-do-not-show-me"  # noqa: S105 - a made-up one


def put_on_path(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that shadows the real one."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_whole_diagnosis_of_this_machine(tmp_path: Path) -> None:
    checks = run_checks(tmp_path)
    names = [check.name for check in checks]
    assert len(set(names)) == len(names)
    assert {
        "python",
        "platform",
        "git",
        "terminal",
        "encoding",
        "sandbox",
        "cpu",
        "memory",
        "disk",
        "demo",
        "key",
    } <= set(names)
    by_name = {check.name: check for check in checks}
    assert by_name["python"].status == "ok"
    assert by_name["git"].status == "ok"
    assert by_name["disk"].status == "ok"
    assert all(check.mend for check in checks if check.status != "ok")
    assert json.loads(msgspec.json.encode(checks))[0]["name"] == "python"


def test_a_key_is_never_echoed(tmp_path: Path) -> None:
    checks = run_checks(tmp_path, {"ANTHROPIC_API_KEY": SECRET})
    assert SECRET not in repr(checks)
    assert next(check for check in checks if check.name == "key").status == "ok"
    spaced = doctor.check_key({"ANTHROPIC_API_KEY": f"{SECRET}\n"})
    assert (spaced.status, SECRET in repr(spaced)) == ("warn", False)
    assert doctor.check_key({}).found.startswith("ANTHROPIC_API_KEY is not set")


@pytest.mark.parametrize(("version", "status"), [((3, 10, 14), "fail"), ((3, 11, 0), "ok"), ((3, 14, 1), "ok")])
def test_python(version: tuple[int, ...], status: Status) -> None:
    assert doctor.check_python(version).status == status


@pytest.mark.parametrize(("name", "status"), [("linux", "ok"), ("darwin", "warn"), ("win32", "fail")])
def test_platform(name: str, status: Status) -> None:
    check = doctor.check_platform(name)
    assert check.status == status
    assert bool(check.mend) == (status != "ok")


@pytest.mark.parametrize(
    ("environ", "status", "found"),
    [
        ({}, "warn", "TERM is not set"),
        ({"TERM": "dumb"}, "warn", "TERM is dumb"),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "ok", "16 million colours"),
        ({"TERM": "xterm-256color"}, "ok", "256 colours"),
        ({"TERM": "screen"}, "ok", "16 colours"),
        ({"TERM": "xterm", "NO_COLOR": "", "COLORTERM": "truecolor"}, "ok", "no colours"),
    ],
)
def test_terminal(environ: dict[str, str], status: Status, found: str) -> None:
    check = doctor.check_terminal(environ)
    assert check.status == status
    assert found in check.found


def test_colours_lost_over_ssh_have_a_mend() -> None:
    assert "COLORTERM" in doctor.check_terminal({"TERM": "xterm-256color", "SSH_CONNECTION": "a b"}).mend


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"LANG": "en_US.UTF-8"}, "ok"),
        ({"LANG": "C.utf8"}, "ok"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "C"}, "warn"),
        ({"LANG": "de_DE.ISO-8859-1", "LC_CTYPE": "C.UTF-8", "LC_ALL": ""}, "ok"),
        ({}, "warn"),
    ],
)
def test_encoding(environ: dict[str, str], status: Status) -> None:
    assert doctor.check_encoding(environ).status == status


def test_no_multiplexer_is_nothing_to_tell() -> None:
    assert doctor.check_multiplexer({}) == []


@pytest.mark.parametrize(("setting", "status"), [("on", "ok"), ("external", "warn"), ("off", "warn")])
def test_tmux_and_its_clipboard(setting: str, status: Status, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(tmp_path, "tmux", f'[ "$1" = -V ] && echo tmux 3.3a || echo {setting}', monkeypatch)
    (check,) = doctor.check_multiplexer({"TMUX": "socket,1,0"})
    assert (check.status, check.found) == (status, f"tmux 3.3a, set-clipboard {setting}")
    assert ("set-clipboard on" in check.mend) == (status == "warn")


@pytest.mark.parametrize("script", ["exit 1", "sleep 60"])
def test_a_tmux_that_fails_or_hangs_is_unknown(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_QUICK_S", 0.05)
    put_on_path(tmp_path, "tmux", f"exec {script}" if "sleep" in script else script, monkeypatch)
    (check,) = doctor.check_multiplexer({"TMUX": "socket,1,0"})
    assert (check.status, check.found) == ("warn", "tmux, set-clipboard unknown")


def test_gnu_screen_passes_no_clipboard_on() -> None:
    (check,) = doctor.check_multiplexer({"STY": "1.pts"})
    assert check.status == "warn"


def test_git_that_is_absent_old_or_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "which", lambda _: None)
        assert doctor.check_git().found == "git was not found."
    put_on_path(tmp_path, "git", "echo git version 2.20.1", monkeypatch)
    old = doctor.check_git()
    assert (old.status, "2.20" in old.found, "or newer" in old.mend) == ("fail", True, True)
    monkeypatch.setattr(gitcommand, "git_program", lambda: str(tmp_path / "absent"))
    broken = doctor.check_git()
    assert (broken.status, broken.found) == ("fail", "git does not start.")


def test_a_hostile_gpu_name_is_made_safe_and_a_concern_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = [Finding(name="gpu 0", found="H200\x1b]52;c;ZXZpbA==\x07, 141 GiB", concern="GPU is lost.")]
    monkeypatch.setattr(report, "describe", lambda: facts)
    assert doctor.check_hardware() == [Check(name="gpu 0", status="warn", found="H200, 141 GiB", mend="GPU is lost.")]


def test_without_a_sandbox_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "best_sandbox", PlainSandbox)
    monkeypatch.setattr(sandbox, "why_not", lambda _: "bubblewrap is not installed. Install it.")
    assert doctor.check_sandbox("linux") == Check(
        name="sandbox",
        status="warn",
        found="none: runs may touch files and the network",
        mend="bubblewrap is not installed. Install it.",
    )
    assert doctor.check_sandbox("darwin").mend == "There is none for macOS yet."


def test_with_the_second_best_sandbox_it_says_why_not_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "best_sandbox", LandlockSandbox)
    monkeypatch.setattr(sandbox, "why_not", lambda _: "bubblewrap is not installed. Install it.")
    found = doctor.check_sandbox("linux")
    assert (found.status, found.mend) == ("warn", "bubblewrap is not installed. Install it.")
    assert found.found.startswith("landlock: ")


def test_behind_landlock_it_names_the_sockets_that_stay_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("bus")
        monkeypatch.setattr(landlock_sandbox, "DOORS", ("bus", "absent"))
        monkeypatch.setattr(landlock, "abi", lambda: 8)
        monkeypatch.setattr(sandbox, "best_sandbox", LandlockSandbox)
        assert doctor.check_sandbox("linux").found.endswith("and a run may speak to bus")
        monkeypatch.setattr(landlock, "abi", lambda: 9)
        assert "bus" not in doctor.check_sandbox("linux").found


@pytest.mark.parametrize(("free", "status"), [(100 * 2**30, "ok"), (2**30, "warn"), (2**20, "fail")])
def test_disk(free: int, status: Status, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40 - free, free))
    assert doctor.check_disk(tmp_path).status == status


def test_a_folder_that_is_absent_or_read_only_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.check_disk(tmp_path / "absent").status == "fail"
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "cannot be written" in doctor.check_disk(tmp_path).mend


def test_without_scikit_learn_the_demo_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    check = doctor.check_demo()
    assert (check.status, "mlrcopilot[demo]" in check.mend) == ("warn", True)


def test_importing_the_diagnosis_is_cheap() -> None:
    program = "import sys, mlrcopilot_tui.doctor\nprint(*{'psutil', 'pynvml', 'git', 'textual'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
