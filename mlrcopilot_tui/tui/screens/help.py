"""What the help screen says: made from the table of actions, the pane in focus first."""

from collections.abc import Mapping

from mlrcopilot_tui.tui.actions import ACTIONS, Action, key_name
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.views import BLANK, Document, PaneName, Paragraph, Role, Span, text

_KEY = 12

ABOUT: dict[PaneName, str] = {
    "paper": "The paper's task, metric and gaps, each with its sentence and page; the idea in view; the paper's text.",
    "ideas": "Every idea under the one that it grew from, in the order in which they will be tried. "
    "The figure is how the metric itself moved against the parent, so where lower is better, a minus is good.",
    "patch": "The change that waits for you or was tried last, and the history of all attempts with their verdicts. "
    "Approve takes what is selected; everything is, until you take hunks or lines out.",
    "run": "The live output of training, its curve against the band of its parent's runs, and what the agents said.",
}


def help_document(pane: PaneName, keymap: Mapping[str, str], glyphs: Glyphs) -> Document:
    """Help for one pane: what it shows, its keys, then the keys that work everywhere."""
    own = [action for action in ACTIONS.values() if action.context == pane]
    everywhere = [action for action in ACTIONS.values() if action.context == "everywhere"]
    return (
        text(ABOUT[pane]),
        BLANK,
        text("In this pane", "heading"),
        *(_entry(action, keymap) for action in own),
        BLANK,
        text("Everywhere", "heading"),
        *(_entry(action, keymap) for action in everywhere),
        Paragraph((Span("Every command by name."),), (Span(f"{'^p':<{_KEY}}", "key"),)),
        BLANK,
        text("Signs", "heading"),
        *_signs(glyphs),
        BLANK,
        text("Copying", "heading"),
        text(
            "y sends text to the clipboard of your own terminal (OSC 52). In tmux that needs: set -g set-clipboard on. "
            "With the mouse: drag, then ctrl+c; with shift held the terminal's own selection works."
        ),
        text("Figures with ± give the standard deviation over seeds; intervals are the verdict's own."),
    )


def _entry(action: Action, keymap: Mapping[str, str]) -> Paragraph:
    keys = key_name(action, keymap) or "palette"
    role: Role = "key" if action.keys else "muted"
    return Paragraph((Span(action.help), Span(f"  {action.id}", "muted")), (Span(f"{keys:<{_KEY}}", role),))


def _signs(glyphs: Glyphs) -> tuple[Paragraph, ...]:
    rows = (
        (glyphs.champion, "the champion"),
        (glyphs.kept, "kept"),
        (glyphs.discarded, "discarded, rejected or crashed"),
        (glyphs.inconclusive, "undecided at the most seeds"),
        (glyphs.running, "being written or run"),
        (glyphs.proposed, "not tried yet"),
        (glyphs.waiting, "needs you"),
        (glyphs.closed, "pruned or withdrawn"),
        (glyphs.reverted, "reverted"),
    )
    return tuple(text(meaning, lead=f"{sign:<{_KEY}}", lead_role="plain") for sign, meaning in rows)
