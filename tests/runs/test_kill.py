"""Nothing that a run starts outlives it, whatever it does to get away and however the run ends."""

import asyncio
import os
import signal
import subprocess
import sys

import msgspec
import psutil
import pytest

from mlrcopilot_tui.runs.process_tree import descendants, sweep_leftovers
from mlrcopilot_tui.runs.spec import RunSpec, RunStatus, SandboxLevel
from tests.runs.lab import Lab, await_true, survivors

PRELUDE = """
    import os, pathlib, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    def sleep_on():
        pathlib.Path("away").touch()
        time.sleep(600)
    def child(become=sleep_on):
        if os.fork() == 0:
            become()
            os._exit(0)
    def await_away():
        while not pathlib.Path("away").exists(): time.sleep(0.01)
    print("val_error: 0.5", flush=True)
"""
ESCAPES = {
    "child": "child()",
    "session of its own": "child(lambda: (os.setsid(), sleep_on()))",
    "double fork": "child(lambda: (os.setsid(), child()))",
    "pipe closed": "child(lambda: (os.closerange(0, 3), os.setsid(), sleep_on()))",
    "environment dropped": "subprocess.Popen(['setsid', 'env', '-i', 'sh', '-c', 'touch away; sleep 600'])",
    "forks on": """
    def fork_on():
        away = os.open("away", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        while True:
            os.write(away, b".")
            if os.fork(): os._exit(0)
    child(fork_on)
    """,
    "forks on in new sessions": """
    def fork_on():
        away = os.open("away", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        while True:
            os.write(away, b".")
            if os.fork(): os._exit(0)
            os.setsid()
    for _ in range(4): child(fork_on)
    """,
    "multiplies": """
    def multiply():
        pathlib.Path("away").touch()
        for n in range(30):
            child(lambda: (os.setsid(), time.sleep(600)))
            time.sleep(0.01)
        time.sleep(600)
    child(multiply)
    """,
}
ENDINGS = {"ok": "await_away()", "stopped": "await_away(); time.sleep(600)", "crashed": "await_away(); os.abort()"}
CASES: list[tuple[str, str, SandboxLevel]] = [
    *((escape, ending, "plain") for escape in ESCAPES for ending in ("ok", "stopped")),
    ("double fork", "crashed", "plain"),
    ("double fork", "ok", "landlock"),
    ("environment dropped", "stopped", "landlock"),
    ("double fork", "ok", "bwrap"),
    ("environment dropped", "stopped", "bwrap"),
    ("forks on in new sessions", "stopped", "bwrap"),
]


def inhabitants(lab: Lab) -> list[int]:
    """Processes whose working directory is the run's tree: also finds those that have dropped their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(lab.tree) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize(("escape", "ending", "level"), CASES)
async def test_zero_survivors(
    lab: Lab, escape: str, ending: str, level: SandboxLevel, request: pytest.FixtureRequest
) -> None:
    if level != "plain":
        request.getfixturevalue(level)
    code = f"{PRELUDE}\n    {ESCAPES[escape].strip()}\n    {ENDINGS[ending]}"
    spec = lab.spec(code, level=level, grace_s=0.2)
    folder = lab.start(spec)
    await_true(lab.mark("away").exists)
    if ending == "stopped":
        lab.executor.stop(folder)
    status = await lab.executor.wait(folder)
    assert status.outcome == ending
    assert not survivors(spec.run)
    assert not inhabitants(lab)
    # What forks on lives too briefly to be looked up; but it shows how far it is.
    steps = lab.mark("away").stat().st_size
    await asyncio.sleep(0.1)
    assert lab.mark("away").stat().st_size == steps


def run_with_a_runaway(lab: Lab, level: SandboxLevel = "plain") -> tuple[RunSpec, RunStatus]:
    """A live run with a child in a session of its own."""
    spec = lab.spec(f"{PRELUDE}\n    {ESCAPES['double fork']}\n    await_away(); time.sleep(600)", level=level)
    folder = lab.start(spec)
    await_true(lab.mark("away").exists)
    await_true(lambda: (status := lab.executor.status(folder)) and status.child_pid)
    status = lab.executor.status(folder)
    assert status
    return spec, status


@pytest.mark.parametrize("level", ["plain", "landlock", "bwrap"])
async def test_a_killed_supervisor_takes_its_run_along(
    lab: Lab, level: SandboxLevel, request: pytest.FixtureRequest
) -> None:
    if level != "plain":
        request.getfixturevalue(level)
    spec, before = run_with_a_runaway(lab, level)
    os.kill(before.supervisor_pid, signal.SIGKILL)
    status = await lab.executor.wait(lab.folder / "runs" / "1")
    assert (status.state, status.outcome) == ("finished", "lost")
    assert "supervisor" in status.reason
    assert before.child_pid
    child = before.child_pid
    await_true(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)
    sweep_leftovers(spec.run)
    assert not survivors(spec.run)


def test_leftovers_of_other_runs_are_left_alone(lab: Lab) -> None:
    spec, _ = run_with_a_runaway(lab)
    assert sweep_leftovers(f"{spec.run}0") == 0
    assert sweep_leftovers(spec.run[:-1]) == 0
    assert survivors(spec.run)


async def test_a_run_outlives_its_starter(lab: Lab) -> None:
    go = lab.mark("go")
    spec = lab.spec(
        f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\nprint('val_error: 0.5')"
    )
    folder = lab.folder / "runs" / "1"
    starter = f"""
import os, signal, sys
import msgspec
from pathlib import Path
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.spec import RunSpec
LocalExecutor().start(msgspec.json.decode(sys.stdin.buffer.read(), type=RunSpec), Path({str(folder)!r}))
os.killpg(0, signal.SIGKILL)
"""
    starting = subprocess.run(  # noqa: ASYNC221  nothing else waits
        [sys.executable, "-c", starter],
        input=msgspec.json.encode(spec),
        start_new_session=True,
        check=False,
        capture_output=True,
    )
    assert starting.returncode == -signal.SIGKILL, starting.stderr
    # Asked at once, when nobody may have spoken for the run but its dead starter.
    early = lab.executor.status(folder)
    assert early
    assert early.state in {"starting", "running"}
    go.touch()
    status = await lab.executor.wait(folder)
    assert (status.outcome, status.value) == ("ok", 0.5)


async def test_no_zombie_is_left_to_the_starter(lab: Lab) -> None:
    await asyncio.gather(*(lab.finish(lab.spec("print('val_error: 0.5')")) for _ in range(3)))
    await_true(lambda: not psutil.Process().children())


def test_a_sweep_goes_on_until_nothing_is_left() -> None:
    code = """
import os, signal, sys
from mlrcopilot_tui.runs import process_tree
see_all = process_tree.descendants
looks = []
def see_one(pid):
    looks.append(pid)
    return set(sorted(see_all(pid))[:1])
process_tree.descendants = see_one
tree = process_tree.ProcessTree("test-sweep")
start_three = "[subprocess.Popen(['sleep', '600'], start_new_session=True) for _ in range(3)]"
command = f"import subprocess, time; {start_three}; print(flush=True); time.sleep(600)"
pipe = tree.start([sys.executable, "-c", command], env=os.environ, cwd="/")
os.read(pipe, 1)
print(tree.sweep(), len(see_all(os.getpid())), len(looks) > 3, os.WTERMSIG(tree.wait_status) == signal.SIGKILL)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert answer.stdout.split() == ["0", "0", "True", "True"]


def test_a_process_s_name_may_be_in_any_encoding() -> None:
    named = "import ctypes, time; ctypes.CDLL(None).prctl(15, b'\\xff', 0, 0, 0); print(flush=True); time.sleep(600)"
    code = f"""
import os, sys
from mlrcopilot_tui.runs.process_tree import ProcessTree
tree = ProcessTree("test-name")
pipe = tree.start([sys.executable, "-c", {named!r}], env=os.environ, cwd="/")
os.read(pipe, 1)
tree.terminate(sandboxed=True)
print(tree.sweep())
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert answer.stdout.split() == ["0"]


def test_descendants_are_found_through_every_thread() -> None:
    code = """
import subprocess, sys, threading
from mlrcopilot_tui.runs.process_tree import descendants
import os
def start(): started.append(subprocess.Popen(["sh", "-c", "sleep 600 & wait"]).pid)
started = []
def hold(): start(); event.wait()
event = threading.Event()
threads = [threading.Thread(target=hold) for _ in range(2)]
for thread in threads: thread.start()
while len(started) < 2 or len(descendants(os.getpid())) < 4: pass
found = descendants(os.getpid())
print(len(found), set(started) <= found)
event.set()
import signal
for pid in found: os.kill(pid, signal.SIGKILL)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert answer.stdout.split() == ["4", "True"]
    assert descendants(2**22 + 1) == set()
