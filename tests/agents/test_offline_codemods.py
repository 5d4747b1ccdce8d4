"""Each technique's rewrite of code of its shape, compared line by line; and what all rewrites have in common."""

import ast
import difflib
import random
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.offline.catalogue import TECHNIQUES, Technique, technique_by_id
from mlrcopilot_tui.agents.offline.catalogue.registry import CODEMODS
from mlrcopilot_tui.agents.offline.catalogue.soundness import undefined_names
from mlrcopilot_tui.agents.offline.source import SourceFile, parse

GOLDEN = Path(__file__).parent / "golden"
BEFORE = sorted(path.stem for path in GOLDEN.glob("*.before"))
CASES = sorted(path.stem for path in GOLDEN.glob("*.diff"))
HOOKS = ('def bits(model, text):\n    learn = getattr(model, "observe", None)\n',)


def source_of(name: str) -> SourceFile:
    source = parse("train.py", (GOLDEN / f"{name}.before").read_text(encoding="utf-8"), HOOKS)
    assert source is not None
    return source


def difference(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), n=1)
    return "".join(list(lines)[2:])


@pytest.mark.parametrize("case", CASES)
def test_rewrite_is_the_one_that_was_reviewed(case: str) -> None:
    name, technique_id = case.split(".")
    source = source_of(name)
    technique = technique_by_id(technique_id)
    assert technique is not None
    change = technique.apply(source)
    assert change is not None
    assert difference(source.text, change.text) == (GOLDEN / f"{case}.diff").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", BEFORE)
@pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda technique: technique.id)
def test_rewrite_is_sound_and_done_once(technique: Technique, name: str) -> None:
    """It compiles, binds what it reads, imports nothing twice, and a second pass finds nothing to do."""
    source = source_of(name)
    change = technique.apply(source)
    assert (change is not None) == (f"{name}.{technique.id}" in CASES)
    if change is None:
        return
    assert undefined_names(change.text) <= undefined_names(source.text)
    imports = [
        ast.unparse(node) for node in ast.parse(change.text).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert len(imports) == len(set(imports))
    again = parse("train.py", change.text, HOOKS)
    assert again is not None
    assert technique.apply(again) is None


@pytest.mark.parametrize("name", BEFORE)
def test_rewrites_can_follow_one_another(name: str) -> None:
    """Any order in which techniques are kept leaves sound code."""
    for seed in range(2):
        source = source_of(name)
        order = list(TECHNIQUES)
        random.Random(seed).shuffle(order)
        for technique in order:
            change = technique.apply(source)
            if change is None:
                continue
            following = parse("train.py", change.text, HOOKS)
            assert following is not None, f"{technique.id} broke {name}"
            assert undefined_names(following.text) <= undefined_names(source_of(name).text)
            source = following


def test_every_technique_has_a_claim_a_codemod_and_a_reviewed_case() -> None:
    assert {technique.id for technique in TECHNIQUES} == set(CODEMODS)
    assert {case.split(".")[1] for case in CASES} == set(CODEMODS)
    assert len(TECHNIQUES) >= 12


@pytest.mark.parametrize("technique", TECHNIQUES, ids=lambda technique: technique.id)
def test_claims_read_as_sentences_about_this_code(technique: Technique) -> None:
    case = next(case for case in CASES if case.endswith(f".{technique.id}"))
    change = technique.apply(source_of(case.split(".", maxsplit=1)[0]))
    assert change is not None
    claim = technique.claim
    for sentence in (claim.hypothesis, claim.rationale, claim.prediction):
        worded = sentence.format_map(change.found | {"metric": "val_error"})
        assert worded.endswith(".")
        assert "{" not in worded.replace("{targets}", "")
    assert len(claim.title) <= 72
    assert not claim.title.endswith(".")
    assert len(claim.plan) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "model.coef_",
        "model.partial_fit(x, y)",
        "GridSearchCV(model, {'alpha': [1, 2]})",
        "model.fit(x, y, sample_weight=w)",
    ],
)
def test_estimators_whose_class_matters_are_left_alone(text: str) -> None:
    code = f"from sklearn.linear_model import Ridge\nmodel = Ridge()\nx, y, w = data()\n{text}\n"
    source = parse("train.py", code)
    assert source is not None
    for technique_id in ("standardise_pipeline", "boosted_trees", "target_transform", "polynomial_features"):
        technique = technique_by_id(technique_id)
        assert technique is not None
        assert technique.apply(source) is None


def test_classes_of_the_same_name_from_elsewhere_are_left_alone() -> None:
    source = parse("train.py", "from mine import Ridge\nmodel = Ridge()\nmodel.fit([[1]], [1])\n")
    assert source is not None
    assert all(technique.apply(source) is None for technique in TECHNIQUES)


def test_code_that_measures_is_left_alone() -> None:
    code = "from sklearn.linear_model import Ridge\n\n\ndef evaluate(x, y):\n    return Ridge().fit(x, y)\n"
    source = parse("train.py", code)
    assert source is not None
    assert all(technique.apply(source) is None for technique in TECHNIQUES)


@pytest.mark.parametrize("text", ["", "x = (", "\x00", "def f():\n\treturn 1\n  bad", "print 'no'", "x" * 300_000])
def test_what_is_no_python_is_no_source(text: str) -> None:
    assert (parse("train.py", text) is None) == (text != "")


SPARSE = """\
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
model = Ridge()
model.fit(TfidfVectorizer().fit_transform(texts), y)
"""
LOOP = """\
import numpy as np

RATE_DECAY = 1
lr = 0.1


def fit(x, y, folds):
    for k in range(5):
        w = np.zeros(3)
        for epoch in range(30):
            w -= lr * x.T @ (x @ w - y)
        {after}
    return {result}
"""


def applied(technique_id: str, code: str) -> str | None:
    technique, source = technique_by_id(technique_id), parse("train.py", code)
    assert technique is not None
    assert source is not None
    change = technique.apply(source)
    return change.text if change is not None else None


def test_the_loop_over_epochs_is_meant_and_not_the_one_around_it() -> None:
    code = LOOP.format(after="scores.append(score(w))", result="scores").replace(
        "fit(x, y, folds)", "fit(x, y, scores)"
    )
    text = applied("momentum", code)
    assert text is not None
    lines = text.splitlines()
    assert lines[lines.index("        w_velocity = 0.0") + 1] == "        for epoch in range(30):"
    assert "step_size = lr * 0.5 * (1.0 + np.cos(np.pi * epoch / 30))" in (applied("cosine_decay", code) or "")


@pytest.mark.parametrize(
    "after", ["w = w / 2", "w /= np.abs(w).sum()", "best = min(range(3), key=lambda w: w)", "x, w = w, x"]
)
def test_averages_stay_away_where_a_weight_is_bound_anew(after: str) -> None:
    assert applied("weight_averaging", LOOP.format(after=after, result="w")) is None


def test_averages_are_read_where_training_is_over() -> None:
    text = applied("weight_averaging", LOOP.format(after="show(w, w=1, a=x.w)", result="0"))
    assert text is not None
    assert "show(w_average.value, w=1, a=x.w)" in text
    assert "x.T @ (x @ w - y)" in text


@pytest.mark.parametrize(
    ("technique_id", "code"),
    [
        # regression: labels cannot spread
        ("label_spreading", "import numpy as np\nx, y, unlabelled = load()\nmodel = fit(x, y)\n"),
        # a model and a loader are no rows and targets
        ("label_spreading", "import numpy as np\nmodel, loader, pool = load()\naccuracy = train(model, loader)\n"),
        # tensors have their own ways
        (
            "standardise_arrays",
            "import numpy as np\nimport torch\nx_train, x_test = torch.rand(2, 3), torch.rand(2, 3)\n",
        ),
        # the number of columns is fixed elsewhere
        (
            "fourier_features",
            "import numpy as np\nx_train, x_test = load()\nx_train = x_train / x_train.std(axis=0)\nw = np.zeros(10)\n",
        ),
        # no epochs to count
        ("cosine_decay", "lr = 0.1\nfor epoch in stream():\n    w -= lr * grad\n"),
        # the rate changes in the loop already
        ("cosine_decay", "for epoch in range(9):\n    lr = 0.1 / (epoch + 1)\n    w -= lr * grad\n"),
        # counts of something else
        ("interpolation", "def tally(words, counts):\n    for word in words:\n        counts[word] += 1\n"),
        # sparse text cannot be centred
        ("standardise_pipeline", SPARSE),
    ],
)
def test_techniques_stay_away_from_what_they_could_break(technique_id: str, code: str) -> None:
    assert applied(technique_id, code) is None
