"""A model that plays a researcher's part over the Messages API: it reads the conversation to know where it stands."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.messages_script import Answer, Body, Reply, text, tool_use

Step = tuple[str, Mapping[str, Any]]
"""An action's name and its input, without the notes."""


@dataclass(frozen=True, slots=True)
class Part:
    """One idea and how it is carried out.

    Attributes:
        steps: the actions of the first attempt, in turn.
        repair: the actions after its run failed.
        before: called before the step of that index (from 0) of the first attempt is answered.
    """

    title: str
    plan: Sequence[str]
    steps: Sequence[Step]
    repair: Sequence[Step] = ()
    before: Mapping[int, Callable[[], None]] = field(default_factory=dict)


@dataclass
class ScriptedClaude:
    """A script for `FakeMessagesServer`.

    Attributes:
        gap: a sentence of the paper that tells of a gap, as it is printed there; its page is looked up in the request.
        parts: the ideas, all proposed at once.
        asked: what was asked for, one word a request.
    """

    gap: str
    parts: Sequence[Part]
    asked: list[str] = field(default_factory=list)

    def __call__(self, body: Body) -> Answer:
        if any(tool["name"] == "final_answer" for tool in body.get("tools", ())):
            return self._step(body)
        first = _words(body["messages"][0])
        task = first.rpartition("# Your task")[2]
        if task.strip().startswith("Read this paper"):
            self.asked.append("summarize")
            return Reply([text(json.dumps(self._summary(first)))])
        proposing = "propose" not in self.asked
        self.asked.append("propose" if proposing else "more")
        ideas = [_idea(part, at) for at, part in enumerate(self.parts)] if proposing else []
        return Reply([text(json.dumps({"thought": "The plainest changes first.", "ideas": ideas}))])

    def _summary(self, shown: str) -> dict[str, Any]:
        before = shown.partition(self.gap[:40])[0]
        pages = re.findall(r"page (\d+)", before) or ["1"]
        quote = {"sentence": self.gap, "page": int(pages[-1])}
        return {
            "thought": "A weak baseline with its limits named.",
            "task": [quote], "datasets": [], "metrics": [], "method": [], "results": [], "future_work": [],
            "gaps": [{"statement": "Nothing was tuned.", **quote}],
            "keywords": ["baseline"],
        }  # fmt: skip

    def _step(self, body: Body) -> Answer:
        first = _words(body["messages"][0])
        number = re.search(r"^## Idea (\d+): ", first, re.MULTILINE)
        assert number is not None
        part = self.parts[int(number[1]) - 1]
        repairing = bool(part.repair) and "Traceback" in first
        steps = part.repair if repairing else part.steps
        taken = sum(message["role"] == "assistant" for message in body["messages"])
        if not repairing and taken in part.before:
            part.before[taken]()
        name, given = steps[min(taken, len(steps) - 1)]
        self.asked.append(name)
        notes = {
            "reflection": "The last observation was as expected.",
            "research_plan_and_status": f"Step {taken + 1} of {len(steps)}.",
            "fact_check": "Nothing is claimed yet.",
            "thought": f"Now {name}.",
        }
        return Reply([text(f"I go on with {name}."), tool_use(name, {"notes": notes, **given})])


def _idea(part: Part, at: int) -> dict[str, Any]:
    rubric = {"clarity": 8, "validity": 8}
    return {
        "title": part.title,
        "hypothesis": f"{part.title} lowers the metric by at least 10 %.",
        "rationale": "The paper names it as untried.",
        "plan": {
            "dataset": "the workspace's own", "metric": "as the task states", "baseline": "the champion",
            "runs": 4, "minutes_per_run": 0.1, "prediction": "The metric falls by 10 %; else the idea is wrong.",
            "steps": list(part.plan),
        },
        "evidence": [{"kind": "gap", "ref": "g1", "text": "untried"}],
        "scores": {"novelty": 5, "feasibility": 9, "effectiveness": 9 - at},
        "hypothesis_scores": {**rubric, "rigor": 7, "innovativeness": 5, "generalizability": 6},
        "plan_scores": {**rubric, "robustness": 7, "feasibility": 9, "reproducibility": 9},
    }  # fmt: skip


def _words(message: Body) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "\n".join(str(block.get("text", "")) for block in content)
