"""What the rules know of a workspace besides the patch."""

from typing import Literal

import msgspec


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a workspace's contract on which a rule may lean; file lists are globs.

    Attributes:
        command: the run's command.
        metric: the metric's name, matched as a whole word.
        evaluate: the command that evaluates after the run; empty where the run reports its own metric.
    """

    command: str
    metric: str
    direction: Literal["min", "max"] = "min"
    editable: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    evaluate: str = ""
