"""What the researcher's words are about, looked up where they only name it: hunks by number, runs, verdicts."""

from collections.abc import Sequence

from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.session.model import Attempt, Decision, Gate
from mlrcopilot_tui.session.subjects import HunkNote, LeftOut, Subject
from mlrcopilot_tui.workspace.patch import DiffLine, FileChange, Hunk, Patch, parse

EXCERPT_LINES = 60
EXCERPT_CHARACTERS = 4_000


def subject_of(bench: Bench, decision: Decision, gate: Gate | None) -> Subject:
    """What the words of a decision are about; many waits, so call it in a thread.

    Raises:
        InputError: there is no such idea, attempt, hunk, run or verdict.
    """
    wanted = decision.about or Subject(kind="session", idea=decision.idea)
    idea = gate.idea if gate is not None else wanted.idea or decision.idea
    if wanted.kind == "run" or (wanted.run and wanted.kind == "session"):
        return _run(bench, wanted.run)
    if idea and idea not in bench.state.ideas:
        raise InputError(f"There is no idea {idea}.", "`mlrcopilot feedback 0 TEXT` speaks to the whole session.")
    if wanted.kind == "verdict":
        return _verdict(bench, idea, wanted.commit)
    if wanted.kind == "hunk":
        note = HunkNote(text=decision.text, hunk=wanted.hunk, first=wanted.first, last=wanted.last)
        return on_hunk(bench, _attempt(bench, idea, wanted.commit or (gate.commit if gate else "")), note)
    if gate is not None and gate.kind == "patch":
        attempt = _attempt(bench, idea, gate.commit)
        return Subject(kind="patch", idea=idea, attempt=attempt.number, commit=attempt.commit)
    return Subject(kind="idea" if idea else "session", idea=idea)


def on_hunk(bench: Bench, attempt: Attempt, note: HunkNote) -> Subject:
    """What a note on an attempt is about: a hunk or lines of it, or the whole patch.

    Raises:
        InputError: the patch has no such hunk.
    """
    about = Subject(kind="patch", idea=attempt.idea, attempt=attempt.number, commit=attempt.commit)
    if not note.hunk:
        return about
    file, hunk = _hunk(parse(bench.patch_file(attempt.commit).read_text("utf-8")), note.hunk)
    lines = hunk.lines[max(0, note.first - 1) : note.last] if note.last else hunk.lines
    first, last = _span(lines)
    return Subject(
        kind="hunk",
        idea=attempt.idea,
        attempt=attempt.number,
        commit=attempt.commit,
        hunk=note.hunk,
        path=file.path,
        first=first,
        last=last,
        excerpt=_excerpt(lines),
    )


def left_out(bench: Bench, attempt: Attempt, tree: str, notes: Sequence[HunkNote]) -> tuple[LeftOut, ...]:
    """What of an attempt's patch is not in `tree`, which holds the part of it that is taken."""
    whole = parse(bench.patch_file(attempt.commit).read_text("utf-8"))
    rest = parse(bench.repository.diff(tree, attempt.commit))
    found: list[LeftOut] = []
    for file in rest.files:
        found += [_left(whole, file, hunk, notes) for hunk in file.hunks] or [LeftOut(path=file.path)]
    return tuple(found)


def _left(whole: Patch, file: FileChange, hunk: Hunk, notes: Sequence[HunkNote]) -> LeftOut:
    kinds = [line.kind for line in hunk.lines]
    first, last = _span(hunk.lines)
    number = _number_of(whole, file.path, hunk)
    return LeftOut(
        path=file.path,
        hunk=number,
        first=first,
        last=last,
        added=kinds.count("add"),
        removed=kinds.count("remove"),
        why="; ".join(note.text for note in notes if note.hunk == number),
    )


def _number_of(whole: Patch, path: str, part: Hunk) -> int:
    """The hunk of the whole patch that a part of it lies in: both count lines of the patched file."""
    hunks = next((file.hunks for file in whole.files if file.path == path), ())
    changed = [part.lines[at] for at in part.changed]
    wanted = {(line.kind, line.text, line.new_no) for line in changed}
    removed = {(line.kind, line.text) for line in changed if line.kind == "remove"}

    def alike(hunk: Hunk) -> int:
        own = [hunk.lines[at] for at in hunk.changed]
        same = sum((line.kind, line.text, line.new_no) in wanted for line in own if line.kind == "add")
        return same + sum((line.kind, line.text) in removed for line in own)

    best = max(hunks, key=lambda hunk: (alike(hunk), -abs(hunk.new_start - part.new_start)), default=None)
    return best.index if best is not None else 0


def _hunk(patch: Patch, number: int) -> tuple[FileChange, Hunk]:
    for file in patch.files:
        for hunk in file.hunks:
            if hunk.index == number:
                return file, hunk
    raise InputError(f"The patch has no hunk {number}.", f"Its hunks are numbered 1 to {len(patch.hunks)}.")


def _span(lines: Sequence[DiffLine]) -> tuple[int, int]:
    """The first and the last changed line: added ones in the new file, else removed ones in the old."""
    added = [line.new_no for line in lines if line.kind == "add" and line.new_no is not None]
    removed = [line.old_no for line in lines if line.kind == "remove" and line.old_no is not None]
    kept = [line.new_no for line in lines if line.new_no is not None]
    numbers = added or removed or kept or [0]
    return numbers[0], numbers[-1]


def _excerpt(lines: Sequence[DiffLine]) -> str:
    signs = {"context": " ", "add": "+", "remove": "-"}
    text = "\n".join(signs[line.kind] + line.text for line in lines[:EXCERPT_LINES])
    return text[:EXCERPT_CHARACTERS]


def _attempt(bench: Bench, idea: int, commit: str) -> Attempt:
    state = bench.state.ideas.get(idea)
    attempts = state.attempts if state is not None else []
    found = next((attempt for attempt in reversed(attempts) if not commit or attempt.commit == commit), None)
    if found is None:
        raise InputError(f"Idea {idea} has no patch{f' {commit[:10]}' if commit else ''} yet.")
    return found


def _run(bench: Bench, name: str) -> Subject:
    run = bench.state.runs.get(name)
    if run is None:
        raise InputError(f"There is no run {name!r}.", "`mlrcopilot show IDEA --json` names the runs of an idea.")
    return Subject(kind="run", idea=run.idea, attempt=run.attempt, commit=run.commit, run=name)


def _verdict(bench: Bench, idea: int, commit: str) -> Subject:
    state = bench.state.ideas.get(idea)
    judged = [v for v in state.verdicts if not commit or v.commit == commit] if state is not None else []
    if not judged:
        raise RefusedError(f"Idea {idea} has no verdict yet.", f"`mlrcopilot feedback {idea} TEXT` speaks about it.")
    return Subject(kind="verdict", idea=idea, attempt=judged[-1].attempt, commit=judged[-1].commit)
