"""Finds a metric in one line of output: `name: 0.03`, `name=0.03`, a JSON object, a dict of the HF Trainer."""

import re
from dataclasses import dataclass
from typing import Any, Final

import msgspec

DICT_LIMIT: Final = 16_384
"""Characters; a longer dict line is searched as text, because literal_eval's memory grows with its input."""

NUMBER: Final = (
    r"[-+]?(?:(?>\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:[ ]?%|[A-Za-zµ]{1,4}(?!\w))?"
    r"|(?i:nan|inf(?:inity)?)(?!\w))"
    # A version, a time, a date, a ratio, a change from old to new: numbers, but not the value of the metric.
    r"(?![\w%]|\.\d|[:-]\d|[ ]{0,2}/[ ]{0,2}\d|[ ]{0,2}(?:->|=>|→))"
)
WRAPPER: Final = r"(?:(?:tensor|array|(?:np|numpy|jnp)\.\w{1,10})\([ ]{0,2})?"
QUALIFIED: Final = re.compile(
    r"\b(?:best|worst|lowest|highest|min|minimum|max|maximum|prev|previous|old|initial|baseline|target)[ \t]{1,4}$",
    re.IGNORECASE,
)
VALUE: Final = re.compile(NUMBER)
UNIT: Final = re.compile(r"(?<=[\d.])[ ]?[%A-Za-zµ]*$")
COUNTER: Final = re.compile(
    r"""(?<![\w./-])(?P<unit>global[ _]step|step|iter(?:ation)?|epoch)s?["']?[ \t]{0,4}[:=#]?[ \t]{0,4}[\[(]?"""
    r"(?P<n>\d{1,15})(?:\.0{1,6})?(?![\d.]*\d)(?:[ \t]{0,2}(?:/|of)[ \t]{0,2}(?P<total>\d{1,15}))?",
    re.IGNORECASE,
)
STEP_KEYS: Final = ("global_step", "step", "iteration", "iter", "epoch")


@dataclass(frozen=True, slots=True)
class Found:
    """One value on a line, with the step it belongs to where the line tells it."""

    value: float
    step: int | None = None
    total: int | None = None


def metric_pattern(name: str) -> re.Pattern[str]:
    """The pattern that finds `name` as a whole word with a number after `:` or `=`; group `value` is the number."""
    before = r"(?<![\w./%@-])"
    unit = r"(?:[ ]{0,2}[(\[][^()\[\]\n]{1,12}[)\]])?"
    return re.compile(
        rf"""{before}(?P<name>{re.escape(name)})["'`*]{{0,3}}{unit}[ \t]{{0,16}}[:=]["'`*]{{0,3}}[ \t]{{0,16}}"""
        rf"""["'`*(]{{0,3}}{WRAPPER}(?P<value>{NUMBER})"""
    )


def parse_line(line: str, name: str, pattern: re.Pattern[str]) -> Found | None:
    """The metric's last value on `line`, or None.

    A line that is an object, in JSON or Python, is answered by its own keys alone: a nested `{"best": {…}}` is no
    report.

    Args:
        line: text without escape sequences and line ends.
        name: the metric's name, as the run reports it.
        pattern: `metric_pattern(name)`.
    """
    text = line.strip()
    if text.startswith("{") and text.endswith("}"):
        mapping = _mapping(text)
        if mapping is not None:
            return _from_mapping(mapping, name)
    return _from_text(text, pattern)


def _mapping(text: str) -> dict[Any, Any] | None:
    try:
        decoded = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        decoded = _python_literal(text)
    return decoded if isinstance(decoded, dict) else None


def _python_literal(text: str) -> object:
    if len(text) > DICT_LIMIT:
        return None
    import ast  # noqa: PLC0415  5 ms, and few runs print dicts

    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _from_mapping(mapping: dict[Any, Any], name: str) -> Found | None:
    value = _number(mapping.get(name))
    if value is None:
        return None
    step = next((step for key in STEP_KEYS if (step := _count(mapping.get(key))) is not None), None)
    return Found(value, step, _count(mapping.get("total")) if step is not None else None)


def _from_text(text: str, pattern: re.Pattern[str]) -> Found | None:
    mention = None
    for match in pattern.finditer(text):
        if not QUALIFIED.search(text, max(0, match.start() - 16), match.start()):
            mention = match
    if mention is None:
        return None
    step, total = _counters(text)
    return Found(_float(mention["value"]), step, total)


def _counters(text: str) -> tuple[int | None, int | None]:
    """Step and total on a line: a counter that runs through beats epochs, which beat one that starts anew in each."""
    ranked: list[tuple[int, int, int | None]] = []
    for match in COUNTER.finditer(text):
        n, total = int(match["n"]), int(match["total"]) if match["total"] else None
        epoch = match["unit"].lower() == "epoch"
        ranked.append((1 if epoch else 2 if total else 0, n, total if total and n <= total else None))
    if not ranked:
        return None, None
    _, step, total = min(ranked, key=lambda counter: counter[0])
    return step, total


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        try:
            return float(value)
        except OverflowError:
            return None
    if isinstance(value, str) and VALUE.fullmatch(value.strip()):
        return _float(value.strip())
    return None


def _float(printed: str) -> float:
    return float(UNIT.sub("", printed).replace(",", ""))


def _count(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 0 <= number < 1e15 and number == int(number) else None
