"""Which paths a glob means."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.workspace.config import FilesConfig
from mlrcopilot_tui.workspace.globs import FileRules, Matcher, literal_roots


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("train.py", "train.py", True),
        ("train.py", "a/train.py", False),
        ("train.py", "train_py", False),
        ("*.py", "train.py", True),
        ("*.py", "src/train.py", False),
        ("*", "src/train.py", False),
        ("**", "src/train.py", True),
        ("**/*.py", "train.py", True),
        ("**/*.py", "a/b/train.py", True),
        ("src/**", "src/a/b.py", True),
        ("src/**", "src", False),
        ("src/**/b.py", "src/b.py", True),
        ("src/**/b.py", "src/x/y/b.py", True),
        ("src/**/b.py", "src/xb.py", False),
        ("src", "src/deep/a.py", True),
        ("src/", "src/a.py", True),
        ("src/", "src", False),
        ("src/*", "src/a/b.py", False),
        ("./a.py", "a.py", True),
        ("a?.py", "ab.py", True),
        ("a?.py", "a/.py", False),
        ("a[bc].py", "ab.py", True),
        ("a[!bc].py", "ab.py", False),
        ("a[!bc].py", "a/.py", False),
        ("a[]].py", "a].py", True),
        ("a[.py", "a[.py", True),
        ("a+(b).py", "a+(b).py", True),
        ("Über/*.py", "Über/ñ.py", True),
        ("a*", "a\nb", True),
    ],
)
def test_a_glob_means_these_paths(glob: str, path: str, matches: bool) -> None:
    assert Matcher([glob])(path) is matches


@given(st.lists(st.text("ab*?[]!/.\\-^&|~", min_size=1, max_size=8), max_size=3), st.text("ab/.", max_size=8))
def test_any_glob_answers_or_is_no_expression(globs: list[str], path: str) -> None:
    with contextlib.suppress(re.error):  # which the contract's check turns into a sentence
        assert Matcher(globs)(path) in {True, False}


@given(st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join))
def test_a_plain_path_matches_itself_and_what_is_below(path: str) -> None:
    matcher = Matcher([path])
    assert matcher(path)
    assert matcher(f"{path}/x")
    assert not matcher(f"{path}x")


SHARED = st.sampled_from(["data/**", "a/b/*.csv", "*.txt", "raw", "data/x.csv", "**/q.bin"])
PARTS = st.sampled_from(["data", "a", "b", "x.csv", "q.bin", "raw", "n.txt"])


@given(st.lists(SHARED, min_size=1, max_size=4), st.lists(PARTS, min_size=1, max_size=3).map("/".join))
def test_every_match_lies_below_a_literal_root(globs: list[str], path: str) -> None:
    if Matcher(globs)(path):
        assert any(root in {"", path} or path.startswith(root + "/") for root in literal_roots(globs))


def test_protected_hidden_and_the_contract_are_never_editable() -> None:
    rules = FileRules(FilesConfig(editable=("**",), protected=("evaluate.py",), hidden=("answers",)))
    assert rules.editable("train.py")
    for path in (
        *("evaluate.py", "Evaluate.PY", "answers/test.csv", "mlrcopilot.toml", ".mlrcopilot/x", "a/.git/config"),
        *(".gitattributes", "a/.gitattributes", ".gitmodules"),
    ):
        assert not rules.editable(path), path
