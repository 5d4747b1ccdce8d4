"""A session in memory: the offline engine's agents against real runs of real scripts, and the loop that joins them."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from math import isnan
from pathlib import Path, PurePosixPath
from statistics import fmean
from typing import Literal

import msgspec

from mlrcopilot_tui.agents.base import Assignment, Brief, Failure, IdeaDraft, Proposal, Withdrawal
from mlrcopilot_tui.agents.offline.engine import OfflineEngine
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.research.verdicts import Rule, judge
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.events import Event
from mlrcopilot_tui.session.model import Attempt, Baseline, Idea, Verdict
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned
from mlrcopilot_tui.session.state import SessionState
from tests.fakes.quiet_host import FakeHost
from tests.fakes.researcher_words import spoken

SCRIPTS = Path(__file__).parent / "scripts"


class FakeTree:
    """A `SourceTree` of texts in memory; only paths that match `editable` can be written."""

    def __init__(self, texts: Mapping[str, str], editable: Sequence[str] = ("*.py",)) -> None:
        self.texts = dict(texts)
        self._editable = tuple(editable)

    def files(self) -> Sequence[PurePosixPath]:
        """Every file, sorted."""
        return sorted(PurePosixPath(path) for path in self.texts)

    def editable(self, path: PurePosixPath) -> bool:
        """Whether a pattern allows it."""
        return any(fnmatch(path.as_posix(), pattern) for pattern in self._editable)

    def read(self, path: PurePosixPath) -> str:
        """The text."""
        if path.as_posix() not in self.texts:
            raise InputError(f"There is no file {path}.")
        return self.texts[path.as_posix()]

    def write(self, path: PurePosixPath, text: str) -> None:
        """Replaces the text."""
        if not self.editable(path):
            raise InputError(f"{path} is not editable.")
        self.texts[path.as_posix()] = text

    def delete(self, path: PurePosixPath) -> None:
        """Removes the text."""
        if not self.editable(path) or path.as_posix() not in self.texts:
            raise InputError(f"{path} cannot be removed.")
        del self.texts[path.as_posix()]


@dataclass
class Simulation:
    """One session: what the loop does, with dictionaries of texts for commits and one process a run.

    Attributes:
        texts: the workspace's files.
        folder: where runs happen; data files that lie in it already are seen by every run.
    """

    texts: dict[str, str]
    folder: Path
    command: str = "python train.py"
    metric: str = "val_error"
    direction: Literal["min", "max"] = "min"
    editable: tuple[str, ...] = ("*.py",)
    seeds: int = 3
    seed: int = 0
    min_effect: float = 0.0
    state: SessionState = field(default_factory=SessionState)
    said: list[str] = field(default_factory=list)
    config: str = ""
    host: FakeHost = field(default_factory=FakeHost)

    def __post_init__(self) -> None:
        self.engine = OfflineEngine(self.seed)
        self.commits: dict[str, dict[str, str]] = {"c0": dict(self.texts)}
        self.measured: dict[tuple[str, int], float | None] = {}
        self.log = ""
        self.record(
            ev.SessionStarted(
                format=1, session="00000001", engine="offline", model="", seed=self.seed, base="c0", branch="main",
                config=self.config, config_digest="", metric=self.metric, direction=self.direction, program="test",
            )
        )  # fmt: skip

    def record(self, event: Event) -> None:
        """Appends to the journal that is the state."""
        seq = self.state.seq + 1
        self.state.apply(Record(seq, f"2026-01-01T00:{seq // 60:02d}:{seq % 60:02d}Z", event))

    @property
    def champion(self) -> dict[str, str]:
        """The files of the best kept commit."""
        assert self.state.champion is not None
        return self.commits[self.state.champion.commit]

    def brief(self, tree: FakeTree | None = None) -> Brief:
        """What the agents are given."""
        return Brief(
            state=self.state,
            metric=self.metric,
            direction=self.direction,
            command=self.command,
            task="",
            tree=tree or FakeTree(self.champion, self.editable),
            seed=self.seed,
            say=lambda _, text: self.said.append(text),
            host=self.host,
        )

    def instruct(self, *texts: str) -> None:
        """Gives standing instructions."""
        for text in texts:
            self.record(ev.FeedbackTaken(text=text, understood=""))

    def add(self, drafts: Sequence[IdeaDraft]) -> list[int]:
        """Numbers drafts as ideas."""
        numbers = []
        for draft in drafts:
            number = max(self.state.ideas, default=0) + 1
            fields = {name: getattr(draft, name) for name in draft.__slots__}
            idea = msgspec.json.decode(msgspec.json.encode({**fields, "number": number}), type=Idea)
            self.record(ev.IdeaProposed(idea=idea))
            numbers.append(number)
        return numbers

    def propose(self, count: int = 5) -> list[int]:
        """Lets the IdeaAgent grow the tree."""
        return self.add(asyncio.run(self.engine.ideas.propose(self.brief(), count)))

    def reflect(self, number: int) -> list[int]:
        """Lets the IdeaAgent look back on an idea."""
        return self.add(asyncio.run(self.engine.ideas.reflect(self.brief(), number)))

    def implement(
        self,
        number: int,
        tree: FakeTree,
        attempt: int = 1,
        failure: Failure | None = None,
        feedback: Sequence[str] = (),
        left_out: str = "",
    ) -> Proposal | Withdrawal:
        """Lets the ExperimentAgent edit `tree`; its recipe replaces the idea's, as the loop sees to."""
        idea = self.state.ideas[number].idea
        assignment = Assignment(idea, attempt, failure, tuple(spoken(said, number) for said in feedback), left_out)
        outcome = asyncio.run(self.engine.experiments.implement(self.brief(tree), assignment))
        if isinstance(outcome, Proposal) and outcome.recipe is not None:
            data = msgspec.json.decode(msgspec.json.encode(outcome.recipe))
            self.record(ev.IdeaEdited(idea=msgspec.structs.replace(idea, recipe=data), by="offline"))
        return outcome

    def run(self, commit: str, seed: int) -> float | None:
        """The metric that the run command prints last; None where it fails."""
        if (commit, seed) not in self.measured:
            for path, text in self.commits[commit].items():
                (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / path).write_text(text, encoding="utf-8")
            words = [sys.executable if word == "python" else word for word in self.command.split()]
            environment = os.environ | {
                "MLRCOPILOT_SEED": str(seed),
                "OMP_NUM_THREADS": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
            }
            name, began = f"r{len(self.measured)}", time.monotonic()
            self.record(RunPlanned(run=name, commit=commit, seed=seed, purpose="verify", key=f"{commit}/{seed}"))
            done = subprocess.run(
                words, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=300
            )
            self.log = done.stdout + done.stderr
            found = re.findall(rf"\b{self.metric}\b\s*[:=]\s*([-+.\deinfa]+)", done.stdout)
            value = float(found[-1]) if found and done.returncode == 0 else None
            outcome = "crashed" if value is None else "ok"
            wall = time.monotonic() - began
            self.record(RunFinished(run=name, outcome=outcome, reason="", value=value, wall_s=wall, log_sha256=""))
            self.measured[commit, seed] = value
        return self.measured[commit, seed]

    def measure_baseline(self) -> None:
        """Runs the starter on two seeds."""
        values = {seed: value for seed in (0, 1) if (value := self.run("c0", seed)) is not None}
        assert values, self.log
        same = len(set(values.values())) == 1
        self.record(
            ev.BaselineMeasured(baseline=Baseline(commit="c0", values=values, deterministic=same, repeatable=True))
        )

    def experiment(self, number: int) -> str:
        """Takes an idea to its end; its status."""
        assert self.state.champion is not None
        parent = self.state.champion.commit
        self.record(ev.IdeaStarted(idea=number, parent=parent))
        tree, failure, attempt = FakeTree(self.commits[parent], self.editable), None, 0
        while True:
            attempt += 1
            outcome = self.implement(number, tree, attempt, failure)
            if isinstance(outcome, Withdrawal):
                self.record(ev.IdeaWithdrawn(idea=number, reason=outcome.reason))
                break
            commit = f"c{number}.{attempt}"
            self.commits[commit] = dict(tree.texts)
            self.record(
                ev.PatchCommitted(
                    attempt=Attempt(
                        idea=number, number=attempt, commit=commit, parent=parent, tree="", subject=outcome.subject
                    )
                )
            )
            verdict = self._judged(commit, parent)
            if verdict.kind == "crash" and attempt < 3:
                diverged = "nan" in self.log[-300:].lower()
                failure = Failure("diverged" if diverged else "crashed", verdict.rule, self.log)
                continue
            self.record(ev.VerdictReached(idea=number, attempt=attempt, commit=commit, parent=parent, verdict=verdict))
            if verdict.kind == "keep":
                self.record(ev.ChampionChanged(commit=commit, reason="kept", idea=number))
            break
        return self.state.ideas[number].status

    def _judged(self, commit: str, parent: str) -> Verdict:
        child: dict[int, float] = {}
        old: dict[int, float] = {}
        deterministic = self.state.baseline is not None and self.state.baseline.deterministic
        rule = Rule(
            direction=self.direction,
            min_effect=self.min_effect,
            deterministic=deterministic,
            max_seeds=1 if deterministic else self.seeds,
        )
        for seed in range(rule.max_seeds):
            value, before = self.run(commit, seed), self.run(parent, seed)
            if value is None or isnan(value) or before is None:
                return Verdict(kind="crash", rule=f"run at seed {seed} failed")
            child[seed], old[seed] = value, before
            verdict = judge(child, old, rule) if seed or rule.max_seeds == 1 else None
            if verdict is not None:
                return verdict
        raise AssertionError("the rule decides with its last seed")

    def research(self, experiments: int) -> None:
        """The loop: baseline, ideas, experiments in order of priority, reflection."""
        self.measure_baseline()
        self.propose(5)
        while len(self.state.experiments) < experiments:
            queue = self.state.queue()
            if not queue:
                if not self.propose(3):
                    return
                continue
            number = queue[0].idea.number
            self.experiment(number)
            self.reflect(number)

    @property
    def gain(self) -> float:
        """The champion's improvement over the starter on the seeds that both ran, relative, positive when better."""
        assert self.state.champion is not None
        pairs = [(self.run("c0", s), self.run(self.state.champion.commit, s)) for s in (0, 1)]
        start, best = (fmean(v for v in values if v is not None) for values in zip(*pairs, strict=True))
        return (best - start if self.direction == "max" else start - best) / abs(start)

    def story(self) -> list[str]:
        """One line an experiment, for people who debug."""
        lines = []
        for idea in self.state.ideas.values():
            relative = idea.verdict.relative if idea.verdict and idea.verdict.relative is not None else 0.0
            head = f"{idea.idea.number:3} {idea.idea.priority:4.1f} {idea.status:12} {relative:+7.1%}"
            lines.append(f"{head} {idea.idea.title}  {idea.reason[:90]}")
        return lines
