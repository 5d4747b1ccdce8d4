"""Whole sessions on scripts that nobody wrote to fit, with real runs; and what techniques do to real training."""

from pathlib import Path
from typing import Literal

import pytest

from mlrcopilot_tui.agents.offline.catalogue import technique_by_id
from mlrcopilot_tui.agents.offline.source import parse
from tests.agents.simulation import SCRIPTS, Simulation


@pytest.mark.parametrize(
    ("script", "command", "metric", "direction"),
    [
        ("numpy_constants", "python train.py", "rmse", "min"),
        ("argparse_mlp", "python train.py --seed 0", "val_acc", "max"),
        pytest.param("sklearn_keywords", "python train.py", "accuracy", "max", marks=pytest.mark.slow),
    ],
)
def test_six_experiments_keep_a_patch_where_there_is_something_to_gain(
    tmp_path: Path, script: str, command: str, metric: str, direction: Literal["min", "max"]
) -> None:
    text = (SCRIPTS / f"{script}.txt").read_text(encoding="utf-8")
    session = Simulation({"train.py": text}, tmp_path, command=command, metric=metric, direction=direction)
    session.research(6)
    assert session.state.kept, "\n".join(session.story())
    assert session.gain > 0.03, "\n".join(session.story())


def rewritten(script: str, techniques: list[str]) -> str:
    """The script after these techniques, one after the other."""
    name, _, setting = script.partition(" at ")
    text = (SCRIPTS / f"{name}.txt").read_text(encoding="utf-8")
    source = parse("train.py", text.replace("LEARNING_RATE = 0.01", setting or "LEARNING_RATE = 0.01"))
    for technique_id in techniques:
        technique = technique_by_id(technique_id)
        assert technique is not None
        assert source is not None
        change = technique.apply(source)
        assert change is not None, f"{technique_id} does not fit {script}"
        source = parse("train.py", change.text)
    assert source is not None
    return source.text


def measured(folder: Path, text: str, metric: str) -> float:
    """What the script prints on seed 0."""
    session = Simulation({"train.py": text}, folder, metric=metric)
    value = session.run("c0", 0)
    assert value is not None, session.log
    return value


@pytest.fixture(scope="module")
def starters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """The error of each script as it is."""
    return {
        script: measured(tmp_path_factory.mktemp("starter"), rewritten(script, []), "error")
        for script in (IMAGES, LARGE_STEPS, "numpy_constants", "argparse_mlp", "letters")
    }


IMAGES = "few_label_images"
LARGE_STEPS = "few_label_images at LEARNING_RATE = 3.0"


@pytest.mark.parametrize(
    ("script", "techniques", "at_most"),
    [
        (IMAGES, ["gradient_histograms"], 1.0),
        (IMAGES, ["label_spreading"], 0.95),
        (IMAGES, ["even_contrast"], 1.0),
        (IMAGES, ["fourier_features"], 1.1),
        (IMAGES, ["shifted_copies"], 1.0),
        (IMAGES, ["adam"], 1.0),
        (IMAGES, ["momentum"], 0.95),
        (LARGE_STEPS, ["cosine_decay"], 1.0),
        (LARGE_STEPS, ["weight_averaging"], 1.0),
        (IMAGES, ["gradient_clipping"], 1.1),
        (IMAGES, ["weight_decay"], 1.1),
        (IMAGES, ["label_smoothing"], 1.1),
        (IMAGES, ["label_spreading", "gradient_histograms", "even_contrast", "momentum", "cosine_decay"], 0.8),
        ("numpy_constants", ["standardise_arrays"], 1.1),
        ("numpy_constants", ["standardise_arrays", "momentum"], 0.8),
        ("argparse_mlp", ["fan_in_scale", "momentum"], 1.05),
        ("letters", ["interpolation"], 0.99),
        ("letters", ["interpolation", "absolute_discounting"], 0.95),
    ],
)
def test_techniques_run_and_do_what_they_claim(
    tmp_path: Path, starters: dict[str, float], script: str, techniques: list[str], at_most: float
) -> None:
    """The error afterwards is at most so many times that before."""
    before, after = starters[script], measured(tmp_path, rewritten(script, techniques), "error")
    assert after <= at_most * before, (before, after)


@pytest.mark.parametrize(
    ("script", "techniques", "metric", "at_least"),
    [
        ("sklearn_keywords", ["kernel_features"], "accuracy", 0.8),
        ("sklearn_keywords", ["kernel_machine"], "accuracy", 0.9),
        ("sklearn_keywords", ["standardise_pipeline", "bagging", "balanced_classes"], "accuracy", 0.9),
        ("sklearn_ridge", ["boosted_trees"], "r2", 0.2),
        ("sklearn_ridge", ["polynomial_features", "target_transform"], "r2", 0.1),
    ],
)
def test_estimators_are_wrapped_and_swapped_so_that_they_run(
    tmp_path: Path, script: str, techniques: list[str], metric: str, at_least: float
) -> None:
    pytest.importorskip("sklearn")
    assert measured(tmp_path, rewritten(script, techniques), metric) >= at_least
