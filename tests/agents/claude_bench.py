"""A workbench for actions under test: real files in a jail with the rules of a contract, a fake host, a fake model."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from mlrcopilot_tui.agents.base import Assignment, Brief
from mlrcopilot_tui.agents.claude.actions import ACTIONS
from mlrcopilot_tui.agents.claude.actions.action import Observation, Workbench
from mlrcopilot_tui.agents.claude.experiment.fact_check import KnownNumbers
from mlrcopilot_tui.session.events import FORMAT, SessionStarted
from mlrcopilot_tui.session.model import Idea
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.config import parse_config
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.idea_tree import IdeaTree
from mlrcopilot_tui.workspace.new_repository import init_repository
from tests.fakes.quiet_host import FakeHost
from tests.fakes.scripted_model import FakeModel, Step

CONTRACT = """
[task]
name = "tiny"
[run]
command = "python train.py"
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["*.py", "lib/**", "*.json", "*.toml", "*.txt"]
protected = ["evaluate.py"]
hidden = ["answers.csv"]
"""
FILES = {
    "train.py": "import os\n\nRATE = 0.25\n\n\ndef train() -> None:\n    print(RATE)\n\n\ntrain()\n",
    "evaluate.py": "ANSWER = 42\n",
    "answers.csv": "secret\n",
    "notes.md": "Read me.\n",
}


@dataclass
class Desk:
    """A workbench with its doubles, and a short way to act."""

    bench: Workbench
    folder: Path
    host: FakeHost
    model: FakeModel
    said: list[tuple[str, str]] = field(default_factory=list)

    async def act(self, name: str, **given: Any) -> Observation:  # noqa: ANN401 - as a model may fill it in
        """Carries an action out as the loop does: by name, with its input checked."""
        action = next(action for action in ACTIONS if action.name == name)
        return await action.do(self.bench, msgspec.convert(given, action.schema))

    def text(self, name: str) -> str:
        """A file as it is on disk."""
        return (self.folder / name).read_bytes().decode()

    def files(self) -> dict[str, bytes]:
        """All files on disk."""
        paths = (path for path in self.folder.rglob("*") if path.is_file() and ".git" not in path.parts)
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}


def desk(folder: Path | None = None, files: Mapping[str, str] = FILES, *steps: Step) -> Desk:
    """A desk over files, which no action commits; `steps` is what its model answers."""
    folder = folder or Path(tempfile.mkdtemp(prefix="mlrcopilot-desk-"))
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    rules = FileRules(parse_config(CONTRACT, folder / "mlrcopilot.toml").files)
    tree = IdeaTree(_repository(), folder, "HEAD", rules)
    host, model, said = FakeHost(exchanges=folder / ".git"), FakeModel(*steps), list[tuple[str, str]]()
    started = SessionStarted(
        format=FORMAT, session="0" * 8, engine="claude", model="", seed=0, base="", branch="", config=CONTRACT,
        config_digest="", metric="val_error", direction="min", program="",
    )  # fmt: skip
    brief = Brief(
        state=SessionState(started=started), metric="val_error", direction="min", command="python train.py", task="",
        tree=tree, seed=0, say=lambda kind, text: said.append((kind, text)), host=host,
    )  # fmt: skip
    idea = Idea(number=1, title="Lower the rate", hypothesis="A lower rate helps.")
    bench = Workbench(brief, Assignment(idea=idea, attempt=1), model, KnownNumbers("val_error"))
    return Desk(bench, folder, host, model, said)


@cache
def _repository() -> Repository:
    """One for all desks, made once: only commits would ask for it."""
    folder = Path(tempfile.mkdtemp(prefix="mlrcopilot-desk-"))
    init_repository(folder, "Start")
    return Repository(folder)
