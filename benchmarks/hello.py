"""The reference for the screen: the smallest Textual app that shows something."""

from textual.app import App, ComposeResult
from textual.widgets import Static

GREETING = "Hello, world!"


class Hello(App[None]):
    """One line of text."""

    def compose(self) -> ComposeResult:
        """The line."""
        yield Static(GREETING)


if __name__ == "__main__":
    Hello().run()
