"""Beginning and opening sessions: from a workspace folder to a bench that the loop can work on."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Literal

from mlrcopilot_tui import __version__
from mlrcopilot_tui.agents.base import Engine
from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.papers.library import PaperLibrary
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.runs.executor import LocalExecutor
from mlrcopilot_tui.runs.sandbox import Sandbox, best_sandbox, why_not
from mlrcopilot_tui.session.events import FORMAT, PaperRead, SessionStarted, SettingsChanged, WarningRaised
from mlrcopilot_tui.session.journal import JOURNAL_NAME
from mlrcopilot_tui.session.session import OpenSession, new_session_id, read_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.adopt import check_repository
from mlrcopilot_tui.workspace.command import command_argv, resolve_python
from mlrcopilot_tui.workspace.config import LoadedConfig, parse_config
from mlrcopilot_tui.workspace.gitvalues import Head
from mlrcopilot_tui.workspace.layout import CONFIG_NAME, Layout
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import Workspace
from mlrcopilot_tui.workspace.templates import PAPER_NAME, list_templates
from mlrcopilot_tui.workspace.worktrees import force_remove


def session_ids(layout: Layout) -> list[str]:
    """The workspace's sessions, newest first."""
    folders = layout.sessions.glob(f"*/{JOURNAL_NAME}")
    return [path.parent.name for path in sorted(folders, key=lambda path: path.stat().st_ctime_ns, reverse=True)]


def latest_session(layout: Layout, *, unfinished: bool = False) -> str | None:
    """The session that began last, or the last one that is not finished."""
    states = sorted(
        ((session, read_state(layout.session(session))) for session in session_ids(layout)),
        key=lambda pair: pair[1].started_at,
        reverse=True,
    )
    return next((session for session, state in states if not (unfinished and state.finished)), None)


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
    paper_file = options.paper or next((path for path in [layout.root / PAPER_NAME] if path.exists()), None)
    session = new_session_id()
    folder = layout.make(layout.session(session))
    try:
        paper = PaperLibrary(layout.papers(session)).add(paper_file) if paper_file else None
        SessionLine(repository, session).start(head.commit)
    except BaseException:
        force_remove(folder)
        raise
    with OpenSession(folder) as opened:
        opened.record(_started(session, workspace.contract, options, head))
        settings = _settings(Settings.from_config(workspace.contract.config), options)
        opened.record(SettingsChanged(values=settings.as_values(), by="researcher"))
        if paper is not None:
            opened.record(
                PaperRead(digest=paper.digest, title=paper.title, pages=paper.page_count, source=paper.source)
            )
        if dirt := repository.dirt():
            changed = dirt.staged + dirt.unstaged
            opened.record(
                WarningRaised(
                    text=f"Uncommitted changes ({changed}) are left out; the session starts at {head.commit[:10]}.",
                    mend="Commit them and start another with `mlrcopilot run --new` to include them.",
                )
            )
    return session


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
def open_bench(workspace: Workspace, session: str, options: Options) -> Iterator[Bench]:
    """The session opened for writing, with everything that its loop needs.

    Raises:
        RefusedError: another process has the session open.
        InputError: there is no such session.
    """
    layout, repository = workspace.layout, workspace.repository
    if not layout.journal(session).exists():
        raise InputError(f"There is no session {session} here.", "`mlrcopilot sessions` lists them.")
    with OpenSession(layout.session(session)) as opened:
        started = opened.state.started
        if started is None:
            raise InputError(f"Session {session} never began.", "Start another: `mlrcopilot run --new`.")
        if started.format > FORMAT:
            raise InputError(f"Session {session} was written by a newer mlrcopilot.", "Upgrade: `pip install -U`.")
        before = Settings.of(opened.state)
        if (wanted := _settings(before, options)) != before:
            opened.record(SettingsChanged(values=wanted.as_values(), by="researcher"))
        if workspace.contract.digest != started.config_digest:
            opened.record(
                WarningRaised(
                    text=f"{CONFIG_NAME} has changed; this session goes on with what it began with.",
                    mend="Start another with `mlrcopilot run --new` to use the new one.",
                )
            )
        config = parse_config(started.config, layout.config)
        yield Bench(
            layout=layout,
            session=opened,
            config=config,
            repository=repository,
            line=SessionLine(repository, session),
            engine=make_engine(options.engine or started.engine, started.seed),
            executor=LocalExecutor(),
            sandbox=choose_sandbox(opened.state, options),
            python=resolve_python(config.run, layout.root),
        )


def choose_sandbox(state: SessionState, options: Options) -> Sandbox:
    """The strongest sandbox here; where nobody approves patches, having none must be allowed in so many words."""
    sandbox = best_sandbox()
    shipped = state.started is not None and bool(state.started.template)
    if options.auto and sandbox.level == "plain" and not (options.allow_unsandboxed or shipped):
        raise EnvironmentLackError(
            f"Nothing fences in what the agents write: {why_not('bwrap')}",
            "With --allow-unsandboxed it runs all the same, with your own rights.",
        )
    return sandbox


def make_engine(name: str, seed: int) -> Engine:
    """The engine of that name."""
    if name == "offline":
        from mlrcopilot_tui.agents.offline.engine import OfflineEngine  # noqa: PLC0415 - libcst and optuna are heavy

        return OfflineEngine(seed)
    raise InputError(f"There is no engine {name!r} here.", "Use the engine `offline`.")


def _settings(settings: Settings, options: Options) -> Settings:
    auto: Literal["auto"] | None = "auto" if options.auto else None
    return settings.changed(
        ideas=auto,
        patches=auto,
        auto=options.auto or None,
        max_experiments=options.max_experiments,
        minutes=options.minutes,
        usd=options.usd,
        seeds=options.seeds,
    )


def _started(session: str, contract: LoadedConfig, options: Options, head: Head) -> SessionStarted:
    config = contract.config
    engine = options.engine or config.engine.name
    make_engine(engine, 0)
    return SessionStarted(
        format=FORMAT,
        session=session,
        engine=engine,
        model=options.model or config.engine.model,
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
