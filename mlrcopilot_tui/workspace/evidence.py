"""The evidence of a commit as a git note: lines for a reader of `git log --notes=mlrcopilot`, then the same as JSON."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.workspace.git import Repository, identity_variables
from mlrcopilot_tui.workspace.gitvalues import COPILOT, checked
from mlrcopilot_tui.workspace.messages import WIDTH

NOTES_REF = "refs/notes/mlrcopilot"
LOCK_NAME = "mlrcopilot-notes.lock"

_MARK = "mlrcopilot-evidence: "


class CommitEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured at one commit.

    `wall_s` is the wall time of its runs in seconds; `log_digests` are the SHA-256 of each seed's log; `contention`
    names runs whose result others had a part in, because they computed beside them.
    """

    session: str
    idea: int
    title: str
    commit: str
    parent: str
    metric: str
    direction: str
    verdict: Verdict
    wall_s: float = 0.0
    environment: dict[str, str] = {}
    log_digests: dict[int, str] = {}
    contention: str = ""


def evidence_text(evidence: CommitEvidence) -> str:
    """The lines that a person reads."""
    verdict = evidence.verdict
    lines = [f"{verdict.kind}: {one_line(evidence.title, WIDTH)}", f"by the rule: {one_line(verdict.rule, 200)}"]
    if verdict.effect is not None:
        relative = "" if verdict.relative is None else f" ({verdict.relative:+.2%})"
        interval = "" if verdict.interval is None else ", interval [{:.6g}, {:.6g}]".format(*verdict.interval)
        lines.append(f"improvement {verdict.effect:+.6g}{relative}{interval}")
    if evidence.contention:
        lines.append(f"measured under contention: {one_line(evidence.contention, 400)}")
    better = "lower" if evidence.direction == "min" else "higher"
    lines += ["", f"seed  {'parent':>12}  {'this':>12}  {one_line(evidence.metric, WIDTH)}, {better} is better"]
    for seed in sorted(verdict.values.keys() | verdict.parent_values.keys()):
        lines.append(f"{seed:>4}  {_number(verdict.parent_values.get(seed))}  {_number(verdict.values.get(seed))}")
    facts = [one_line(f"{name} {value}", 200) for name, value in sorted(evidence.environment.items())]
    return "\n".join([*lines, "", "; ".join([f"{evidence.wall_s:.1f} s of runs", *facts])])


def _number(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.6g'):>12}"


def write_note(repository: Repository, evidence: CommitEvidence) -> None:
    """Attaches the evidence to its commit, in place of what was attached before; safe from several processes."""
    data = json.dumps(msgspec.to_builtins(evidence, str_keys=True))  # ASCII only, because git shows notes as they are
    note = f"{evidence_text(evidence)}\n\n{_MARK}{data}\n"
    with _lock(repository.common_dir / LOCK_NAME):
        repository.run(
            *("notes", f"--ref={NOTES_REF}", "add", "--force", "--file=-", checked(evidence.commit)),
            stdin=note.encode(),
            environment=identity_variables(COPILOT, COPILOT),
        )


def read_note(repository: Repository, commit: str) -> CommitEvidence | None:
    """The evidence attached to a commit; None where there is none, or none that can be read."""
    shown = repository.run("notes", f"--ref={NOTES_REF}", "show", checked(commit), accept=(0, 1))
    marked = [line for line in shown.text.split("\n") if line.startswith(_MARK)]
    if shown.status or not marked:
        return None
    try:
        return msgspec.json.decode(marked[-1].removeprefix(_MARK), type=CommitEvidence)
    except msgspec.DecodeError:
        return None


def noted_commits(repository: Repository) -> frozenset[str]:
    """The commits that have evidence attached."""
    listed = repository.run("notes", f"--ref={NOTES_REF}", "list", accept=(0, 1))
    return frozenset(line.split()[-1] for line in listed.text.splitlines() if line)


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Waits for its turn: parallel `git notes add` loses notes silently.

    A mount without flock goes on unlocked: the journal is the truth, and notes can be written anew from it.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
