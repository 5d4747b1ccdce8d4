"""What became of each attempt, and why, told from the journal's state alone: what notes, history and `log` agree on."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from mlrcopilot_tui.session.events import ChampionChanged, GateAnswered
from mlrcopilot_tui.session.model import Attempt
from mlrcopilot_tui.session.state import IdeaState, RunState, SessionState, VerdictState

Fate = Literal[
    "open", "kept", "discarded", "inconclusive", "crashed", "rejected", "sent back", "superseded", "withdrawn",
    "pruned", "reverted",
]  # fmt: skip
FATES: Final[tuple[Fate, ...]] = get_args(Fate)

_BY_VERDICT: Final[dict[str, Fate]] = {
    "keep": "kept", "discard": "discarded", "inconclusive": "inconclusive", "crash": "crashed",
}  # fmt: skip
_ENDED: Final[dict[str, Fate]] = {
    "rejected": "rejected", "withdrawn": "withdrawn", "pruned": "pruned", "discarded": "discarded",
    "inconclusive": "inconclusive", "crashed": "crashed",
}  # fmt: skip
_WELL: Final = frozenset({"", "ok", "smoked"})


@dataclass(frozen=True, slots=True)
class Node:
    """An attempt with its place in the history.

    Attributes:
        fate: what became of it; `open` while nobody knows.
        why: the reason in a sentence: the rule, the researcher's words, how its run failed; empty while it is open.
        judged: its verdict, if it came to one.
        failed: the run for which it is told to have crashed.
        seq, time: when it was committed: its place in the journal, and the journal's time.
    """

    idea: IdeaState
    attempt: Attempt
    fate: Fate
    why: str = ""
    judged: VerdictState | None = None
    failed: str = ""
    seq: int = 0
    time: str = ""

    @property
    def name(self) -> str:
        """`3.2`: the second attempt at idea 3."""
        return f"{self.attempt.idea}.{self.attempt.number}"


@dataclass(slots=True)
class _Known:
    """What the state says by commit, found in one pass: looking each attempt up would be quadratic."""

    answers: dict[str, GateAnswered] = field(default_factory=dict)
    failed: dict[str, list[RunState]] = field(default_factory=lambda: defaultdict(list))
    moves: dict[str, ChampionChanged] = field(default_factory=dict)
    """The newest move of the line that is about a commit."""


def history(state: SessionState) -> list[Node]:
    """Every attempt of the session, in the order in which they were committed."""
    known = _known(state)
    nodes = [node for idea in state.ideas.values() for node in _nodes(state, known, idea)]
    return sorted(nodes, key=lambda node: (node.seq, node.attempt.idea, node.attempt.number))


def history_of(state: SessionState, idea: IdeaState) -> list[Node]:
    """The attempts at one idea, oldest first."""
    return _nodes(state, _known(state), idea)


def _known(state: SessionState) -> _Known:
    known = _Known()
    for gate in state.gates.values():
        if gate.kind == "patch" and gate.id in state.answers:
            known.answers[gate.commit] = state.answers[gate.id]
    for run in state.runs.values():
        if run.outcome not in _WELL and run.purpose in {"idea", "smoke"}:
            known.failed[run.commit].append(run)
    for moved in state.line:
        known.moves[moved.commit if moved.reason == "kept" else moved.of] = moved
    return known


def _nodes(state: SessionState, known: _Known, idea: IdeaState) -> list[Node]:
    judged = {verdict.commit: verdict for verdict in idea.verdicts}
    nodes = []
    for attempt in idea.attempts:
        verdict = judged.get(attempt.commit)
        fate: Fate = "superseded"
        if attempt.aside:
            why = _aside(idea, attempt)
        elif verdict is not None:
            fate, why = _of_verdict(known, idea, attempt, verdict)
        else:
            fate, why = _unjudged(state, known, idea, attempt)
        seq, time = idea.made.get(attempt.number, (0, ""))
        failed = known.failed[attempt.commit][-1].run if fate == "crashed" and attempt.commit in known.failed else ""
        nodes.append(Node(idea, attempt, fate, why, verdict, failed, seq, time))
    return nodes


def _of_verdict(known: _Known, idea: IdeaState, attempt: Attempt, judged: VerdictState) -> tuple[Fate, str]:
    verdict = judged.verdict
    if verdict.kind != "keep":
        return _BY_VERDICT[verdict.kind], verdict.rule
    moved = known.moves.get(attempt.commit)
    if moved is not None and moved.reason == "reverted":
        return "reverted", f"taken back by {moved.commit[:10]}; it was kept: {verdict.rule}"
    if moved is None and (anew := _written_anew(idea, attempt)) is not None:
        return "superseded", f"it beat its parent, and was written anew on the champion as {_name(anew)}"
    if moved is None and attempt is idea.attempt and idea.status in {"withdrawn", "pruned"}:
        return _ENDED[idea.status], idea.reason
    return "kept", verdict.rule


def _written_anew(idea: IdeaState, attempt: Attempt) -> Attempt | None:
    return next((later for later in idea.attempts if later.moved_from == attempt.commit), None)


def _unjudged(state: SessionState, known: _Known, idea: IdeaState, attempt: Attempt) -> tuple[Fate, str]:
    newest = attempt is idea.attempt
    answer = known.answers.get(attempt.commit)
    if answer is not None and answer.answer == "reject":
        return "rejected", _said(f"rejected by {_who(answer)}", answer.text)
    if newest:
        ended = _ENDED.get(idea.status)
        if ended is not None:
            return ended, idea.reason
        return ("sent back", _sent_back(answer)) if answer is not None and answer.answer == "feedback" else ("open", "")
    following = _name(idea.attempts[idea.attempts.index(attempt) + 1])
    if answer is not None and answer.answer == "feedback":
        return "sent back", _sent_back(answer)
    if answer is not None and answer.answer == "edit":
        return "superseded", f"edited by {_who(answer)}: {following}"
    if answer is not None and answer.patch:
        taken = f"hunk{'s' * (len(answer.hunks) > 1)} {', '.join(map(str, answer.hunks))}" if answer.hunks else "a part"
        were = "were" if len(answer.hunks) > 1 else "was"
        rest = f"; left out: {'; '.join(left.told for left in answer.left_out)}" if answer.left_out else ""
        return "superseded", _said(f"only {taken} of it {were} taken, as {following}{rest}", answer.text)
    if crash := _failure(state, known, attempt.commit):
        return "crashed", crash
    return "superseded", f"{following} took its place"


def _aside(idea: IdeaState, attempt: Attempt) -> str:
    """Why an attempt stands beside the others."""
    following = idea.attempts[idea.attempts.index(attempt) + 1 :]
    if not following:
        return "edited when the idea was decided; it was not run"
    if attempt.by == "agent":
        return f"as far as the agent had come when the researcher edited it: {_name(following[0])}"
    later = next((other for other in following if not other.aside), following[-1])
    return f"edited while the agent was to go on, which it did from here: {_name(later)}"


def _failure(state: SessionState, known: _Known, commit: str) -> str:
    """How the newest run of a commit failed, or why it could not run; empty where neither is known."""
    if failed := known.failed.get(commit):
        run = failed[-1]
        return f"run {run.run} at seed {run.seed}: {run.outcome}: {run.reason}".rstrip(": ")
    made = state.forecasts.get(commit)
    return made.obstacle if made is not None else ""


def _sent_back(answer: GateAnswered) -> str:
    return _said(f"sent back by {_who(answer)}", answer.text)


def _said(what: str, words: str) -> str:
    return f"{what}: “{words}”" if words else what


def _who(answer: GateAnswered) -> str:
    return "a rule" if answer.by == "rule" else f"the {answer.by}" if answer.by == "researcher" else answer.by


def _name(attempt: Attempt) -> str:
    return f"{attempt.idea}.{attempt.number}"


def words_of(node: Node) -> tuple[str, ...]:
    """What a search among attempts looks through besides their patches."""
    idea = node.idea.idea
    return (node.attempt.subject, idea.title, idea.hypothesis, node.why, *(said.text for said in node.idea.feedback))
