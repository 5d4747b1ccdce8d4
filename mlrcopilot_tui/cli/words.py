"""The standing instructions from a shell: `instruct` gives, rewrites and drops them, `instructions` lists them."""

import argparse

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.decisions import send
from mlrcopilot_tui.cli.output import say, say_json
from mlrcopilot_tui.errors import InputError


def add(commands: Commands) -> None:
    """Adds the commands."""
    instruct = add_command(commands, "instruct", give, "tell every agent something, until you drop it", in_session=True)
    instruct.add_argument("text", metavar="TEXT", nargs="*")
    instead = instruct.add_mutually_exclusive_group()
    instead.add_argument("--edit", metavar="N", type=int, default=0, help="put TEXT in the place of instruction N")
    instead.add_argument("--drop", metavar="N", type=int, default=0, help="instruction N holds no more")
    listing = add_command(
        commands, "instructions", list_instructions, "what stands, and who took it in", in_session=True
    )
    listing.add_argument("--json", action="store_true", help="as JSON")


def give(arguments: argparse.Namespace) -> int:
    """Another instruction, other words for one, or the end of one."""
    text = " ".join(arguments.text).strip()
    if arguments.drop:
        if text:
            raise InputError("Dropping an instruction takes no words.", "`--edit N TEXT` rewrites it.")
        return send(arguments, "instruction.drop", number=arguments.drop)
    if not text:
        raise InputError("What is the instruction?", "As in `mlrcopilot instruct leave the optimizer alone`.")
    if arguments.edit:
        return send(arguments, "instruction.rewrite", number=arguments.edit, text=text)
    return send(arguments, "feedback", text=text)


def list_instructions(arguments: argparse.Namespace) -> int:
    """Those that hold, with what was understood and which turns took them in."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.views import instructions_view  # noqa: PLC0415

    state = read_session(folder_of(arguments), arguments.session).state
    if arguments.json:
        say_json(instructions_view(state))
        return 0
    for said in state.instructions:
        say(f"{said.number:>2}  {said.text}")
        say("\n".join(f"    {line}" for line in (said.understood, said.reached) if line))
    if not state.instructions:
        say("No instruction stands. `mlrcopilot instruct TEXT` gives one.")
    return 0
