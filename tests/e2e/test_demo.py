"""The main job, end to end, without a screen: demo, verdicts, verification, promotion."""

import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.conftest import Run


def check_story(mlrcopilot: Run, workspace: Path, *, experiments: int) -> dict[str, Any]:
    """What must hold after a finished session: a better champion, numbers that repeat, a story in git."""
    status: dict[str, Any] = msgspec.json.decode(mlrcopilot("status", workspace, "--json").stdout)
    log: list[dict[str, Any]] = msgspec.json.decode(mlrcopilot("log", workspace, "--json").stdout)
    assert status["state"] == "finished"
    assert len(log) == status["experiments"] == experiments
    assert status["champion"]["improvement"] >= 0.10
    champion = status["champion"]["commit"]
    measured = {one["commit"]: one["metric"] for one in log}
    checks = msgspec.json.decode(mlrcopilot("verify", champion, "-C", workspace, "--json").stdout)
    assert {str(check["seed"]): f"{check['found']:.6g}" for check in checks} == {
        seed: f"{value:.6g}" for seed, value in measured[champion].items()
    }
    mlrcopilot("verify", "-C", workspace)
    story = subprocess.run(
        ["git", "-C", workspace, "log", "--notes=mlrcopilot", f"mlrcopilot/{status['session']}/main"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert story.count("keep:") == status["kept"]
    assert "Idea:" in story
    clean = subprocess.run(["git", "-C", workspace, "status", "--porcelain"], capture_output=True, check=True)
    assert clean.stdout == b""
    mlrcopilot("promote", "--onto", "results", "-C", workspace)
    equal = subprocess.run(["git", "-C", workspace, "diff", "--quiet", "results", champion], check=False)
    assert equal.returncode == 0
    return status


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("template", "experiments"), [("digits", 2), pytest.param("charlm", 3, marks=pytest.mark.slow)]
)
def test_a_short_demo_ends_with_a_better_champion(
    tmp_path: Path, mlrcopilot: Run, template: str, experiments: int
) -> None:
    workspace = tmp_path / "demo"
    options = ["--headless", "--auto", "--max-experiments", str(experiments)]
    done = mlrcopilot("demo", workspace, "--template", template, *options, timeout=390)
    assert "baseline" in done.stdout
    assert "champion" in done.stdout
    check_story(mlrcopilot, workspace, experiments=experiments)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("template", ["digits", "charlm"])
def test_six_experiments(tmp_path: Path, mlrcopilot: Run, template: str) -> None:
    workspace = tmp_path / "demo"
    mlrcopilot(
        "demo", workspace, "--template", template, "--headless", "--auto", "--max-experiments", "6", timeout=1700
    )
    check_story(mlrcopilot, workspace, experiments=6)
