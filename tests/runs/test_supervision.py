"""How a run ends, what it leaves on the disk, and what it costs its supervisor; with real processes."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from mlrcopilot_tui.runs.curve import read_readings
from mlrcopilot_tui.runs.executor import KEPT, MODULE, STEADY
from mlrcopilot_tui.runs.spec import LOG_FILE, SPEC_FILE, STOP_FILE, RunStatus, SandboxLevel, read_status
from mlrcopilot_tui.runs.visible import interpreter_paths
from tests.runs.lab import Lab, await_true, survivors

CHECKPOINTING = """
    import pathlib, signal, time
    def save(*_):
        time.sleep(0.3)
        pathlib.Path("checkpoint").write_text("saved")
        print("val_error: 0.125")
        raise SystemExit
    signal.signal(signal.SIGTERM, save)
    pathlib.Path("ready").touch()
    time.sleep(60)
"""


async def test_a_run_that_ends_well(lab: Lab) -> None:
    spec = lab.spec("print('epoch 1/2 val_error: 0.5'); print('epoch 2/2 val_error: 0.25')")
    status, folder = await lab.finish(spec)
    assert (status.outcome, status.value, status.value_source) == ("ok", 0.25, "stdout")
    assert (status.exit_code, status.signal, status.run) == (0, None, spec.run)
    assert "0.25" in status.reason
    assert status.ended_at
    assert status.started_at < status.ended_at
    assert status.started_at.endswith("Z")
    assert status.wall_s > 0
    assert status.cpu_s > 0
    assert status.peak_rss_bytes > 1_000_000
    readings, _ = read_readings(folder)
    assert [(r.value, r.step, r.total) for r in readings] == [(0.5, 1, 2), (0.25, 2, 2)]
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_the_log_is_what_was_printed_byte_for_byte(lab: Lab) -> None:
    status, folder = await lab.finish(
        lab.spec(
            """
            import os, sys
            for n in range(500):
                os.write(1 + n % 2, b"%d\\xff\\x00\\x1b[31m\\r" % n)
            os.write(1, b"no line end")
            """
        )
    )
    log = (folder / LOG_FILE).read_bytes()
    assert log == b"".join(b"%d\xff\x00\x1b[31m\r" % n for n in range(500)) + b"no line end"
    assert status.log_bytes == len(log)
    assert status.log_sha256 == hashlib.sha256(log).hexdigest()


async def test_a_crash_tells_its_exit_code(lab: Lab) -> None:
    status, folder = await lab.finish(lab.spec("print('val_error: 0.5'); 1 / 0"))
    assert (status.outcome, status.exit_code) == ("crashed", 1)
    assert "exit code 1" in status.reason
    assert b"ZeroDivisionError" in (folder / LOG_FILE).read_bytes()


@pytest.mark.parametrize("level", ["plain", "landlock", "bwrap"])
async def test_a_crash_tells_its_signal(lab: Lab, level: SandboxLevel, request: pytest.FixtureRequest) -> None:
    if level != "plain":
        request.getfixturevalue(level)
    status, _ = await lab.finish(lab.spec("import os; os.kill(os.getpid(), 11)", level=level))
    assert (status.outcome, status.exit_code, status.signal) == ("crashed", None, signal.SIGSEGV)
    assert "SIGSEGV" in status.reason


async def test_no_metric(lab: Lab) -> None:
    status, _ = await lab.finish(lab.spec("print('val_error_rate: 0.5')"))
    assert (status.outcome, status.value) == ("no_metric", None)
    assert "val_error" in status.reason


async def test_a_last_nan_has_diverged(lab: Lab) -> None:
    status, folder = await lab.finish(lab.spec("print('val_error: 0.5'); print('val_error: nan')"))
    assert (status.outcome, status.value) == ("diverged", None)
    assert len(read_readings(folder)[0]) == 2


async def test_the_metrics_file_beats_what_is_printed(lab: Lab) -> None:
    code = """
        import json, os
        with open(os.environ["MLRCOPILOT_METRICS"], "a") as file:
            for step in range(3):
                print(json.dumps({"val_error": 0.1 * step, "step": step}), file=file)
        print("val_error: 0.9")
    """
    status, folder = await lab.finish(lab.spec(code))
    assert (status.outcome, status.value, status.value_source) == ("ok", 0.2, "file")
    assert [r.step for r in read_readings(folder)[0] if r.source == "file"] == [0, 1, 2]


async def test_a_metrics_file_that_was_there_before_is_no_reading(lab: Lab) -> None:
    spec = lab.spec("print('val_error: 0.9')")
    lab.mark(Path(spec.env["MLRCOPILOT_METRICS"]).name).write_text('{"val_error": 0.0}\n')
    status, _ = await lab.finish(spec)
    assert status.value == 0.9


async def test_only_the_evaluation_counts_where_there_is_one(lab: Lab) -> None:
    evaluate = lab.tree / "evaluate.py"
    evaluate.write_text("print('val_error:', open('model').read())")
    code = "open('model', 'w').write('0.25'); print('val_error: 0.0')"
    status, folder = await lab.finish(lab.spec(code, evaluate_argv=(sys.executable, "evaluate.py")))
    assert (status.outcome, status.value, status.value_source) == ("ok", 0.25, "evaluate")
    log = (folder / LOG_FILE).read_text()
    assert log.startswith("val_error: 0.0\n")
    assert "evaluation: " in log
    assert log.endswith("val_error: 0.25\n")

    evaluate.write_text("open(__import__('os').environ['MLRCOPILOT_METRICS'], 'a').write('val_error: 0.1')")
    status, _ = await lab.finish(lab.spec(code, evaluate_argv=(sys.executable, "evaluate.py")))
    assert (status.outcome, status.value) == ("no_metric", None)

    evaluate.write_text("raise SystemExit(3)")
    status, _ = await lab.finish(lab.spec(code, evaluate_argv=(sys.executable, "evaluate.py")))
    assert (status.outcome, status.exit_code) == ("crashed", 3)
    assert "evaluation" in status.reason


async def test_a_crashed_run_is_not_evaluated(lab: Lab) -> None:
    evaluate = (sys.executable, "-c", "open('evaluated', 'w')")
    status, _ = await lab.finish(lab.spec("raise SystemExit(1)", evaluate_argv=evaluate))
    assert status.outcome == "crashed"
    assert not lab.mark("evaluated").exists()


@pytest.mark.parametrize("argv", [("nosuch-command",), ("./nosuch",), ("/nosuch/python", "x")])
@pytest.mark.parametrize("level", ["plain", "bwrap"])
async def test_a_command_that_does_not_exist(lab: Lab, argv: tuple[str, ...], level: SandboxLevel) -> None:
    status, _ = await lab.finish(lab.spec(argv=argv, level=level))
    assert (status.outcome, status.child_pid) == ("not_started", None)
    assert f"`{argv[0]}` does not exist" in status.reason


async def test_a_file_that_is_no_program(lab: Lab) -> None:
    lab.mark("noise").write_bytes(b"\x00\x01")
    lab.mark("noise").chmod(0o755)
    status, _ = await lab.finish(lab.spec(argv=("./noise",)))
    assert status.outcome == "not_started"
    assert "could not be started" in status.reason


async def test_a_tree_that_is_gone(lab: Lab) -> None:
    spec = lab.spec("")
    shutil.rmtree(lab.tree)
    status, _ = await lab.finish(spec)
    assert status.outcome == "not_started"
    assert str(lab.tree) in status.reason


async def test_the_time_limit(lab: Lab) -> None:
    spec = lab.spec("import time\nwhile True: print('val_error: 0.5', flush=True); time.sleep(0.05)", timeout_s=0.6)
    status, _ = await lab.finish(spec)
    assert (status.outcome, status.signal, status.value) == ("timeout", signal.SIGTERM, 0.5)
    assert "0.6 s" in status.reason
    assert not survivors(spec.run)


async def test_a_smoke_run_at_its_limit_has_not_failed(lab: Lab) -> None:
    evaluate = (sys.executable, "-c", "open('evaluated', 'w')")
    code = CHECKPOINTING.replace("time.sleep(60)", 'print("val_error: 0.5", flush=True); time.sleep(60)')
    status, _ = await lab.finish(lab.spec(code, evaluate_argv=evaluate, timeout_s=2, grace_s=20, smoke=True))
    assert (status.outcome, status.reason) == ("smoked", "The smoke run came to its limit of 2 s.")
    assert lab.mark("checkpoint").exists()
    assert not lab.mark("evaluated").exists()


async def test_a_smoke_run_that_ends_in_time_is_a_run(lab: Lab) -> None:
    status, _ = await lab.finish(lab.spec("print('val_error: 0.5')", smoke=True))
    assert (status.outcome, status.value) == ("ok", 0.5)


async def test_the_silence_limit(lab: Lab) -> None:
    spec = lab.spec("import time; print('val_error: 0.5', flush=True); time.sleep(60)", silence_s=0.6)
    status, _ = await lab.finish(spec)
    assert status.outcome == "silent"
    assert "0.6 s" in status.reason


async def test_the_metrics_file_breaks_the_silence(lab: Lab) -> None:
    code = """
        import os, time
        for n in range(8):
            with open(os.environ["MLRCOPILOT_METRICS"], "a") as file: print("val_error: 0.5", file=file)
            time.sleep(0.25)
    """
    status, _ = await lab.finish(lab.spec(code, silence_s=1.2))
    assert status.outcome == "ok"


@pytest.mark.parametrize(
    ("level", "shell"), [(level, shell) for level in ("plain", "landlock", "bwrap") for shell in (False, True)]
)
async def test_a_stop_leaves_time_for_a_checkpoint(
    lab: Lab, level: SandboxLevel, shell: bool, request: pytest.FixtureRequest
) -> None:
    if level != "plain":
        request.getfixturevalue(level)
    spec = lab.spec(CHECKPOINTING, level=level, grace_s=20)
    if shell:
        lab.mark("run.sh").write_text(f"{sys.executable} {spec.argv[1]}\necho over\n")
        seen = {"writable": (str(lab.tree),), "read_only": (*interpreter_paths(sys.executable, Path.home()),)}
        spec = lab.spec(argv=("bash", "run.sh"), level=level, grace_s=20, policy=seen)
    folder = lab.start(spec)
    await_true(lab.mark("ready").exists)
    lab.executor.stop(folder)
    status = await lab.executor.wait(folder)
    assert (status.outcome, status.value) == ("stopped", 0.125)
    assert lab.mark("checkpoint").read_text() == "saved"
    assert not survivors(spec.run)


async def test_a_stop_by_file_alone(lab: Lab) -> None:
    folder = lab.start(lab.spec(CHECKPOINTING))
    await_true(lab.mark("ready").exists)
    (folder / STOP_FILE).touch()
    assert (await lab.executor.wait(folder)).outcome == "stopped"


async def test_a_suspended_run_can_be_stopped(lab: Lab) -> None:
    folder = lab.start(lab.spec(CHECKPOINTING, grace_s=20))
    await_true(lab.mark("ready").exists)
    status = lab.executor.status(folder)
    assert status
    assert status.child_pid
    os.kill(status.child_pid, signal.SIGSTOP)
    lab.executor.stop(folder)
    assert (await lab.executor.wait(folder)).outcome == "stopped"
    assert lab.mark("checkpoint").exists()


async def test_output_through_a_late_helper_is_heard(lab: Lab) -> None:
    lab.mark("run.sh").write_text("exec > >(sleep 0.3; cat)\necho val_error: 0.5\n")
    status, _ = await lab.finish(lab.spec(argv=("bash", "run.sh")))
    assert (status.outcome, status.value) == ("ok", 0.5)


FLOOD = "import time\nwhile True: print('x' * 1000, 'val_error: 0.5'); time.sleep(0.0001)"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_log_that_cannot_be_written_stops_the_run(lab: Lab) -> None:
    spec, folder = lab.spec(FLOOD), lab.folder / "run"
    folder.mkdir()
    (folder / SPEC_FILE).write_bytes(msgspec.json.encode(spec))
    (folder / LOG_FILE).symlink_to("/dev/full")
    subprocess.run([sys.executable, "-I", "-m", MODULE, str(folder)], check=True, capture_output=True)
    status = read_status(folder)
    assert status
    assert (status.outcome, status.log_bytes) == ("disk", 0)
    assert "disk is full" in status.reason
    assert not survivors(spec.run)


@pytest.mark.usefixtures("bwrap")
def test_a_full_disk_still_tells_how_the_run_ended(lab: Lab) -> None:
    spec, folder = lab.spec(FLOOD), lab.folder / "small"
    folder.mkdir()
    (lab.folder / SPEC_FILE).write_bytes(msgspec.json.encode(spec))
    script = f"cp {lab.folder}/spec.json {folder}; {sys.executable} -I -m {MODULE} {folder}; cat {folder}/status.json"
    disk = ("bwrap", "--dev-bind", "/", "/", "--size", "65536", "--tmpfs", str(folder))
    answer = subprocess.run([*disk, "--", "sh", "-c", script], check=True, capture_output=True)
    status = msgspec.json.decode(answer.stdout, type=RunStatus)
    assert (status.state, status.outcome) == ("finished", "disk")
    assert "disk is full" in status.reason
    assert 0 < status.log_bytes < 65536
    assert not survivors(spec.run)


def supervised_memory(lab: Lab, lines: int) -> tuple[int, int]:
    """Peak resident bytes of the supervisor of a run that prints so many lines, and the size of its log."""
    code = f"""
        import sys
        for n in range({lines} // 1000):
            for i in range(1000): print(f"step {{n * 1000 + i}} loss: {{i / 1000}} and some more text", flush=False)
        print("val_error: 0.5", flush=True)
        import time; open("printed", "w"); time.sleep(60)
    """
    folder = lab.start(lab.spec(code))
    await_true(lab.mark("printed").exists, 100)
    await_true(lambda: (folder / LOG_FILE).read_bytes()[-200:].endswith(b"val_error: 0.5\n"))
    status = lab.executor.status(folder)
    assert status
    report = Path(f"/proc/{status.supervisor_pid}/status").read_text()
    peak = next(int(line.split()[1]) * 1024 for line in report.splitlines() if line.startswith("VmHWM"))
    lab.executor.stop(folder)
    lab.mark("printed").unlink()
    return peak, (folder / LOG_FILE).stat().st_size


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("lines", [200_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_log(lab: Lab, lines: int) -> None:
    small, _ = supervised_memory(lab, 1000)
    large, size = supervised_memory(lab, lines)
    assert size > lines * 30
    assert large - small < 4_000_000


def test_the_supervisor_imports_nothing_heavy() -> None:
    def imported_by(module: str) -> set[str]:
        code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
        answer = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
        return set(answer.stdout.split())

    own = imported_by("mlrcopilot_tui.runs.supervisor") - imported_by("msgspec, psutil")
    assert own - sys.stdlib_module_names == {"mlrcopilot_tui"}
    assert not own & {"asyncio", "logging", "ast", "json", "inspect"}, "standard, but not cheap"


async def test_secrets_are_not_in_a_runs_environment(lab: Lab) -> None:
    base = {"MY_API_KEY": "hush-1", "SERVICE": "https://user:hush-2@host/"}
    code = "import os; print(open('/proc/self/environ').read(), open(f'/proc/{os.getppid()}/environ').read())"
    _, folder = await lab.finish(lab.spec(code, base=base))
    log = (folder / LOG_FILE).read_text()
    assert "MLRCOPILOT_SEED=0" in log
    assert "hush" not in log


def test_a_supervisor_gets_nothing_but_what_it_needs(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_API_KEY", "hush")
    folder = lab.start(lab.spec(CHECKPOINTING))
    await_true(lab.mark("ready").exists)
    status = lab.executor.status(folder)
    assert status
    assert set(psutil.Process(status.supervisor_pid).environ()) <= {*KEPT, *STEADY}


async def test_a_command_reads_what_it_is_given_and_its_evaluation_nothing(lab: Lab) -> None:
    code = "import sys; print('val_error:', len(sys.stdin.read()))"
    spec = lab.spec(code, stdin="é" * 300_000)
    spec = msgspec.structs.replace(spec, evaluate_argv=spec.argv)
    _, folder = await lab.finish(spec)
    assert re.findall(r"val_error: (\d+)", (folder / LOG_FILE).read_text()) == ["300000", "0"]
