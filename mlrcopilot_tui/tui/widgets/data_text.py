"""Text from outside on the screen: sanitised, and never read as markup."""

from textual.content import Content
from textual.widgets import Static

from mlrcopilot_tui.text import printable


def styled(*parts: str | tuple[str, str], keep_newlines: bool = True) -> Content:
    """Build one text from data, safe for any widget, border title or notification.

    Args:
        parts: plain data, or data with a style such as `("kept", "$kept bold")`; the data is never read as markup.
        keep_newlines: keep line ends; otherwise each becomes a space.
    """
    pieces = [(part, "") if isinstance(part, str) else part for part in parts]
    return Content.assemble(*((printable(text, keep_newlines=keep_newlines), style) for text, style in pieces))


class DataText(Static):
    """A `Static` for data: markup is off, and every text passes the sanitising boundary."""

    def __init__(
        self,
        text: str | Content = "",
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002 -- Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(_safe(text), markup=False, name=name, id=id, classes=classes)

    def show(self, text: str | Content) -> None:
        """Replace what is shown."""
        self.update(_safe(text))


def _safe(text: str | Content) -> Content:
    if isinstance(text, str):
        return styled(text)
    shown = printable(text.plain, keep_newlines=True)
    return text if shown == text.plain else Content(shown)
