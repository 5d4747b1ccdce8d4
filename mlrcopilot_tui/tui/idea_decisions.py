"""What the researcher can decide about ideas: which are tried, in what order, and what they say."""

from mlrcopilot_tui.tui.decisions import too_early
from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.projector.words import title_of


def approve_idea(desk: Desk) -> None:
    """Lets the idea under the cursor be implemented; on the tree's root, all that are proposed."""
    situation = desk.situation
    idea, gate = situation.idea, situation.ideas_gate
    if gate is not None and too_early(desk, gate):
        return
    desk.decide("approve", gate=gate.id if gate is not None else "", idea=idea.idea.number if idea is not None else 0)


def add_idea(desk: Desk) -> None:
    """Adds an idea of the researcher's own."""
    desk.ask(
        "An idea of your own",
        lambda words: desk.decide("idea.add", text=words),
        hint="Say what to change and what it should do, in a line.",
    )


def branch_idea(desk: Desk) -> None:
    """Adds an idea that starts from the patch of the one under the cursor."""
    idea = desk.situation.idea
    if idea is None:
        return
    base = idea.attempt.commit if idea.attempt is not None else ""
    draft = {"parent": idea.idea.number, **({"base": base} if base else {})}
    desk.ask(
        f"An idea on top of {title_of(idea)}",
        lambda words: desk.decide("idea.add", idea=idea.idea.number, commit=base, text=words, draft=draft),
        hint="It starts from that idea's patch, kept or not.",
    )


def edit_idea(desk: Desk) -> None:
    """Rewrites the hypothesis of the idea under the cursor."""
    idea = desk.situation.idea
    if idea is None:
        return
    desk.ask(
        f"Hypothesis of idea {title_of(idea)}",
        lambda words: desk.decide("idea.edit", idea=idea.idea.number, text=words, draft={"hypothesis": words}),
        value=idea.idea.hypothesis,
        hint="The plan is made anew from what you write.",
    )


def prune_idea(desk: Desk) -> None:
    """Takes the idea under the cursor out of the queue."""
    idea = desk.situation.idea
    if idea is None:
        return
    desk.ask(
        f"Why is idea {title_of(idea)} not worth a run?",
        lambda reason: desk.decide("idea.prune", idea=idea.idea.number, text=reason),
        hint="Enter prunes it, with or without a reason; escape takes it back.",
        may_be_empty=True,
    )


def more_ideas(desk: Desk) -> None:
    """Asks the IdeaAgent for more ideas."""
    desk.decide("idea.more")


def revise_idea(desk: Desk) -> None:
    """Has the idea under the cursor written anew, with or without a word on what to change."""
    idea = desk.situation.idea
    if idea is None:
        return
    desk.ask(
        f"What should be different about idea {title_of(idea)}?",
        lambda words: desk.decide("idea.revise", idea=idea.idea.number, text=words),
        hint="The IdeaAgent revises it; with nothing said it thinks the idea through anew.",
        may_be_empty=True,
    )


def split_idea(desk: Desk) -> None:
    """Has the idea under the cursor parted into smaller ones."""
    idea = desk.situation.idea
    if idea is None:
        return
    desk.confirm(
        f"Split idea {title_of(idea)}?",
        "The IdeaAgent makes smaller ideas of it, each with a plan of its own; they take its place.",
        lambda: desk.decide("idea.split", idea=idea.idea.number),
    )


def mark_idea(desk: Desk) -> None:
    """Marks the idea under the cursor to be merged with others, or takes the mark away."""
    situation = desk.situation
    if situation.idea is not None:
        desk.mark(situation.marked ^ {situation.idea.idea.number})


def merge_ideas(desk: Desk) -> None:
    """Has the marked ideas made one."""
    situation = desk.situation
    order = tuple(idea.idea.number for idea in situation.state.queue() if idea.idea.number in situation.marked)
    if len(order) < 2:
        desk.tell("Nothing is marked to be merged.", f"Mark two or more ideas with {desk.key('idea.mark')} first.")
        return

    def merge() -> None:
        desk.decide("idea.merge", order=order)
        desk.mark(frozenset())

    named = f"{', '.join(map(str, order[:-1]))} and {order[-1]}"
    desk.confirm(f"Merge ideas {named}?", "The IdeaAgent makes one idea of them, which takes their place.", merge)


def move_idea_up(desk: Desk) -> None:
    """Tries the idea under the cursor one place earlier."""
    _reorder(desk, -1)


def move_idea_down(desk: Desk) -> None:
    """Tries the idea under the cursor one place later."""
    _reorder(desk, 1)


def _reorder(desk: Desk, by: int) -> None:
    idea = desk.situation.idea
    order = [waiting.idea.number for waiting in desk.situation.state.queue()]
    if idea is None or idea.idea.number not in order:
        return
    at = order.index(idea.idea.number)
    to = at + by
    if 0 <= to < len(order):
        order[at], order[to] = order[to], order[at]
        desk.decide("idea.order", order=tuple(order))
