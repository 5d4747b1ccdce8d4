"""`python -m benchmarks.record_curves` records the curves anew that `early_stop` judges; it takes some ten minutes.

They are of the shipped templates' own `train.py` with one to three of its lines changed, as an idea would change them,
and of the small networks in `trainings.py`. Every curve is of a training that really ran.
"""

import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.trainings import Recipe, Task, load, train
from mlrcopilot_tui.resources import shipped
from mlrcopilot_tui.runs.metrics import MetricReader

CURVES = Path(__file__).parent / "curves.jsonl"
SEEDS = 3
READINGS = 40
"""Of a longer curve every so-manieth reading is kept."""

Edits = tuple[tuple[str, str], ...]


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One training's curve; those of one family train for the same metric and differ by `change`.

    `values` are those at step `every`, twice that, and so on, of `total`; `final` is what the run reported last.
    """

    family: str
    change: str
    seed: int
    total: int
    every: int
    values: tuple[float, ...]
    final: float


def read_curves(path: Path = CURVES) -> list[Recorded]:
    """The recording."""
    return [msgspec.json.decode(line, type=Recorded) for line in path.read_bytes().splitlines()]


def main() -> None:
    """Trains everything once more and writes the file."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    os.nice(10)
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(max_workers=2) as pool:
        place = Path(folder)
        jobs = [pool.submit(_networks, task, recipe, seed) for task, recipe, seed in _network_grid()]
        jobs += [pool.submit(_template, place, *one) for one in _template_grid()]
        curves = [curve for job in jobs for curve in job.result()]
    with CURVES.open("wb") as file:
        file.writelines(msgspec.json.encode(curve) + b"\n" for curve in curves)
    print(f"{len(curves)} curves, {CURVES.stat().st_size / 1000:.0f} kB")


# Networks

_RATES: dict[Task, tuple[float, ...]] = {
    "digits": (0.01, 0.03, 0.1, 0.3),
    "diabetes": (0.003, 0.01, 0.03, 0.1),
    "cancer": (0.003, 0.01, 0.1, 0.5),
    "text": (0.03, 0.1, 0.3, 1.0),
}
_RECIPES: dict[Task, int] = {"digits": 26, "diabetes": 24, "cancer": 20, "text": 16}


def _network_grid() -> Iterator[tuple[Task, Recipe, int]]:
    for task, count in _RECIPES.items():
        rng = random.Random(task)
        for recipe in [*(_drawn(task, rng) for _ in range(count)), *_late(task)]:
            yield from ((task, recipe, seed) for seed in range(SEEDS))


def _late(task: Task) -> Iterator[Recipe]:
    """Recipes that look bad for long: a rate that is too high until it falls, with a dropout that slows them too."""
    if task in {"digits", "text"}:
        for rate in (4 * _RATES[task][-1], 2 * _RATES[task][-1], _RATES[task][-1]):
            yield Recipe(lr=rate, schedule="late", width=64, batch=16)
            yield Recipe(lr=rate, schedule="cycle", width=64, batch=16, dropout=0.3)


def _drawn(task: Task, rng: random.Random) -> Recipe:
    """A recipe as somebody might try it; Adam and momentum get a rate that suits them."""
    optimizer: Literal["sgd", "momentum", "adam"] = rng.choice(("sgd", "sgd", "momentum", "adam"))
    rate = rng.choice(_RATES[task]) * {"sgd": 1.0, "momentum": 0.3, "adam": 0.1}[optimizer]
    return Recipe(
        lr=round(rate, 6),
        schedule=rng.choice(("constant", "constant", "cosine", "step", "warmup", "cycle")),
        optimizer=optimizer,
        width=rng.choice((8, 32, 64)),
        batch=rng.choice((16, 32, 64)),
        epochs=rng.choice((40, 40, 40, 40, 20, 80)),
        l2=rng.choice((0.0, 0.0, 0.001, 0.03)),
        dropout=rng.choice((0.0, 0.0, 0.0, 0.3, 0.5)),
        noise=rng.choice((0.0, 0.0, 0.0, 0.2)),
        init=rng.choice((1.0, 1.0, 0.3, 2.0)),
    )


def _networks(task: Task, recipe: Recipe, seed: int) -> list[Recorded]:
    """A training's curve of losses, and of errors where there are classes."""
    text = ""
    if task == "text":
        sources = sorted((Path(os.__file__).parent / "json").glob("*.py"))
        text = "".join(source.read_text("utf-8") for source in sources)[:16_000]
    reports = list(train(load(task, text), recipe, seed))
    change = msgspec.json.encode(recipe).decode()
    found = []
    for name in ("loss", "error"):
        points = [(report.epoch, float(getattr(report, name))) for report in reports]
        if all(math.isfinite(value) for _, value in points):
            found.append(_recorded(f"{task} {name}", change, seed, points, recipe.epochs))
    return found


# Templates

_RATE = "weights -= LEARNING_RATE * ("
_BIAS = "bias -= LEARNING_RATE * residual"
_COSINE = "0.5 * (1 + np.cos(np.pi * epoch / EPOCHS))"
_WARM = "min(1.0, epoch / (0.3 * EPOCHS))"


def _scheduled(factor: str) -> Edits:
    return (
        (_RATE, f"weights -= LEARNING_RATE * {factor} * ("),
        (_BIAS, f"bias -= LEARNING_RATE * {factor} * residual"),
    )


def _set(name: str, old: str, new: str) -> Edits:
    return ((f"{name} = {old}\n", f"{name} = {new}\n"),)


_SQUARES = (("return x.reshape(len(x), -1) / 16.0", "return (x.reshape(len(x), -1) / 16.0) ** 2"),)
_CENTRED = (("return x.reshape(len(x), -1) / 16.0", "return x.reshape(len(x), -1) / 16.0 - 0.5"),)


def _digits_edits() -> Iterator[Edits]:
    rates = [_set("LEARNING_RATE", "1e-3", rate) for rate in ("1e-4", "3e-4", "3e-3", "1e-2", "0.1", "1.0")]
    yield ()
    yield from rates
    yield from (rate + _scheduled(_COSINE) for rate in rates[2:])
    yield from (rate + _scheduled(_WARM) for rate in rates[2:4])
    yield from (_set("L2", "1e-4", value) for value in ("1e-1", "1.0"))
    yield from (_set("BATCH_SIZE", "5", value) for value in ("1", "20", "100"))
    yield from (_set("EPOCHS", "400", value) for value in ("200", "800"))
    yield _set("INIT_SCALE", "0.01", "1.0")
    yield from (_SQUARES, _CENTRED)


def _template_grid() -> Iterator[tuple[str, str, Edits, int]]:
    for edits in _digits_edits():
        yield from (("digits", "val_error", edits, seed) for seed in range(SEEDS))
    for order in ("2", "3", "4", "5", "6"):
        for k in ("1.0", "0.1", "0.01"):
            edits = (*_set("ORDER", "3", order), *_set("ADD_K", "1.0", k))
            yield "charlm", "bits_per_char", edits, 0


def _template(place: Path, name: str, metric: str, edits: Edits, seed: int) -> list[Recorded]:
    """What the template's own script prints, with those edits."""
    change = "; ".join(new.strip() for _, new in edits) or "as shipped"
    work = Path(tempfile.mkdtemp(dir=place))
    template = shipped("templates") / name
    shutil.copytree(template / "workspace", work, dirs_exist_ok=True)
    if (template / "prepare.py").exists():
        subprocess.run([sys.executable, template / "prepare.py", work], check=True)
    source = (work / "train.py").read_text("utf-8")
    for old, new in edits:
        assert old in source, old
        source = source.replace(old, new)
    (work / "train.py").write_text(source, "utf-8")
    done = subprocess.run(
        [sys.executable, "train.py"],
        cwd=work,
        env={**os.environ, "MLRCOPILOT_SEED": str(seed)},
        stdout=subprocess.PIPE,
        check=True,
    )
    reader = MetricReader(metric)
    readings = [*reader.feed(done.stdout), *reader.close()]
    shutil.rmtree(work)
    points = [(reading.step, reading.value) for reading in readings if reading.step is not None]
    total = next(reading.total for reading in readings if reading.total)
    recorded = _recorded(f"template {name}", change, seed, points, total)
    return [msgspec.structs.replace(recorded, final=readings[-1].value)]


def _recorded(family: str, change: str, seed: int, points: Iterable[tuple[int, float]], total: int) -> Recorded:
    points = list(points)
    every = max(1, len(points) // READINGS)
    kept = points[every - 1 :: every]
    step = kept[0][0]
    assert [at for at, _ in kept] == [step * n for n in range(1, len(kept) + 1)]
    return Recorded(
        family=family,
        change=change,
        seed=seed,
        total=total,
        every=step,
        values=tuple(float(f"{value:.4g}") for _, value in kept),
        final=float(f"{points[-1][1]:.4g}"),
    )


if __name__ == "__main__":
    main()
