"""The machine and the settings: `doctor`, `config`, `themes`, `completions`."""

import argparse
import sys

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import columns, say, say_json
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.text import printable

_SIGNS = {"ok": "ok", "warn": "note", "fail": "LACKS"}


def add(commands: Commands) -> None:
    """Adds the commands."""
    doctor = add_command(
        commands, "doctor", examine, "what works here, and how to mend what does not", positional_dir=True
    )
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.add_argument(
        "--ask", action="store_true", help="also make one tiny call to the model, and say what it can do"
    )
    doctor.add_argument(
        "--gpu", action="store_true", help="also try whether runs behind each fence can use the GPUs (takes seconds)"
    )
    config = add_command(commands, "config", settings, "the settings in force, where they are, whether they are valid")
    config.add_argument("action", choices=("show", "path", "validate"))
    themes = add_command(commands, "themes", list_themes, "list the themes")
    themes.add_argument("--json", action="store_true", help="as JSON")
    completions = add_command(commands, "completions", complete, "a shell's completion script")
    completions.add_argument("shell", choices=("bash", "zsh", "fish"))


def examine(arguments: argparse.Namespace) -> int:
    """Checks the machine; 3 where something needed is missing."""
    from mlrcopilot_tui.doctor import check_endpoint, run_checks  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.workspace.layout import find_workspace  # noqa: PLC0415

    try:
        workspace = find_workspace(folder_of(arguments))
    except InputError:
        workspace = None
    checks = [*run_checks(workspace), *(check_endpoint(workspace) if arguments.ask else ())]
    if arguments.gpu:
        from mlrcopilot_tui.doctor_gpu import check_gpus  # noqa: PLC0415 - only where it is asked for

        checks += check_gpus(workspace)
    if arguments.json:
        say_json([{"name": c.name, "status": c.status, "found": c.found, "mend": c.mend} for c in checks])
    else:
        say(columns([(_SIGNS[c.status], c.name, c.found) for c in checks]))
        for check in checks:
            if check.status != "ok" and check.mend:
                say(f"{check.name}: {check.mend}")
    return 3 if any(check.status == "fail" for check in checks) else 0


def settings(arguments: argparse.Namespace) -> int:
    """The workspace's contract and the user's own settings."""
    from mlrcopilot_tui.user_settings import load_settings, settings_path  # noqa: PLC0415 - see examine
    from mlrcopilot_tui.workspace.config import load_config  # noqa: PLC0415
    from mlrcopilot_tui.workspace.layout import CONFIG_NAME, find_workspace  # noqa: PLC0415

    own = settings_path()
    try:
        workspace = find_workspace(folder_of(arguments))
    except InputError:
        workspace = None
    if arguments.action == "path":
        say(columns([("yours", str(own)), ("workspace", str(workspace / CONFIG_NAME) if workspace else "-")]))
        return 0
    mine = load_settings()
    contract = load_config(workspace) if workspace else None
    if arguments.action == "validate":
        say(f"{own} is {'valid' if own.exists() else 'not there; the defaults hold'}.")
        say(f"{workspace / CONFIG_NAME} is valid." if workspace else "There is no workspace here.")
        return 0
    say_json({"yours": mine, "workspace": contract.config if contract else None})
    return 0


def list_themes(arguments: argparse.Namespace) -> int:
    """The shipped themes and the user's own."""
    from mlrcopilot_tui.resources import shipped, user_folder  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.tui.themes import read_themes  # noqa: PLC0415

    rows = []
    for origin, folder in (("shipped", shipped("themes")), ("yours", user_folder("themes"))):
        found = read_themes(folder)
        rows += [(theme.name, origin, "dark" if theme.dark else "light") for theme in found.themes]
        for error in found.errors:
            sys.stderr.write(f"{printable(str(error))}\n")
    if arguments.json:
        say_json([{"name": name, "origin": origin, "kind": kind} for name, origin, kind in rows])
    else:
        say(columns(rows, head=("name", "origin", "kind")))
    return 0


def complete(arguments: argparse.Namespace) -> int:
    """Prints a completion script that knows every command and option."""
    from mlrcopilot_tui.cli.completion import script  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.cli.main import build_parser  # noqa: PLC0415

    say(script(arguments.shell, build_parser()))
    return 0
