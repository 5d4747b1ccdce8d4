"""Beginning and opening sessions: from a workspace folder to a bench that the loop can work on."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from mlrcopilot_tui import __version__
from mlrcopilot_tui.agents.base import Engine
from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.papers.library import PaperLibrary
from mlrcopilot_tui.papers.model import Paper
from mlrcopilot_tui.papers.pdf import file_digest
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.gates import Gatekeeper
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.places import machine_places
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.research.unfenced import why_unfenced
from mlrcopilot_tui.research.upkeep import remove_unbegun
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.sandbox import best_sandbox
from mlrcopilot_tui.session.events import (
    FORMAT,
    CopilotStopped,
    Event,
    PaperRead,
    SessionStarted,
    SettingsChanged,
    WarningRaised,
)
from mlrcopilot_tui.session.session import OpenSession, begun_sessions, checked_state, new_session_id, read_state
from mlrcopilot_tui.workspace.adopt import check_repository
from mlrcopilot_tui.workspace.command import command_argv, resolve_python
from mlrcopilot_tui.workspace.config import EngineConfig, LoadedConfig, parse_config
from mlrcopilot_tui.workspace.gitvalues import Head
from mlrcopilot_tui.workspace.layout import CONFIG_NAME, Layout
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import Workspace
from mlrcopilot_tui.workspace.templates import PAPER_NAME, list_templates
from mlrcopilot_tui.workspace.worktrees import force_remove


def unfinished_session(layout: Layout) -> str | None:
    """The session that was written to last among those that are not finished."""
    sessions = begun_sessions(layout.sessions)
    return next((session for session in sessions if not read_state(layout.session(session)).finished), None)


def begin_session(workspace: Workspace, options: Options) -> str:
    """Starts a new session at the researcher's HEAD and returns its id.

    Raises:
        InputError, EnvironmentLackError: something is missing; the sentence names the mend, and no session is left.
    """
    layout, repository = workspace.layout, workspace.repository
    tracked = check_repository(repository)
    check_command(workspace, tracked)
    head = repository.head()
    if head is None:  # check_repository has refused that
        raise InputError(f"{layout.root} has no commit yet.", "Commit your files with git, then try again.")
    session = new_session_id()
    started = _started(session, workspace.contract, options, head)
    line = SessionLine(repository, session)
    remove_unbegun(layout, repository)
    folder = layout.make(layout.session(session))
    try:
        with OpenSession(folder) as opened:  # all under its lock, so that nobody takes it for one that was cut off
            paper_file = options.paper or next((path for path in [layout.root / PAPER_NAME] if path.exists()), None)
            paper = PaperLibrary(layout.papers(session)).add(paper_file) if paper_file else None
            line.start(head.commit)
            opened.record(started, *_first_events(workspace, options, head, paper))
    except BaseException:
        repository.delete_refs([ref for ref in (line.ref, line.base_ref) if ref in repository.refs(ref)])
        force_remove(folder)
        raise
    return session


def _first_events(workspace: Workspace, options: Options, head: Head, paper: Paper | None) -> Iterator[Event]:
    config = workspace.contract.config
    settings = Settings.from_config(config).chosen(options, config)
    yield SettingsChanged(values=settings.as_values(), by="researcher")
    if paper is not None:
        yield PaperRead(digest=paper.digest, title=paper.title, pages=paper.page_count, source=paper.source)
    if dirt := workspace.repository.dirt():
        changed = dirt.staged + dirt.unstaged
        yield WarningRaised(
            text=f"Uncommitted changes ({changed}) are left out; the session starts at {head.commit[:10]}.",
            mend="Commit them and start another with `mlrcopilot run --new` to include them.",
        )


def check_command(workspace: Workspace, tracked: frozenset[str]) -> None:
    """Refuses a run command whose program or script is not there, before anything is started.

    Raises:
        InputError: the program is not installed, or the script is not committed.
    """
    config = workspace.contract.config
    python = resolve_python(config.run, workspace.layout.root)
    argv = command_argv(config.run.command, seed=0, python=python)
    program = argv[0]
    if "/" in program and not program.startswith("/"):
        if program not in tracked:
            raise InputError(
                f"The run command's program {program} is not committed.", "Commit it, or mend run.command."
            )
    elif shutil.which(program) is None:
        raise InputError(f"The run command's program {program} was not found.", f"Mend run.command in {CONFIG_NAME}.")
    script = argv[1] if program == python and len(argv) > 1 else ""
    if script.endswith(".py") and str(PurePosixPath(script)) not in tracked and not script.startswith("/"):
        raise InputError(
            f"The run command's script {script} is not in the last commit.", "Commit it, or mend run.command."
        )


@contextmanager
def open_bench(workspace: Workspace, session: str, options: Options = Options()) -> Iterator[Bench]:  # noqa: B008 - frozen
    """The session opened for writing, with everything that its loop needs.

    Raises:
        RefusedError: another process has the session open.
        InputError: there is no such session.
    """
    layout, repository = workspace.layout, workspace.repository
    if not layout.journal(session).exists():
        raise InputError(f"There is no session {session} here.", "`mlrcopilot sessions` lists them.")
    with OpenSession(layout.session(session)) as opened:
        started = checked_state(opened.state, session)
        if opened.state.copilot is not None:
            opened.record(CopilotStopped(reason="It ended without a word.", vanished=True))
        config = parse_config(started.config, layout.config)
        yield Bench(
            layout=layout,
            session=opened,
            config=config,
            repository=repository,
            line=SessionLine(repository, session),
            engine=make_engine(options.engine or started.engine, started.seed, config.engine),
            executor=LocalExecutor(),
            sandbox=best_sandbox(),
            python=resolve_python(config.run, layout.root),
            gates=Gatekeeper(opened),
            places=machine_places(config.run),
            unfenced=options.allow_unsandboxed,
        )


def take_options(bench: Bench, workspace: Workspace, options: Options) -> None:
    """Puts into force what the researcher says when they run an open session: approvals anew, limits where given.

    Raises:
        InputError: they name a paper that is not the session's.
        EnvironmentLackError: nobody approves patches, and nothing fences them in.
    """
    state = bench.state
    started = checked_state(state, bench.session_folder.name)
    if options.paper is not None and file_digest(options.paper) != (state.paper.digest if state.paper else ""):
        raise InputError(
            f"Session {state.session} began with {'another' if state.paper else 'no'} paper.",
            "Begin a new one with `mlrcopilot run --new`.",
        )
    wanted = bench.settings.chosen(options, bench.config)
    refuse_unfenced(wanted, options, shipped=bool(started.template))
    if wanted != bench.settings:
        bench.session.record(SettingsChanged(values=wanted.as_values(), by="researcher"))
    changed = f"{CONFIG_NAME} has changed; this session goes on with what it began with."
    if workspace.contract.digest != started.config_digest and all(said.text != changed for said in state.warnings):
        bench.warn(changed, "Start another with `mlrcopilot run --new` to use the new one.")


def refuse_unfenced(settings: Settings, options: Options, *, shipped: bool) -> None:
    """Where nobody approves patches, having no sandbox must be allowed in so many words, but for what we ship.

    Raises:
        EnvironmentLackError: no sandbox works here, or none that holds.
    """
    if settings.patches == "ask" or options.allow_unsandboxed or shipped:
        return
    if why := why_unfenced(best_sandbox()):
        raise EnvironmentLackError(
            f"Nobody would look at what the agents write, and nothing fences it in. {why}",
            "With --allow-unsandboxed it runs all the same.",
        )


def refuse_unfenced_beginning(workspace: Workspace, options: Options) -> None:
    """As `refuse_unfenced`, before there is a session."""
    config = workspace.contract.config
    settings = Settings.from_config(config).chosen(options, config)
    refuse_unfenced(settings, options, shipped=bool(_shipped_template(workspace.contract)))


def make_engine(name: str, seed: int, config: EngineConfig) -> Engine:
    """The engine of that name, as the workspace and the user set it up.

    Raises:
        InputError: there is none, or its settings are wrong.
    """
    if name == "offline":
        from mlrcopilot_tui.agents.offline.engine import OfflineEngine  # noqa: PLC0415 - libcst and optuna are heavy

        return OfflineEngine(seed)
    if name == "claude":
        from mlrcopilot_tui.agents.claude.engine import claude_engine  # noqa: PLC0415 - only where it is chosen

        return claude_engine(config)
    raise InputError(f"There is no engine {name!r} here.", "Use `offline` or `claude`.")


def _started(session: str, contract: LoadedConfig, options: Options, head: Head) -> SessionStarted:
    config = contract.config
    engine = options.engine or config.engine.name
    made = make_engine(engine, 0, config.engine)
    return SessionStarted(
        format=FORMAT,
        session=session,
        engine=engine,
        model=options.model or made.model,
        seed=int(session, 16) % 2**31,
        base=head.commit,
        branch=head.branch or "",
        config=contract.text,
        config_digest=contract.digest,
        metric=config.metric.name,
        direction=config.metric.direction,
        program=__version__,
        task=config.task.name,
        template=_shipped_template(contract),
    )


def _shipped_template(contract: LoadedConfig) -> str:
    """The shipped template whose contract this is, to the letter; empty for any other."""
    for template in list_templates():
        source = template.folder / "workspace" / CONFIG_NAME
        if template.origin == "shipped" and source.is_file() and source.read_text("utf-8") == contract.text:
            return template.name
    return ""
