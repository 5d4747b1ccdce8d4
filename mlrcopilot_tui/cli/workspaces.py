"""Workspaces: `demo`, `new`, `init`, `templates`, `clean`, `uninit`."""

import argparse
import tempfile
from pathlib import Path

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import columns, counted, say, say_json
from mlrcopilot_tui.cli.running import add_run_options, refuse_without_terminal, run_headless, run_screen
from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.text import span

DEMO_TEMPLATE = "digits"


def add(commands: Commands) -> None:
    """Adds the commands."""
    demo = add_command(
        commands, "demo", make_demo, "try it: a new workspace from a template, then the loop", positional_dir=True
    )
    demo.add_argument("--template", metavar="T", default=DEMO_TEMPLATE, help="see `mlrcopilot templates`")
    add_run_options(demo)
    new = add_command(commands, "new", make_new, "make a workspace from a template")
    new.add_argument("destination", metavar="DIR", type=Path, help="a new or an empty folder")
    new.add_argument("--template", metavar="T", required=True, help="see `mlrcopilot templates`")
    new.add_argument("--paper", metavar="PDF", type=Path, help="instead of the template's own")
    init = add_command(commands, "init", adopt_repository, "adopt an existing git repository", positional_dir=True)
    init.add_argument("--command", required=True, help='how a run is started, as in "python train.py"')
    init.add_argument("--metric", required=True, help="the metric's name, as the run prints it")
    init.add_argument("--direction", required=True, choices=("min", "max"), help="which way it is better")
    for name, help_text in (
        ("editable", "what agents may change (default: the command's script)"),
        ("protect", "what must not change during a run"),
        ("shared", "inputs that are not in git"),
    ):
        init.add_argument(f"--{name}", metavar="GLOB", action="append", default=[], help=f"{help_text}; repeatable")
    templates = add_command(commands, "templates", list_all, "list the templates")
    templates.add_argument("--json", action="store_true", help="as JSON")
    add_command(commands, "clean", clean, "remove run trees and worktrees that nothing uses", positional_dir=True)
    uninit = add_command(commands, "uninit", let_go, "remove everything of ours from a repository", positional_dir=True)
    uninit.add_argument("--yes", action="store_true", help="do not ask")
    uninit.add_argument("--force", action="store_true", help="remove edits of yours too that are in no commit")
    uninit.add_argument("--remove-config", action="store_true", help="remove mlrcopilot.toml too")


def make_demo(arguments: argparse.Namespace) -> int:
    """A new workspace from a template, then the screen, or the loop without one."""
    from mlrcopilot_tui.workspace.templates import create_workspace, find_template  # noqa: PLC0415

    if not arguments.headless:
        refuse_without_terminal()
    template = find_template(arguments.template)
    if arguments.positional or arguments.directory:
        destination = folder_of(arguments)
    else:
        destination = Path(tempfile.mkdtemp(prefix=f"mlrcopilot-{template.name}-"))
    workspace = create_workspace(template, destination)
    if not arguments.json:
        say(f"The workspace is {workspace}.")
    return run_headless(workspace, arguments) if arguments.headless else run_screen(workspace, arguments)


def make_new(arguments: argparse.Namespace) -> int:
    """A workspace from a template."""
    from mlrcopilot_tui.workspace.templates import create_workspace, find_template  # noqa: PLC0415

    template = find_template(arguments.template)
    workspace = create_workspace(template, arguments.destination, paper=arguments.paper)
    say(f"{workspace} is ready: {template.title}.")
    say(f"Begin with `mlrcopilot run {workspace}`.")
    return 0


def adopt_repository(arguments: argparse.Namespace) -> int:
    """An existing repository as a workspace."""
    from mlrcopilot_tui.workspace.adopt import adopt  # noqa: PLC0415

    adoption = adopt(
        folder_of(arguments),
        command=arguments.command,
        metric=arguments.metric,
        direction=arguments.direction,
        editable=arguments.editable,
        protected=arguments.protect,
        shared=arguments.shared,
    )
    say(f"{adoption.root} is a workspace; mlrcopilot.toml says how.")
    for remark in adoption.remarks:
        say(remark)
    say(f"Begin with `mlrcopilot run {adoption.root}`.")
    return 0


def list_all(arguments: argparse.Namespace) -> int:
    """The templates, shipped ones and the user's own."""
    from mlrcopilot_tui.workspace.templates import list_templates  # noqa: PLC0415

    templates = list_templates()
    if arguments.json:
        say_json(
            [
                {"name": t.name, "title": t.title, "description": t.description, "origin": t.origin,
                 "requirements": list(t.requirements), "seconds_per_run": t.seconds_per_run}
                for t in templates
            ]
        )  # fmt: skip
        return 0
    rows = [(t.name, t.origin, span(t.seconds_per_run), t.description) for t in templates]
    say(columns(rows, head=("name", "origin", "a run", "about")))
    return 0


def clean(arguments: argparse.Namespace) -> int:
    """Removes checkouts that no live run and no open experiment needs."""
    from mlrcopilot_tui.research.upkeep import clean as clean_up  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    workspace = open_workspace(folder_of(arguments))
    removed, used = clean_up(workspace.layout, workspace.repository)
    say(f"Removed {counted(len(removed), 'checkout')}; {len(used)} in use.")
    return 0


def let_go(arguments: argparse.Namespace) -> int:
    """Removes all of ours from a repository."""
    from mlrcopilot_tui.research.upkeep import refuse_to_lose_edits, refuse_while_running  # noqa: PLC0415 - as above
    from mlrcopilot_tui.workspace.adopt import let_go as remove_all  # noqa: PLC0415
    from mlrcopilot_tui.workspace.git import Repository  # noqa: PLC0415
    from mlrcopilot_tui.workspace.layout import Layout, find_workspace  # noqa: PLC0415

    layout = Layout(find_workspace(folder_of(arguments)))
    refuse_while_running(layout)
    if not arguments.force:
        refuse_to_lose_edits(layout, Repository(layout.root))
    sessions = counted(len(list(layout.sessions.glob("*"))), "session")
    question = f"Remove {sessions} with branches and evidence from {layout.root}?"
    if not arguments.yes and not _confirmed(question):
        raise RefusedError("Nothing was removed.", "Say --yes to remove it without being asked.")
    refs = remove_all(layout.root, remove_config=arguments.remove_config)
    say(f"Removed {sessions} and {counted(len(refs), 'ref')}; your own branches and files are as they were.")
    return 0


def _confirmed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
    except EOFError:
        return False
