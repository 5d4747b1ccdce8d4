"""Data on the screen is neither markup nor a command to the terminal."""

import pytest
from textual.app import App, ComposeResult
from textual.content import Content

from mlrcopilot_tui.tui.widgets.data_text import DataText, styled

HOSTILE = "a[/x] [bold]b[/bold] \x1b]52;c;ZXZpbA==\x1b\\\x1b[?1049l\x9b5n \u202e \ud800 c"
SHOWN = "a[/x] [bold]b[/bold]  ⟦U+202E⟧ \ufffd c"


class DataApp(App[None]):
    def compose(self) -> ComposeResult:
        yield DataText(HOSTILE)


def test_styled_keeps_data_as_data() -> None:
    content = styled("[red]x[/red]", ("\x1b[31my", "bold"), "\nz")
    assert content.plain == "[red]x[/red]y\nz"
    assert [(span.start, span.end, span.style) for span in content.spans] == [(12, 13, "bold")]
    assert styled("a\nb", keep_newlines=False).plain == "a b"


@pytest.mark.parametrize("text", [HOSTILE, Content(HOSTILE), styled(HOSTILE)])
async def test_hostile_text_is_shown_as_it_reads(text: str | Content) -> None:
    app = DataApp()
    async with app.run_test(size=(80, 5), notifications=True) as pilot:
        widget = app.query_one(DataText)
        widget.show(text)
        widget.border_title = styled(HOSTILE)
        app.notify(styled(HOSTILE).plain, markup=False)
        await pilot.pause()
        assert widget.render_line(0).text.rstrip() == SHOWN
        frame = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "\x1b" not in frame
        assert SHOWN in frame
