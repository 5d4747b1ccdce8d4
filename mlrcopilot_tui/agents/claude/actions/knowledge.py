"""The actions that think over what is known: the research log, reflection on it, understanding a long file."""

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec

from mlrcopilot_tui.agents.claude.actions.action import Action, Observation, Workbench
from mlrcopilot_tui.agents.claude.actions.paths import PathField, visible_path
from mlrcopilot_tui.agents.claude.actions.views import LIMIT, fitting, lines_of, numbered
from mlrcopilot_tui.agents.claude.fences import FENCE_RULE, cleaned, fenced
from mlrcopilot_tui.agents.claude.turns import Request
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.likeness import likeness
from mlrcopilot_tui.session.entities import IdeaState

PIECE_CHARS: Final = 10_000
MOST_PIECES: Final = 12
ENTRY_LIMIT: Final = 900
MOST_ENTRIES: Final = 8
REFLECTED_CHARS: Final = 24_000
ANSWER_TOKENS: Final = 1_000

_READER: Final = (
    "You help a research engineer to understand a file of an ML project. Say only what the lines shown hold, name line "
    f"numbers for each statement, and say plainly when they hold nothing of what is asked.\n\n{FENCE_RULE}"
)
_REFLECTOR: Final = (
    "You help a research engineer to think over an ML experiment from its research log. Keep what code measured apart "
    "from what is assumed, name the entries that you rest on, and state no number that the log does not hold."
    f"\n\n{FENCE_RULE}"
)


class UnderstandFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for in which file."""

    path: PathField
    things_to_look_for: Annotated[str, msgspec.Meta(min_length=3, max_length=1000, description="A detailed question.")]


class AppendToResearchLog(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is worth keeping."""

    entry: Annotated[
        str, msgspec.Meta(min_length=3, max_length=2000, description="A finding with what shows it, or a decision.")
    ]


class RetrieveFromResearchLog(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to recall."""

    query: Annotated[str, msgspec.Meta(description="Words that the entries should hold; empty for the newest.")] = ""


class Reflection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to think over."""

    things_to_reflect_on: Annotated[str, msgspec.Meta(min_length=3, max_length=1000)]


async def understand_file(bench: Workbench, asked: UnderstandFile) -> Observation:
    """Has the fast model read a file in pieces, with line numbers, and merges what it found."""
    path = visible_path(bench.brief, asked.path)
    text = bench.brief.tree.read(path)
    pieces = list(_pieces(lines_of(text)))
    if len(pieces) > MOST_PIECES:
        mend = "Find the places with search_files and inspect them."
        raise InputError(f"{path} is too long to be read as a whole: {len(text):,} characters.", mend)
    bench.numbers.read(text)
    wish = fenced("what is looked for", asked.things_to_look_for, 1_000)
    found = []
    for number, piece in enumerate(pieces, start=1):
        part = f"piece {number} of {len(pieces)} of {path}"
        found.append(await _told(bench, _READER, f"{wish}\n\n{fenced(part, piece, 2 * PIECE_CHARS)}", "understanding"))
    if len(found) > 1:
        parts = "\n\n".join(found)
        merge = f"{wish}\n\nMerge these notes on the pieces of {path}; keep the line numbers.\n\n"
        found = [await _told(bench, _READER, merge + fenced("notes", parts, 4 * PIECE_CHARS), "understanding")]
    return Observation(fenced(f"a reading of {path} by the fast model", "".join(found) or "The file is empty.", LIMIT))


async def append_to_research_log(bench: Workbench, asked: AppendToResearchLog) -> Observation:
    """Keeps an entry, for this attempt and, in the journal, for those to come."""
    entry = cleaned(asked.entry).strip()
    bench.log.append(entry)
    bench.brief.say("note", entry)
    return Observation("Kept in the research log.")


async def retrieve_from_research_log(bench: Workbench, asked: RetrieveFromResearchLog) -> Observation:
    """Finds the entries that are most like a query; the newest where there is none."""
    entries = research_log(bench)
    scores = likeness(asked.query, entries) if asked.query.strip() else [1.0] * len(entries)
    ranked = sorted(range(len(entries)), key=lambda at: (-scores[at], -at))
    best = sorted(at for at in ranked[:MOST_ENTRIES] if scores[at] > 0)
    if not best:
        return Observation(f"None of the log's {len(entries)} entries is about that.")
    text = "\n\n".join(f"[{at + 1}] {entries[at]}" for at in best)
    return Observation(f"{len(best)} of {len(entries)} entries, oldest first.\n{fenced('research log', text, LIMIT)}")


async def reflection(bench: Workbench, asked: Reflection) -> Observation:
    """Has the fast model think over the research log."""
    log = fenced("research log", "\n\n".join(research_log(bench)), REFLECTED_CHARS, keep="ends")
    wish = fenced("what to reflect on", asked.things_to_reflect_on, 1_000)
    told = await _told(bench, _REFLECTOR, f"{log}\n\nThe metric is {bench.brief.metric}.\n\n{wish}", "reflection")
    return Observation(fenced("a reflection by the fast model", told, LIMIT))


def research_log(bench: Workbench) -> list[str]:
    """The research log, oldest entry first: the session's ideas and their ends, what was said, what was noted."""
    state, own = bench.brief.state, bench.assignment.idea.number
    entries = [_entry_of(idea) for idea in state.ideas.values() if idea.verdicts or idea.reason]
    entries += [f"The researcher said: {said.text}" for said in state.words.values() if said.stands()]
    entries += [
        f"{said.agent} on idea {said.idea}, {said.kind}: {said.text}"
        for _, said in state.talk
        if said.kind == "note" or (said.idea == own and said.kind in {"thought", "observation"})
    ]
    known = {said.text for _, said in state.talk if said.kind == "note"}
    entries += [entry for entry in bench.log if entry not in known]
    return [entry if len(entry) <= ENTRY_LIMIT else f"{entry[:ENTRY_LIMIT]} …" for entry in map(cleaned, entries)]


def _entry_of(idea: IdeaState) -> str:
    about = f"Idea {idea.idea.number}, {idea.idea.title}: {idea.idea.hypothesis} It ended {idea.status}."
    if verdict := idea.verdict:
        values = ", ".join(f"seed {seed}: {value:.6g}" for seed, value in sorted(verdict.values.items()))
        parent = ", ".join(f"seed {seed}: {value:.6g}" for seed, value in sorted(verdict.parent_values.items()))
        about += (
            f" Verdict {verdict.kind}: {verdict.rule} Measured {values or 'nothing'}; before {parent or 'nothing'}."
        )
    return f"{about} {idea.reason}".strip()


async def _told(bench: Workbench, system: str, asked: str, purpose: str) -> str:
    def build() -> Request:
        return Request(
            purpose=purpose,
            system=system,
            messages=[{"role": "user", "content": [{"type": "text", "text": asked}]}],
            max_tokens=ANSWER_TOKENS,
            role="fast",
            idea=bench.assignment.idea.number,
            attempt=bench.assignment.attempt,
            step=bench.step,
        )

    turn = await bench.model.ask(build, bench.brief.host)
    return turn.text + ("\n[cut off at its limit]" if turn.stop_reason == "max_tokens" else "")


def _pieces(lines: list[str]) -> Iterator[str]:
    """The lines with their numbers, in pieces of about `PIECE_CHARS`."""
    at = 0
    while at < len(lines):
        count = fitting(lines[at:], PIECE_CHARS)
        yield numbered(lines[at : at + count], at + 1)
        at += count


ACTIONS: tuple[Action, ...] = (
    Action(
        "understand_file",
        "Has a fast model read a long file in pieces and say what it holds of what you look for, with line numbers.",
        UnderstandFile,
        understand_file,
    ),
    Action("reflection", "Has a fast model think over the research log.", Reflection, reflection),
    Action(
        "append_to_research_log",
        "Notes a finding or a decision, for your later steps and for ideas to come.",
        AppendToResearchLog,
        append_to_research_log,
    ),
    Action(
        "retrieve_from_research_log",
        "Recalls what was tried, measured, said and noted in this session.",
        RetrieveFromResearchLog,
        retrieve_from_research_log,
    ),
)
