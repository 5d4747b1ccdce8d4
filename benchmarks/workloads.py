"""What runs do that could be slowed down by being watched: scripts of seconds, each hard on a watcher in its way."""

from typing import Final

_END: Final = '\nprint("\\nval_error: 0.5")\n'

TRAINING: Final = """
import numpy
from sklearn.neural_network import MLPClassifier

random = numpy.random.default_rng(0)
rows = random.normal(size=(4000, 64))
labels = (rows[:, 0] * rows[:, 1] > 0).astype(int)
model = MLPClassifier((128, 64), max_iter=1, warm_start=True, random_state=0)
import warnings
warnings.simplefilter("ignore")
for epoch in range(24):
    model.fit(rows, labels)
    print(f"epoch {epoch + 1}/24 val_error: {1 - model.score(rows, labels)}")
"""
"""CPU-bound, with one thread, as the environment says."""

_PACED: Final = """
import sys, time

def pace(lines, seconds):
    began, step = time.perf_counter(), 0.005
    share = int(lines * step)
    write = sys.stdout.write
    for turn in range(round(seconds / step)):
        for number in range(turn * share, (turn + 1) * share):
            write(line(number))
        if (left := began + (turn + 1) * step - time.perf_counter()) > 0:
            time.sleep(left)
"""

LINES: Final = (
    _PACED
    + """
def line(number):
    if number % 100 == 0:
        return f"step {number}/300000 val_error: {1 / (1 + number):.6f}\\n"
    return f"step {number}/300000 loss {1 / (1 + number):.6f} grad 0.1234\\n"

pace(100_000, 3)
"""
)
"""100,000 lines a second for 3 s; each hundredth reports the metric."""

METRIC_LINES: Final = (
    _PACED
    + """
def line(number):
    return f"step {number}/300000 val_error: {1 / (1 + number):.6f}\\n"

pace(100_000, 3)
"""
)
"""The same, and each line reports the metric."""

BAR: Final = (
    _PACED
    + """
def line(number):
    percent = number // 150
    return f"\\r{percent:3d}%|{'#' * (percent // 4):<25}| {number}/15000 [00:01<00:02, 4987.21it/s, val_error=0.1234]"

pace(5_000, 3)
"""
)
"""A progress bar that rewrites its line 5,000 times a second, the metric on it."""

WORKERS: Final = """
import multiprocessing, subprocess, sys

def load(number):
    return sum(range(20_000)) + number

if __name__ == "__main__":
    for epoch in range(3):
        with multiprocessing.Pool(4) as pool:
            pool.map(load, range(800))
    for number in range(200):
        subprocess.run(["/bin/true"], check=True)
"""
"""Pools of workers, as data loaders have them, and 200 short-lived children."""

SLEEPER: Final = """
import pathlib, time

folder = pathlib.Path("checkpoints")
folder.mkdir(exist_ok=True)
for number in range(1000):
    (folder / str(number)).write_bytes(b"0" * 1000)
time.sleep(2)
"""
"""Silent, with 1000 files in its tree."""

WORKLOADS: Final = {
    "3 s of training": TRAINING,
    "100,000 lines/s": LINES + _END,
    "100,000 metrics/s": METRIC_LINES + _END,
    "a bar, 5,000 times/s": BAR + _END,
    "workers and children": WORKERS + '    print("val_error: 0.5")\n',
    "silent, 1000 files": SLEEPER + _END,
}
