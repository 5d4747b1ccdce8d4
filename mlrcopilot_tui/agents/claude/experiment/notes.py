"""The notes before each action: what the agent makes of the last step, where the plan stands, what is fact, and why."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from mlrcopilot_tui.agents.claude.actions.action import Action
from mlrcopilot_tui.agents.claude.turns import Tool

FIELD: Final = "notes"

_NAMES: Final = ("reflection", "research_plan_and_status", "fact_check", "thought")
"""Told apart in the system prompt: in each action's form the explanation would cost a third of all that is sent."""

_NOTES: Final = {
    "type": "object",
    "description": "Your notes, written before you settle the action.",
    "properties": {name: {"type": "string"} for name in _NAMES},
    "required": list(_NAMES),
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
        return all(getattr(self, name).strip() for name in _NAMES)

    def __str__(self) -> str:
        told = [(name.replace("_", " ").capitalize(), getattr(self, name).strip()) for name in _NAMES]
        return "\n".join(f"{name}: {text}" for name, text in told if text)


def tool_of(action: Action) -> Tool:
    """The action as the model is told of it: its own input form, preceded by the notes."""
    _, definitions = msgspec.json.schema_components([action.schema], ref_template="{name}")
    own = _whole({"$ref": action.schema.__name__}, definitions)
    schema = {
        "type": "object",
        "properties": {FIELD: _NOTES, **own.get("properties", {})},
        "required": [FIELD, *own.get("required", [])],
    }
    return Tool(action.name, action.description, schema)


def _whole(schema: dict[str, Any], definitions: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A schema with its references filled in, which not every server follows, and without titles."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"]]
    whole = {name: value for name, value in schema.items() if name != "title"}
    if "properties" in schema:
        whole["properties"] = {name: _whole(inner, definitions) for name, inner in schema["properties"].items()}
    if "items" in schema:
        whole["items"] = _whole(schema["items"], definitions)
    return whole


def parted(given: Mapping[str, Any]) -> tuple[Notes, dict[str, Any]]:
    """The notes and the action's own input; of notes in a wrong form what is text is taken."""
    own = {name: value for name, value in given.items() if name != FIELD}
    notes = given.get(FIELD)
    found = notes if isinstance(notes, dict) else {"thought": notes}
    return Notes(**{name: text for name in _NAMES if isinstance(text := found.get(name), str)}), own
