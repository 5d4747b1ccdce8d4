"""What a hostile run makes of its evaluation: each such row of the attack table, in whole runs of a real workspace."""

import contextlib
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlrcopilot_tui.runs.sandbox import why_not
from mlrcopilot_tui.runs.spec import LOG_FILE, SandboxLevel
from mlrcopilot_tui.workspace.gitcommand import run_git
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT as DEFAULT
from tests.research.conftest import MakeWorkspace
from tests.research.fences import CONTRACT, Measured, made, measured_now, own_folder
from tests.research.running import Use, run_session
from tests.runs.attack_table import LEVELS, RUN_ATTACKS

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are sandboxes on Linux only")

LABELS = "cat,dog,owl"
SPELT = "','.join(('cat', 'dog', 'owl'))"
"""For scripts, which are none of the files that hold them."""
NOTE = "the labels were here"
MEMORY = Path("/dev/shm")  # noqa: S108  Landlock does not keep it apart
EVERYBODYS = Path("/tmp")  # noqa: S108  it is an attack on it
HOSTILE = f"""
import importlib.util, json, marshal, os, pathlib, struct, sys, time
here = pathlib.Path.cwd()
seen = [str(path) for path in here.rglob("*") if path.is_file() and {SPELT} in path.read_text(errors="replace")]
# What a run before this one may have kept.
places = json.loads(pathlib.Path("places.json").read_text())
def told(path):
    try: return pathlib.Path(path).read_text()
    except OSError: return ""
kept = [place for place in places if {SPELT} in told(place)]
print("FOUND", json.dumps([seen, kept]))
pathlib.Path("model.bin").write_text("0.25")
with open("sparse.bin", "wb") as file: file.truncate(1 << 40)
os.mkfifo("pipe.csv")
# Compiled code with the stamps of the source.
found = os.stat("scoring.py")
head = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(found.st_mtime), found.st_size)
cached = pathlib.Path(importlib.util.cache_from_source("scoring.py"))
cached.parent.mkdir(exist_ok=True)
cached.write_bytes(head + marshal.dumps(compile("score = 0.0", "scoring.py", "exec")))
for planted in ("statistics.py", "scoring/__init__.py", "pytest/__init__.py", "conftest.py", "sitecustomize.py"):
    pathlib.Path(planted).parent.mkdir(exist_ok=True)
    pathlib.Path(planted).write_text("score = 0.0; mean = lambda _: 0.0")
here.joinpath("link.csv").symlink_to("answers.csv")
here.joinpath("outside.csv").symlink_to(told("original.txt"))
here.joinpath("through").symlink_to("private")
here.joinpath("up.csv").symlink_to(f"../{{here.name}}/private/answers.csv")
here.joinpath("private").mkdir()
here.joinpath("private/mine.csv").write_text("mine")
here.joinpath("second.bin").symlink_to("model.bin")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.close(1), os.close(2)
        for _ in range(2000):
            time.sleep(0.01)
            for path in (here / "answers.csv", here / "private/answers.csv"):
                if told(path): here.joinpath("stolen.csv").write_text(told(path))
    os._exit(0)
"""
EVALUATION = f"""
import json, os, pathlib, socket, statistics, sys, time
import scoring
time.sleep(0.2)
def told(path):
    try: return pathlib.Path(path).read_text()
    except OSError as error: return type(error).__name__
names = ("answers.csv", "private/answers.csv", "link.csv", "outside.csv", "through/answers.csv", "second.bin",
    "up.csv", "stolen.csv", "private/mine.csv", "pipe.csv")
seen = {{name: told(name) if os.path.isfile(name) else "" for name in names}}
seen |= {{"score": scoring.score, "mean": statistics.mean([0.9]), "sparse": os.path.getsize("sparse.bin")}}
seen |= {{"files": sorted(str(path) for path in pathlib.Path().rglob("*") if path.is_file())}}
# What code of the run may do here, had it been unpickled.
seen["written"] = []
for place in json.loads(told("places.json")):
    try:
        pathlib.Path(place).write_text({SPELT})
        seen["written"].append(place)
    except OSError: pass
try: seen["network"] = socket.create_connection(("127.0.0.1", int(told("port.txt"))), timeout=1).recv(5).decode()
except OSError as error: seen["network"] = ""
try: pathlib.Path("answers.csv").write_text("forged")
except OSError: seen["kept"] = True
print("SAW", json.dumps(seen))
print("{NOTE}", told("answers.csv"))
print("val_error:", told("model.bin"))
"""


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> SandboxLevel:
    """Each level that works here."""
    chosen: SandboxLevel = request.param
    if reason := why_not(chosen):
        pytest.skip(reason)
    return chosen


def cell(name: str, level: SandboxLevel) -> str:
    return next(row for row in RUN_ATTACKS if row.name == name).cell(level)


@cache
def hostile(level: SandboxLevel) -> tuple[Measured, dict[str, Any], tuple[list[str], list[str]]]:
    """The hostile run at that level; what its evaluation saw; what a run after it found in its tree, and kept."""
    outside = [folder / f"mlrcopilot-test-{os.getpid()}" for folder in (MEMORY, EVERYBODYS)]
    with own_folder() as root, greeting() as port:
        places = [*outside, *(root / place for place in ("kept.txt", "data/kept.txt", ".mlrcopilot/kept.txt"))]
        files = {
            "evaluate.py": EVALUATION,
            "scoring.py": "score = 0.9\n",
            "answers.csv": LABELS,
            "private/answers.csv": LABELS,
            "original.txt": str(root / "answers.csv"),
            "places.json": json.dumps([str(place) for place in places]),
            "port.txt": str(port),
        }
        contract = CONTRACT.replace('["answers.csv"]', '["**/answers.csv"]')
        try:
            first, second = measured_now(made(root, HOSTILE, files, contract), level, seeds=(0, 1))
        finally:
            for place in outside:
                place.unlink(missing_ok=True)
    assert first.run.outcome == "ok", first.log
    return first, _told(first.log, "SAW"), _told(second.log, "FOUND")


def _told(log: str, word: str) -> Any:  # noqa: ANN401  whatever a script tells
    return json.loads(next(line for line in log.splitlines() if line.startswith(word)).removeprefix(word))


@contextmanager
def greeting() -> Iterator[int]:
    """The port of a server that says hello."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.sendall(b"hello")

        threading.Thread(target=greet, daemon=True).start()
        yield server.getsockname()[1]


def test_an_evaluation_sees_what_the_run_wrote_and_the_hidden_labels(level: SandboxLevel) -> None:
    measured, saw, _ = hostile(level)
    assert (measured.run.value, measured.status.value_source, measured.run.looked) == (0.25, "evaluate", True)
    assert saw["answers.csv"] == saw["private/answers.csv"] == LABELS
    assert (saw["private/mine.csv"], saw["second.bin"]) == ("mine", "0.25")
    assert saw["sparse"] == 1 << 40


def test_what_an_evaluation_reads_is_read_only_where_the_fence_can_keep_it_so(level: SandboxLevel) -> None:
    assert hostile(level)[1].get("kept", False) is (level == "bwrap")


def test_find_hidden_labels_in_its_own_tree(level: SandboxLevel) -> None:
    assert cell("find_hidden_labels_in_its_own_tree", level) == "prevented"
    assert _told(hostile(level)[0].log, "FOUND")[0] == []


def test_wait_for_the_evaluation_to_read_hidden_labels(level: SandboxLevel) -> None:
    assert cell("wait_for_the_evaluation_to_read_hidden_labels", level) == "prevented"
    assert "stolen.csv" not in hostile(level)[1]["files"]


def test_link_an_output_to_hidden_labels(level: SandboxLevel) -> None:
    measured, saw, _ = hostile(level)
    assert cell("link_an_output_to_hidden_labels", level) == "prevented"
    assert not any(saw[name] for name in ("link.csv", "outside.csv", "through/answers.csv", "up.csv"))
    assert "Not taken over: outside.csv: it is a link that leads to no file of the run" in measured.log


def test_poison_the_compiled_code_of_the_evaluation(level: SandboxLevel) -> None:
    assert cell("poison_the_compiled_code_of_the_evaluation", level) == "prevented"
    assert hostile(level)[1]["score"] == 0.9


def test_shadow_a_module_that_the_evaluation_imports(level: SandboxLevel) -> None:
    measured, saw, _ = hostile(level)
    assert cell("shadow_a_module_that_the_evaluation_imports", level) == "prevented"
    assert (saw["mean"], saw["score"]) == (0.9, 0.9)
    assert not {"statistics.py", "scoring/__init__.py", "sitecustomize.py"} & set(saw["files"])
    assert "Not taken over: statistics.py: it is code that is in no commit" in measured.log


def test_leave_a_pipe_for_the_evaluation_to_hang_on(level: SandboxLevel) -> None:
    measured, saw, _ = hostile(level)
    assert cell("leave_a_pipe_for_the_evaluation_to_hang_on", level) == "prevented"
    assert "pipe.csv" not in saw["files"]
    assert "Not taken over: pipe.csv: it is no regular file" in measured.log


def test_send_hidden_labels_out_of_the_evaluation(level: SandboxLevel) -> None:
    went = hostile(level)[1]["network"] == "hello"
    assert went is (cell("send_hidden_labels_out_of_the_evaluation", level) == "open")


def test_keep_hidden_labels_for_the_next_run(level: SandboxLevel) -> None:
    kept = hostile(level)[2][1]
    assert bool(kept) is (cell("keep_hidden_labels_for_the_next_run", level) == "open"), kept
    if level == "landlock":
        assert all(Path(place).parent == MEMORY for place in kept)


def voided(level: SandboxLevel, train: str, files: Mapping[str, str]) -> Measured:
    with own_folder() as root:
        return measured_now(made(root, train, files), level)[0]


def test_forge_the_evaluation_and_put_it_back(level: SandboxLevel) -> None:
    honest = "print('val_error: 0.9')"
    forged = f"print('val_error: 0.0'); open('evaluate.py', 'w').write({honest!r})"
    train = f"""
try: open("evaluate.py", "w").write({forged!r})
except OSError: pass
"""
    found = voided(level, train, {"evaluate.py": honest})
    if cell("forge_the_evaluation_and_put_it_back", level) == "prevented":
        assert (found.run.outcome, found.run.value) == ("ok", 0.9)
    else:
        assert (found.run.outcome, found.run.value, found.run.looked) == ("voided", None, False)
        assert found.run.reason == "The run changed protected files: evaluate.py."


def test_replace_data_that_the_evaluation_reads(level: SandboxLevel) -> None:
    found = voided(level, "open('test.csv', 'w').write('0.0')", {"test.csv": "0.9"})
    assert cell("replace_data_that_the_evaluation_reads", level) == "detected"
    assert (found.run.outcome, found.run.value, found.run.looked) == ("voided", None, False)
    assert "The run wrote over files of its commit" in found.run.reason
    assert "test.csv" in found.run.reason


def test_put_a_link_in_the_place_of_its_tree(level: SandboxLevel) -> None:
    with own_folder() as root, own_folder() as precious:
        (precious / "thesis.txt").write_text("years of work")
        train = f"""
import os
here = os.getcwd()
try:
    os.rename(here, os.environ["TMPDIR"] + "/away")
    os.symlink({str(precious)!r}, here)
except OSError: pass
"""
        found = measured_now(made(root, train), level)[0]
        assert (precious / "thesis.txt").read_text() == "years of work"
    if cell("put_a_link_in_the_place_of_its_tree", level) == "prevented":
        assert found.run.outcome == "ok"
    else:
        assert found.run.outcome == "voided"
        assert found.run.reason == "The run put something else in the place of its tree."


def commit_files(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).write_text(text)
    run_git(("add", "--", *files), root)
    run_git(("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "More"), root)


async def test_show_hidden_labels_to_an_agent_in_the_log(make_workspace: MakeWorkspace, scripted: Use) -> None:
    engine = scripted(FakeEngine([("cross", [("SPREAD = 0.01", "SPREAD = 'x'; open('bad', 'w')")])]))
    workspace = make_workspace(
        train="SPREAD = 0.01\nprint('all is well with the training')\n",
        contract=DEFAULT.replace(
            "[files]", '[evaluate]\ncommand = "python evaluate.py"\n[files]\nhidden = ["labels.csv"]'
        ),
    )
    script = "import os; print('val_error: 0.5'); assert not os.path.exists('bad'), open('labels.csv').read()"
    commit_files(workspace.layout.root, {"labels.csv": LABELS, "evaluate.py": script})
    state = await run_session(workspace)
    failure = engine.assignments[1].failure
    assert failure is not None
    assert "all is well with the training" in failure.log_tail
    assert LABELS not in str(failure)
    assert failure.reason == "The evaluation ended with exit code 1."
    assert state.looks >= 3
    assert all(cell("show_hidden_labels_to_an_agent_in_the_log", level) == "prevented" for level in LEVELS)
    failed = next(run for run in state.runs.values() if run.outcome == "crashed")
    log = workspace.layout.run(state.session, failed.run) / LOG_FILE
    assert LABELS in log.read_text(), "the researcher sees all"
