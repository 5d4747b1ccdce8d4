"""Bad input and faults: one sentence that names the mend, the right exit code, and everything left as it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlrcopilot_tui.cli.main import main
from mlrcopilot_tui.workspace.new_repository import init_repository

CONTRACT = """
[run]
command = "python train.py"
[metric]
name = "val_error"
direction = "min"
[files]
editable = ["train.py"]
"""


def repository(folder: Path, *, train: str = "print('val_error: 1')\n", contract: str = CONTRACT) -> Path:
    folder.mkdir()
    (folder / "train.py").write_text(train)
    if contract:
        (folder / "mlrcopilot.toml").write_text(contract)
    init_repository(folder, "Start")
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file of the researcher's, byte for byte; ours are kept out of git's sight by its `info/exclude`."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".mlrcopilot" not in path.parts and path.name != "exclude"
    }


def refused(capsys: pytest.CaptureFixture[str], argv: list[str], code: int, *words: str) -> str:
    assert main(argv) == code
    said = capsys.readouterr().err
    assert said.count("\n") == 1, "one sentence, no traceback"
    assert said.startswith("mlrcopilot: ")
    for word in words:
        assert word in said
    return said


HEADLESS = ["--headless", "--auto", "--allow-unsandboxed"]


def test_a_folder_that_is_no_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, ["run", str(tmp_path), *HEADLESS], 2, "mlrcopilot.toml", "mlrcopilot init")
    refused(capsys, ["status", str(tmp_path)], 2, "mlrcopilot demo")


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        (CONTRACT.replace("name", "nmae"), ("mlrcopilot.toml:5", "metric.nmae", "`metric.name`")),
        (CONTRACT.replace('"min"', '"down"'), ("metric.direction",)),
        ("[run\n", ("mlrcopilot.toml", "not valid TOML")),
        (CONTRACT.replace("python train.py", "python nowhere.py"), ("nowhere.py", "run.command")),
        (CONTRACT.replace("python train.py", "no-such-program x"), ("no-such-program", "run.command")),
    ],
)
def test_a_contract_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], contract: str, words: tuple[str, ...]
) -> None:
    workspace = repository(tmp_path / "w", contract=contract)
    before = snapshot(workspace)
    refused(capsys, ["run", str(workspace), *HEADLESS], 2, *words)
    assert snapshot(workspace) == before


def test_a_metric_that_never_appears(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = repository(tmp_path / "w", train="print('accuracy: 1')\n")
    before = snapshot(workspace / ".git" / "refs")
    assert main(["run", str(workspace), *HEADLESS]) == 2
    said = capsys.readouterr().err
    assert "val_error" in said
    assert "output.log" in said
    assert before.keys() <= snapshot(workspace / ".git" / "refs").keys()


def test_uncommitted_work_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = repository(tmp_path / "w", train="print('val_error: 1')\n")
    (workspace / "train.py").write_text("print('val_error: 2')  # in progress\n")
    assert main(["run", str(workspace), *HEADLESS, "--max-experiments", "1"]) in {0, 1}
    assert "Uncommitted changes (1) are left out" in capsys.readouterr().out
    assert (workspace / "train.py").read_text() == "print('val_error: 2')  # in progress\n"


def test_a_detached_head_is_no_obstacle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = repository(tmp_path / "w")
    subprocess.run(["git", "-C", workspace, "checkout", "-q", "--detach"], check=True)
    assert main(["run", str(workspace), *HEADLESS, "--max-experiments", "1"]) in {0, 1}
    assert "session" in capsys.readouterr().out


def test_repositories_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ["--command", "python train.py", "--metric", "m", "--direction", "min"]
    plain = tmp_path / "plain"
    plain.mkdir()
    refused(capsys, ["init", str(plain), *ask], 2, "git init")
    empty = tmp_path / "empty"
    subprocess.run(["git", "init", "-q", empty], check=True)
    refused(capsys, ["init", str(empty), *ask], 2, "no commit")
    bare = tmp_path / "bare"
    subprocess.run(["git", "init", "-q", "--bare", bare], check=True)
    refused(capsys, ["init", str(bare), *ask], 2, "bare")


def test_a_paper_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake = tmp_path / "paper.pdf"
    fake.write_text("<html>not found</html>")
    refused(capsys, ["paper", str(fake)], 2, "paper.pdf")
    refused(capsys, ["paper", str(tmp_path / "none.pdf")], 2, "none.pdf")
    workspace = repository(tmp_path / "w")
    refused(capsys, ["run", str(workspace), "--paper", str(fake), *HEADLESS], 2, "paper.pdf")
    assert not list((workspace / ".mlrcopilot" / "sessions").glob("*"))


@pytest.mark.parametrize(
    "argv",
    [
        ["nonsense"],
        ["run", "--seeds", "0"],
        ["approve", "x"],
        ["approve", "--hunks", "a"],
        ["set", "--timeout-minutes", "0"],
    ],
)
def test_usage_errors_are_one_sentence(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert "--help" in capsys.readouterr().err


def test_a_dumb_terminal_is_refused_with_a_word(tmp_path: Path) -> None:
    import pty

    leader, follower = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "mlrcopilot_tui.cli.main", "-C", repository(tmp_path / "w")],
        stdin=follower,
        stdout=follower,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "dumb"},
        timeout=30,
        check=False,
    )
    os.close(leader)
    os.close(follower)
    assert done.returncode == 3
    assert b"TERM" in done.stderr


def test_without_a_terminal_the_screen_says_what_to_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, ["-C", str(repository(tmp_path / "w"))], 3, "--headless")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = repository(tmp_path / "w")
    workspace.chmod(0o500)
    try:
        assert main(["run", str(workspace), *HEADLESS]) in {2, 3}
        assert capsys.readouterr().err.count("\n") == 1
    finally:
        workspace.chmod(0o700)


def test_a_full_disk_stops_the_session_and_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = repository(tmp_path / "w")
    real, left = os.pwrite, [6]

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    assert main(["run", str(workspace), *HEADLESS]) == 3
    assert "disk space" in capsys.readouterr().err
    monkeypatch.undo()
    assert main(["run", str(workspace), *HEADLESS, "--max-experiments", "1"]) in {0, 1}, "it goes on"
    capsys.readouterr()
    assert main(["sessions", str(workspace), "--json"]) == 0
    assert capsys.readouterr().out.count('"session"') == 1


def test_no_folder_is_not_the_folder_at_hand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["promote", "--patches", ""])
    assert ended.value.code == 2
    assert "--patches: wants a folder" in capsys.readouterr().err
