"""The events of a session: one class for each type of line in the journal."""

from typing import Any, Literal

from mlrcopilot_tui.session.model import (
    Answer,
    Attempt,
    Baseline,
    Decision,
    Gate,
    Idea,
    Summary,
    Value,
    Verdict,
)

FORMAT = 1
"""The journal's format; raised only when an older program could misread a newer journal."""


class Event(Value, frozen=True, kw_only=True, tag_field="type"):
    """Base of all events; a class's tag is its `type` in the journal, as `noun.verb`."""

    @property
    def type(self) -> str:
        """What the journal calls it."""
        return str(self.__struct_config__.tag)


class SessionStarted(Event, frozen=True, kw_only=True, tag="session.started"):
    """A line of research begins at commit `base`; `config` is the workspace's contract as it was read."""

    format: int
    session: str
    engine: str
    model: str
    seed: int
    base: str
    branch: str
    config: str
    config_digest: str
    metric: str
    direction: Literal["min", "max"]
    program: str
    task: str = ""
    template: str = ""


class CopilotStarted(Event, frozen=True, kw_only=True, tag="copilot.started"):
    """A copilot process took the session's lock; its agents are those of `engine`, and `places` are how many runs it
    carries on side by side at most."""

    pid: int
    host: str
    program: str = ""
    engine: str = ""
    places: int = 1


class CopilotStopped(Event, frozen=True, kw_only=True, tag="copilot.stopped"):
    """The copilot let the session go; it can be resumed. One that `vanished` was found dead, who knows since when."""

    reason: str
    vanished: bool = False


class SessionPaused(Event, frozen=True, kw_only=True, tag="session.paused"):
    """The loop starts nothing new until it is resumed; live runs go on."""

    by: str


class SessionResumed(Event, frozen=True, kw_only=True, tag="session.resumed"):
    """The loop goes on."""

    by: str


class SessionFinished(Event, frozen=True, kw_only=True, tag="session.finished"):
    """The loop has nothing left to do, or reached a limit that the researcher set."""

    reason: str


class SessionReopened(Event, frozen=True, kw_only=True, tag="session.reopened"):
    """A finished session goes on: more experiments, a larger budget, a new idea."""

    reason: str


class SettingsChanged(Event, frozen=True, kw_only=True, tag="settings.changed"):
    """Limits or approvals for the rest of the session, as the researcher set them; absent ones stay."""

    values: dict[str, Any]
    by: str


class WarningRaised(Event, frozen=True, kw_only=True, tag="warning.raised"):
    """Something that the researcher should know and that stops nothing; `about` the "machine": on which it hangs."""

    text: str
    mend: str = ""
    about: Literal["", "machine"] = ""


class PaperRead(Event, frozen=True, kw_only=True, tag="paper.read"):
    """A paper was parsed; its text lies in the session's papers folder under its digest."""

    digest: str
    title: str
    pages: int
    source: str


class PaperSummarized(Event, frozen=True, kw_only=True, tag="paper.summarized"):
    """The IdeaAgent extracted what the paper is about."""

    summary: Summary


class BaselineMeasured(Event, frozen=True, kw_only=True, tag="baseline.measured"):
    """The starter was measured before any change."""

    baseline: Baseline


class IdeaProposed(Event, frozen=True, kw_only=True, tag="idea.proposed"):
    """A new node of the idea tree."""

    idea: Idea


class IdeaEdited(Event, frozen=True, kw_only=True, tag="idea.edited"):
    """The researcher rewrote an idea; `idea` replaces the one of the same number."""

    idea: Idea
    by: str


class IdeaApproved(Event, frozen=True, kw_only=True, tag="idea.approved"):
    """The idea may be implemented."""

    idea: int
    by: str


class IdeaPruned(Event, frozen=True, kw_only=True, tag="idea.pruned"):
    """The idea will not be tried."""

    idea: int
    reason: str
    by: str


class IdeasReordered(Event, frozen=True, kw_only=True, tag="ideas.reordered"):
    """The researcher's order for ideas not yet tried; ideas that are not named follow by score."""

    order: tuple[int, ...]
    by: str


class IdeaStarted(Event, frozen=True, kw_only=True, tag="idea.started"):
    """The ExperimentAgent begins to implement the idea on top of commit `parent`."""

    idea: int
    parent: str


class IdeaWithdrawn(Event, frozen=True, kw_only=True, tag="idea.withdrawn"):
    """The agent gave the idea up, and says why."""

    idea: int
    reason: str


class IdeaReflected(Event, frozen=True, kw_only=True, tag="idea.reflected"):
    """The IdeaAgent thought about how the idea ended; the ideas that this suggested stand before it."""

    idea: int
    children: int = 0


class AgentAsked(Event, frozen=True, kw_only=True, tag="agent.asked"):
    """The loop, or a decision, gave an agent something to do; it knows the session as it stands here.

    `idea` is the one that the ExperimentAgent is to carry out.
    """

    agent: Literal["IdeaAgent", "ExperimentAgent"]
    idea: int = 0


class AgentSaid(Event, frozen=True, kw_only=True, tag="agent.said"):
    """What an agent thought, did or saw; `idea` is 0 for the IdeaAgent's work on the session."""

    agent: Literal["IdeaAgent", "ExperimentAgent"]
    kind: Literal["thought", "action", "observation", "note"]
    text: str
    idea: int = 0


class PatchCommitted(Event, frozen=True, kw_only=True, tag="patch.committed"):
    """An attempt at an idea stands as a commit under its own ref."""

    attempt: Attempt


class GateOpened(Event, frozen=True, kw_only=True, tag="gate.opened"):
    """The loop waits for a decision."""

    gate: Gate


class GateAnswered(Event, frozen=True, kw_only=True, tag="gate.answered"):
    """The first valid decision on a gate.

    `decision` is the id of the decision that gave it, empty for a rule's; `patch` is the part of the attempt that was
    approved, as a unified diff, empty for all of it; `hunks` names that part for people. `network` opens the network
    to the runs of the patch.
    """

    gate: str
    answer: Answer
    by: str
    text: str = ""
    hunks: tuple[int, ...] = ()
    patch: str = ""
    decision: str = ""
    network: bool = False


class DecisionApplied(Event, frozen=True, kw_only=True, tag="decision.applied"):
    """A decision took effect; `said` tells in a sentence what it did.

    `after` is the newest event when it was taken up, which is earlier where an agent had to be asked.
    """

    decision: Decision
    said: str
    after: int = 0


class DecisionRefused(Event, frozen=True, kw_only=True, tag="decision.refused"):
    """A decision came too late or made no sense; `reason` tells its sender. `after` is as in `DecisionApplied`."""

    decision: Decision
    reason: str
    after: int = 0


class FeedbackTaken(Event, frozen=True, kw_only=True, tag="feedback.taken"):
    """An engine read the researcher's words and says what it understood; idea 0 is the whole session."""

    text: str
    understood: str
    idea: int = 0


class RunPlanned(Event, frozen=True, kw_only=True, tag="run.planned"):
    """A run's intent, written before its folder is made, so that nothing runs twice.

    `key` digests everything that a result depends on: tree, commands, seed, protected and shared files, interpreter
    and packages, device, thread count, limits.
    """

    run: str
    commit: str
    seed: int
    purpose: Literal["baseline", "smoke", "idea", "parent", "verify"]
    key: str
    idea: int = 0
    attempt: int = 0


class RunStarted(Event, frozen=True, kw_only=True, tag="run.started"):
    """The run's supervisor was started; `devices` are the UUIDs of the GPUs that it was given."""

    run: str
    sandbox: str
    network: bool
    devices: tuple[str, ...] = ()


class RunStopped(Event, frozen=True, kw_only=True, tag="run.stopped"):
    """A live run was asked to end: by the researcher, whose word on it that is, by a limit of the session, or because
    its curve had left its parent's band; `saves_s` is how long it would still have taken."""

    run: str
    by: Literal["researcher", "budget", "curve"]
    saves_s: float = 0.0


class StopSuggested(Event, frozen=True, kw_only=True, tag="stop.suggested"):
    """A live run's curve has left its parent's band for the worse, at step `since`; it would still take `saves_s`."""

    run: str
    step: int
    reason: str
    saves_s: float = 0.0
    since: int = 0


class ForecastMade(Event, frozen=True, kw_only=True, tag="forecast.made"):
    """What running an attempt will take, told before it is approved.

    Attributes:
        run: the smoke run that it rests on; empty where it rests on what the parent's runs took.
        tried_s: seconds that the smoke run took; `whole` says that it came to its end by itself, and `reported` that
            the metric appeared in it.
        wall_s: seconds that one run takes, most likely, and `range_s` hardly fewer or more than these; `like_parent`
            says that they are the parent's.
        runs: how many a verdict takes at the least and at the most, and `total_s` what is still to be run for them.
        memory_bytes, gpu_bytes: what one run needs at its peak; None where nobody can tell.
        memory_free, memory_total: what the machine had of it then; `gpu_total` what the run's `gpus` devices have.
        lacks: what there is too little of: time within the limit of a run, memory, minutes for this attempt, or
            minutes in the budget for any experiment.
        obstacle: why it cannot run, as a sentence; empty where it fits.
    """

    idea: int
    commit: str
    run: str = ""
    tried_s: float = 0.0
    whole: bool = False
    reported: bool = False
    wall_s: float | None = None
    range_s: tuple[float, float] | None = None
    like_parent: bool = False
    runs: tuple[int, int] = (0, 0)
    total_s: tuple[float, float] | None = None
    memory_bytes: int | None = None
    memory_free: int | None = None
    memory_total: int | None = None
    gpu_bytes: int | None = None
    gpu_total: int | None = None
    gpus: int = 0
    lacks: Literal["", "time", "memory", "minutes", "budget"] = ""
    obstacle: str = ""


class RunFinished(Event, frozen=True, kw_only=True, tag="run.finished"):
    """The run ended; every number here was read by the supervisor from what the run printed or wrote.

    `contended_s` are the seconds in which others computed on what it was given, and `contention` says who did.
    `looked` says that its evaluation saw the hidden files: a look at the test set.
    """

    run: str
    outcome: str
    reason: str
    value: float | None
    wall_s: float
    log_sha256: str
    exit_code: int | None = None
    peak_rss_bytes: int = 0
    cpu_s: float = 0.0
    peak_gpu_bytes: int | None = None
    contended_s: float = 0.0
    contention: str = ""
    looked: bool = False


class VerdictReached(Event, frozen=True, kw_only=True, tag="verdict.reached"):
    """The rule's judgement on an attempt, with the runs that it rests on.

    `contention` names those of them that others held up, where that changes a result; empty where nobody did.
    """

    idea: int
    attempt: int
    commit: str
    parent: str
    verdict: Verdict
    runs: tuple[str, ...] = ()
    wall_s: float = 0.0
    contention: str = ""


class ChampionChanged(Event, frozen=True, kw_only=True, tag="champion.changed"):
    """The session's line moved; `unmeasured` says that no run of this very commit exists yet."""

    commit: str
    reason: Literal["kept", "reverted", "redone"]
    idea: int = 0
    of: str = ""
    unmeasured: bool = False
    decision: str = ""


class ChampionMeasured(Event, frozen=True, kw_only=True, tag="champion.measured"):
    """The tip that `revert` or `redo` made was measured; `values` is the metric by seed, empty where runs failed."""

    commit: str
    values: dict[int, float]


class UnknownEvent(Event, frozen=True, kw_only=True, tag="unknown"):
    """An event of a newer program: kept in the journal, passed over by the fold."""

    name: str
    raw: dict[str, Any]
