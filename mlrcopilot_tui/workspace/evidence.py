"""The evidence of a commit as a git note: lines for a reader of `git log --notes=mlrcopilot`, then the same as JSON."""

import json

import msgspec

from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.messages import WIDTH
from mlrcopilot_tui.workspace.notes import read_text, write_notes

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


def evidence_text(evidence: CommitEvidence, *, titled: bool = True) -> str:
    """The lines that a person reads; where the idea's title stands over them already, not `titled`."""
    verdict = evidence.verdict
    rule = f"by the rule: {one_line(verdict.rule, 200)}"
    titled_by = [f"{verdict.kind}: {one_line(evidence.title, WIDTH)}", rule]
    lines = titled_by if titled else [f"{verdict.kind} {rule}"]
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


def evidence_note(evidence: CommitEvidence) -> str:
    """The lines for a person and the line for a program."""
    data = json.dumps(msgspec.to_builtins(evidence, str_keys=True))  # ASCII only, because git shows notes as they are
    return f"{evidence_text(evidence)}\n\n{_MARK}{data}\n"


def write_note(repository: Repository, evidence: CommitEvidence) -> None:
    """Attaches the evidence to its commit, in place of what was attached before; safe from several processes."""
    write_notes(repository, {evidence.commit: evidence_note(evidence)})


def read_note(repository: Repository, commit: str) -> CommitEvidence | None:
    """The evidence attached to a commit; None where there is none, or none that can be read."""
    marked = [line for line in read_text(repository, commit).split("\n") if line.startswith(_MARK)]
    if not marked:
        return None
    try:
        return msgspec.json.decode(marked[-1].removeprefix(_MARK), type=CommitEvidence)
    except msgspec.DecodeError:
        return None
