"""The action that asks the researcher."""

from typing import Annotated

import msgspec

from mlrcopilot_tui.agents.claude.actions.action import Action, Observation, Workbench
from mlrcopilot_tui.agents.claude.fences import cleaned
from mlrcopilot_tui.text import printable


class RequestHelp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question."""

    question: Annotated[
        str, msgspec.Meta(min_length=5, max_length=1500, description="One question, with what you need to go on.")
    ]


async def request_help(bench: Workbench, asked: RequestHelp) -> Observation:
    """Asks the researcher and waits for the answer; where nobody is there, a rule answers."""
    answer = cleaned(await bench.brief.host.ask(printable(asked.question, keep_newlines=True)))
    bench.numbers.read(answer)
    return Observation(f"The answer: {answer[:4000]}")


ACTIONS: tuple[Action, ...] = (
    Action(
        "request_help",
        "Asks the researcher, who may take long to answer. Only where the task is ambiguous, something is missing that "
        "only they have, or the same failure came back twice.",
        RequestHelp,
        request_help,
    ),
)
