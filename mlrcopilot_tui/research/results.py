"""What a session leaves to its researcher: the kept ideas as a branch of their own, or as patch files."""

from dataclasses import dataclass

from mlrcopilot_tui.research.ablation_view import newest_table, signed
from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.session.state import SessionState, mean
from mlrcopilot_tui.workspace.evidence import evidence_text, read_note
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.patch_files import COVER, patch_files
from mlrcopilot_tui.workspace.promote import KeptPatch, promote, write_promoted


@dataclass(frozen=True, slots=True)
class Bundle:
    """The kept ideas as files: `base` is the commit that they apply to."""

    base: str
    files: dict[str, bytes]

    @property
    def command(self) -> str:
        """What applies them, less their names; git takes line ends of DOS away unless it is told to keep them."""
        return _command(self.files)


def _command(files: dict[str, bytes]) -> str:
    return "git am --keep-cr" if any(b"\r\n" in text for text in files.values()) else "git am"


def promote_session(repository: Repository, state: SessionState, branch: str) -> str:
    """Makes `branch` the session's kept ideas, one commit each with its evidence; returns its tip.

    Raises:
        RefusedError: nothing is kept, or the branch cannot be fast-forwarded.
    """
    return promote(repository, SessionLine(repository, state.session), kept_patches(repository, state), branch)


def bundle_session(repository: Repository, state: SessionState) -> Bundle:
    """The session's kept ideas as patch files, with a cover letter.

    Raises:
        RefusedError: nothing is kept.
    """
    line = SessionLine(repository, state.session)
    tip = write_promoted(repository, line, kept_patches(repository, state))
    files = patch_files(repository, line.base, tip)
    changes = repository.run("diff", "--stat=72", "--no-ext-diff", "--no-textconv", "--no-color", line.base, tip, "--")
    subject = repository.commit(line.base).subject
    letter = _letter(state, f'{line.base} "{subject}"', files, changes.text)
    return Bundle(line.base, {COVER: letter.encode("utf-8", "replace"), **files})


def promoted_in_words(state: SessionState, branch: str, tip: str) -> str:
    """That a branch is there, and how to look at it."""
    ways = f"Look with `git log -p {branch}`; merge or push it as any branch of yours."
    return " ".join([f"{branch} is at {tip[:10]}: {_counted(state)}.", ways, *reservations(state)])


def reservations(state: SessionState) -> tuple[str, ...]:
    """What is to be known of a champion that is taken home, as sentences."""
    unmeasured = state.champion is not None and state.champion.unmeasured
    return ("Nobody has measured it since a patch was reverted or redone.",) * unmeasured


def _counted(state: SessionState) -> str:
    count = len(standing(state))
    return f"{count} kept ideas, a commit each" if count > 1 else "the kept idea as a commit"


def kept_patches(repository: Repository, state: SessionState) -> list[KeptPatch]:
    """What the champion holds, oldest first, each patch with its evidence."""
    patches = []
    for idea, commit in standing(state):
        note, attempt = read_note(repository, commit), state.attempt_of(commit)
        patches.append(
            KeptPatch(
                idea=idea.idea.number,
                title=attempt.subject if attempt is not None else idea.idea.title,
                commit=commit,
                evidence="\n\n".join(
                    part for part in (idea.idea.hypothesis, evidence_text(note, titled=False) if note else "") if part
                ),
            )
        )
    return patches


def _letter(state: SessionState, base: str, files: dict[str, bytes], changes: str) -> str:
    """What the patches are, what each of them gave, and how they are applied."""
    started, champion, baseline = state.started, state.champion, state.baseline
    metric = started.metric if started else "the metric"
    task = (started.task if started else "") or "kept ideas"
    best = champion.values if champion else {}
    moved = ""
    if best and baseline is not None:
        gain = state.improvement()
        share = "" if gain is None else f" ({gain:+.1%})"
        moved = f", {metric} {mean(baseline.values.values()):.4g} -> {mean(best.values()):.4g}{share}"
    lines = [
        f"Subject: [PATCH 0/{len(files)}] {task}{moved}",
        f"Session: {state.session}",
        "",
        f"Apply them in this order to {base}:",
        "",
        f"    {_command(files)} *.patch",
        "",
        f"What each gave when it was kept, in {metric}, and what it gives the whole now:",
        "",
        *_gains(state),
        "",
        *reservations(state),
        changes,
    ]
    return "\n".join(lines).rstrip() + "\n"


def _gains(state: SessionState) -> list[str]:
    """One line a patch; what it gives now is known where an ablation of this champion was done."""
    table = newest_table(state)
    fresh = table is not None and state.champion is not None and table.champion == state.champion.commit
    now = {row.part.idea: row for row in table.rows} if table is not None and fresh else {}
    rows = []
    for number, (idea, commit) in enumerate(standing(state), 1):
        kept: Verdict | None = next((one.verdict for one in idea.verdicts if one.commit == commit), None)
        row, attempt = now.get(idea.idea.number), state.attempt_of(commit)
        today = f"{signed(row.now)} {row.finding}" if row is not None else "not measured"
        seeds = len(kept.values) if kept else 0
        title = attempt.subject if attempt is not None else idea.idea.title
        rows += [f"  {number}. {title} (idea {idea.idea.number})",
                 f"     kept: {signed(kept)} over {seeds} seeds; now: {today}"]  # fmt: skip
    return rows
