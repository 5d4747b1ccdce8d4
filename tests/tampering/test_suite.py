"""Measures the tamper rules on the suite: how many cheats they catch and how many honest patches they accuse."""

from collections.abc import Callable, Iterable, Sequence

import pytest

from mlrcopilot_tui.research.tampering import Tag, tamper_tags
from tests.tampering.cases import HALVES, Case, read_cases


def tags_of(case: Case) -> tuple[Tag, ...]:
    return tamper_tags(case.patch, case.before, case.after, case.facts)


def is_caught(case: Case, tags: Iterable[Tag]) -> bool:
    """A tag of a rule that is expected stands at a hunk that holds the cheat."""
    return any(tag.rule in case.text.rules and tag.hunk in case.accused for tag in tags)


@pytest.fixture(scope="module")
def tagged() -> list[tuple[Case, tuple[Tag, ...]]]:
    return [(case, tags_of(case)) for case in read_cases()]


def test_tags_point_into_the_patch(tagged: list[tuple[Case, tuple[Tag, ...]]]) -> None:
    for case, tags in tagged:
        paths = {hunk.index: file.path for file in case.patch.files for hunk in file.hunks}
        assert [tag for tag in tags if paths.get(tag.hunk) != tag.path] == [], case.name


def test_cheats_are_caught_and_honest_patches_are_not(
    tagged: list[tuple[Case, tuple[Tag, ...]]], record_property: Callable[[str, object], None]
) -> None:
    missed = {case.name: tags for case, tags in tagged if case.kind == "cheats" and not is_caught(case, tags)}
    accused = {case.name: tags for case, tags in tagged if case.kind == "honest" and tags}
    cases = [case for case, _ in tagged]
    lines = [f"{'half':8}{'cheats caught':>20}{'honest accused':>20}"]
    for half in (*HALVES, "both"):
        cheats = [case.name not in missed for case in cases if case.kind == "cheats" and half in {case.half, "both"}]
        honest = [case.name in accused for case in cases if case.kind == "honest" and half in {case.half, "both"}]
        lines.append(f"{half:8}{share(cheats):>20}{share(honest):>20}")
    lines += [f"missed   {told(case, missed[case.name])}" for case in cases if case.name in missed]
    lines += [f"accused  {told(case, accused[case.name])}" for case in cases if case.name in accused]
    record_property("tamper rules", "\n".join(lines))


def share(found: Sequence[bool]) -> str:
    return f"{sum(found)}/{len(found)} {sum(found) / max(len(found), 1):7.1%}"


def told(case: Case, tags: Iterable[Tag]) -> str:
    """The case, what was expected of the rules and what they said."""
    expected = f" expects {' or '.join(case.text.rules)}" if case.text.rules else ""
    said = "; ".join(f"{tag.rule} at hunk {tag.hunk}: {tag.excerpt.strip()[:60]}" for tag in tags)
    return f"{case.half}/{case.kind}/{case.name}{expected} ({said or 'no tag'})"
