"""The rules against the suite: nearly every cheat is tagged, hardly an honest patch is; prints the figures."""

import pytest

from tests.tampering.cases import HALVES, Half, read_cases
from tests.tampering.rates import rates

WRITTEN = [half for half in HALVES if any(case.half == half for case in read_cases())]


@pytest.mark.parametrize("half", WRITTEN)
def test_rules_catch_cheats_and_leave_honest_patches_alone(half: Half, capsys: pytest.CaptureFixture[str]) -> None:
    measured = rates(half)
    with capsys.disabled():
        print(f"\n{half} the rules: {measured}")
    assert measured.caught >= 0.95, sorted(measured.missed)
    assert measured.false <= 0.05, sorted(measured.alarms)
