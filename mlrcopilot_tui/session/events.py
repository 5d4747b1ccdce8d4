"""The events of a session, one class a journal line type, and their JSON form."""

from typing import Any, ClassVar, Literal

import msgspec

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


class Event(Value, frozen=True, kw_only=True):
    """Base of all events; `type` is `noun.verb` and names the class in the journal."""

    type: ClassVar[str] = ""


class SessionStarted(Event, frozen=True, kw_only=True):
    """A line of research begins at commit `base`; `config` is the workspace's contract as it was read."""

    type: ClassVar[str] = "session.started"
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


class CopilotStarted(Event, frozen=True, kw_only=True):
    """A copilot process took the session's lock."""

    type: ClassVar[str] = "copilot.started"
    pid: int
    host: str
    program: str = ""


class CopilotStopped(Event, frozen=True, kw_only=True):
    """The copilot let the session go; it can be resumed."""

    type: ClassVar[str] = "copilot.stopped"
    reason: str


class SessionPaused(Event, frozen=True, kw_only=True):
    """The loop starts nothing new until it is resumed; live runs go on."""

    type: ClassVar[str] = "session.paused"
    by: str


class SessionResumed(Event, frozen=True, kw_only=True):
    """The loop goes on."""

    type: ClassVar[str] = "session.resumed"
    by: str


class SessionFinished(Event, frozen=True, kw_only=True):
    """The loop has nothing left to do, or reached a limit that the researcher set."""

    type: ClassVar[str] = "session.finished"
    reason: str


class SessionReopened(Event, frozen=True, kw_only=True):
    """A finished session goes on: more experiments, a larger budget, a new idea."""

    type: ClassVar[str] = "session.reopened"
    reason: str


class SettingsChanged(Event, frozen=True, kw_only=True):
    """Limits or approvals for the rest of the session, as the researcher set them; absent ones stay."""

    type: ClassVar[str] = "settings.changed"
    values: dict[str, Any]
    by: str


class WarningRaised(Event, frozen=True, kw_only=True):
    """Something that the researcher should know and that stops nothing."""

    type: ClassVar[str] = "warning.raised"
    text: str
    mend: str = ""


class PaperRead(Event, frozen=True, kw_only=True):
    """A paper was parsed; its text lies in the session's papers folder under its digest."""

    type: ClassVar[str] = "paper.read"
    digest: str
    title: str
    pages: int
    source: str


class PaperSummarized(Event, frozen=True, kw_only=True):
    """The IdeaAgent extracted what the paper is about."""

    type: ClassVar[str] = "paper.summarized"
    summary: Summary


class BaselineMeasured(Event, frozen=True, kw_only=True):
    """The starter was measured before any change."""

    type: ClassVar[str] = "baseline.measured"
    baseline: Baseline


class IdeaProposed(Event, frozen=True, kw_only=True):
    """A new node of the idea tree."""

    type: ClassVar[str] = "idea.proposed"
    idea: Idea


class IdeaEdited(Event, frozen=True, kw_only=True):
    """The researcher rewrote an idea; `idea` replaces the one of the same number."""

    type: ClassVar[str] = "idea.edited"
    idea: Idea
    by: str


class IdeaApproved(Event, frozen=True, kw_only=True):
    """The idea may be implemented."""

    type: ClassVar[str] = "idea.approved"
    idea: int
    by: str


class IdeaPruned(Event, frozen=True, kw_only=True):
    """The idea will not be tried."""

    type: ClassVar[str] = "idea.pruned"
    idea: int
    reason: str
    by: str


class IdeasReordered(Event, frozen=True, kw_only=True):
    """The researcher's order for ideas not yet tried; ideas that are not named follow by score."""

    type: ClassVar[str] = "ideas.reordered"
    order: tuple[int, ...]
    by: str


class IdeaStarted(Event, frozen=True, kw_only=True):
    """The ExperimentAgent begins to implement the idea on top of commit `parent`."""

    type: ClassVar[str] = "idea.started"
    idea: int
    parent: str


class IdeaWithdrawn(Event, frozen=True, kw_only=True):
    """The agent gave the idea up, and says why."""

    type: ClassVar[str] = "idea.withdrawn"
    idea: int
    reason: str


class AgentSaid(Event, frozen=True, kw_only=True):
    """What an agent thought, did or saw; `idea` is 0 for the IdeaAgent's work on the session."""

    type: ClassVar[str] = "agent.said"
    agent: Literal["IdeaAgent", "ExperimentAgent"]
    kind: Literal["thought", "action", "observation", "note"]
    text: str
    idea: int = 0


class PatchCommitted(Event, frozen=True, kw_only=True):
    """An attempt at an idea stands as a commit under its own ref."""

    type: ClassVar[str] = "patch.committed"
    attempt: Attempt


class GateOpened(Event, frozen=True, kw_only=True):
    """The loop waits for a decision."""

    type: ClassVar[str] = "gate.opened"
    gate: Gate


class GateAnswered(Event, frozen=True, kw_only=True):
    """The first valid decision on a gate.

    `decision` is the id of the decision that gave it, empty for a rule's; `patch` is the part of the attempt that was
    approved, as a unified diff, empty for all of it; `hunks` names that part for people.
    """

    type: ClassVar[str] = "gate.answered"
    gate: str
    answer: Answer
    by: str
    text: str = ""
    hunks: tuple[int, ...] = ()
    patch: str = ""
    decision: str = ""


class DecisionApplied(Event, frozen=True, kw_only=True):
    """A decision took effect; `said` tells in a sentence what it did."""

    type: ClassVar[str] = "decision.applied"
    decision: Decision
    said: str


class DecisionRefused(Event, frozen=True, kw_only=True):
    """A decision came too late or made no sense; `reason` tells its sender."""

    type: ClassVar[str] = "decision.refused"
    decision: Decision
    reason: str


class FeedbackTaken(Event, frozen=True, kw_only=True):
    """An engine read the researcher's words and says what it understood; idea 0 is the whole session."""

    type: ClassVar[str] = "feedback.taken"
    text: str
    understood: str
    idea: int = 0


class RunPlanned(Event, frozen=True, kw_only=True):
    """A run's intent, written before its folder is made, so that nothing runs twice.

    `key` digests everything that a result depends on: tree, commands, seed, protected and shared files, interpreter
    and packages, device, thread count, limits.
    """

    type: ClassVar[str] = "run.planned"
    run: str
    commit: str
    seed: int
    purpose: Literal["baseline", "idea", "parent", "verify"]
    key: str
    idea: int = 0
    attempt: int = 0


class RunStarted(Event, frozen=True, kw_only=True):
    """The run's supervisor was started."""

    type: ClassVar[str] = "run.started"
    run: str
    sandbox: str
    network: bool


class RunFinished(Event, frozen=True, kw_only=True):
    """The run ended; every number here was read by the supervisor from what the run printed or wrote."""

    type: ClassVar[str] = "run.finished"
    run: str
    outcome: str
    reason: str
    value: float | None
    wall_s: float
    log_sha256: str
    exit_code: int | None = None
    peak_rss_bytes: int = 0
    cpu_s: float = 0.0


class VerdictReached(Event, frozen=True, kw_only=True):
    """The rule's judgement on an attempt, with the runs that it rests on."""

    type: ClassVar[str] = "verdict.reached"
    idea: int
    attempt: int
    commit: str
    parent: str
    verdict: Verdict
    runs: tuple[str, ...] = ()
    wall_s: float = 0.0


class ChampionChanged(Event, frozen=True, kw_only=True):
    """The session's line moved; `unmeasured` says that no run of this very commit exists yet."""

    type: ClassVar[str] = "champion.changed"
    commit: str
    reason: Literal["kept", "reverted", "redone"]
    idea: int = 0
    of: str = ""
    unmeasured: bool = False
    decision: str = ""


class ChampionMeasured(Event, frozen=True, kw_only=True):
    """The tip that `revert` or `redo` made was measured; `values` is the metric by seed, empty where runs failed."""

    type: ClassVar[str] = "champion.measured"
    commit: str
    values: dict[int, float]


class BranchPromoted(Event, frozen=True, kw_only=True):
    """The kept ideas stand on a branch of the researcher's."""

    type: ClassVar[str] = "branch.promoted"
    branch: str
    commit: str


class UnknownEvent(Event, frozen=True, kw_only=True):
    """An event of a newer program: kept in the journal, passed over by the fold."""

    type: ClassVar[str] = "unknown"
    name: str
    raw: dict[str, Any]


EVENT_TYPES: dict[str, type[Event]] = {cls.type: cls for cls in Event.__subclasses__() if cls is not UnknownEvent}


class Record(msgspec.Struct, frozen=True):
    """One line of the journal: an event with its place and time."""

    seq: int
    time: str
    event: Event


class _Envelope(msgspec.Struct):
    seq: int
    time: str
    type: str


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_decoders: dict[str, msgspec.json.Decoder[Event]] = {
    name: msgspec.json.Decoder(cls) for name, cls in EVENT_TYPES.items()
}
_encoder = msgspec.json.Encoder()


def encode_record(record: Record) -> bytes:
    """The journal line of `record`, newline included."""
    event = record.event
    head = _encoder.encode({"seq": record.seq, "time": record.time, "type": event.type})
    body = _encoder.encode(event)
    return head + b"\n" if body == b"{}" else head[:-1] + b"," + body[1:] + b"\n"


def decode_record(line: bytes) -> Record:
    """The record of a journal line.

    Raises:
        msgspec.MsgspecError: the line is no JSON object of the journal's form.
    """
    envelope = _envelope_decoder.decode(line)
    decoder = _decoders.get(envelope.type)
    if decoder is None:
        return Record(envelope.seq, envelope.time, UnknownEvent(name=envelope.type, raw=msgspec.json.decode(line)))
    return Record(envelope.seq, envelope.time, decoder.decode(line))
