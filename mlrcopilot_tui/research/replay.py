"""Playing a cassette: the same loop once more, in a new folder, without key, network, GPU or training."""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mlrcopilot_tui.agents.base import Engine
from mlrcopilot_tui.agents.claude.books.exchanges import ExchangeLog
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.research.begin import make_engine
from mlrcopilot_tui.research.cassette import BASE, CONTRACT, Cassette
from mlrcopilot_tui.research.player import Player, ReplayEngine
from mlrcopilot_tui.research.recorded import ReplayPort
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.config import EngineConfig
from mlrcopilot_tui.workspace.layout import CONFIG_NAME, HOME_NAME
from mlrcopilot_tui.workspace.new_repository import create_repository

HUB_OFFLINE: Final = "HF_HUB_OFFLINE"


def recorded_engine(name: str, seed: int, config: EngineConfig, port: ReplayPort) -> Engine:
    """The engine of that name, thinking anew; its model answers as it did."""
    if name != "claude":
        return make_engine(name, seed, config)
    from mlrcopilot_tui.agents.claude.books.asking import MeteredModel, Models  # noqa: PLC0415 - only where it was chosen
    from mlrcopilot_tui.agents.claude.engine import ClaudeEngine  # noqa: PLC0415

    main = port.model("main") or config.model
    models = Models(main, port.model("fast"))
    return ClaudeEngine(MeteredModel(port, models, port.wait_before_retry, open_log=ExchangeLog), main)


def replay(
    file: Path,
    target: Path,
    *,
    engine: ReplayEngine = recorded_engine,
    heard: Callable[[Record], None] = lambda _: None,
) -> SessionState:
    """Plays a cassette into the new folder `target`; returns the session's final state.

    Args:
        file: the cassette.
        target: must not exist, or be empty.
        engine: makes the engine.
        heard: gets the events as they happen.

    Raises:
        InputError: the file is no sound cassette, or the folder is taken.
        ReplayDepartedError: the loop does something else than was recorded.
    """
    with Cassette(file) as cassette:
        cassette.check()
        records = cassette.records()
        started = records[0].event if records else None
        if not isinstance(started, ev.SessionStarted) or started.session != cassette.manifest.session:
            raise InputError(f"{file} is damaged: its journal has no beginning.", "Export the session again.")
        _prepare(cassette, started, target)
        with _offline():
            return Player(cassette, records, started, target, engine, heard).play()


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    """Keeps agents from asking the hub what the recording has no answer to."""
    before = os.environ.get(HUB_OFFLINE)
    os.environ[HUB_OFFLINE] = "1"
    try:
        yield
    finally:
        del os.environ[HUB_OFFLINE]
        if before is not None:
            os.environ[HUB_OFFLINE] = before


def _prepare(cassette: Cassette, started: ev.SessionStarted, target: Path) -> None:
    """Makes the workspace as it was when the session began."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} is not empty.", "Name a new folder.")
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mlrcopilot-") as aside:
        bundle = Path(aside) / BASE
        cassette.extract(BASE, bundle)
        create_repository(target, bundle, started.base, started.branch or "main")
    if os.path.lexists(target / HOME_NAME):  # a link there would lead what is written elsewhere
        raise InputError(f"The recorded repository holds a {HOME_NAME} of its own.", "No workspace that is sound does.")
    if not (target / CONFIG_NAME).exists():
        cassette.extract(CONTRACT, target / CONFIG_NAME)
