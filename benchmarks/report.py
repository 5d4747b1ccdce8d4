"""The report: a table for people, JSON for scripts."""

import textwrap
from collections.abc import Mapping, Sequence

import msgspec

from benchmarks.measuring import Result, Spread, Unit
from mlrcopilot_tui.cli.output import columns

HEAD = ("what", "measured", "reference", "", "figure", "target", "met", "")


def table(results: Sequence[Result]) -> str:
    """One line a result; spreads are medians with their ends."""
    return columns([_row(result) for result in results], head=HEAD)


def machine_line(machine: Mapping[str, str]) -> str:
    """What the figures belong to."""
    return textwrap.fill(" · ".join(f"{name} {value}" for name, value in machine.items()), 120)


def as_json(machine: Mapping[str, str], results: Sequence[Result]) -> dict[str, object]:
    """The whole report."""
    return {
        "machine": machine,
        "results": [{**msgspec.structs.asdict(result), "met": result.met} for result in results],
    }


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.name,
        _spread(result.samples, result.unit),
        _spread(result.reference, result.unit),
        result.reference_name,
        "-" if result.figure is None else _amount(result.figure, result.figure_unit),
        "-" if result.target is None else f"<= {_amount(result.target, result.figure_unit)}",
        {True: "yes", False: "NO", None: "-"}[result.met],
        result.note,
    )


def _spread(samples: Spread | None, unit: Unit) -> str:
    if samples is None:
        return "-"
    if samples.count == 1:
        return _amount(samples.median, unit)
    return f"{_amount(samples.median, unit)} [{_number(samples.low)}-{_number(samples.high)}]"


def _amount(value: float, unit: Unit) -> str:
    return f"{_number(value)} {unit}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value == 0 or abs(value) >= 100 else f"{value:.3g}"
