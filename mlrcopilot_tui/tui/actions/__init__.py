"""The one table of what can be done: key bindings, footer, help, palette and documentation are all made from it."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from textual.binding import Binding
from textual.keys import format_key

from mlrcopilot_tui.tui.actions.action import CONTEXTS, Action, Context
from mlrcopilot_tui.tui.actions.everywhere import EVERYWHERE
from mlrcopilot_tui.tui.actions.ideas import IDEAS
from mlrcopilot_tui.tui.actions.paper import PAPER
from mlrcopilot_tui.tui.actions.patch import PATCH
from mlrcopilot_tui.tui.actions.run import RUN
from mlrcopilot_tui.tui.projector.situation import Situation
from mlrcopilot_tui.tui.views import PANES, PaneName

__all__ = [
    "ACTIONS",
    "CONTEXTS",
    "Action",
    "Context",
    "available",
    "bindings",
    "hint_name",
    "in_pane",
    "key_name",
    "keymap_problems",
]

_NAMES: Final = {"enter": "enter", "space": "space", "tab": "tab", "shift+tab": "shift+tab"}

ACTIONS: Final[Mapping[str, Action]] = {action.id: action for action in (*PAPER, *IDEAS, *PATCH, *RUN, *EVERYWHERE)}


def in_pane(pane: PaneName) -> Iterator[Action]:
    """The actions whose keys work in a pane, its own first."""
    return (action for action in ACTIONS.values() if action.context in {pane, "everywhere"})


def available(situation: Situation) -> Iterator[Action]:
    """What can be done in this situation, in the table's order."""
    return (action for action in in_pane(situation.pane) if action.when(situation))


def bindings(context: Context) -> list[Binding]:
    """The key bindings of one context."""
    return [action.binding for action in ACTIONS.values() if action.context == context and action.keys]


def key_name(action: Action, keymap: Mapping[str, str]) -> str:
    """The key of an action as people read it, with the researcher's own choice first; empty without a key."""
    key = keymap.get(action.id, "").split(",")[0].strip() or next(iter(action.keys), "")
    return _NAMES.get(key) or (format_key(key) if key else "")


def hint_name(action: Action, keymap: Mapping[str, str]) -> str:
    """The key as the footer shows it."""
    return action.shown if action.shown and action.id not in keymap else key_name(action, keymap)


def keymap_problems(keymap: Mapping[str, str]) -> list[str]:
    """What is wrong with a researcher's keys, a sentence each: actions that do not exist, keys that two would share."""
    problems = []
    for name in sorted(set(keymap) - set(ACTIONS)):
        near = difflib.get_close_matches(name, ACTIONS, n=1)
        problems.append(f"There is no action {name!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
    for pane in PANES:
        taken: dict[str, str] = {}
        for action in in_pane(pane):
            sharing = [(key, taken.setdefault(key, action.id)) for key in _keys(action, keymap)]
            problems += [
                f"In the {pane} pane {format_key(key)} stands for both {other} and {action.id}."
                for key, other in sharing
                if other != action.id
            ]
    return list(dict.fromkeys(problems))


def _keys(action: Action, keymap: Mapping[str, str]) -> tuple[str, ...]:
    chosen = keymap.get(action.id)
    return action.keys if chosen is None else tuple(key.strip() for key in chosen.split(","))
