"""The actions that end an attempt: hand the patch in, or give the idea up."""

import ast
import warnings
from pathlib import PurePosixPath
from typing import Annotated, Final

import msgspec

from mlrcopilot_tui.agents.base import Proposal, Withdrawal
from mlrcopilot_tui.agents.claude.actions.action import Action, Observation, Workbench
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.session.model import PlanClaim
from mlrcopilot_tui.text import one_line, printable

SUBJECT_WIDTH: Final = 72
BODY_LIMIT: Final = 4_000
_NOTE_WIDTH: Final = 200


class StepClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent says of one step of the plan."""

    step: Annotated[int, msgspec.Meta(ge=1, description="The step's number in the plan.")]
    done: bool
    where: Annotated[
        str, msgspec.Meta(description="The lines of the file as it is now that do it, as train.py:41-52; else empty.")
    ] = ""
    by_run: Annotated[
        bool, msgspec.Meta(description="The runs that follow carry this step out, e.g. train over seeds and compare.")
    ] = False
    note: Annotated[str, msgspec.Meta(description="One sentence.")] = ""


class FinalAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The patch with its words."""

    subject: Annotated[str, msgspec.Meta(description="The commit's subject: imperative, under 72 characters.")]
    body: Annotated[str, msgspec.Meta(description="Why the change should help, and what you checked and saw.")]
    plan: Annotated[
        list[StepClaim], msgspec.Meta(description="Every step of the plan: done or not, and where in the whole patch.")
    ]
    evidence: Annotated[
        str, msgspec.Meta(description="What executed code printed that speaks for the change; empty if nothing did.")
    ] = ""


class GiveUp(msgspec.Struct, frozen=True, kw_only=True):
    """Why the idea cannot be tested here."""

    reason: Annotated[str, msgspec.Meta(min_length=1, description="One sentence for the researcher.")]


async def hand_in(bench: Workbench, answer: FinalAnswer) -> Observation:
    """Ends the attempt with a proposal, once everything that is claimed can stand.

    An unchanged tree and a Python file that does not parse are refused. So are numbers that no code computed, once;
    if they come again they stay, marked as unverified, and a subject that states one gives way to the idea's title.
    """
    if bench.unseen:
        files = ", ".join(sorted(bench.unseen))
        return Observation(f"ERROR: not handed in: the researcher changed {files} meanwhile. Look, then hand in.", True)
    changed = bench.changed()
    if not changed:
        return Observation("ERROR: nothing is changed yet; edit a file that is editable, or give the idea up.", True)
    if broken := unparsable(bench, changed):
        return Observation(f"ERROR: {broken} Mend it, then hand in again.", True)
    parts = [part.strip() for part in (answer.body, answer.evidence) if part.strip()]
    body = printable("\n\n".join(parts)[:BODY_LIMIT], keep_newlines=True)
    unbacked = bench.numbers.unbacked(f"{answer.subject}\n{body}")
    if unbacked and not bench.warned_of_numbers:
        bench.warned_of_numbers = True
        return Observation(
            f"ERROR: not handed in: no run or execution gave {', '.join(unbacked)}. Leave such numbers out, call them "
            "a guess or a quotation in their sentence, or have code compute them.",
            True,
        )
    subject = answer.subject if not bench.numbers.unbacked(answer.subject) else bench.assignment.idea.title
    bench.final = Proposal(
        subject=subject_line(subject, bench.assignment.idea.title),
        body=bench.numbers.marked(body),
        claims=tuple(_claim(claim) for claim in answer.plan),
    )
    return Observation("Handed in.")


async def give_up(bench: Workbench, answer: GiveUp) -> Observation:
    """Ends the attempt without a patch."""
    bench.final = Withdrawal(one_line(answer.reason, 500))
    return Observation("Given up.")


def subject_line(subject: str, otherwise: str) -> str:
    """A commit's subject of what may be anything: one line under 72 columns, capital first, no full stop."""
    for text in (subject, otherwise, "Change the experiment"):
        if line := one_line(text, SUBJECT_WIDTH - 1).strip("#*`\"' ").rstrip("."):
            return line[0].upper() + line[1:]
    raise AssertionError("the last text is one")


def unparsable(bench: Workbench, changed: tuple[PurePosixPath, ...]) -> str:
    """Which changed Python file is none, and where; empty where all of them are."""
    for path in changed:
        if path.suffix != ".py":
            continue
        try:
            with warnings.catch_warnings(action="ignore"):
                ast.parse(bench.brief.tree.read(path))
        except InputError:  # it was removed
            continue
        except (SyntaxError, ValueError) as error:
            line = f" at line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else f": {error}"
            return f"{path} is no valid Python{line}."
    return ""


def _claim(claim: StepClaim) -> PlanClaim:
    return PlanClaim(
        step=claim.step,
        done=claim.done,
        where=one_line(claim.where, _NOTE_WIDTH),
        by_run=claim.by_run,
        note=one_line(claim.note, _NOTE_WIDTH),
    )


ACTIONS: tuple[Action, ...] = (
    Action(
        "final_answer",
        "Hands the patch in and ends the attempt: the tree as it stands becomes one commit, which is run and judged.",
        FinalAnswer,
        hand_in,
    ),
    Action(
        "give_up",
        "Ends the attempt without a patch, because the idea cannot be tested here. Only after you tried.",
        GiveUp,
        give_up,
    ),
)
