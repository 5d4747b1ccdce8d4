"""The page of keys for the documentation, made from the table; run as a module it prints the page."""

import sys

from textual.keys import format_key

from mlrcopilot_tui.tui.actions import ACTIONS, CONTEXTS, Action, Context

_TITLES: dict[Context, str] = {
    "everywhere": "Everywhere",
    "paper": "1 Paper",
    "ideas": "2 Ideas",
    "patch": "3 Patch",
    "run": "4 Run",
}

_HEAD = """\
# Keys

Made from the program's own table of actions (`python -m mlrcopilot_tui.tui.actions.page`). The names in the last column
are those that a key map uses. `^p` opens the palette, which finds every action by name; `?` shows the keys of the pane.
"""


def keys_page() -> str:
    """The page as Markdown: a table for each pane."""
    parts = [_HEAD]
    for context in CONTEXTS:
        rows = [_row(action) for action in ACTIONS.values() if action.context == context]
        parts += [f"## {_TITLES[context]}\n", "| keys | what it does | action |", "| --- | --- | --- |", *rows, ""]
    return "\n".join(parts)


def _row(action: Action) -> str:
    keys = " ".join(f"`{format_key(key)}`" for key in action.keys) or "palette"
    return f"| {keys} | {action.help} | `{action.id}` |"


if __name__ == "__main__":
    sys.stdout.write(keys_page())
