"""What asking a model leaves in the journal: calls and what they cost, faults, consent, and plans held against code."""

from typing import Literal

from mlrcopilot_tui.session.events import Event
from mlrcopilot_tui.session.model import Value

Role = Literal["main", "fast"]
"""Which of the two models answers: the one that thinks and writes code, or the one that condenses."""


class Usage(Value, frozen=True, kw_only=True):
    """The tokens of one call. All that was read is `input_tokens + cache_read_tokens + cache_write_tokens`.

    `exact` says that the server reported them; otherwise they are bounds that the true numbers do not exceed.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    exact: bool = True

    @property
    def read_tokens(self) -> int:
        """All input, from the cache or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens


class ModelCalled(Event, frozen=True, kw_only=True, tag="model.called"):
    """A call to a model ended, well or not; `fault` is empty where it ended well.

    Attributes:
        purpose: what it was for, e.g. `summarize`, `propose`, `step`, `digest`.
        usd: dollars at list price; None where the model has no price.
        exchange: its place among the verbatim exchanges that lie beside the journal.
        step: the step within the attempt, from 1; 0 outside of one.
        after: the newest event that whoever asked could know of.
        words: the places in the journal of the researcher's words that stood in the request.
    """

    purpose: str
    model: str
    role: Role
    usage: Usage
    usd: float | None = None
    wall_s: float = 0.0
    idea: int = 0
    attempt: int = 0
    step: int = 0
    exchange: str = ""
    fault: str = ""
    request_id: str = ""
    after: int = 0
    words: tuple[int, ...] = ()


class ModelFaulted(Event, frozen=True, kw_only=True, tag="model.faulted"):
    """A call to a model failed; it is made again in `retry_in_s` seconds, or not at all where that is None.

    `after` is as in `ModelCalled`.
    """

    purpose: str
    fault: str
    sentence: str
    mend: str = ""
    retry_in_s: float | None = None
    tries: int = 1
    request_id: str = ""
    idea: int = 0
    after: int = 0


class ConsentGiven(Event, frozen=True, kw_only=True, tag="consent.given"):
    """The researcher agreed that `what` leaves the machine for `endpoint`."""

    endpoint: str
    what: str
    by: str


class PlanMark(Value, frozen=True, kw_only=True):
    """What became of one step of an idea's plan; `step` counts from 1.

    Attributes:
        done: whether code and runs show it, whatever the agent said.
        where: the hunks that show it, as `train.py:41-52, train.py:60`; empty where a run alone does.
        run: the run that shows it, by its journaled name.
        note: the agent's word on it, or why its claim was not believed.
    """

    step: int
    done: bool
    where: str = ""
    run: str = ""
    note: str = ""


class PlanChecked(Event, frozen=True, kw_only=True, tag="plan.checked"):
    """The plan of an idea was held against the patch and the runs of one of its attempts."""

    idea: int
    attempt: int
    marks: tuple[PlanMark, ...]
