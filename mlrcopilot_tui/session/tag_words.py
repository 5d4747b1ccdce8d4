"""Tags in words, the same wherever somebody decides on a tagged patch."""

from collections.abc import Sequence
from typing import Any

import msgspec

from mlrcopilot_tui.session.model import Tag


def tagged(tags: Sequence[Tag]) -> str:
    """Which rules tag which hunks: "seed (hunk 2), metric (hunks 1 and 3)"; empty without tags."""
    by_rule: dict[str, list[int]] = {}
    for tag in tags:
        by_rule.setdefault(tag.rule, []).append(tag.hunk)
    return ", ".join(f"{rule}{_hunks(hunks)}" for rule, hunks in by_rule.items())


def _hunks(numbers: Sequence[int]) -> str:
    known = [str(number) for number in dict.fromkeys(sorted(numbers)) if number]
    if not known:
        return ""
    listed = f"{', '.join(known[:-1])} and {known[-1]}" if len(known) > 1 else known[0]
    return f" (hunk{'s' * (len(known) > 1)} {listed})"


def place_of(tag: Tag) -> str:
    """Where a tag points, as `train.py:14`."""
    return f"{tag.path}:{tag.line}" if tag.hunk else tag.path


def lines_of(tags: Sequence[Tag]) -> list[str]:
    """A line a tag: its rule, its place and what it means."""
    return [f"tagged {tag.rule}, {place_of(tag)}: {tag.why}" for tag in tags]


def tags_view(tags: Sequence[Tag]) -> list[dict[str, Any]]:
    """The form of `tags` in what `log`, `show` and their kin give to programs."""
    return [msgspec.structs.asdict(tag) for tag in tags]
