"""The lock: one holder, found out by asking the lock, and let go by death."""

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.session.lock import SessionLock, current_holder


def _try_lock(folder: Path, answers: "multiprocessing.Queue[str]") -> None:
    try:
        with SessionLock(folder):
            answers.put("got it")
    except RefusedError as error:
        answers.put(str(error))


def test_a_second_writer_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[str] = context.Queue()
    with SessionLock(tmp_path):
        holder = current_holder(tmp_path)
        assert holder is not None
        other = context.Process(target=_try_lock, args=(tmp_path, answers))
        other.start()
        assert f"process {holder.pid}" in answers.get(timeout=30)
        other.join()
    assert current_holder(tmp_path) is None
    _try_lock(tmp_path, answers)
    assert answers.get(timeout=30) == "got it"


@pytest.fixture
def no_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)


def test_where_flock_is_refused_an_exclusive_file_stands_in(tmp_path: Path, no_flock: None) -> None:
    first = SessionLock(tmp_path)
    with first:
        assert current_holder(tmp_path) is not None
        with pytest.raises(RefusedError):
            SessionLock(tmp_path).acquire()
    with SessionLock(tmp_path):
        pass
    # A holder that died without letting go is found out; one of another host never is.
    (tmp_path / "lock.exclusive").write_bytes(b'{"pid":999999,"host":"elsewhere","created":1.0}')
    with pytest.raises(RefusedError, match="elsewhere"):
        SessionLock(tmp_path).acquire()


def test_an_exclusive_file_without_a_name_is_abandoned_after_a_while(tmp_path: Path, no_flock: None) -> None:
    nameless = tmp_path / "lock.exclusive"
    nameless.touch()
    with pytest.raises(RefusedError):
        SessionLock(tmp_path).acquire()
    os.utime(nameless, (1, 1))
    with SessionLock(tmp_path):
        assert current_holder(tmp_path) is not None


def test_a_killed_holder_is_gone_whatever_the_file_says(tmp_path: Path) -> None:
    hold = "import sys, pathlib; from mlrcopilot_tui.session.lock import SessionLock as L; "
    hold += "L(pathlib.Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", hold, tmp_path], **pipes) as child:  # type: ignore[call-overload]
        assert child.stdout.readline() == b"held\n"
        holder = current_holder(tmp_path)
        assert holder is not None
        assert holder.pid == child.pid
        child.kill()
    # Another machine's name, as a renamed host or a new container leaves it: nobody holds it all the same.
    (tmp_path / "lock").write_bytes(b'{"pid":1,"host":"elsewhere","created":1.0}')
    assert current_holder(tmp_path) is None
    with SessionLock(tmp_path):
        pass


def test_looking_at_the_lock_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    with SessionLock(tmp_path):
        pass
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            current_holder(tmp_path)

    watchers = [threading.Thread(target=look) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(50):
            with SessionLock(tmp_path):
                pass
    finally:
        over.set()
        for watcher in watchers:
            watcher.join()
