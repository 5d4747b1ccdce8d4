"""When a failed call is made again."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.turns import FaultKind, ModelFaultError
from mlrcopilot_tui.agents.claude.wire.retries import LONGEST_ASKED_S, wait_before_retry

KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


def fault(kind: FaultKind = "overloaded", asked: float | None = None, *, transient: bool = True) -> ModelFaultError:
    return ModelFaultError(kind, "It failed.", transient=transient, retry_after_s=asked)


def waits(kind: FaultKind) -> list[float]:
    found: list[float] = []
    while (wait := wait_before_retry(fault(kind), len(found) + 1)) is not None:
        found.append(wait)
    return found


def test_what_does_not_pass_is_not_tried_again() -> None:
    assert wait_before_retry(fault("credentials", transient=False), 1) is None


def test_waits_double_up_to_a_minute() -> None:
    assert waits("overloaded") == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_overload_is_waited_for_longest() -> None:
    assert sum(waits("overloaded")) > 240
    assert all(sum(waits(kind)) <= sum(waits("overloaded")) for kind in KINDS)
    assert sum(waits("malformed")) < 10


@pytest.mark.parametrize(
    ("asked", "wait"), [(None, 4.0), (0.0, 4.0), (2.0, 4.0), (30.0, 30.0), (LONGEST_ASKED_S, 900.0)]
)
def test_a_wait_that_the_server_asks_for_is_kept(asked: float | None, wait: float) -> None:
    assert wait_before_retry(fault("rate_limited", asked), 3) == wait


def test_a_server_that_asks_for_hours_is_not_waited_for() -> None:
    assert wait_before_retry(fault("rate_limited", 4_294_967.0), 1) is None


@given(st.sampled_from(KINDS), st.integers(1, 50), st.none() | st.floats(0, 1e7), st.floats(0, 1))
def test_no_wait_is_negative_or_beyond_the_cap(kind: FaultKind, tries: int, asked: float | None, jitter: float) -> None:
    wait = wait_before_retry(fault(kind, asked), tries, jitter)
    assert wait is None or 1.0 <= wait <= LONGEST_ASKED_S
    assert tries < 10 or wait is None
