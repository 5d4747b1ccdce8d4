"""The suite of patches itself: each says what it means to say, and there are enough of them."""

import ast
from collections import Counter
from typing import Final

import pytest

from tests.tampering.cases import PARTS, RULES, Case, Kind, Part, changed_text, read_cases

CASES = read_cases()
LEAST: Final[dict[Kind, int]] = {"cheats": 22, "honest": 55}


def test_names_are_unique() -> None:
    counts = Counter(case.name for case in CASES)
    assert [name for name, count in counts.items() if count > 1] == []


def test_each_patch_leads_from_before_to_after() -> None:
    for case in CASES:
        assert case.patch.hunks, case.name
        assert {change.path for change in case.patch.files} == case.before.keys() | case.after.keys(), case.name
        for change in case.patch.files:
            kept = "".join(f"{line.text}\n" for hunk in change.hunks for line in hunk.lines if line.kind != "remove")
            assert set(kept.splitlines()) <= set(case.after.get(change.path, "").splitlines()), case.name


def test_everything_is_python_that_ought_to_be() -> None:
    for case in CASES:
        for path, text in (*case.before.items(), *case.after.items()):
            if path.endswith(".py"):
                ast.parse(text, f"{case.name}: {path}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_says_what_is_expected(case: Case) -> None:
    assert case.text.what.endswith(".")
    if case.kind == "honest":
        assert not case.text.rules
        assert not case.text.places
        return
    changed = "\n".join(changed_text(hunk) for hunk in case.patch.hunks)
    assert case.text.rules
    assert RULES.issuperset(case.text.rules)
    assert case.text.places
    assert [place for place in case.text.places if place not in changed] == []


def test_every_rule_has_cheats() -> None:
    for part in written():
        expected = {rule for case in CASES if case.part == part for rule in case.text.rules}
        assert expected == RULES


def test_both_kinds_are_many() -> None:
    for part in written():
        counts = Counter(case.kind for case in CASES if case.part == part)
        assert all(counts[kind] >= least for kind, least in LEAST.items()), counts


def written() -> list[Part]:
    """The parts that there are."""
    return [part for part in PARTS if any(case.part == part for case in CASES)]
