"""What an agent's steps cost to read: a 30-step trajectory as it is sent, beside MLAgentBench's layout of the prompt.

MLAgentBench (arXiv 2310.03302) builds each prompt anew: instructions, a summary of the whole research log, and the last
three steps with their observations (condensed beyond 5,000 characters). Two further calls to a fast model keep the log:
one condenses the newest step to at most 300 words, one reads the whole log. Ours is one growing conversation whose
prefix the server caches and whose old steps are folded in batches. Both are counted with the same rule, 3.5 characters
a token. What is paid counts a token from the cache as 0.1, one written to it as 1.25, one of the fast model as 0.025.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.measuring import Result, spread
from mlrcopilot_tui.agents.base import Proposal
from mlrcopilot_tui.agents.claude.actions import ACTIONS
from mlrcopilot_tui.agents.claude.experiment_agent import ClaudeExperimentAgent
from mlrcopilot_tui.agents.claude.turns import Request, Turn
from mlrcopilot_tui.agents.host import Execution, Host
from mlrcopilot_tui.resources import shipped
from tests.agents.claude_bench import desk
from tests.fakes.scripted_model import acted

STEPS = 30
_CHARS_PER_TOKEN = 3.5
_CACHE_READ, _CACHE_WRITE = 0.1, 1.25
_FAST = 0.025
"""A token of the fast model, in tokens of the main one, by the list prices of the engine's default models."""
_LAST_STEPS = 3
_OBSERVATION_CHARS = 5_000
_LOG_ENTRY_CHARS = 300 * 6
"""300 words, as that benchmark asks its fast model for."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One step of the trajectory: all that was sent for it, what the model wrote, and what it was told of it."""

    sent: str
    wrote: str
    told: str
    static: str
    first: str


class _Player:
    """Implements `Model`: answers with the trajectory's next action and keeps what was sent."""

    def __init__(self, actions: Sequence[tuple[str, dict[str, Any]]]) -> None:
        self._actions = actions
        self.requests: list[Request] = []

    async def ask(self, build: Callable[[], Request], host: Host) -> Turn:  # noqa: ARG002 - the protocol's
        self.requests.append(build())
        at = len(self.requests) - 1
        name, given = self._actions[at]
        return acted((name, {"notes": _notes(at, name), **given}), number=at)


def measure(place: Path) -> Iterator[Result]:
    """Tokens a step, as they are sent and as they are paid for, of both layouts."""
    steps = _played(place)
    ours, theirs = [_tokens(step.sent) for step in steps], [_seed_prompt(steps, at) for at in range(len(steps))]
    yield _result("tokens sent a step", ours, theirs, "all that the main model reads")
    paid, paid_theirs = list(_paid(steps)), list(_paid_theirs(steps, theirs))
    yield _result("tokens paid a step", paid, paid_theirs, "cached ones at their price; theirs with its two log calls")


def _result(name: str, ours: Sequence[float], theirs: Sequence[float], note: str) -> Result:
    return Result(
        name=name,
        unit="tokens",
        samples=spread(ours),
        reference=spread(theirs),
        reference_name="MLAgentBench's layout",
        figure=sum(ours) / sum(theirs),
        figure_unit="x",
        target=1.0 if "paid" in name else None,
        note=note,
    )


def _played(place: Path) -> list[_Step]:
    folder = shipped("templates") / "digits" / "workspace"
    files = {name: (folder / name).read_text("utf-8") for name in ("train.py", "evaluate.py", "README.md")}
    at_desk = desk(place / "work", files)
    output = "".join(f"epoch {epoch}/400 val_error: {0.5 / epoch + 0.1:.6f}\n" for epoch in range(1, 200))
    trial = Execution("ok", "It ended well.", output, len(output), 0, 2.0, "x1")
    at_desk.host.executions = [trial] * STEPS
    player = _Player(_trajectory())
    agent = ClaudeExperimentAgent(player, ACTIONS)
    done = asyncio.run(agent.implement(at_desk.bench.brief, replace(at_desk.bench.assignment)))
    if not isinstance(done, Proposal):
        raise TypeError(f"the trajectory ended otherwise than it was written: {done}")
    return list(_steps(player.requests))


def _steps(requests: Sequence[Request]) -> Iterator[_Step]:
    for at, request in enumerate(requests):
        tools = json.dumps([[tool.name, tool.description, tool.input_schema] for tool in request.tools])
        static = request.system + tools
        after = requests[at + 1].messages if at + 1 < len(requests) else ()
        wrote, told = (json.dumps(after[-2]), json.dumps(after[-1])) if after else ("", "")
        first = json.dumps(request.messages[0])
        yield _Step(static + json.dumps(list(request.messages)), wrote, told, static, first)


def _seed_prompt(steps: Sequence[_Step], at: int) -> float:
    """What the other layout sends to the main model at a step."""
    recent = steps[max(0, at - _LAST_STEPS) : at]
    shown = sum(len(step.wrote) + min(len(step.told), _OBSERVATION_CHARS) for step in recent)
    log = sum(map(_log_entry, steps[:at]))
    return _tokens(steps[at].static + steps[at].first) + (shown + min(log, 10_000)) / _CHARS_PER_TOKEN


def _log_entry(step: _Step) -> int:
    return min(_LOG_ENTRY_CHARS, len(step.wrote) + len(step.told))


def _paid_theirs(steps: Sequence[_Step], sent: Sequence[float]) -> Iterator[float]:
    """The instructions come from the cache after the first step; the rest of each prompt is new."""
    for at, step in enumerate(steps):
        static = _tokens(step.static + step.first)
        log = sum(map(_log_entry, steps[:at])) / _CHARS_PER_TOKEN
        newest = (len(steps[at - 1].wrote) + len(steps[at - 1].told)) / _CHARS_PER_TOKEN if at else 0.0
        yield static * (_CACHE_READ if at else _CACHE_WRITE) + (sent[at] - static) + (newest + log) * _FAST


def _paid(steps: Sequence[_Step]) -> Iterator[float]:
    """What a request begins with like the one before comes from the cache; the rest is written to it."""
    before = ""
    for step in steps:
        shared = next((at for at, (a, b) in enumerate(zip(before, step.sent, strict=False)) if a != b), len(before))
        yield (shared * _CACHE_READ + (len(step.sent) - shared) * _CACHE_WRITE) / _CHARS_PER_TOKEN
        before = step.sent


def _tokens(text: str) -> float:
    return len(text) / _CHARS_PER_TOKEN


def _notes(at: int, name: str) -> dict[str, str]:
    """Notes as long as a model's are."""
    return {
        "reflection": f"The observation of step {at} shows what I expected: the file is as the plan assumes. " * 2,
        "research_plan_and_status": "1. Read the code: **done**. 2. Measure the starter: done. 3. Change the features: "
        f"in progress at step {at}. 4. Check with a short trial: open. 5. Hand in: open. " * 2,
        "fact_check": "The file was read and its contents are confirmed. That the change helps is a guess so far.",
        "thought": f"Next I use {name}, because it is the smallest step that can prove the guess wrong. " * 2,
    }


def _trajectory() -> list[tuple[str, dict[str, Any]]]:
    """Looks, measures, edits and tries in turn, as logged sessions of such agents do; the last step hands in."""
    look: list[tuple[str, dict[str, Any]]] = [
        ("list_files", {}),
        ("read_file", {"path": "evaluate.py"}),
        ("inspect_script_lines", {"path": "train.py", "start_line": 1, "end_line": 60}),
        ("execute_script", {"script": "train.py", "limit_s": 60}),
    ]
    rates = [f"{rate}e-3" for rate in range(1, 20)]
    tries = [
        step
        for now, then in pairwise(rates)
        for step in (
            ("edit_file", _replace(f"LEARNING_RATE = {now}", f"LEARNING_RATE = {then}")),
            ("execute_script", {"script": "train.py", "limit_s": 60}),
            ("append_to_research_log", {"entry": f"With {then} the error falls a little; try more."}),
            ("inspect_script_lines", {"path": "train.py", "start_line": 1, "end_line": 40}),
        )
    ]
    hand_in = ("final_answer", {"subject": "Raise the learning rate", "body": "It was cautious.", "plan": []})
    return [*[*look, *tries][: STEPS - 1], hand_in]


def _replace(search: str, replace: str) -> dict[str, Any]:
    return {"path": "train.py", "replacements": [{"search": search, "replace": replace}]}
