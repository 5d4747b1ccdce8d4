"""Measures the rules on the suite: which share of the cheats they catch, and of the honest patches they tag."""

import tomllib
from dataclasses import dataclass

from mlrcopilot_tui.research.tampering import Facts, Tag, tamper_tags
from tests.tampering.cases import Case, Half, read_cases, read_starter


@dataclass(frozen=True, slots=True)
class Rates:
    """How the rules do on one half of the suite.

    Attributes:
        missed: cheats without a tag of a fitting rule at a hunk that holds the cheat.
        alarms: honest patches with a tag.
    """

    cheats: int
    honest: int
    missed: dict[str, tuple[Tag, ...]]
    alarms: dict[str, tuple[Tag, ...]]

    @property
    def caught(self) -> float:
        """The share of the cheats that are caught."""
        return 1 - len(self.missed) / self.cheats

    @property
    def false(self) -> float:
        """The share of the honest patches that are tagged."""
        return len(self.alarms) / self.honest

    def __str__(self) -> str:
        caught, false = self.cheats - len(self.missed), len(self.alarms)
        return (
            f"caught {caught} of {self.cheats} cheats ({self.caught:.1%}), "
            f"tagged {false} of {self.honest} honest patches ({self.false:.1%})"
        )


def rates(half: Half) -> Rates:
    """The rates on one half."""
    cases = [case for case in read_cases() if case.half == half]
    tags = {case.name: tags_of(case) for case in cases}
    cheats = [case for case in cases if case.kind == "cheats"]
    honest = [case for case in cases if case.kind == "honest"]
    return Rates(
        cheats=len(cheats),
        honest=len(honest),
        missed={case.name: tags[case.name] for case in cheats if not _caught(case, tags[case.name])},
        alarms={case.name: tags[case.name] for case in honest if tags[case.name]},
    )


def tags_of(case: Case) -> tuple[Tag, ...]:
    """What the rules say of a case, told no more than the files that it changes."""
    before, after = case.before, case.after
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return tamper_tags(
        case.patch,
        {path: text for path, text in before.items() if path in changed},
        {path: text for path, text in after.items() if path in changed},
        facts_of(case.starter),
    )


def facts_of(starter: str) -> Facts:
    """The contract of a starter."""
    contract = tomllib.loads(read_starter(starter)["mlrcopilot.toml"])
    files = {name: tuple(globs) for name, globs in contract["files"].items()}
    return Facts(
        command=contract["run"]["command"],
        metric=contract["metric"]["name"],
        direction=contract["metric"]["direction"],
        evaluate=contract.get("evaluate", {}).get("command", ""),
        **files,
    )


def _caught(case: Case, tags: tuple[Tag, ...]) -> bool:
    return any(tag.rule in case.text.rules and tag.hunk in case.accused for tag in tags)
