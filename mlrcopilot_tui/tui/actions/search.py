"""Going through the matches of a search, in the panes where `n` means that."""

from mlrcopilot_tui.tui import navigation
from mlrcopilot_tui.tui.actions.action import Action, Context


def matches(context: Context) -> tuple[Action, ...]:
    """The next match and the one before; in the ideas pane `n` is a new idea, and `/` alone goes on."""
    return (
        Action(f"{context}.match-next", context, ("n",), "next match", "To the next match.", navigation.next_match),
        Action(
            f"{context}.match-previous",
            context,
            ("N",),
            "match before",
            "To the match before.",
            navigation.previous_match,
        ),
    )
