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
from mlrcopilot_tui.session.subjects import LeftOut, Subject

FORMAT = 1
"""The journal's format; raised only when an older program could misread a newer journal."""

Outside = Literal["", "machine", "branch", "edit"]
"""What an event hangs on that no replay has: the machine, or what somebody does with the session's branches."""


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
    carries on side by side at most. One with an `errand` does that and ends."""

    pid: int
    host: str
    program: str = ""
    engine: str = ""
    places: int = 1
    errand: Literal["", "ablation"] = ""


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
    """Something that the researcher should know and that stops nothing; it is `about` what it hangs on."""

    text: str
    mend: str = ""
    about: Outside = ""


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
    approved, as a unified diff, empty for all of it; `hunks` names that part for people, and `left_out` the rest.
    `network` opens the network to the runs of the patch.
    """

    gate: str
    answer: Answer
    by: str
    text: str = ""
    hunks: tuple[int, ...] = ()
    patch: str = ""
    decision: str = ""
    network: bool = False
    left_out: tuple[LeftOut, ...] = ()


class DecisionApplied(Event, frozen=True, kw_only=True, tag="decision.applied"):
    """A decision took effect; `said` tells in a sentence what it did.

    `after` is the newest event when it was taken up, which is earlier where an agent had to be asked.
    """

    decision: Decision
    said: str
    after: int = 0


class DecisionRefused(Event, frozen=True, kw_only=True, tag="decision.refused"):
    """A decision came too late or made no sense; `reason` tells its sender. `after` is as in `DecisionApplied`.

    `about` is as in `WarningRaised`.
    """

    decision: Decision
    reason: str
    after: int = 0
    about: Outside = ""


class FeedbackTaken(Event, frozen=True, kw_only=True, tag="feedback.taken"):
    """The researcher said something, and an engine says what it understood.

    With idea 0 the words are a standing instruction for the session. Those that go along with the decision on a patch
    and steer nothing, such as the reason for a hunk that is left out, were put to no engine.
    """

    text: str
    understood: str
    idea: int = 0
    about: Subject | None = None


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
    """The session's line moved; `unmeasured` says that no run of this very commit exists yet.

    `of` is the patch that was reverted or redone, as it was kept. `builds_on` names, for one that joins the line, the
    patches there that cannot be taken back alone while it stands; None where nobody looked.
    """

    commit: str
    reason: Literal["kept", "reverted", "redone"]
    idea: int = 0
    of: str = ""
    unmeasured: bool = False
    decision: str = ""
    builds_on: tuple[str, ...] | None = None


class ChampionMeasured(Event, frozen=True, kw_only=True, tag="champion.measured"):
    """The tip that `revert` or `redo` made was measured; `values` is the metric by seed, empty where runs failed."""

    commit: str
    values: dict[int, float]


class UnknownEvent(Event, frozen=True, kw_only=True, tag="unknown"):
    """An event of a newer program: kept in the journal, passed over by the fold."""

    name: str
    raw: dict[str, Any]
