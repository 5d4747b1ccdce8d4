"""What a run can and cannot do behind the fence; each probe really runs."""

import http.server
import os
import subprocess
import sys
import threading
import venv
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.runs.sandbox import BubblewrapSandbox, PlainSandbox, best_sandbox, why_not
from mlrcopilot_tui.runs.spec import LOG_FILE, SandboxPolicy
from tests.runs.lab import Lab


def attempt(lab: Lab, code: str, *, argv: tuple[str, ...] = (), **policy: object) -> str:
    """What the Python `code` prints in the sandbox, with the tree writable; its error's last line if it fails."""
    granted = msgspec.convert({"level": "bwrap", "writable": (str(lab.tree),)} | policy, type=SandboxPolicy)
    wrapped = BubblewrapSandbox().wrap(argv or (sys.executable, "-c", code), granted)
    env = {"PATH": os.defpath, "HOME": os.environ["HOME"]}
    done = subprocess.run(wrapped, cwd=lab.tree, env=env, capture_output=True, text=True, check=False, timeout=30)
    return (done.stdout or done.stderr).strip().splitlines()[-1]


def test_plain_is_no_fence(lab: Lab) -> None:
    policy = SandboxPolicy(writable=(str(lab.tree),))
    assert PlainSandbox().wrap(("python", "x.py"), policy) == ("python", "x.py")


async def test_a_plain_run_says_that_it_had_the_network(lab: Lab) -> None:
    protected = lab.mark("evaluate.py")
    protected.write_text("honest")
    code = "open('evaluate.py', 'w').write('forged'); print('val_error: 0.5')"
    status, _ = await lab.finish(lab.spec(code, policy={"read_only": (str(protected),)}))
    assert (status.outcome, status.sandbox, status.network) == ("ok", "plain", True)
    assert protected.read_text() == "forged", "plain protects nothing: the caller compares digests"


@pytest.mark.usefixtures("bwrap")
class TestBubblewrap:
    """Behind bubblewrap."""

    def test_the_best_sandbox_is_this_one(self) -> None:
        assert best_sandbox().level == "bwrap"

    def test_the_tree_is_writable_and_is_where_it_runs(self, lab: Lab) -> None:
        assert attempt(lab, "open('made', 'w').write('x'); import os; print(os.getcwd())") == str(lab.tree)
        assert lab.mark("made").read_text() == "x"

    def test_nothing_else_can_be_written(self, lab: Lab) -> None:
        beside = lab.folder / "beside"
        beside.write_text("as it was")
        assert "Error" in attempt(lab, f"open({str(beside)!r}, 'r+').write('x')")
        assert "Error" in attempt(lab, "open('/etc/hosts', 'a').write('x')")
        assert "Read-only" in attempt(lab, "open('/var/tmp/x', 'w').write('x')")
        assert beside.read_text() == "as it was"

    def test_protected_files_cannot_be_written_removed_or_replaced(self, lab: Lab) -> None:
        folder = lab.tree / "eval" / "deep"
        folder.mkdir(parents=True)
        protected = folder / "evaluate.py"
        protected.write_text("honest")
        for code in (
            "open('eval/deep/evaluate.py', 'w')",
            "import os; os.unlink('eval/deep/evaluate.py')",
            "import os; open('f', 'w'); os.replace('f', 'eval/deep/evaluate.py')",
            "import os; os.rename('eval/deep', 'eval/other')",
            "import os; os.rename('eval', 'other')",
            "import os; os.chmod('eval/deep/evaluate.py', 0o777)",
        ):
            assert "Error" in attempt(lab, code, read_only=(str(protected),)), code
        assert protected.read_text() == "honest"
        assert attempt(lab, "open('eval/deep/new', 'w'); print('made')", read_only=(str(protected),)) == "made"

    def test_home_is_empty_but_for_what_is_granted(self, lab: Lab, home: Path) -> None:
        (home / ".netrc").write_text("secret")
        (home / "data").mkdir()
        (home / "data" / "x.csv").write_text("1,2")
        listing = "import os; print(sorted(os.listdir(os.environ['HOME'])))"
        assert attempt(lab, listing) == "[]"
        assert attempt(lab, listing, read_only=(str(home / "data"),)) == "['data']"
        read = f"print(open({str(home / 'data/x.csv')!r}).read())"
        assert attempt(lab, read, read_only=(str(home / "data"),)) == "1,2"
        assert "Read-only" in attempt(lab, f"open({str(home / 'data/x.csv')!r}, 'a')", read_only=(str(home / "data"),))
        assert attempt(lab, "import os; open(os.environ['HOME'] + '/cache', 'w'); print('made')") == "made"
        assert not (home / "cache").exists()

    def test_hidden_paths_are_not_seen(self, lab: Lab) -> None:
        lab.mark("answers.csv").write_text("secret")
        (lab.tree / "labels").mkdir()
        (lab.tree / "labels" / "x").write_text("secret")
        hidden = (str(lab.mark("answers.csv")), str(lab.tree / "labels"), str(lab.tree / "absent"))
        assert attempt(lab, "import os; print(os.listdir('labels'))", hidden=hidden) == "[]"
        assert "PermissionError" in attempt(lab, "open('answers.csv')", hidden=hidden)

    def test_an_interpreter_in_the_home_folder_works(self, lab: Lab, home: Path) -> None:
        (home / "secret").write_text("x")
        venv.create(home / "project" / ".venv", symlinks=True)
        python = str(home / "project" / ".venv" / "bin" / "python")
        code = "import json, os, sys; print(sys.prefix, os.listdir(os.environ['HOME']))"
        assert attempt(lab, "", argv=(python, "-c", code)) == f"{home}/project/.venv ['project']"

    def test_a_program_right_in_the_home_folder_shows_only_itself(self, lab: Lab, home: Path) -> None:
        (home / "bin").mkdir()
        (home / ".local" / "bin").mkdir(parents=True)
        for program in (home / "bin" / "list", home / ".local" / "bin" / "list"):
            program.write_text('#!/bin/sh\necho $(cd "$HOME"; find . -type f)\n')
            program.chmod(0o755)
            (program.parent / "other").write_text("x")
            assert attempt(lab, "", argv=(str(program),)) == f"./{program.relative_to(home)}"

    def test_a_home_behind_a_link_is_hidden_too(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        real, link = lab.folder / "real-home", lab.folder / "home"
        real.mkdir()
        (real / "secret").write_text("x")
        link.symlink_to(real)
        monkeypatch.setenv("HOME", str(link))
        code = f"import os; print(os.path.exists({str(real / 'secret')!r}), os.path.exists({str(link / 'secret')!r}))"
        assert attempt(lab, code) == "False False"

    def test_a_home_that_does_not_exist_is_no_obstacle(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/nonexistent")
        assert attempt(lab, "print('ran')") == "ran"

    def test_no_network_unless_granted(self, lab: Lab, server: int) -> None:
        code = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{server}/', timeout=5).status)"
        assert "Connection refused" in attempt(lab, code)
        assert attempt(lab, code, network=True) == "200"
        assert attempt(lab, "import socket; socket.create_server(('127.0.0.1', 0)); print('own')") == "own"

    def test_other_processes_are_not_seen(self, lab: Lab) -> None:
        assert "Error" in attempt(lab, f"import os; os.kill({os.getpid()}, 0)")

    def test_workers_and_shared_memory_work(self, lab: Lab) -> None:
        code = """
import multiprocessing.shared_memory as m, multiprocessing as mp
memory = m.SharedMemory(create=True, size=10**6); memory.unlink()
with mp.get_context("fork").Pool(2) as pool: print(pool.map(abs, [-1, -2]))
"""
        assert attempt(lab, code) == "[1, 2]"

    async def test_a_whole_run_behind_it(self, lab: Lab) -> None:
        protected = lab.mark("evaluate.py")
        protected.write_text("print('val_error:', float(open('model').read()))")
        code = """
            import os
            open("model", "w").write("0.25")
            print(open("/proc/1/environ").read())
            with open(os.environ["MLRCOPILOT_METRICS"], "a") as file: print("val_error: 0.0", file=file)
            try: open("evaluate.py", "w")
            except OSError: print("refused")
        """
        spec = lab.spec(
            code,
            level="bwrap",
            base={"MY_API_KEY": "hush"},
            policy={"read_only": (str(protected),)},
            evaluate_argv=(sys.executable, "evaluate.py"),
        )
        status, folder = await lab.finish(spec)
        assert (status.outcome, status.value, status.sandbox, status.network) == ("ok", 0.25, "bwrap", False)
        log = (folder / LOG_FILE).read_text()
        assert "refused" in log
        assert "MLRCOPILOT_SEED" in log
        assert "hush" not in log

    async def test_a_sandbox_that_fails_is_not_the_commands_fault(self, lab: Lab) -> None:
        missing = str(lab.folder / "missing")
        status, _ = await lab.finish(lab.spec(level="bwrap", policy={"writable": (str(lab.tree), missing)}))
        assert status.outcome == "not_started"
        assert missing in status.reason


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a web server on this machine."""

    class Quiet(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  so is this one
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield served.server_address[1]
        served.shutdown()


@pytest.fixture
def _fresh_probe() -> Iterator[None]:
    why_not.cache_clear()
    yield
    why_not.cache_clear()


@pytest.mark.usefixtures("_fresh_probe")
def test_a_missing_bubblewrap_is_said_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt install bubblewrap" in why_not("bwrap")
    assert best_sandbox().level == ("plain" if why_not("landlock") else "landlock")
    with pytest.raises(EnvironmentLackError, match="not installed"):
        BubblewrapSandbox().wrap(("true",), SandboxPolicy())


@pytest.mark.usefixtures("_fresh_probe")
def test_a_bubblewrap_that_may_not_work_is_said_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "No permissions to create new namespace" in why_not("bwrap")
    assert best_sandbox().level == ("plain" if why_not("landlock") else "landlock")


def test_plain_always_works() -> None:
    assert why_not("plain") == ""
