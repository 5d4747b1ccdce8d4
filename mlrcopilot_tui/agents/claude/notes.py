"""The notes before each action: what the agent makes of the last step, where the plan stands, what is fact, and why."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from mlrcopilot_tui.agents.claude.actions.action import Action
from mlrcopilot_tui.agents.claude.turns import Tool

FIELD: Final = "notes"

_ABOUT: Final = {
    "reflection": "What the last observation means; if it was an error, what caused it and how to mend it.",
    "research_plan_and_status": "The steps of the plan with what is done, confirmed and left; keep it current.",
    "fact_check": (
        "What the observations confirm directly, and apart from it what you only guess. "
        "Every number here must have been printed by code that ran, or be called a guess."
    ),
    "thought": "What you do now, and why.",
}


class Notes(msgspec.Struct, frozen=True, kw_only=True):
    """The four notes; empty where the model wrote none."""

    reflection: str = ""
    research_plan_and_status: str = ""
    fact_check: str = ""
    thought: str = ""

    @property
    def complete(self) -> bool:
        """Whether each of them says something."""
        return all(getattr(self, name).strip() for name in _ABOUT)

    def __str__(self) -> str:
        told = [(name.replace("_", " ").capitalize(), getattr(self, name).strip()) for name in _ABOUT]
        return "\n".join(f"{name}: {text}" for name, text in told if text)


def tool_of(action: Action) -> Tool:
    """The action as the model is told of it: its own input form, preceded by the notes."""
    form = msgspec.json.schema(action.schema)
    definitions = dict(form.get("$defs", {}))
    own = definitions.pop(action.schema.__name__, form)
    notes = {
        "type": "object",
        "description": "Written first, before you settle the action.",
        "properties": {name: {"type": "string", "description": about} for name, about in _ABOUT.items()},
        "required": list(_ABOUT),
    }
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {FIELD: notes, **own.get("properties", {})},
        "required": [FIELD, *own.get("required", [])],
    }
    return Tool(action.name, action.description, schema | ({"$defs": definitions} if definitions else {}))


def parted(given: Mapping[str, Any]) -> tuple[Notes, dict[str, Any]]:
    """The notes and the action's own input; of notes in a wrong form what is text is taken."""
    own = {name: value for name, value in given.items() if name != FIELD}
    notes = given.get(FIELD)
    found = notes if isinstance(notes, dict) else {"thought": notes}
    return Notes(**{name: text for name in _ABOUT if isinstance(text := found.get(name), str)}), own
