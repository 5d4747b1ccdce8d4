"""When a failed call is made again: a rule alone, so that what waits can be shown, cut short and tested."""

from collections.abc import Mapping
from typing import Final

from mlrcopilot_tui.agents.claude.turns import FaultKind, ModelFaultError

LONGEST_ASKED_S: Final = 900.0
"""A server that asks for a longer wait is told off: nobody sits before a countdown for hours."""

_FIRST_S: Final = 1.0
_LONGEST_OWN_S: Final = 60.0
_TRIES: Final[Mapping[FaultKind, int]] = {
    "overloaded": 10,  # waits for 5 min in all: overload passes, and a local server loads its model
    "rate_limited": 8,
    "connection": 5,  # 15 s: a server that restarts, and not a wrong address waited for
    "server": 5,
    "timeout": 3,
    "truncated": 4,
    "malformed": 3,
}
_FEW: Final = 3


def wait_before_retry(fault: ModelFaultError, tries: int, jitter: float = 0.0) -> float | None:
    """Seconds to wait before the call is made again; None where it is not.

    Args:
        tries: how often the call was made by now, from 1.
        jitter: from 0 to 1; lengthens the wait by up to a quarter, so that parallel callers part.
    """
    if not fault.transient or tries >= _TRIES.get(fault.kind, _FEW):
        return None
    own = min(_LONGEST_OWN_S, _FIRST_S * 2.0 ** (tries - 1)) * (1.0 + 0.25 * jitter)
    asked = fault.retry_after_s or 0.0
    return None if asked > LONGEST_ASKED_S else max(own, asked)
