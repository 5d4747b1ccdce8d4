"""What a session has come to: having the champion taken apart, and taking it home."""

import re

from mlrcopilot_tui.research.ablation_view import foretold
from mlrcopilot_tui.tui.desk import Desk


def ablate(desk: Desk) -> None:
    """Asks once, with what it takes, then has it done and shows the table; one that is under way is shown."""
    state = desk.situation.state
    if state.ablating:
        desk.open("ablation")
        return

    def go() -> None:
        desk.decide("ablate")
        desk.open("ablation")

    desk.confirm(
        "Leave each kept patch out once?",
        f"The champion is run again without each of its patches, and the difference tells what each gives. That takes "
        f"{foretold(state)}. It begins when no experiment is at work; the line stays as it is.",
        go,
    )


def show_ablation(desk: Desk) -> None:
    """Shows the newest table."""
    desk.open("ablation")


def end_ablation(desk: Desk) -> None:
    """Ends the ablation that is under way."""
    desk.decide("ablate.stop")


def promote(desk: Desk) -> None:
    """Asks for a branch's name, and has it made."""
    desk.ask(
        "Which branch of yours gets the kept ideas, a commit each?",
        lambda name: desk.decide("promote", text=name.strip()),
        value=branch_for(desk),
        hint="A new branch, or one to fast-forward. `mlrcopilot promote --patches FOLDER` writes patch files.",
    )


def branch_for(desk: Desk) -> str:
    """A name that says what is on it."""
    started = desk.situation.state.started
    task = started.task if started is not None else ""
    return f"results/{re.sub(r'[^a-z0-9]+', '-', task.lower()).strip('-') or 'kept'}"
