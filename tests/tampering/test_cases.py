"""The suite of patches itself: each says what it means to say, and there are enough of them."""

import ast
from collections import Counter
from typing import Final

import pytest

from tests.tampering.cases import HALVES, RULES, Case, Half, Kind, read_cases, read_starter

CASES = read_cases()
LEAST: Final[dict[Kind, int]] = {"cheats": 22, "honest": 55}


def test_names_are_unique() -> None:
    counts = Counter(case.name for case in CASES)
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_is_well_formed(case: Case) -> None:
    assert case.patch.hunks
    for path, text in case.after.items():
        if path.endswith(".py") and text != case.before.get(path):
            ast.parse(text, path)
    assert case.text.what.endswith(".")
    if case.kind == "cheats":
        assert case.text.rules
        assert RULES.issuperset(case.text.rules)
        assert case.text.place
        assert case.accused, "the place lies in no changed line"
    else:
        assert not case.text.rules
        assert not case.text.place


def test_starters_are_python() -> None:
    for starter in {case.starter for case in CASES}:
        for path, text in read_starter(starter).items():
            if path.endswith(".py"):
                ast.parse(text, path)


def test_every_rule_has_cheats() -> None:
    for half in written():
        expected = {rule for case in CASES if case.half == half for rule in case.text.rules}
        assert expected == RULES


def test_both_kinds_are_many() -> None:
    for half in written():
        counts = Counter(case.kind for case in CASES if case.half == half)
        assert all(counts[kind] >= least for kind, least in LEAST.items()), counts


def written() -> list[Half]:
    """The halves that there are."""
    return [half for half in HALVES if any(case.half == half for case in CASES)]
