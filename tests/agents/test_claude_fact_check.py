"""The fact check: what code computed may be stated, what nobody computed is found, and honest guesses pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.experiment.fact_check import KnownNumbers
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.model import Baseline, Idea, Verdict
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned
from mlrcopilot_tui.session.state import SessionState


@pytest.fixture
def numbers() -> KnownNumbers:
    known = KnownNumbers("val_error")
    known.measured("epoch 1 loss 0.412\nval_error: 0.03125\nold val_error=0.0521\n")
    known.read("hidden = 256\nlr = 1e-3\n# 1437 samples\n# they report 0.87")
    return known


@pytest.mark.parametrize(
    "text",
    [
        "val_error fell from 0.0521 to 0.031.",
        "val_error=0.03125, loss 0.41",
        "The validation reads val error: 3.1%",
        "accuracy is 96.9%",  # the complement
        "val_error fell by 0.0209",
        "The error dropped by 40%.",
        "improved by 40.0%",
        "lr 0.001, 256 hidden units, 1,437 samples",
        "We guess that val_error reaches 0.02.",
        "The paper reports an accuracy of 0.87.",
        "It should take 700 s.",
        "3 seeds, 40 epochs, in 2026",
        "train.py:4100-4200 and line 812",
        "resnet18 with fp16, Python 3.11.2, a 3-layer net, v2",
        "nothing is known",
        "",
    ],
)
def test_what_is_backed_or_claims_nothing_passes(numbers: KnownNumbers, text: str) -> None:
    assert numbers.unbacked(text) == ()
    assert numbers.marked(text) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("val_error is 0.021", ("0.021",)),
        ("val_error fell from 0.0521 to 0.030", ("0.030",)),
        ("val_error: 0.0313 then 0.03129", ("0.03129",)),
        ("accuracy 97.9%", ("97.9%",)),
        ("accuracy of 0.87", ("0.87",)),  # it stands in a file, but nobody measured it
        ("error 256", ("256",)),
        ("The net has 512 units.", ("512",)),
        ("It is 20.4x faster; it takes 7.5 s.", ("20.4", "7.5")),
        ("We guess 0.6. The loss is 0.2.", ("0.2",)),
        ("The error should be 0.2", ("0.2",)),
    ],
)
def test_what_nothing_backs_is_found(numbers: KnownNumbers, text: str, found: tuple[str, ...]) -> None:
    assert numbers.unbacked(text) == found


def test_marks_stand_behind_the_number(numbers: KnownNumbers) -> None:
    marked = numbers.marked("accuracy 97.9%, val_error 0.021 (was 0.0521)")
    assert marked == "accuracy 97.9% (unverified), val_error 0.021 (unverified) (was 0.0521)"


def test_a_number_that_was_put_into_the_program_was_not_computed(numbers: KnownNumbers) -> None:
    numbers.measured("accuracy: 0.99\ntotal 0.123", program="print('accuracy:', 0.99)")
    assert numbers.unbacked("accuracy: 0.99") == ("0.99",)
    assert numbers.unbacked("total 0.123") == ()


def test_the_journal_backs_its_runs_and_verdicts() -> None:
    state = SessionState()
    verdict = Verdict(
        kind="keep", rule="r", effect=0.013, interval=(0.0071, 0.0189), relative=0.21, values={0: 0.041, 1: 0.053}
    )
    for seq, event in enumerate(
        (
            ev.BaselineMeasured(
                baseline=Baseline(commit="c", values={0: 0.06, 1: 0.062}, deterministic=False, repeatable=True)
            ),
            ev.IdeaProposed(idea=Idea(number=1, title="t", hypothesis="h")),
            RunPlanned(run="r1", commit="d", seed=0, purpose="idea", key="k", idea=1, attempt=1),
            RunFinished(run="r1", outcome="ok", reason="", value=0.0417, wall_s=1.0, log_sha256=""),
            ev.VerdictReached(idea=1, attempt=1, commit="d", parent="c", verdict=verdict),
        ),
        1,
    ):
        state.apply(Record(seq, "2026-01-01T00:00:00Z", event))
    known = KnownNumbers("val_error")
    known.journaled(state)
    told = "val_error 0.061 before, val_error 0.0417 and 0.047 after; by 21%, 0.013 in [0.0071, 0.0189]"
    assert known.unbacked(told) == ()
    assert known.unbacked("val_error 0.0405") == ("0.0405",)


@given(st.floats(1e-6, 1e6), st.integers(0, 6))
def test_every_rounding_of_a_computed_number_is_backed(value: float, digits: int) -> None:
    known = KnownNumbers("val_error")
    known.measured(f"val_error: {value!r}")
    assert known.unbacked(f"val_error: {value:.{digits}f}") == ()
    assert known.unbacked(f"val_error = {value:.{digits}e}") == ()


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    known = KnownNumbers("a|b(")
    known.measured(text, text)
    known.read(text)
    assert len(known.marked(text)) >= len(text)


def test_hostile_lengths_are_read_in_time() -> None:
    known = KnownNumbers("val_error")
    for text in ("1" * 200_000, "1," * 100_000, "val_error " * 20_000, "e1" * 100_000, "val_error: 0.5 " * 20_000):
        known.measured(text)
        known.unbacked(text[:50_000])
