"""A cassette holds what it takes and nothing secret, appears whole or not at all, and is not believed when damaged."""

import asyncio
import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.errors import CopilotError, InputError
from mlrcopilot_tui.research.cassette import FORMAT, MANIFEST, Cassette, CassetteWriter
from mlrcopilot_tui.research.export import export_session
from mlrcopilot_tui.research.replay import replay
from mlrcopilot_tui.session.session import begun_sessions
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.new_repository import init_repository
from mlrcopilot_tui.workspace.opening import Workspace
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import Use, run_session

BETTER = ("better", [("LEVEL = 1.0", "LEVEL = 0.5")])
HUNTED = "hunter2-0123456789"


@pytest.fixture
def recorded(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A finished session, whose runs were let see a secret."""
    monkeypatch.setenv("HUB_LOGIN", HUNTED)
    scripted(FakeEngine([BETTER]))
    contract = CONTRACT.replace("timeout_minutes = 1", 'timeout_minutes = 1\npass_env = ["HUB_LOGIN"]')
    workspace = make_workspace(contract=contract)
    asyncio.run(run_session(workspace))
    for run in workspace.layout.session(session_of(workspace)).glob("runs/*"):
        spec = {
            **json.loads(SPEC),
            "run": f"{session_of(workspace)}-{run.name}",
            "env": {"HUB_LOGIN": HUNTED, "TZ": "UTC"},
        }
        (run / "spec.json").write_text(json.dumps(spec))
    return workspace


SPEC = """{"run": "", "argv": ["python"], "tree": "/t", "env": {}, "seed": 0, "metric": "m", "timeout_s": 1,
"silence_s": 1, "sandbox": {}}"""


@pytest.fixture
def cassette(recorded: Workspace, tmp_path: Path) -> Path:
    target = tmp_path / "session.cassette"
    export_session(recorded, session_of(recorded), target)
    return target


def session_of(workspace: Workspace) -> str:
    return begun_sessions(workspace.layout.sessions)[0]


def rewritten(cassette: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The cassette with other parts, packed soundly."""
    with zipfile.ZipFile(cassette) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    change(parts)
    with zipfile.ZipFile(cassette, "w") as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return cassette


def contents(cassette: Path) -> dict[str, bytes]:
    with Cassette(cassette) as opened:
        opened.check()
        return {name: opened.read(name) for name in opened.names()}


def test_it_holds_what_a_replay_needs_and_no_secret(cassette: Path) -> None:
    with Cassette(cassette) as opened:
        opened.check()
        names = opened.names()
        assert {"journal.jsonl", "base.bundle", "commits.json", "mlrcopilot.toml"} <= set(names)
        assert {f"runs/r4/{name}" for name in ("spec.json", "status.json", "output.log", "metrics.jsonl")} <= set(names)
        assert not any(HUNTED.encode() in opened.read(name) for name in names)
        assert json.loads(opened.read("runs/r4/spec.json"))["env"] == {"HUB_LOGIN": "[redacted]", "TZ": "UTC"}
        assert len(opened.records()) == opened.manifest.events
    assert stat.S_IMODE(cassette.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_not_replaced_unasked(
    recorded: Workspace, cassette: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = cassette.read_bytes()
    root = str(recorded.layout.root)
    assert main(["export", "-C", root, "-o", str(cassette)]) == InputError.exit_code
    assert "exists already" in capsys.readouterr().err
    assert cassette.read_bytes() == before
    assert main(["export", session_of(recorded), "-C", root, "-o", str(cassette), "--force"]) == 0
    assert f"holds session {session_of(recorded)}" in capsys.readouterr().out


def test_what_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    def break_off() -> None:
        with CassetteWriter(tmp_path / "new") as writer:
            writer.add("journal.jsonl", io.BytesIO(b"{}\n"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert list(tmp_path.iterdir()) == []


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_told_in_a_sentence(cassette: Path, data: st.DataObject) -> None:
    whole = cassette.read_bytes()
    damaged = bytearray(whole)
    if data.draw(st.booleans(), label="cut"):
        del damaged[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        damaged[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    copy = cassette.with_name("damaged")
    copy.write_bytes(damaged)
    original = contents(cassette)
    try:
        found = contents(copy)
    except InputError as told:
        sentence = str(told)
    else:
        sentence = f"{copy}: nothing hangs on that byte of the archive" if found == original else ""
    assert str(copy) in sentence


def test_a_part_that_was_changed_is_told(cassette: Path, tmp_path: Path) -> None:
    def better(parts: dict[str, bytes]) -> None:
        parts["journal.jsonl"] = parts["journal.jsonl"].replace(b'"keep"', b'"drop"')

    with pytest.raises(InputError, match=r"damaged: its journal\.jsonl"):
        replay(rewritten(cassette, better), tmp_path / "played")
    assert not (tmp_path / "played").exists()


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", "runs/../../evil", "runs/r1/a/b", "C:\\evil", "runs//x", ".x"]
)
def test_names_that_lead_elsewhere_are_refused(cassette: Path, tmp_path: Path, name: str) -> None:
    def smuggle(parts: dict[str, bytes]) -> None:
        manifest = json.loads(parts[MANIFEST])
        manifest["parts"][name] = manifest["parts"]["mlrcopilot.toml"]
        parts[MANIFEST] = json.dumps(manifest).encode()
        parts[name] = parts["mlrcopilot.toml"]

    with pytest.raises(InputError, match="a name that no cassette has"):
        replay(rewritten(cassette, smuggle), tmp_path / "played")
    assert not list(tmp_path.rglob("*evil*"))


def test_a_repository_that_leads_our_files_elsewhere_is_refused(
    cassette: Path, recorded: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    root = tmp_path / "trap"
    root.mkdir()
    (root / ".mlrcopilot").symlink_to(tmp_path / "outside")
    init_repository(root, "Trap")
    trap = Repository(root)
    head = trap.head()
    assert head is not None

    def swap(parts: dict[str, bytes]) -> None:
        base = recorded.repository.refs("refs/mlrcopilot/")[f"refs/mlrcopilot/{session_of(recorded)}/base"]
        parts["base.bundle"] = trap.bundle("refs/heads/main")
        parts["journal.jsonl"] = parts["journal.jsonl"].replace(base.encode(), head.commit.encode())
        manifest = json.loads(parts[MANIFEST])
        for name in ("base.bundle", "journal.jsonl"):
            digest = hashlib.sha256(parts[name]).hexdigest()
            manifest["parts"][name] = {"bytes": len(parts[name]), "sha256": digest}
        parts[MANIFEST] = json.dumps(manifest).encode()

    with pytest.raises(InputError, match=r"holds a \.mlrcopilot of its own"):
        replay(rewritten(cassette, swap), tmp_path / "played")
    assert not list((tmp_path / "outside").iterdir())


def test_a_newer_one_asks_for_an_upgrade(cassette: Path, tmp_path: Path) -> None:
    def age(parts: dict[str, bytes]) -> None:
        parts[MANIFEST] = json.dumps({**json.loads(parts[MANIFEST]), "format": FORMAT + 1}).encode()

    with pytest.raises(InputError, match="newer mlrcopilot"):
        replay(rewritten(cassette, age), tmp_path / "played")


@pytest.mark.parametrize("content", [b"", b"PK", b"hello " * 100])
def test_another_file_is_no_cassette(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(content)
    played = tmp_path / "played"
    assert main(["run", "--replay", str(tmp_path / "file"), str(played), "--headless"]) == InputError.exit_code
    assert "is not a cassette" in capsys.readouterr().err
    assert not played.exists()


def test_an_archive_of_something_else_is_no_cassette(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "file", "w") as archive:
        archive.writestr("readme", "hello")
    with pytest.raises(InputError, match="is not a cassette"), Cassette(tmp_path / "file"):
        pass


def test_a_folder_that_holds_something_is_left_alone(cassette: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("mine")
    with pytest.raises(CopilotError, match="is not empty"):
        replay(cassette, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes"]


def test_options_that_contradict_a_replay_are_told(cassette: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--replay", str(cassette), "--new", "--headless"]) == InputError.exit_code
    assert "--replay and --new contradict each other" in capsys.readouterr().err
