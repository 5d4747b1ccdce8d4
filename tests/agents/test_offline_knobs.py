"""Which settings of a script are found, which are nobody's to turn, and that turning one changes nothing else."""

import ast
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.agents.offline.knobs import Knob, find_knobs, set_knobs
from mlrcopilot_tui.agents.offline.source import SourceFile, load_sources, parse
from tests.agents.simulation import SCRIPTS, FakeTree

EVERYTHING = '''\
#!/usr/bin/env python
"""Settings of every sort.\t"""
import argparse, random
from dataclasses import dataclass, field

SEED = 13
EPOCHS = 1_000       # plenty
LEARNING_RATE: float = 1e-3
TEST_SIZE = 0.2
DATA_PATH = "data.csv"
N_CLASSES = 10
USE_BIAS = True
VERBOSE = True
WINDOW, STRIDE = 3, 1
momentum = .9
counter = 0
counter += 1
OFFSET = -1
UNREAD_ALPHA = 3

@dataclass
class Config:
    hidden: int = 64
    dropout: float = field(default=0.1)
    seed: int = 0
    name: str = 'base'

hparams = {"lr": 0.05, 'batch_size': 32, "num_workers": 4, "n_splits": 5,
           'weight_decay': 0}

parser = argparse.ArgumentParser()
parser.add_argument('--lr', type=float, default=0.1, help='step')
parser.add_argument("-e", "--epochs", type=int, default=10)
parser.add_argument("--data-dir", default="x")
parser.add_argument("--seed", type=int, default=1)

forest = RandomForestClassifier(n_estimators=50, n_jobs=-1, random_state=0)
svm = SVC(kernel="rbf",
          C=(2.0))
other = SVC(C=1.0, verbose=True)
bare = KNeighborsClassifier()
positional = Ridge(0.5)
split = train_test_split(x, y, test_size=0.3, random_state=1)

def train(model, lr=0.01, rounds=20, log_every=5, verbose=False):
    pass

def main(steps=7, width=9):
    lr, alpha = 0.2, 0.3
    weight_decay = 1e-4
    batch = 16
    batch = 32
    for epoch in range(40):
        momentum_now = momentum * weight_decay
    for row in range(12):
        fit(EPOCHS, LEARNING_RATE, USE_BIAS, WINDOW, OFFSET)

main(3)

def evaluate(model, batch_size=256, threshold=0.5):
    knn = KNeighborsClassifier(n_neighbors=3)
    return round(model.score(threshold=0.4), ndigits=3)
'''


def source_of(text: str) -> SourceFile:
    source = parse("train.py", text)
    assert source is not None
    return source


def test_settings_of_every_sort_are_found_and_no_others() -> None:
    found = {knob.id.removeprefix("train.py:"): knob.value for knob in find_knobs([source_of(EVERYTHING)])}
    assert found == {
        "EPOCHS": 1000,
        "LEARNING_RATE": 1e-3,
        "USE_BIAS": True,
        "momentum": 0.9,
        "Config(hidden)": 64,
        "Config(dropout)": 0.1,
        "hparams(lr)": 0.05,
        "hparams(batch_size)": 32,
        "hparams(weight_decay)": 0,
        "--lr": 0.1,
        "--epochs": 10,
        "RandomForestClassifier(n_estimators)": 50,
        "RandomForestClassifier(min_samples_leaf)": 1,
        "SVC(kernel)": "rbf",
        "SVC(C)": 2.0,
        "SVC(C)#2": 1.0,
        "KNeighborsClassifier(n_neighbors)": 5,
        "KNeighborsClassifier(weights)": "uniform",
        "train(lr)": 0.01,
        "train(rounds)": 20,
        "main(width)": 9,
        "main(weight_decay)": 1e-4,
        "the loop over epoch(epochs)": 40,
    }


def test_what_the_command_sets_is_no_knob() -> None:
    names = {knob.name for knob in find_knobs([source_of(EVERYTHING)], "python train.py --lr=0.5 --epochs 3")}
    assert not names & {"--lr", "--epochs"}


@pytest.mark.parametrize(
    ("knob_id", "value", "line"),
    [
        ("EPOCHS", 2500, "EPOCHS = 2_500       # plenty"),
        ("LEARNING_RATE", 3e-3, "LEARNING_RATE: float = 3e-3"),
        ("momentum", 0.5, "momentum = 0.5"),
        ("USE_BIAS", False, "USE_BIAS = False"),
        ("Config(dropout)", 0.3, "    dropout: float = field(default=0.3)"),
        ("hparams(batch_size)", 8, """hparams = {"lr": 0.05, 'batch_size': 8, "num_workers": 4, "n_splits": 5,"""),
        ("--lr", 0.033, "parser.add_argument('--lr', type=float, default=0.033, help='step')"),
        ("SVC(C)", 0.5, "          C=(0.5))"),
        ("SVC(kernel)", "poly", 'svm = SVC(kernel="poly",'),
        ("KNeighborsClassifier(n_neighbors)", 3, "bare = KNeighborsClassifier(n_neighbors=3)"),
        (
            "RandomForestClassifier(min_samples_leaf)",
            4,
            "forest = RandomForestClassifier(n_estimators=50, n_jobs=-1, random_state=0, min_samples_leaf=4)",
        ),
    ],
)
def test_a_setting_is_written_in_the_style_of_its_place(knob_id: str, value: float | str, line: str) -> None:
    source = source_of(EVERYTHING)
    before, after = EVERYTHING.splitlines(), set_knobs(source, {f"train.py:{knob_id}": value}).splitlines()
    assert [new for old, new in zip(before, after, strict=True) if old != new] == [line]


def test_several_settings_in_one_call_are_set_together() -> None:
    source = source_of("model = SVC(gamma=0.1)\nwrapped = Bagging(KNeighborsClassifier(), n_estimators=10)\n")
    ids = {"train.py:SVC(gamma)": 0.2, "train.py:SVC(C)": 9.0, "train.py:KNeighborsClassifier(n_neighbors)": 7}
    text = set_knobs(source, ids | {"train.py:Bagging(n_estimators)": 30, "train.py:absent": 1})
    assert text == (
        "model = SVC(gamma=0.2, C=9.0)\nwrapped = Bagging(KNeighborsClassifier(n_neighbors=7), n_estimators=30)\n"
    )


@cache
def all_knobs() -> list[tuple[SourceFile, Knob]]:
    texts = [
        EVERYTHING,
        EVERYTHING.replace("\n", "\r\n"),
        *(p.read_text("utf-8") for p in sorted(SCRIPTS.glob("*.txt"))),
    ]
    return [(source, knob) for text in texts for source in [source_of(text)] for knob in find_knobs([source])]


@given(data=st.data())
def test_turning_a_setting_leaves_every_other_byte_alone(data: st.DataObject) -> None:
    source, knob = all_knobs()[data.draw(st.integers(0, len(all_knobs()) - 1))]
    if isinstance(knob.value, bool):
        value: float | int | bool | str = not knob.value
    elif isinstance(knob.value, str):
        value = data.draw(st.sampled_from(knob.choices))
    elif isinstance(knob.value, int):
        value = data.draw(st.integers(0, 10**9))
    else:
        value = data.draw(st.floats(1e-12, 1e9))
    text = set_knobs(source, {knob.id: value})
    ast.parse(text)
    again = {other.id: other.value for other in find_knobs([source_of(text)])}
    assert again[knob.id] == (pytest.approx(value, rel=1e-5) if isinstance(value, float) else value)
    start = len(_common(source.text, text))
    end = len(_common(source.text[start:][::-1], text[start:][::-1]))
    removed, added = source.text[start : len(source.text) - end], text[start : len(text) - end]
    assert "\n" not in removed + added
    assert len(removed) <= len(knob.written)


def _common(a: str, b: str) -> str:
    length = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return a[:length]


def test_only_files_that_the_run_reaches_and_that_do_not_measure_are_read(tmp_path: Path) -> None:
    tree = FakeTree(
        {
            "train.py": "from pkg import model\nimport evaluate\nEPOCHS = 3\n",
            "pkg/__init__.py": "",
            "pkg/model.py": "from .layers import f\nHIDDEN = 8\n",
            "pkg/layers.py": "DROPOUT = 0.5\n",
            "evaluate.py": "THRESHOLD = 0.5\n",
            "unrelated.py": "LR = 0.1\n",
            "locked.py": "LR = 0.1\n",
            "notes.md": "LR = 0.1",
        },
        editable=("train.py", "pkg/*.py", "evaluate.py", "unrelated.py"),
    )
    sources = load_sources(tree, "python train.py --seed {seed}")
    assert [source.path for source in sources] == ["train.py", "pkg/__init__.py", "pkg/model.py", "pkg/layers.py"]
    assert sources[0].others == ("THRESHOLD = 0.5\n",)
    assert load_sources(tree, "make train")[0].path == "pkg/__init__.py"
