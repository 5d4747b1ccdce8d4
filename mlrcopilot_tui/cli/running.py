"""`run`: the loop with a screen, without one, or in the background."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mlrcopilot_tui.cli.arguments import Commands, add_command, amount_of, count_of, folder_of
from mlrcopilot_tui.cli.output import say
from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.research.options import Options

if TYPE_CHECKING:
    from mlrcopilot_tui.workspace.opening import Workspace

SIGNALLED = 128
"""Added to a signal's number, as shells do: 130 for ctrl+c."""


def add(commands: Commands) -> None:
    """Adds `run`."""
    parser = add_command(
        commands, "run", run, "run the research loop on a workspace", positional_dir=True, in_session=True
    )
    add_run_options(parser)
    parser.add_argument("--paper", metavar="PDF", type=Path, help="the paper to start from (default: paper.pdf there)")
    parser.add_argument("--new", action="store_true", help="begin a new session rather than resume the latest")
    parser.add_argument("--replay", metavar="FILE", type=Path, help="play what `export` wrote into a new folder DIR")
    parser.add_argument("--detach", action="store_true", help="leave it running in the background")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Adds what `run` and `demo` share."""
    parser.add_argument(
        "--engine", choices=("offline", "claude"), help="what supplies the agents (default: the workspace's)"
    )
    parser.add_argument("--model", metavar="M", help="the model that the engine asks, by its id")
    parser.add_argument("--headless", action="store_true", help="no screen: one line an event on standard output")
    parser.add_argument("--auto", action="store_true", help="ask nothing: ideas and patches are taken as they come")
    parser.add_argument("--allow-unsandboxed", action="store_true", help="with --auto, where no sandbox works")
    parser.add_argument("--max-experiments", metavar="N", type=count_of, help="finish after so many experiments")
    parser.add_argument("--budget-minutes", metavar="T", type=amount_of, help="finish after so many minutes of work")
    parser.add_argument("--budget-usd", metavar="X", type=amount_of, help="finish when so much is spent on a model")
    parser.add_argument("--budget-gpu-minutes", metavar="T", type=amount_of, help="finish after so many on GPUs")
    parser.add_argument("--seeds", metavar="N", type=count_of, help="at most so many seeds for a verdict")
    parser.add_argument("--json", action="store_true", help="with --headless: the journal's own lines")


def run(arguments: argparse.Namespace) -> int:
    """Runs a session the way the arguments say."""
    if arguments.replay is not None:
        return _replay(arguments)
    workspace = folder_of(arguments)
    if arguments.detach:
        return _detach(workspace, arguments)
    if arguments.headless:
        return run_headless(workspace, arguments)
    return run_screen(workspace, arguments)


def _replay(arguments: argparse.Namespace) -> int:
    """Plays a cassette; nothing else that `run` can be told applies to it."""
    from mlrcopilot_tui.cli.cassettes import play, play_headless, replay_folder  # noqa: PLC0415 - only where it is said

    named = ("session", "paper", "engine", "model", "max_experiments")
    budgets = ("budget_minutes", "budget_usd", "budget_gpu_minutes")
    flags = ("new", "auto", "detach", "allow_unsandboxed")
    if wrong := [name for name in (*named, *budgets, "seeds", *flags) if getattr(arguments, name)]:
        raise InputError(
            f"--replay and --{wrong[0].replace('_', '-')} contradict each other.", "A replay is as it was recorded."
        )
    folder = replay_folder(arguments)
    if arguments.headless:
        return play_headless(arguments.replay, folder, arguments)
    refuse_without_terminal()
    arguments.session = play(arguments.replay, folder).session
    return run_screen(folder, arguments, watching=True)


def run_headless(workspace: Path, arguments: argparse.Namespace) -> int:
    """Runs the loop in this process, printing its events."""
    import asyncio  # noqa: PLC0415 - `--help` needs none of this

    from mlrcopilot_tui.cli.headless import EventPrinter  # noqa: PLC0415
    from mlrcopilot_tui.research.begin import open_bench, take_options  # noqa: PLC0415
    from mlrcopilot_tui.research.copilot import Copilot  # noqa: PLC0415
    from mlrcopilot_tui.research.device_check import check_devices  # noqa: PLC0415
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    opened = open_workspace(workspace)
    options = options_of(arguments)
    session = _session(opened, options, getattr(arguments, "session", None))
    with open_bench(opened, session, options) as bench:
        take_options(bench, opened, options)
        copilot = Copilot(bench, meanwhile=check_devices)
        printer = EventPrinter(bench, json=arguments.json, unheard=copilot.let_go)
        printer.start()
        bench.session.listeners.append(printer.event)
        asyncio.run(copilot.run())
        printer.finish()
        if copilot.signalled is not None:
            return SIGNALLED + copilot.signalled
        return 0 if bench.state.kept or copilot.out_of_budget or not bench.state.finished else 1


def _session(workspace: "Workspace", options: Options, named: str | None) -> str:
    """The session to run: the named one, else the last unfinished one, else a new one."""
    from mlrcopilot_tui.research.begin import (  # noqa: PLC0415 - see run_headless
        begin_session,
        refuse_unfenced_beginning,
        unfinished_session,
    )

    if named is not None and options.new:
        raise InputError("--session and --new contradict each other.", "Say one of them.")
    session = named if options.new or named else unfinished_session(workspace.layout)
    if session is None:
        refuse_unfenced_beginning(workspace, options)
        session = begin_session(workspace, options)
    return session


def run_screen(workspace: Path | None, arguments: argparse.Namespace, *, watching: bool = False) -> int:
    """Opens the screen, which starts the copilot after its first frame unless it is only for watching."""
    refuse_without_terminal()
    from mlrcopilot_tui.tui.launch import run_tui  # noqa: PLC0415 - 170 ms of textual that no other command pays for
    from mlrcopilot_tui.user_settings import load_settings  # noqa: PLC0415 - only the screen has settings

    settings = load_settings()
    return run_tui(
        workspace,
        session=getattr(arguments, "session", None),
        options=passed_on(arguments),
        theme=arguments.theme or settings.screen.theme or None,
        plain=arguments.plain or settings.screen.plain,
        keymap=settings.keys,
        watching=watching,
    )


def refuse_without_terminal() -> None:
    """Raises `EnvironmentLackError` where no screen can be shown."""
    if not (os.isatty(0) and os.isatty(1)):
        raise EnvironmentLackError(
            "The screen needs a terminal.", "Use `mlrcopilot run --headless` in a pipe or a job."
        )


def open_screen(arguments: argparse.Namespace) -> int:
    """`mlrcopilot` alone: the screen on the workspace around here, else the start screen."""
    from mlrcopilot_tui.workspace.layout import find_workspace  # noqa: PLC0415

    folder = folder_of(arguments)
    try:
        workspace: Path | None = find_workspace(folder)
    except InputError:
        if arguments.directory is not None:
            raise
        workspace = None
    return run_screen(workspace, arguments)


def options_of(arguments: argparse.Namespace) -> Options:
    """The session's options from the command line."""
    paper = getattr(arguments, "paper", None)
    return Options(
        paper=paper.expanduser().absolute() if paper else None,
        engine=arguments.engine,
        model=arguments.model,
        new=getattr(arguments, "new", False),
        auto=arguments.auto,
        allow_unsandboxed=arguments.allow_unsandboxed,
        max_experiments=arguments.max_experiments,
        minutes=arguments.budget_minutes,
        usd=arguments.budget_usd,
        gpu_minutes=arguments.budget_gpu_minutes,
        seeds=arguments.seeds,
    )


def passed_on(arguments: argparse.Namespace) -> list[str]:
    """The options of `run` as a command line for the copilot in the background."""
    values = {
        "--paper": getattr(arguments, "paper", None),
        "--engine": getattr(arguments, "engine", None),
        "--model": getattr(arguments, "model", None),
        "--max-experiments": getattr(arguments, "max_experiments", None),
        "--budget-minutes": getattr(arguments, "budget_minutes", None),
        "--budget-usd": getattr(arguments, "budget_usd", None),
        "--budget-gpu-minutes": getattr(arguments, "budget_gpu_minutes", None),
        "--seeds": getattr(arguments, "seeds", None),
    }
    flags = {"--new": "new", "--auto": "auto", "--allow-unsandboxed": "allow_unsandboxed"}
    given = [part for name, value in values.items() if value is not None for part in (name, str(value))]
    return [*given, *(flag for flag, name in flags.items() if getattr(arguments, name, False))]


def _detach(workspace: Path, arguments: argparse.Namespace) -> int:
    from mlrcopilot_tui.research.launch import ensure_copilot  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.workspace.layout import find_workspace  # noqa: PLC0415

    root = find_workspace(workspace)
    session = ensure_copilot(root, arguments.session, passed_on(arguments))
    say(f"Session {session} runs in the background.")
    say(f"Look at it with `mlrcopilot -C {root}`, or `mlrcopilot status -C {root}`.")
    return 0
