"""What `doctor --gpu` says of GPUs outside and behind each fence; the driver is a stand-in, the fences are real."""

import json
import sys
from pathlib import Path

import pytest

from mlrcopilot_tui import doctor_gpu
from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.doctor import Check
from mlrcopilot_tui.doctor_gpu import check_gpus, compare
from mlrcopilot_tui.runs.devices import CHILD_MEND, REPORT, Looker
from mlrcopilot_tui.runs.sandbox import why_not
from mlrcopilot_tui.runs.spec import SandboxLevel
from tests.runs.graphics import Graphics


@pytest.fixture
def graphics(tmp_path: Path) -> Graphics:
    """Two GPUs."""
    return Graphics(tmp_path)


def named(checks: list[Check]) -> dict[str, Check]:
    """By name; what is not well has a mend."""
    assert all(check.mend for check in checks if check.status != "ok")
    return {check.name: check for check in checks}


def need(*levels: SandboxLevel) -> None:
    """Skips a test where one of those fences does not work."""
    for level in levels:
        if reason := why_not(level):
            pytest.skip(reason)


def test_without_a_gpu_there_is_one_line(tmp_path: Path) -> None:
    looker = Looker(python=sys.executable, torch=True)
    (check,) = compare(looker, ["plain"], 0)
    assert (check.status, check.found) == ("ok", "No GPU here; nothing to compare.")


def test_all_gpus_behind_each_fence(graphics: Graphics) -> None:
    need("bwrap", "landlock")
    graphics.become_reachable()
    found = named(compare(graphics.looker(torch=True, shown=(graphics.nodes,)), ["bwrap", "landlock", "plain"], 2))
    assert {check.status for check in found.values()} == {"ok"}
    assert found["gpu outside"].found == "torch 2.9.0 can use Fake 0, Fake 1"
    assert found["gpu bwrap"].found == "torch 2.9.0 sees 2 of 2: Fake 0, Fake 1"
    assert list(found) == ["gpu outside", "gpu bwrap", "gpu landlock", "gpu plain"]


def test_a_fence_that_hides_them_fails_with_the_reason(graphics: Graphics) -> None:
    need("bwrap")
    found = named(compare(graphics.looker(), ["bwrap", "plain"], 2))
    assert (found["gpu plain"].status, found["gpu bwrap"].status) == ("ok", "fail")
    assert "CUDA sees none of 2 GPUs: cuInit says 100" in found["gpu bwrap"].found
    assert found["gpu bwrap"].mend == REPORT
    assert "there is no torch" not in found["gpu bwrap"].found


def test_processes_of_a_run_behind_landlock_have_a_mend_of_their_own(graphics: Graphics) -> None:
    need("landlock")
    graphics.become_reachable()
    looker = graphics.looker(shown=(graphics.nodes,), FAKE_CUDA_THREADS="1")
    found = named(compare(looker, ["landlock"], 2))["gpu landlock"]
    assert (found.status, found.mend) == ("fail", CHILD_MEND)
    assert found.found.startswith("CUDA, in a process that a run starts, sees none of 2 GPUs: cuInit says 304")


def test_gpus_that_do_not_work_outside_either_are_nothing_to_compare(graphics: Graphics) -> None:
    for node in graphics.nodes.iterdir():
        node.write_text("full")
    (check,) = compare(graphics.looker(), ["plain"], 2)
    assert (check.name, check.status) == ("gpu outside", "fail")
    assert "CUDA 13.0 can use 0 of 2: Fake gpu0: cuMemAlloc_v2 says 2 (CUDA_ERROR_OUT_OF_MEMORY" in check.found


def test_one_that_is_full_is_warned_of_and_the_others_are_compared(graphics: Graphics) -> None:
    (graphics.nodes / "gpu1").write_text("full")
    found = named(compare(graphics.looker(), ["plain"], 2))
    assert (found["gpu outside"].status, found["gpu plain"].status) == ("warn", "ok")
    assert found["gpu plain"].found == "CUDA 13.0 sees 1 of 1: Fake gpu0"


def test_gpus_without_a_library_fail() -> None:
    (check,) = compare(Looker(python=sys.executable), ["plain"], 2)
    assert (check.status, "though 2 are listed" in check.found) == ("fail", True)


def test_an_interpreter_that_does_not_start_fails(tmp_path: Path) -> None:
    (check,) = compare(Looker(python=str(tmp_path / "absent")), ["plain"], 2)
    assert (check.status, "cannot be started" in check.found) == ("fail", True)
    config = '[run]\ncommand = "python t.py"\npython = "absent/python"\n'
    config += '[metric]\nname = "e"\ndirection = "min"\n[files]\neditable = ["t.py"]\n'
    (tmp_path / "mlrcopilot.toml").write_text(config)
    (check,) = check_gpus(tmp_path)
    assert (check.status, "which is not a program" in check.found) == ("fail", True)


def test_the_command_tries_gpus_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = Check(name="gpu bwrap", status="fail", found="torch sees none of 2 GPUs.", mend="Mend it.")
    monkeypatch.setattr(doctor_gpu, "check_gpus", lambda _: [failed])
    main(["doctor", "--json", str(tmp_path)])
    assert "gpu bwrap" not in capsys.readouterr().out
    assert main(["doctor", "--gpu", "--json", str(tmp_path)]) == 3
    assert json.loads(capsys.readouterr().out)[-1]["found"] == failed.found
