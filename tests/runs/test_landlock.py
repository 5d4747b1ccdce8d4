"""The second fence: what a run can still do behind it, and what happens where the kernel has none."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import msgspec
import pytest

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.runs import landlock
from mlrcopilot_tui.runs.fence import FAILED
from mlrcopilot_tui.runs.landlock_sandbox import CROWDED, PACKAGES, LandlockSandbox
from mlrcopilot_tui.runs.spec import LOG_FILE, SandboxPolicy
from tests.runs.lab import Lab

pytestmark = pytest.mark.usefixtures("landlock")


def attempt(lab: Lab, code: str, *, argv: tuple[str, ...] = (), **policy: object) -> str:
    """What the Python `code` prints in the sandbox, with the tree writable; its error's last line if it fails."""
    scratch = lab.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    told = {"level": "landlock", "writable": (str(lab.tree), str(scratch))} | policy
    wrapped = LandlockSandbox().wrap(argv or (sys.executable, "-c", code), msgspec.convert(told, type=SandboxPolicy))
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(Path.home()), "TMPDIR": str(scratch)}
    done = subprocess.run(wrapped, cwd=lab.tree, env=env, capture_output=True, text=True, check=False, timeout=60)
    return (done.stdout or done.stderr).strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("version", "length", "rights"),
    [(1, 8, 13), (2, 8, 14), (3, 8, 15), (4, 16, 15), (5, 16, 16), (6, 24, 16), (8, 24, 16), (9, 24, 17), (12, 24, 17)],
)
def test_each_version_is_asked_for_what_it_knows(version: int, length: int, rights: int) -> None:
    attributes = landlock.ruleset(version, network=False)
    assert len(attributes) == length
    assert int.from_bytes(attributes[:8], "little") == 2**rights - 1
    assert attributes[8:] == bytes([3, *[0] * 7, 3, *[0] * 7])[: length - 8]
    assert landlock.ruleset(version, network=True)[8:16] == bytes(8)[: length - 8]


def test_numpy_and_its_threads_work(lab: Lab) -> None:
    pytest.importorskip("numpy")
    assert attempt(lab, "import numpy as n; a = n.ones((300, 300)); print((a @ a)[0, 0])") == "300.0"


def test_programs_are_started_and_files_made_moved_and_removed(lab: Lab) -> None:
    code = """
import os, pathlib, subprocess, tempfile
with tempfile.NamedTemporaryFile("w", delete=False) as made: made.write("x")
os.mkdir("a"); os.rename(made.name, "a/x") if {renames} else None
os.symlink("a", "link"); os.mkfifo("pipe"); pathlib.Path("a/y").write_text("y"); os.truncate("a/y", 0); os.remove("a/y")
print(subprocess.run("ls a", shell=True, capture_output=True, text=True).stdout.strip(), open("/dev/null", "w").name)
"""
    assert attempt(lab, code.replace("{renames}", str(landlock.abi() >= 2))).split()[-1] == "/dev/null"


def test_home_is_a_new_empty_folder_each_time(lab: Lab, home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "x.csv").write_text("1,2")
    code = "import os; h = os.path.expanduser('~'); print(os.listdir(h)); open(h + '/left', 'w'); print(os.listdir(h))"
    assert attempt(lab, code) == attempt(lab, code) == "['left']"
    read = f"print(open({str(home / 'data/x.csv')!r}).read())"
    assert "PermissionError" in attempt(lab, read)
    assert attempt(lab, read, read_only=(str(home / "data"),)) == "1,2"
    assert "PermissionError" in attempt(lab, read.replace(")", ", 'a')", 1), read_only=(str(home / "data"),))


def test_an_interpreter_in_the_home_folder_works(lab: Lab, home: Path) -> None:
    venv.create(home / "project" / ".venv", symlinks=True)
    python = str(home / "project" / ".venv" / "bin" / "python")
    assert attempt(lab, "", argv=(python, "-c", "import json, sys; print(sys.prefix)")) == f"{home}/project/.venv"


def test_the_network_is_there_when_granted(lab: Lab) -> None:
    code = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname()); print(1)"
    )
    assert "Operation not permitted" in attempt(lab, code)
    assert attempt(lab, code, network=True) == "1"


def test_nothing_can_be_hidden_where_a_run_may_write(lab: Lab) -> None:
    lab.mark("answers.csv").write_text("secret")
    with pytest.raises(EnvironmentLackError, match=r"cannot hide .*answers\.csv"):
        attempt(lab, "", hidden=(str(lab.mark("answers.csv")),))
    assert attempt(lab, "print(1)", hidden=(str(lab.mark("absent")),)) == "1"


def test_a_crowded_folder_with_something_hidden_is_not_shown_at_all(lab: Lab) -> None:
    folder = lab.folder / "data"
    folder.mkdir()
    for number in range(3):
        (folder / str(number)).write_text(str(number))
    code = f"print(open({str(folder / '1')!r}).read())"
    granted = {"read_only": (str(folder),), "hidden": (str(folder / "0"),)}
    assert attempt(lab, code, **granted) == "1"
    for number in range(CROWDED):
        (folder / f"more{number}").touch()
    assert "PermissionError" in attempt(lab, code, **granted)


async def test_a_whole_run_behind_it(lab: Lab) -> None:
    protected = lab.mark("evaluate.py")
    protected.write_text("print('val_error:', float(open('model').read()))")
    code = """
        import os
        open("model", "w").write("0.25")
        with open(os.environ["MLRCOPILOT_METRICS"], "a") as file: print("val_error: 0.0", file=file)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try: print(open(f"/proc/{pid}/environ").read())
            except OSError: pass
    """
    spec = lab.spec(
        code,
        level="landlock",
        base={"MY_API_KEY": "hush"},
        policy={"read_only": (str(protected),)},
        evaluate_argv=(sys.executable, "evaluate.py"),
    )
    status, folder = await lab.finish(spec)
    assert (status.outcome, status.value, status.sandbox, status.network) == ("ok", 0.25, "landlock", False)
    log = (folder / LOG_FILE).read_text()
    assert "MLRCOPILOT_SEED" in log
    assert "hush" not in log


async def test_a_fence_that_fails_is_not_the_commands_fault(lab: Lab) -> None:
    missing = str(lab.folder / "missing")
    status, _ = await lab.finish(lab.spec(level="landlock", policy={"writable": (str(lab.tree), missing)}))
    assert status.outcome == "not_started"
    assert missing in status.reason


async def test_a_command_that_ends_like_a_failed_fence_is_not_one(lab: Lab) -> None:
    status, _ = await lab.finish(lab.spec(f"raise SystemExit({FAILED})", level="landlock"))
    assert (status.outcome, status.exit_code) == ("crashed", FAILED)


WITHOUT = f"""
import errno, sys
sys.path.append({PACKAGES!r})
from mlrcopilot_tui.runs import landlock, seccomp
landlock.forbid_new_privileges()
seccomp.load([(seccomp.LOAD, 0, 0, seccomp.NUMBER), (seccomp.EQUALS, 0, 1, landlock.CREATE_RULESET),
              (seccomp.RETURN, 0, 0, 0x50000 | errno.ENOSYS), (seccomp.RETURN, 0, 0, seccomp.ALLOW)])
from mlrcopilot_tui.runs.sandbox import best_sandbox, why_not
print(landlock.abi(), best_sandbox().level, why_not("landlock"))
"""


def test_a_kernel_without_it_is_said_and_nothing_is_pretended(tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", WITHOUT], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(
        "0 plain Landlock does not work here: Function not implemented. It is a part of Linux"
    )


def test_the_launchers_own_interpreter_may_be_out_of_the_runs_reach(lab: Lab) -> None:
    unseen = {"hidden": (os.path.realpath(sys.base_prefix),)}
    assert "Permission denied" in attempt(lab, "", argv=(sys.executable, "-c", "print(1)"), **unseen)
    assert attempt(lab, "", argv=("sh", "-c", "echo ran"), **unseen) == "ran"


def test_a_drivers_thread_gets_its_name_and_nothing_else_of_the_process_is_written(lab: Lab) -> None:
    code = """
import threading
def work():
    with open(f"/proc/self/task/{threading.get_native_id()}/comm", "w") as file: file.write("named")
    print(open(f"/proc/self/task/{threading.get_native_id()}/comm").read().strip())
thread = threading.Thread(target=work); thread.start(); thread.join()
"""
    assert attempt(lab, code) == "named"
    assert "PermissionError" in attempt(lab, "open('/proc/self/oom_score_adj', 'w')")


def test_the_launcher_needs_no_packages() -> None:
    code = "import sys; print(sorted({'psutil', 'msgspec', 'json', 'pathlib'} & sys.modules.keys()))"
    launched = f"import sys; sys.path.append({PACKAGES!r}); import mlrcopilot_tui.runs.fence; {code}"
    found = subprocess.run([sys.executable, "-I", "-S", "-c", launched], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
