"""The history of all that was tried: which attempts are listed, in which order, and what is said of each."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from mlrcopilot_tui.research.fates import FATES, Fate, Node, words_of
from mlrcopilot_tui.research.staircase import Stair, staircase
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.projector.words import WORDS, change, effect, number, short, sign
from mlrcopilot_tui.tui.views import STARTER, HistoryChoice, Order, Role, Row, Span

_FATES: Final[dict[Fate, tuple[str, Role]]] = {
    "kept": ("kept", "kept"), "discarded": ("discarded", "discarded"), "inconclusive": ("undecided", "inconclusive"),
    "crashed": ("crashed", "error"), "rejected": ("rejected", "discarded"), "sent back": ("sent back", "muted"),
    "superseded": ("superseded", "muted"), "withdrawn": ("withdrawn", "muted"), "pruned": ("pruned", "muted"),
    "reverted": ("reverted", "discarded"),
}  # fmt: skip
_TYPED: Final[dict[str, Fate]] = {
    **{fate: fate for fate in FATES}, "undecided": "inconclusive", "sent-back": "sent back", "sent": "sent back",
    "reject": "rejected", "crash": "crashed", "waiting": "open", "running": "open",
}  # fmt: skip
_IDEA: Final = re.compile(r"(?:idea:|#)(\d+)")
ORDERS: Final[dict[Order, tuple[str, Callable[[Node], tuple[float, ...]]]]] = {
    "newest": ("newest first", lambda node: (-node.seq,)),
    "oldest": ("oldest first", lambda node: (node.seq,)),
    "best": ("best first", lambda node: (-_gain(node), -node.seq)),
    "idea": ("by idea", lambda node: (node.attempt.idea, node.attempt.number)),
}
"""How each order is told, and what it sorts by."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: any of the fates, any of the ideas, and all of the words."""

    fates: frozenset[Fate] = frozenset()
    ideas: frozenset[int] = frozenset()
    words: tuple[str, ...] = ()

    def fits(self, node: Node, *, in_patch: bool) -> bool:
        """Whether an attempt is one of those; `in_patch` says that its patch holds all the words."""
        if (self.fates and node.fate not in self.fates) or (self.ideas and node.attempt.idea not in self.ideas):
            return False
        if in_patch or not self.words:
            return True
        told = "\n".join(words_of(node)).lower()
        return all(word in told for word in self.words)


def sought(typed: str) -> Sought:
    """What the researcher typed: `crashed`, `idea:3` or `#3`, and any other words, in either case."""
    fates, ideas, words = set[Fate](), set[int](), list[str]()
    for word in typed.lower().split():
        if word in _TYPED:
            fates.add(_TYPED[word])
        elif found := _IDEA.fullmatch(word):
            ideas.add(int(found[1]))
        else:
            words.append(word)
    return Sought(frozenset(fates), frozenset(ideas), tuple(words))


@dataclass(frozen=True, slots=True)
class HistoryView:
    """The list with what stands above it, and below it for the row under the cursor."""

    head: tuple[Span, ...] = ()
    rows: tuple[Row, ...] = ()
    details: Mapping[str, tuple[Span, ...]] = field(default_factory=dict)
    stairs: tuple[Stair, ...] = ()


def history_view(
    state: SessionState, nodes: list[Node], choice: HistoryChoice, in_patch: Mapping[str, bool], glyphs: Glyphs
) -> HistoryView:
    """The attempts that were asked for, in the order that was asked for, and the starter they all grew from.

    Args:
        nodes: all attempts.
        in_patch: by commit, whether the patch holds the words that are looked for, as far as that is known.
    """
    wanted = sought(choice.typed)
    found = [node for node in nodes if wanted.fits(node, in_patch=in_patch.get(node.attempt.commit, False))]
    found.sort(key=ORDERS[choice.order][1])
    rows = [_row(state, node, choice, glyphs) for node in found]
    if nodes and wanted == Sought():
        rows.insert(0 if choice.order in {"oldest", "idea"} else len(rows), _starter(state, choice, glyphs))
    stairs = tuple(staircase(state))
    return HistoryView(
        head=_head(nodes, found, choice, stairs, glyphs),
        rows=tuple(rows),
        details={node.name: _detail(node, glyphs) for node in found},
        stairs=stairs,
    )


def _gain(node: Node) -> float:
    relative = node.judged.verdict.relative if node.judged is not None else None
    return float("-inf") if relative is None else relative


def _head(
    nodes: list[Node], found: list[Node], choice: HistoryChoice, stairs: tuple[Stair, ...], glyphs: Glyphs
) -> tuple[Span, ...]:
    """How many attempts there are, how they are listed, and the best so far in words."""
    if not nodes:
        return ()
    count = f"{len(nodes)} attempt{'s' * (len(nodes) != 1)}"
    parts = [Span(f"{len(found)} of {count}: {choice.typed}" if choice.typed else count, "strong")]
    parts.append(Span(f" {glyphs.dot} {ORDERS[choice.order][0]}", "muted"))
    parts += [Span(f" {glyphs.dot} {choice.marked} marked", "waiting")] * bool(choice.marked)
    best = stairs[-1].best
    if best is not None:
        at = next(stair for stair in stairs if stair.best == best)
        parts.append(Span(f" {glyphs.dot} best {number(best)}, {_where(at, len(stairs) - 1)}", "accent"))
    return tuple(parts)


def _where(stair: Stair, experiments: int) -> str:
    return f"{stair.name} (experiment {stair.number} of {experiments})" if stair.number else "the starter"


def _row(state: SessionState, node: Node, choice: HistoryChoice, glyphs: Glyphs) -> Row:
    attempt, idea = node.attempt, node.idea
    word, role = WORDS[idea.status] if node.fate == "open" else _FATES[node.fate]
    moved, figures = "", ""
    if node.judged is not None:
        moved, figures = change(node.judged.verdict.relative, state, glyphs), effect(node.judged.verdict, glyphs)
    facts = f"{figures}  {attempt.by:<10} {_when(node.time)}  {short(attempt.commit)}".lstrip()
    return Row(
        key=node.name,
        left=(
            Span(f"{_sign(state, node, choice, glyphs)} ", role),
            Span(f"{node.name} ", "muted"),
            Span(attempt.subject),
        ),
        right=(Span(f"{moved:>6} {word:<10}", role),),
        more=(Span(facts, "muted"),),
    )


def _sign(state: SessionState, node: Node, choice: HistoryChoice, glyphs: Glyphs) -> str:
    if choice.marked == node.name:
        return glyphs.marked
    if state.champion is not None and state.champion.commit == node.attempt.commit:
        return glyphs.champion
    if node.fate == "open":
        return sign(node.idea.status, glyphs)
    if node.fate == "sent back" or node.fate == "superseded":  # noqa: PLR1714 - a set does not narrow the type
        return glyphs.undone
    return sign(node.fate, glyphs)


def _starter(state: SessionState, choice: HistoryChoice, glyphs: Glyphs) -> Row:
    base = state.started.base if state.started is not None else ""
    return Row(
        key=STARTER,
        left=(
            Span(f"{glyphs.marked if choice.marked == STARTER else glyphs.proposed} ", "muted"),
            Span("starter"),
        ),
        right=(Span(f"{'':6} {'':10}"),),
        more=(Span(short(base), "muted"),),
    )


def _detail(node: Node, glyphs: Glyphs) -> tuple[Span, ...]:
    facts = f"{node.attempt.by} {glyphs.dot} {_when(node.time)} {glyphs.dot} {short(node.attempt.commit)}"
    why = (Span(f" {glyphs.dot} {node.why}"),) if node.why else ()
    return (Span(f"{node.name} ", "accent"), Span(facts, "muted"), *why)


def _when(time: str) -> str:
    """Local month, day, hours and minutes of a journal time; empty where it is none."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%m-%d %H:%M")
    except ValueError:
        return ""


def versions_to_compare(nodes: Iterable[Node], shown: Node, state: SessionState, marked: str) -> tuple[Row, ...]:
    """What an attempt can be held against, keyed by commit; first what changed since it was last seen.

    After a revision that is the newest earlier attempt at the idea; else its parent.
    """
    every = list(nodes)
    by_commit = {node.attempt.commit: node for node in every}
    base = state.started.base if state.started is not None else ""
    champion = state.champion.commit if state.champion is not None else ""
    earlier = [n for n in every if n.attempt.idea == shown.attempt.idea and n.attempt.number < shown.attempt.number]
    chosen = [node.attempt.commit for node in every if node.name == marked] or [base] * (marked == STARTER)
    offers = [
        *((node.attempt.commit, "an earlier attempt") for node in reversed(earlier)),
        *((commit, "marked") for commit in chosen),
        (shown.attempt.parent, "its parent"),
        (champion, "the champion"),
        (base, "the starter"),
    ]
    told: dict[str, list[str]] = {}
    for commit, role in offers:
        if commit and commit != shown.attempt.commit:
            told.setdefault(commit, []).append(role)
    return tuple(
        Row(commit, (Span(", ".join(roles)),), (Span(_known_as(by_commit, commit, base), "muted"),))
        for commit, roles in told.items()
    )


def _known_as(by_commit: Mapping[str, Node], commit: str, base: str) -> str:
    node = by_commit.get(commit)
    if node is None:
        return "" if commit == base else short(commit)
    return f"{node.name} {_FATES[node.fate][0]}" if node.fate in _FATES else node.name
