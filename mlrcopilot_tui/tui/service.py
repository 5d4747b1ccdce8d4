"""What concerns the program rather than the research: help, notices, themes, leaving."""

from mlrcopilot_tui.tui.desk import Desk


def show_help(desk: Desk) -> None:
    """Shows what can be done in this pane."""
    desk.open("help")


def show_notices(desk: Desk) -> None:
    """Shows what was said, with details."""
    desk.open("notices")


def show_digest(desk: Desk) -> None:
    """Shows what happened since the researcher was away."""
    desk.open("digest")


def show_instructions(desk: Desk) -> None:
    """Shows what stands for the session."""
    desk.open("instructions")


def pick_theme(desk: Desk) -> None:
    """Chooses a theme."""
    desk.open("themes")


def toggle_strip(desk: Desk) -> None:
    """Hides or shows the hardware strip."""
    desk.toggle_strip()


def leave(desk: Desk) -> None:
    """Leaves; the copilot and its runs go on."""
    desk.leave()
