"""What the offline engine says of a plan: it knows what it changed, and that the runs do the comparing."""

from collections.abc import Mapping
from difflib import SequenceMatcher

from mlrcopilot_tui.session.model import Idea, PlanClaim

BY_RUN = "Compare "
"""How a step begins that the runs carry out."""


def claims_on(idea: Idea, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[PlanClaim, ...]:
    """The plan as done by one change as a whole; `before` and `after` are the files by path."""
    places = [place for path, text in after.items() for place in _changed(path, before.get(path, ""), text)]
    return tuple(
        PlanClaim(step=number, done=True, by_run=True)
        if step.startswith(BY_RUN)
        else PlanClaim(step=number, done=bool(places), where=", ".join(places))
        for number, step in enumerate(idea.plan, 1)
    )


def _changed(path: str, before: str, after: str) -> list[str]:
    """The changed lines of a file as it is now, as `train.py:41-52`; a removal is named by the line after it."""
    matcher = SequenceMatcher(None, before.split("\n"), after.split("\n"), autojunk=False)
    spans = [(first, last) for kind, _, _, first, last in matcher.get_opcodes() if kind != "equal"]
    return [f"{path}:{first + 1}-{last}" if last > first + 1 else f"{path}:{first + 1}" for first, last in spans]
