"""Exporting: a session's cassette, from what lies on disk, be its copilot at work or not."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from mlrcopilot_tui.agents.claude.books.exchanges import EXCHANGES_NAME
from mlrcopilot_tui.agents.claude.books.redaction import REDACTED
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.research.cassette import BASE, COMMITS, CONTRACT, CassetteWriter, Manifest, SignedCommit
from mlrcopilot_tui.runs.spec import LOG_FILE, METRICS_FILE, SPEC_FILE, STATUS_FILE, RunSpec
from mlrcopilot_tui.session.journal import JOURNAL_NAME, JournalReader
from mlrcopilot_tui.session.lock import current_holder
from mlrcopilot_tui.session.session import checked_state
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.config import WorkspaceConfig, parse_config
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.lines import SessionLine
from mlrcopilot_tui.workspace.opening import Workspace
from mlrcopilot_tui.workspace.run_tree import shared_digest

_SHOWN: Final = re.compile(
    r"MLRCOPILOT_\w+|\w+_NUM_THREADS|LANG|LC_\w+|TZ|TMPDIR|PYTHONHASHSEED|PYTHONUNBUFFERED|CUDA_VISIBLE_DEVICES"
)
"""The variables whose values are no secret, whoever runs this; those that the contract sets are told there."""


def export_session(workspace: Workspace, session: str, target: Path, *, force: bool = False) -> Manifest:
    """Writes the cassette of a session; of one that is being written to, what is there by now.

    Raises:
        InputError: there is no such session, its journal is damaged, or the file is there already.
    """
    layout, repository = workspace.layout, workspace.repository
    folder, journal = layout.session(session), layout.journal(session)
    if not journal.exists():
        raise InputError(f"There is no session {session} here.", "`mlrcopilot sessions` lists them.")
    live = current_holder(folder) is not None
    reader, state = JournalReader(journal), SessionState()
    for record in reader.poll():
        state.apply(record)
    started = checked_state(state, session)
    config = parse_config(started.config, layout.config)
    line = SessionLine(repository, session)
    with CassetteWriter(target, force=force) as cassette:
        with journal.open("rb") as file:
            cassette.add(JOURNAL_NAME, io.BytesIO(file.read(reader.offset)))
        cassette.add(CONTRACT, io.BytesIO(started.config.encode()))
        cassette.add(BASE, io.BytesIO(repository.bundle(line.base_ref, *_hand_made(line, state))))
        cassette.add(COMMITS, io.BytesIO(msgspec.json.encode(_commits(workspace, line))))
        for name, path in _files(folder, state):
            if name.endswith(f"/{SPEC_FILE}"):
                cassette.add(name, io.BytesIO(_scrubbed(path, config)))
            elif name.endswith(f"/{EXCHANGES_NAME}"):
                data = path.read_bytes()
                cassette.add(name, io.BytesIO(data[: data.rfind(b"\n") + 1]))
            else:
                with path.open("rb") as file:
                    cassette.add(name, file)
        return cassette.finish(
            session=session,
            events=reader.seq,
            live=live,
            root=str(layout.root),
            shared=shared_digest(repository.root, FileRules(config.files)),
        )


def _hand_made(line: SessionLine, state: SessionState) -> Iterator[str]:
    """The refs of what the researcher wrote, and broke off, which no agent will write again."""
    for idea in state.ideas.values():
        for attempt in idea.attempts:
            if attempt.by == "researcher" or attempt.aside:
                yield line.attempt_ref(attempt.idea, attempt.number)


def _files(folder: Path, state: SessionState) -> Iterator[tuple[str, Path]]:
    """The files that go in as they are, by the names of their parts."""
    for path in sorted((folder / "exchanges").glob("*.json*")):
        yield f"exchanges/{path.name}", path
    if state.paper is not None:
        for path in sorted((folder / "papers").glob(f"{state.paper.digest}.*")):
            yield f"papers/{path.name}", path
    records = [folder / "runs" / run for run in state.runs]
    for place in (*records, *sorted((folder / "trials").glob("*"))):
        for name in (SPEC_FILE, STATUS_FILE, LOG_FILE, METRICS_FILE):
            if (place / name).is_file():
                yield f"{place.parent.name}/{place.name}/{name}", place / name


def _scrubbed(spec_file: Path, config: WorkspaceConfig) -> bytes:
    """A run's spec without the values of the environment that may be secret."""
    spec = msgspec.json.decode(spec_file.read_bytes(), type=RunSpec)
    env = {
        name: value if name in config.run.env or _SHOWN.fullmatch(name) else REDACTED
        for name, value in spec.env.items()
    }
    return msgspec.json.encode(msgspec.structs.replace(spec, env=env))


def _commits(workspace: Workspace, line: SessionLine) -> list[SignedCommit]:
    """Every commit of the session, attempts that were rejected too."""
    session, repository = line.session, workspace.repository
    tips = repository.refs(f"refs/mlrcopilot/{session}/", f"refs/heads/mlrcopilot/{session}/")
    form = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%ad%x00%cn%x00%ce%x00%cd%x00%B"
    wanted = (*sorted(set(tips.values())), f"^{line.base}")
    done = repository.run("log", "-z", "--date=raw", "--no-mailmap", "--no-notes", "--no-color", form, *wanted, "--")
    fields = [field.decode("utf-8", "surrogateescape") for field in done.stdout.split(b"\0")]
    return [_signed(fields[at : at + 10]) for at in range(0, len(fields) - 9, 10)]


def _signed(fields: list[str]) -> SignedCommit:
    sha, tree, parents, *signed, message = fields
    return SignedCommit(
        id=sha,
        tree=tree,
        parents=tuple(parents.split()),
        message=message,
        author=(signed[0], signed[1], signed[2]),
        committer=(signed[3], signed[4], signed[5]),
    )
