"""Repositories that were not written to fit: adopted, improved, and left as they were."""

import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.e2e.conftest import Run

NUMPY = '''
"""Logistic regression by hand on two noisy moons."""
import os
import numpy as np

STEPS = 40
LR = 0.02
L2 = 0.1
HIDDEN = 4

rng = np.random.default_rng(int(os.environ.get("MLRCOPILOT_SEED", 0)))


def moons(n, rng):
    angle = rng.uniform(0, np.pi, n)
    label = rng.integers(0, 2, n)
    x = np.stack([np.cos(angle) + label, np.sin(angle) * (1 - 2 * label) + 0.4 * label], 1)
    return x + rng.normal(0, 0.15, x.shape), label


x, y = moons(300, rng)
valid_x, valid_y = moons(500, np.random.default_rng(999))
w1 = rng.normal(0, 0.5, (2, HIDDEN))
b1 = np.zeros(HIDDEN)
w2 = rng.normal(0, 0.5, HIDDEN)
b2 = 0.0
for step in range(STEPS):
    hidden = np.tanh(x @ w1 + b1)
    p = 1 / (1 + np.exp(-(hidden @ w2 + b2)))
    error = (p - y) / len(y)
    back = np.outer(error, w2) * (1 - hidden**2)
    w2 -= LR * (hidden.T @ error + L2 * w2 / len(y))
    b2 -= LR * error.sum()
    w1 -= LR * (x.T @ back + L2 * w1 / len(y))
    b1 -= LR * back.sum(0)
prediction = (np.tanh(valid_x @ w1 + b1) @ w2 + b2 > 0).astype(int)
print("accuracy:", float((prediction == valid_y).mean()))
'''

SKLEARN = '''
"""Diabetes by stochastic gradient descent, the way a notebook would have it."""
import os
from sklearn.datasets import load_diabetes
from sklearn.linear_model import SGDRegressor
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import train_test_split

seed = int(os.environ.get("MLRCOPILOT_SEED", "0"))
data = load_diabetes()
train_x, test_x, train_y, test_y = train_test_split(data.data, data.target, test_size=0.3, random_state=seed)
model = SGDRegressor(alpha=0.01, max_iter=20, eta0=0.01, tol=None, random_state=seed)
model.fit(train_x, train_y)
print(f"mae={mean_absolute_error(test_y, model.predict(test_x)):.5f}")
'''

ARGPARSE = '''
"""Fits a noisy sine with random features."""
import argparse
import random
import math

parser = argparse.ArgumentParser()
parser.add_argument("--hidden", type=int, default=3, help="number of random hidden units")
parser.add_argument("--ridge", type=float, default=1.0)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--epochs", type=int, default=15)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()


def main():
    rng = random.Random(args.seed)
    data = [(x, math.sin(3 * x) + rng.gauss(0, 0.1)) for x in (rng.uniform(-2, 2) for _ in range(120))]
    grid = [-2 + 4 * i / 99 for i in range(100)]
    freq = [(rng.gauss(0, 2), rng.uniform(0, 6.28)) for _ in range(args.hidden)]
    weights = [0.0] * args.hidden
    phi = lambda x: [math.cos(a * x + b) for a, b in freq]
    for epoch in range(args.epochs):
        for x, y in data:
            f = phi(x)
            error = sum(w * v for w, v in zip(weights, f)) - y
            weights = [w - args.lr * (error * v + args.ridge * w / len(data)) for w, v in zip(weights, f)]
        loss = sum((sum(w * v for w, v in zip(weights, phi(x))) - math.sin(3 * x)) ** 2 for x in grid) / len(grid)
        print({"epoch": epoch, "eval_loss": loss})


main()
'''

CASES = {
    "numpy": (NUMPY, "python train.py", "accuracy", "max"),
    "sklearn": (SKLEARN, "python train.py", "mae", "min"),
    "argparse": (ARGPARSE, "python train.py --seed {seed}", "eval_loss", "min"),
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "case", ["argparse", *(pytest.param(case, marks=pytest.mark.slow) for case in ("numpy", "sklearn"))]
)
def test_something_is_gained_on_code_never_seen(tmp_path: Path, mlrcopilot: Run, case: str) -> None:
    source, command, metric, direction = CASES[case]
    work = tmp_path / "work"
    work.mkdir()
    (work / "train.py").write_text(source.lstrip())
    git = ["git", "-C", str(work), "-c", "user.name=R", "-c", "user.email=r@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Start"]):
        subprocess.run([*git, *words], check=True)
    (work / "notes.txt").write_text("mine, not in git\n")
    mlrcopilot("init", work, "--command", command, "--metric", metric, "--direction", direction)
    before = _everything(work)

    options = ["--headless", "--auto", "--allow-unsandboxed", "--max-experiments", "6"]
    mlrcopilot("run", work, *options, timeout=280)
    status = msgspec.json.decode(mlrcopilot("status", work, "--json").stdout)
    assert status["kept"] >= 1
    assert status["champion"]["improvement"] > 0
    assert _everything(work) == before


def _everything(work: Path) -> tuple[dict[str, bytes], str]:
    """Every file of the researcher's, and what git says of their branch and index."""
    files = {path.name: path.read_bytes() for path in work.iterdir() if path.is_file()}
    asked = ["git", "-C", str(work), "status", "--porcelain", "--branch"]
    head = ["git", "-C", str(work), "rev-parse", "HEAD"]
    said = [subprocess.run(words, capture_output=True, text=True, check=True).stdout for words in (asked, head)]
    return files, "".join(said)
