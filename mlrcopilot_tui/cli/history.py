"""Looking back: `log` with every attempt and the staircase, `diff` of any two, and `show` of one attempt."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import bar, columns, dollars, number, percent, say, say_diff, say_json
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.text import printable, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlrcopilot_tui.cli.reading import ReadSession
    from mlrcopilot_tui.research.fates import Node
    from mlrcopilot_tui.session.state import SessionState
    from mlrcopilot_tui.workspace.git import Repository

SOUGHT = (
    "kept",
    "discarded",
    "inconclusive",
    "crashed",
    "rejected",
    "sent-back",
    "superseded",
    "withdrawn",
    "pruned",
    "reverted",
)
"""The fates that `log` can be asked for."""


def add(commands: Commands) -> None:
    """Adds the commands."""
    log = add_command(commands, "log", show_log, "the experiments, oldest first", positional_dir=True, in_session=True)
    log.add_argument("--json", action="store_true", help="as JSON")
    log.add_argument("--all", action="store_true", help="every attempt, rejected and crashed ones too, with the reason")
    log.add_argument("--idea", metavar="N", type=int, help="every attempt at one idea")
    log.add_argument(
        "--grep", metavar="RE", type=_pattern, help="attempts with this in subject, reason, hypothesis or patch"
    )
    for fate in SOUGHT:
        log.add_argument(
            f"--{fate}", dest="fates", action="append_const", const=fate.replace("-", " "), help=f"attempts: {fate}"
        )
    diff = add_command(commands, "diff", show_diff, "two attempts or commits against each other", in_session=True)
    named = "an attempt (3.2), an idea (3: its newest), `champion`, `starter`, a commit or a branch"
    diff.add_argument("a", metavar="A", help=named)
    diff.add_argument("b", metavar="B", nargs="?", help="default: what A stands on against A")
    diff.add_argument("--stat", action="store_true", help="only which files, with counts of lines")
    diff.add_argument("--json", action="store_true", help="as JSON")


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"is no regular expression: {error}") from error


def show_log(arguments: argparse.Namespace) -> int:
    """The experiments with their verdicts, or the attempts that were asked for."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this

    read = read_session(folder_of(arguments), arguments.session)
    if arguments.all or arguments.fates or arguments.grep or arguments.idea is not None:
        return _show_attempts(read, arguments)
    return _show_experiments(read.state, as_json=arguments.json)


def _show_experiments(state: SessionState, *, as_json: bool) -> int:
    from mlrcopilot_tui.research.fates import history  # noqa: PLC0415 - as in show_log
    from mlrcopilot_tui.research.views import log_view  # noqa: PLC0415

    view = log_view(state)
    if as_json:
        say_json(view)
        return 0
    if not view:
        say("No experiment has a verdict yet.")
        return 0
    paid = bool(state.spending.calls)
    stairs, gone = _stairs(state), {node.attempt.commit for node in history(state) if node.fate == "reverted"}
    rows = [
        (
            str(one["idea"]), f"{one['verdict']}{', reverted' * (one['commit'] in gone)}", _relative(one),
            _mean(one["metric"]), best,
            str(len(one["metric"])), span(one["wall_s"]), *[dollars(state.ideas[one["idea"]].spending)] * paid,
            one["commit"][:10], one["title"],
        )
        for one, best in zip(view, stairs[1:], strict=True)
    ]  # fmt: skip
    cost = ("cost",) * paid
    say(
        columns(
            rows, head=("idea", "verdict", "effect", "metric", "best so far", "seeds", "wall", *cost, "commit", "title")
        )
    )
    for told, those in (
        ("Without a sandbox", [one["idea"] for one in view if one["sandbox"] == "plain"]),
        ("With the network on", [one["idea"] for one in view if one["network"] and one["sandbox"] != "plain"]),
    ):
        if those:
            say(f"{told}: idea {', '.join(map(str, dict.fromkeys(those)))}.")
    return 0


def _stairs(state: SessionState) -> list[str]:
    """The best value after the starter and after each experiment, each with a bar: read downwards it is a staircase."""
    from mlrcopilot_tui.research.staircase import staircase  # noqa: PLC0415 - as in show_log

    best = [stair.best for stair in staircase(state)]
    known = [value for value in best if value is not None]
    if not known:
        return ["-"] * len(best)
    low, high = min(known), max(known)
    shares = [1.0 if value is None or high == low else (1 + 7 * (value - low) / (high - low)) / 8 for value in best]
    figures = [number(value) for value in best]
    width = max(map(len, figures))
    return [f"{figure:<{width}} {bar(share)}" for figure, share in zip(figures, shares, strict=True)]


def _mean(values: dict[str, float]) -> str:
    return number(sum(values.values()) / len(values) if values else None)


def _relative(one: dict[str, object]) -> str:
    parent = one.get("parent_metric")
    if not isinstance(parent, dict) or not parent or not isinstance(one["effect"], float):
        return "-"
    base = sum(parent.values()) / len(parent)
    return percent(one["effect"] / abs(base)) if base else number(one["effect"])


def _show_attempts(read: ReadSession, arguments: argparse.Namespace) -> int:
    from mlrcopilot_tui.research.history_views import history_view  # noqa: PLC0415 - as in show_log

    nodes = _sought(read, arguments.fates or (), arguments.idea, arguments.grep)
    view = history_view(read.state, nodes)
    if arguments.json:
        say_json(view)
        return 0
    rows = [
        (
            f"{one['idea']}.{one['attempt']}", one["fate"], one["by"], one["time"][:16].replace("T", " "),
            _relative(one), _mean(one.get("metric", {})), one["commit"][:10], one["subject"],
        )
        for one in view
    ]  # fmt: skip
    if not rows:
        say("No attempt is like that." if arguments.fates or arguments.grep else "There is no attempt yet.")
        return 0
    lines = columns(rows, head=("", "fate", "by", "when (UTC)", "effect", "metric", "commit", "subject")).split("\n")
    told = [lines[0]]
    for line, node in zip(lines[1:], nodes, strict=True):
        told += [line, *[f"     {printable(node.why)}"] * bool(node.why and node.judged is None)]
    say("\n".join(told))
    return 0


def _sought(read: ReadSession, fates: Sequence[str], idea: int | None, pattern: re.Pattern[str] | None) -> list[Node]:
    """The attempts of these fates (of all where none is named), at this idea, with the pattern anywhere in them."""
    from mlrcopilot_tui.research.fates import history, words_of  # noqa: PLC0415 - as in show_log

    if idea is not None and idea not in read.state.ideas:
        raise InputError(f"There is no idea {idea}.", "`mlrcopilot log --all` lists every attempt.")
    nodes = [node for node in history(read.state) if not fates or node.fate in fates]
    nodes = [node for node in nodes if idea is None or node.attempt.idea == idea]
    if pattern is None:
        return nodes
    return [
        node
        for node in nodes
        if any(pattern.search(words) for words in words_of(node)) or pattern.search(_patch(read, node))
    ]


def _patch(read: ReadSession, node: Node) -> str:
    """The attempt's patch, as it lies on the disk; empty where it does not."""
    file = read.layout.session(read.state.session) / "patches" / f"{node.attempt.commit}.diff"
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""


def show_attempt(read: ReadSession, name: str, *, as_json: bool) -> int:
    """One attempt: its patch, its runs, its fate and the reason."""
    from mlrcopilot_tui.cli.reading import attempt_of  # noqa: PLC0415 - as in show_log
    from mlrcopilot_tui.research.fates import history_of  # noqa: PLC0415
    from mlrcopilot_tui.research.history_views import runs_of, shown_attempt_view  # noqa: PLC0415
    from mlrcopilot_tui.session.tag_words import lines_of  # noqa: PLC0415

    attempt = attempt_of(read.state, name)
    if attempt is None:
        raise InputError(f"No attempt goes by {name[:40]!r}.", "`mlrcopilot log --all` lists them.")
    node = next(node for node in history_of(read.state, read.state.ideas[attempt.idea]) if node.attempt is attempt)
    patch = _patch(read, node)
    if as_json:
        say_json(shown_attempt_view(read.state, node, patch))
        return 0
    lines = [f"{node.name} {attempt.subject} [{node.fate}]", *[f"  {node.why}"] * bool(node.why)]
    lines += [f"  by the {attempt.by}, {node.time[:16].replace('T', ' ')} UTC, at {attempt.commit[:10]}"]
    lines += [f"  on {attempt.parent[:10]}{_known_as(read.state, attempt.parent)}"]
    lines += [f"Idea {attempt.idea}: {node.idea.idea.title}", f"Hypothesis: {node.idea.idea.hypothesis}"]
    lines += [f"  {line}" for line in lines_of(attempt.tags)]
    lines += [f"Said: {said.text}" for said in node.idea.feedback]
    rows = [
        (
            f"  {run.run}",
            f"seed {run.seed}",
            run.purpose,
            run.outcome or "on",
            number(run.value),
            span(run.wall_s),
            run.reason,
        )
        for run in runs_of(read.state, node)
    ]
    say("\n".join([*lines, *([columns(rows)] if rows else []), ""]))
    say_diff(patch.rstrip("\n"))
    return 0


def _known_as(state: SessionState, commit: str) -> str:
    if state.started is not None and commit == state.started.base:
        return ", the starter"
    attempt = state.attempt_of(commit)
    return f", attempt {attempt.idea}.{attempt.number}" if attempt is not None else ""


def show_diff(arguments: argparse.Namespace) -> int:
    """The difference between two commits; with one, between what it stands on and itself."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.workspace.git import Repository  # noqa: PLC0415
    from mlrcopilot_tui.workspace.patch import parse  # noqa: PLC0415

    read = read_session(folder_of(arguments), arguments.session)
    repository = Repository(read.layout.root)
    a, b = _two(read.state, repository, arguments.a, arguments.b)
    text = repository.diff(a, b)
    files = parse(text).files
    if arguments.json:
        told = [{"path": f.path, "hunks": len(f.hunks), "kind": f.kind, **_counts(f.hunks)} for f in files]
        say_json({"a": a, "b": b, "files": told, "diff": text})
    elif not text:
        sys.stderr.write("The two have the same files.\n")
    elif arguments.stat:
        counts = [(file.path, _counts(file.hunks)) for file in files]
        say(columns([(path, f"+{each['added']}", f"-{each['removed']}") for path, each in counts]))
    else:
        say_diff(text.rstrip("\n"))
    return 0


def _two(state: SessionState, repository: Repository, a: str, b: str | None) -> tuple[str, str]:
    from mlrcopilot_tui.cli.reading import commit_of  # noqa: PLC0415 - as in show_diff

    first = repository.resolve(commit_of(state, a))
    if b is not None:
        return first, repository.resolve(commit_of(state, b))
    attempt = state.attempt_of(first)
    parents = (attempt.parent,) if attempt is not None else repository.commit(first).parents
    if not parents:
        raise InputError(f"{first[:10]} is the first commit of all.", "Name two: `mlrcopilot diff A B`.")
    return parents[0], first


def _counts(hunks: Sequence[Any]) -> dict[str, int]:
    kinds = [line.kind for hunk in hunks for line in hunk.lines]
    return {"added": kinds.count("add"), "removed": kinds.count("remove")}
