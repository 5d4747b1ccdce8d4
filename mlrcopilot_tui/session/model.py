"""The values that a session is made of: what events carry and what every screen, report and command shows."""

from typing import Any, Literal

import msgspec

from mlrcopilot_tui.session.subjects import HunkNote, Subject


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all values that cross a file or a process boundary."""


class Quote(Value, frozen=True, kw_only=True):
    """A sentence of a paper with the place where it stands."""

    text: str
    page: int
    section: str = ""


class Gap(Value, frozen=True, kw_only=True):
    """A research gap: what the paper says is missing, with the sentence that says so."""

    id: str  # "g1", "g2", …
    statement: str
    quote: Quote


class Summary(Value, frozen=True, kw_only=True):
    """What a paper is about, each part backed by sentences of the paper.

    `engine` names what wrote it, so that no screen passes an extract off as a model's reading or the reverse.
    """

    engine: str
    task: tuple[Quote, ...] = ()
    datasets: tuple[Quote, ...] = ()
    metrics: tuple[Quote, ...] = ()
    method: tuple[Quote, ...] = ()
    results: tuple[Quote, ...] = ()
    gaps: tuple[Gap, ...] = ()
    future_work: tuple[Quote, ...] = ()
    keywords: tuple[str, ...] = ()


class Evidence(Value, frozen=True, kw_only=True):
    """Why an idea is worth a run: a gap in the paper, a place in the code, or a measured result."""

    kind: Literal["gap", "code", "result", "knowledge"]
    text: str
    ref: str = ""  # gap id, "train.py:41", or "idea 3"


class PlanDesign(Value, frozen=True, kw_only=True):
    """What an experiment plan settles besides its steps; empty or zero where it leaves something open.

    Attributes:
        dataset: the data that it trains and measures on.
        metric: what is measured, and how.
        baseline: what the result is compared with.
        runs: how many runs the plan asks for.
        minutes: how long one run may take.
    """

    dataset: str = ""
    metric: str = ""
    baseline: str = ""
    runs: int = 0
    minutes: float = 0.0

    @property
    def budget(self) -> str:
        """Runs and time in words; empty where the plan leaves both open."""
        runs = f"{self.runs} run{'s' * (self.runs > 1)}" if self.runs else ""
        time = f"{self.minutes:g} minute{'s' * (self.minutes != 1)}" if self.minutes else ""
        return f"{runs} of {time}" if runs and time else runs or time


class Idea(Value, frozen=True, kw_only=True):
    """A node of the idea tree: a falsifiable hypothesis and the plan that tests it.

    Attributes:
        number: counts up from 1 within the session.
        parent: the idea that this one grew from; None for one that grew from the starter.
        base: the commit to start from, where the researcher chose one; None for the champion of the moment.
        design: data, metric, baseline and budget of the plan, where an engine states them apart from the steps.
        scores: by name. A plain name (`novelty`, `feasibility`, `effectiveness`), 1 to 10, takes part in the search.
            A dotted one only informs: `hypothesis.clarity` and `plan.validity` are 1 to 10; `paper.similarity`, 0 to 1,
            tells how near the idea is to what the paper itself says.
        recipe: what the engine needs to implement the idea again; opaque to everybody else.
    """

    number: int
    title: str
    hypothesis: str
    rationale: str = ""
    plan: tuple[str, ...] = ()
    prediction: str = ""
    evidence: tuple[Evidence, ...] = ()
    scores: dict[str, float] = {}
    parent: int | None = None
    base: str | None = None
    by: Literal["engine", "researcher"] = "engine"
    recipe: dict[str, Any] = {}
    design: PlanDesign | None = None

    @property
    def priority(self) -> float:
        """The mean of the scores that take part in the search, whose policy runs the highest first."""
        scores = [score for name, score in self.scores.items() if "." not in name]
        return sum(scores) / len(scores) if scores else 5.0


class FileCount(Value, frozen=True, kw_only=True):
    """How many lines a patch adds to and removes from one file."""

    path: str
    added: int
    removed: int


class PlanClaim(Value, frozen=True, kw_only=True):
    """What an agent says of one step of the plan; the loop holds it against the patch and the runs.

    Attributes:
        step: counts from 1.
        where: the lines of the patched file that do it, as `train.py:41-52`; empty where none do.
        by_run: whether the runs of the experiment are what carries the step out, e.g. "train over seeds and compare".
        note: one sentence.
    """

    step: int
    done: bool
    where: str = ""
    by_run: bool = False
    note: str = ""


TagRule = Literal[
    "seed", "metric", "evaluation", "split", "time-limit", "sleep", "cache", "protected", "network", "subprocess",
    "unjudged",
]  # fmt: skip


class Tag(Value, frozen=True, kw_only=True):
    """What a rule says of a hunk that touches something on which the measured number rests.

    Attributes:
        rule: the rule; `unjudged` where no rule could read the change.
        hunk: 1-based in the attempt's patch; 0 for a file that changes without hunks (binary, renamed).
        line: in the new file; for a removal, in the old one.
        excerpt: the line, shortened.
        why: one sentence.
    """

    rule: TagRule
    hunk: int
    path: str
    line: int
    excerpt: str
    why: str


class Attempt(Value, frozen=True, kw_only=True):
    """One proposal for an idea: the k-th commit made for it, kept under a ref of its own whatever becomes of it.

    Attributes:
        moved_from: the commit that this one is written anew from, because the champion had moved meanwhile.
        claims: what its author says of the steps of the plan; line numbers are those of this commit's files.
        edited_from: the commit whose files the researcher edited: the difference to it is theirs alone.
        aside: kept for the record, beside what the idea goes on with: an edit that came while the agent was at work or
            when the idea was decided, and what the agent had done by then.
        tags: what the tamper rules found in its patch; a patch with any is approved by a person alone.
    """

    idea: int
    number: int
    commit: str
    parent: str
    tree: str
    subject: str
    files: tuple[FileCount, ...] = ()
    by: Literal["agent", "researcher"] = "agent"
    moved_from: str = ""
    edited_from: str = ""
    aside: bool = False
    claims: tuple[PlanClaim, ...] = ()
    tags: tuple[Tag, ...] = ()


VerdictKind = Literal["keep", "discard", "inconclusive", "crash"]


class Verdict(Value, frozen=True, kw_only=True):
    """Whether a patch beat its parent, with the numbers and the rule that decided.

    Attributes:
        effect: mean improvement over the parent in the metric's unit; positive is better whatever the direction.
        interval: the confidence interval of `effect`; None where one run decides (deterministic).
        relative: `effect` divided by the magnitude of the parent's mean; None where that is zero.
        values, parent_values: the metric as measured, by seed.
    """

    kind: VerdictKind
    rule: str
    effect: float | None = None
    interval: tuple[float, float] | None = None
    relative: float | None = None
    values: dict[int, float] = {}
    parent_values: dict[int, float] = {}


class Baseline(Value, frozen=True, kw_only=True):
    """What the starter measures, and how far its numbers can be trusted.

    Attributes:
        values: the metric by seed.
        deterministic: neither the seed nor a repetition changes the metric: one run decides.
        repeatable: equal seeds give equal metrics; if not, runs cannot be paired.
    """

    commit: str
    values: dict[int, float]
    deterministic: bool
    repeatable: bool


GateKind = Literal["ideas", "patch", "question", "consent", "sandbox"]
Answer = Literal["approve", "reject", "feedback", "answer", "edit"]


class Gate(Value, frozen=True, kw_only=True):
    """A question that waits for a decision.

    Attributes:
        id: unique in the session; a decision names it.
        idea: the idea it is about; 0 for a gate about the session.
        commit: the patch it is about; a decision on another commit is refused.
        forecast: what answering yes will cost, in words.
    """

    id: str
    kind: GateKind
    question: str
    idea: int = 0
    commit: str = ""
    forecast: str = ""

    @property
    def told(self) -> str:
        """The question and what a yes will cost, as sentences."""
        parts = (part.rstrip() for part in (self.question, self.forecast))
        return " ".join(part if part.endswith((".", "?", "!", ":")) else f"{part}." for part in parts if part)


DecisionKind = Literal[
    "approve", "reject", "feedback", "answer", "edit",
    "idea.add", "idea.edit", "idea.prune", "idea.order", "idea.more", "idea.revise", "idea.split", "idea.merge",
    "ablate", "ablate.stop", "promote",
    "instruction.rewrite", "instruction.drop",
    "revert", "redo", "stop", "pause", "resume", "interrupt", "settings", "quit",
]  # fmt: skip


class Decision(Value, frozen=True, kw_only=True):
    """What the researcher decided: one file in the inbox, applied once.

    Attributes:
        id: unique for ever; the journal's event that applies it carries it.
        gate: the gate it answers; empty for one that answers no gate.
        hunks: 1-based hunks to take where only some are approved; empty means all.
        patch: the partial or edited patch text to take instead of the commit's own, as a unified diff.
        order: the ideas in their new order, or those that are to be merged.
        draft: new fields of an idea, or new values of settings, by name.
        network: with an approval: the runs of the patch may use the network.
        together: with a revert: also what builds on the patch; with a redo: also what it builds on.
        about: what words are about; what the copilot can look up itself, such as an excerpt, may be left out.
        notes: remarks on hunks of the patch that is decided on.
        number: the standing instruction that is rewritten or dropped.
    """

    id: str
    kind: DecisionKind
    gate: str = ""
    idea: int = 0
    commit: str = ""
    run: str = ""
    text: str = ""
    hunks: tuple[int, ...] = ()
    patch: str = ""
    order: tuple[int, ...] = ()
    draft: dict[str, Any] = {}
    network: bool = False
    together: bool = False
    about: Subject | None = None
    notes: tuple[HunkNote, ...] = ()
    number: int = 0
    by: str = "researcher"
