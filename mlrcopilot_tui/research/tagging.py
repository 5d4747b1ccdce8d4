"""Tags of an attempt: made when it is recorded, journaled with it, and told wherever somebody decides on it."""

from collections.abc import Sequence

from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.research.tampering import Facts, Tag, tamper_tags
from mlrcopilot_tui.session.events import GateAnswered
from mlrcopilot_tui.session.model import Attempt, Gate
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.session.tag_words import place_of, tagged
from mlrcopilot_tui.workspace.config import WorkspaceConfig
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.patch import Patch

_UNJUDGED = "The tamper rules broke on this patch, so that nobody has judged it."


def facts_of(config: WorkspaceConfig) -> Facts:
    """What the rules are told of a workspace's contract."""
    return Facts(
        command=config.run.command,
        metric=config.metric.name,
        direction=config.metric.direction,
        editable=config.files.editable,
        protected=config.files.protected,
        hidden=config.files.hidden,
        shared=config.files.shared,
        evaluate=config.evaluate.command,
    )


def tag_patch(repository: Repository, patch: Patch, parent: str, commit: str, facts: Facts) -> tuple[Tag, ...]:
    """The tags of the patch between two commits; one that says so where the rules fail, which stops nothing else."""
    texts = [file for file in patch.files if not file.binary]
    before = {file.old_path: _text(repository, parent, file.old_path) for file in texts if file.kind != "added"}
    after = {file.path: _text(repository, commit, file.path) for file in texts if file.kind != "deleted"}
    try:
        return tamper_tags(patch, before, after, facts)
    except Exception:  # noqa: BLE001  whatever it is, the patch is to be looked at, and the session goes on
        path = patch.files[0].path if patch.files else ""
        return (Tag(rule="unjudged", hunk=min(1, len(patch.hunks)), path=path, line=1, excerpt="", why=_UNJUDGED),)


def _text(repository: Repository, commit: str, path: str) -> str:
    return (repository.read_file(commit, path) or b"").decode("utf-8", "replace")


def warning_of(attempt: Attempt) -> str:
    """What a question on an attempt says of its tags, as a sentence; empty without any."""
    return f"Tagged {tagged(attempt.tags)}: look at these hunks first." if attempt.tags else ""


def refusal_of(tags: Sequence[Tag]) -> str:
    """Why a tagged patch is rejected where nobody is there to look at it."""
    first = tags[0]
    return f"Tagged {tagged(tags)}, and nobody is there to approve that. {place_of(first)}: {first.why}"


def unseen_tags(state: SessionState, attempt: Attempt) -> tuple[Tag, ...]:
    """The tags of an attempt that nobody has approved with them in view.

    What was written anew from an attempt, or is a part of one, was approved as far as that attempt had the same tags
    and the researcher, not a rule, said yes to it.
    """
    if not attempt.tags:
        return ()
    source = _source(state, attempt)
    if source is None:
        return attempt.tags
    unseen = () if _approved(state, source) else unseen_tags(state, source)
    seen = {_mark(tag) for tag in source.tags} - {_mark(tag) for tag in unseen}
    return tuple(tag for tag in attempt.tags if _mark(tag) not in seen)


def answer_by_rule(state: SessionState, settings: Settings, gate: Gate, attempt: Attempt) -> GateAnswered | None:
    """What the session's own rule says to a patch: a tagged one is approved by a person, or by nobody."""
    if settings.patches != "auto":
        return None
    if tags := unseen_tags(state, attempt):
        reject = GateAnswered(gate=gate.id, answer="reject", by="rule", text=refusal_of(tags))
        return reject if settings.auto else None
    return GateAnswered(gate=gate.id, answer="approve", by="rule")


def _mark(tag: Tag) -> tuple[str, str, str]:
    return tag.rule, tag.path, tag.excerpt


def _source(state: SessionState, attempt: Attempt) -> Attempt | None:
    """The attempt that another comes from without new work: on another parent, or as a part of it."""
    if attempt.moved_from:
        return state.attempt_of(attempt.moved_from)
    idea = state.ideas.get(attempt.idea)
    before = [other for other in idea.proposals if other.number < attempt.number] if idea else []
    return before[-1] if before and attempt.by == "researcher" and _approved(state, before[-1]) else None


def _approved(state: SessionState, attempt: Attempt) -> bool:
    """Whether a person, not a rule, has said yes to an attempt or a part of it."""
    gates = [gate.id for gate in state.gates.values() if gate.kind == "patch" and gate.commit == attempt.commit]
    answer = state.answers.get(gates[-1]) if gates else None
    return answer is not None and answer.answer == "approve" and answer.by != "rule"
