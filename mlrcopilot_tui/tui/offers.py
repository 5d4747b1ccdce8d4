"""What the footer offers, and where there is none the one key that counts."""

from collections.abc import Mapping, Sequence

from mlrcopilot_tui.tui.actions import available, hint_name
from mlrcopilot_tui.tui.projector.situation import Situation
from mlrcopilot_tui.tui.views import Segment
from mlrcopilot_tui.tui.widgets.footer import Hint

_URGENT = {
    f"screen.perform('{name}')"
    for name in ("copilot.restart", "view.live", "agent.answer", "run.answer", "patch.approve", "agent.interrupt")
}


def offered(situation: Situation, keymap: Mapping[str, str]) -> tuple[Hint, ...]:
    """What can be done now by a key, the most important first."""
    ranked = [action for action in available(situation) if action.rank is not None]
    ranked.sort(key=lambda action: (not action.foremost(situation), action.rank or 0))
    hints = [
        Hint(hint_name(action, keymap), action.name(situation), f"screen.perform('{action.id}')") for action in ranked
    ]
    return tuple(hint for hint in hints if hint.key and hint.label)


def urgent(hints: Sequence[Hint]) -> tuple[Segment, ...]:
    """For the header: the key that talks with the agents, or goes to what waits; none where nothing calls for it."""
    found = [hint for hint in hints if hint.action in _URGENT or hint.label == "resume"][:1]
    return tuple(Segment(f"{hint.key} {hint.label}", "key", rank=1, right=True) for hint in found)
