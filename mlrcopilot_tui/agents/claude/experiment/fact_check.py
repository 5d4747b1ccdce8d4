"""Holds the numbers an agent states against those that code computed: an agent's word never becomes a result.

- A number said of the metric or of a word for results (accuracy, loss, error, …) must have been computed: by a run of
  the journal, by an execution of this attempt, or as a difference or ratio of such results.
- Any other number may also stand in a file, the plan, the task or somebody's words: settings, sizes, quotations.
- Whole numbers to 100, years, and numbers that name a line, step, seed or the like state nothing and pass.
- A sentence that calls itself a guess, a prediction or a quotation passes: that is what the check is to bring about.

A stated number equals a known one that gives it when rounded to the digits stated; a per cent is its fraction.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations
from typing import Final, Literal

from mlrcopilot_tui.agents.claude.fences import shortened
from mlrcopilot_tui.session.state import SessionState, mean

_NUMBER: Final = re.compile(
    r"(?<![\w.])[-+\u2212]?(?:(?:\d{1,3}(?:,\d{3})++|\d++)(?:\.\d++)?|\.\d++)(?:[eE][-+]?\d{1,3})?+"
    r"(?![\d.]*[A-Za-z_]{3}|\.\d|-[A-Za-z])"
)
_OWNED_UP: Final = (
    r"expect|guess|predict|hypothes|hope|unverified|unconfirmed|paper|reported|literature|according|"
    r"not (?:yet )?(?:confirmed|measured|known|verified)"
)
_HEDGED_RESULT: Final = re.compile(rf"\b(?:{_OWNED_UP})", re.IGNORECASE)
_HEDGED: Final = re.compile(rf"\b(?:{_OWNED_UP}|should|would|could|may|might|aim|assum)", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])\s+|\n+")
_NAMING: Final = re.compile(
    r"(?:\b(?:lines?|steps?|seeds?|ideas?|attempts?|hunks?|pages?|section|version|python|epochs?)\s*#?|\w\.\w+:|[-\u2013])$",
    re.IGNORECASE,
)
_CHANGE: Final = re.compile(r"\b(?:by|(?:gain|improvement|difference|reduction|drop) of)(?: about)?\s*$", re.IGNORECASE)
_COUNTS: Final = re.compile(r"\s+[A-Za-z]")
_RESULT_WORDS: Final = ("accuracy", "error", "loss", "f1", "auc", "perplexity", "score", "rmse", "mae", "mse", "bleu")
_LINKING: Final = (
    "is was are were be been should would will has of to from at by about around now only and vs versus the a "
    "mean average reaches reached fell falls dropped drops rose rises improved improves went goes baseline best "
    "champion stands"
)
_LINK: Final = rf"(?:[\s:=~≈→>*`'\"(\u2013-]|\b(?:{'|'.join(_LINKING.split())})\b)*"
_MOST_CHARACTERS: Final = 100_000
_SMALL: Final = 100
_PINNED, _NEWEST = 2, 12

Place = tuple[int, int]
_Pool = Literal["computed", "seen", "derived"]


@dataclass(frozen=True, slots=True)
class _Stated:
    """A number as a text states it.

    Attributes:
        half_digit: half a unit of its last digit.
        place: where it stands, with its per cent sign.
    """

    text: str
    value: float
    half_digit: float
    place: Place

    @property
    def whole(self) -> bool:
        """Whether it is written as a whole number, and of no per cent."""
        return self.text.lstrip("+-\u2212").replace(",", "").isdigit()

    def is_among(self, known: list[float]) -> bool:
        """Whether one of the sorted magnitudes rounds to it."""
        scales = (1.0, 0.01) if self.text.endswith("%") else (1.0,)
        return any(_has(known, abs(self.value) * scale, self.half_digit * scale) for scale in scales)


class KnownNumbers:
    """The numbers that an attempt may state: those that runs and executions gave, and those that files hold.

    Args:
        metric: the metric's name.
    """

    def __init__(self, metric: str = "") -> None:
        names = sorted({*_RESULT_WORDS, *([metric] if metric else [])}, key=len, reverse=True)
        words = "|".join(re.escape(name).replace("_", r"[_ -]") for name in names)
        self._said_of_results = re.compile(rf"(?:\b|_)(?:{words})\b{_LINK}", re.IGNORECASE)
        self._link = re.compile(_LINK, re.IGNORECASE)
        self._computed: set[float] = set()
        self._seen: set[float] = set()
        self._compared: list[float] = []
        self._sorted: dict[str, list[float]] = {}

    def journaled(self, state: SessionState) -> None:
        """Takes every measured value of the session, and what verdicts made of them."""
        standing = [state.baseline.values if state.baseline else {}, state.champion.values if state.champion else {}]
        self._compared = [mean(values.values()) for values in standing if values]
        self._computed.update(self._compared)
        self._computed.update(value for values in standing for value in values.values())
        self._computed.update(run.value for run in state.runs.values() if run.value is not None)
        for verdict in (idea.verdict for idea in state.ideas.values() if idea.verdict):
            told = (verdict.effect, verdict.relative, *(verdict.interval or ()))
            self._computed.update(value for value in told if value is not None)
            self._computed.update(mean(group.values()) for group in (verdict.values, verdict.parent_values) if group)
        self._sorted.clear()

    def measured(self, text: str, program: str = "") -> None:
        """Takes the numbers of a run's or an execution's output.

        Args:
            text: the output as it came.
            program: what was executed, where the agent wrote it: a number that stands in it was told, not computed.
        """
        self.read(program)
        text = shortened(text, _MOST_CHARACTERS, "ends")
        told = {number.value for number in _numbers(program)}
        stated = [number for number in _numbers(text) if number.value not in told]
        self._computed.update(number.value for number in stated)
        results = self._places_of_results(text)
        compared = [*self._compared, *(number.value for number in stated if number.place in results)]
        # Differences of everything would back everything: only the standing means and the newest results are compared.
        self._compared = compared if len(compared) <= _NEWEST else [*compared[:_PINNED], *compared[-_NEWEST:]]

    def read(self, text: str) -> None:
        """Takes the numbers of a file, a paper, a card or somebody's words: settings and sizes, but no results."""
        self._seen.update(number.value for number in _numbers(shortened(text, _MOST_CHARACTERS, "ends")))
        self._sorted.clear()

    def unbacked(self, text: str) -> tuple[str, ...]:
        """The numbers that `text` states and nothing backs, as they stand there."""
        return tuple(dict.fromkeys(number.text for number in self._unbacked(text)))

    def marked(self, text: str) -> str:
        """The text with `(unverified)` behind every number that nothing backs."""
        for number in reversed(list(self._unbacked(text))):
            end = number.place[1]
            text = f"{text[:end]} (unverified){text[end:]}"
        return text

    def _unbacked(self, text: str) -> Iterator[_Stated]:
        results = self._places_of_results(text)
        sentences = [(end, _owned_up(text[start:end])) for start, end in _sentences(text)]
        for number in _numbers(text):
            is_result = number.place in results
            honest = next(owned for end, owned in sentences if number.place[0] < end)
            if honest == "result" or (honest and not is_result) or (not is_result and _states_nothing(number, text)):
                continue
            pools: list[_Pool] = ["computed"]
            pools += ["derived"] if not is_result or _tells_change(number, text) else []
            pools += [] if is_result else ["seen"]
            if not any(number.is_among(self._known(pool)) for pool in pools):
                yield number

    def _places_of_results(self, text: str) -> set[Place]:
        """Where the numbers stand that are said of the metric or of a result: `error fell from 0.05 to 0.03`."""
        numbers = {number.place[0]: number for number in _numbers(text)}
        found: set[Place] = set()
        for match in self._said_of_results.finditer(text):
            end = match.end()
            # A sign before the number may have been read as a link.
            while number := numbers.get(end) or numbers.get(end - 1):
                if number.place in found:
                    break
                if not (number.whole and _COUNTS.match(text, number.place[1])):
                    found.add(number.place)
                link = self._link.match(text, number.place[1])
                end = link.end() if link else number.place[1]
                if end == number.place[1]:
                    break
        return found

    def _known(self, pool: _Pool) -> list[float]:
        if pool not in self._sorted:
            # A rate and its complement, accuracy and error, tell the same.
            complements = (1 - value for value in self._compared if 0 <= value <= 1)
            values = {"seen": self._seen, "computed": {*self._computed, *complements}, "derived": {*self._derived()}}
            self._sorted = {name: sorted(map(abs, known)) for name, known in values.items()}
        return self._sorted[pool]

    def _derived(self) -> Iterator[float]:
        """Differences and ratios of results."""
        for a, b in permutations(self._compared, 2):
            yield a - b
            if b:
                yield a / b
                yield (a - b) / b


def _numbers(text: str) -> Iterator[_Stated]:
    for match in _NUMBER.finditer(text):
        exact = Decimal(match[0].replace("\u2212", "-").replace(",", ""))
        exponent = exact.as_tuple().exponent
        value = float(exact)
        if not (math.isfinite(value) and isinstance(exponent, int) and abs(exponent) < 300):
            continue
        start, end = match.span()
        percent = re.compile(r" ?%").match(text, end)
        end = percent.end() if percent else end
        yield _Stated(text[start:end], value, 0.5 * 10.0**exponent, (start, end))


def _has(known: list[float], value: float, tolerance: float) -> bool:
    tolerance *= 1 + 1e-6
    at = bisect_left(known, value - tolerance)
    return at < len(known) and known[at] <= value + tolerance


def _owned_up(sentence: str) -> Literal["result", "setting", ""]:
    """Whether a sentence calls itself a guess or a quotation, even of a result, or at least of anything else."""
    if _HEDGED_RESULT.search(sentence):
        return "result"
    return "setting" if _HEDGED.search(sentence) else ""


def _tells_change(number: _Stated, text: str) -> bool:
    start = number.place[0]
    return number.text.endswith("%") or _CHANGE.search(text[max(0, start - 24) : start]) is not None


def _states_nothing(number: _Stated, text: str) -> bool:
    if not number.whole:
        return False
    start = number.place[0]
    named = _NAMING.search(text[max(0, start - 24) : start]) is not None
    return named or abs(number.value) <= _SMALL or 1900 <= number.value <= 2100


def _sentences(text: str) -> Iterator[Place]:
    start = 0
    for match in _SENTENCE_END.finditer(text):
        yield start, match.end()
        start = match.end()
    yield start, len(text) + 1
