"""Every cell of the attack table is tried for real, as root and as an ordinary user."""

import importlib.util
import os
import shutil
import sys
from functools import cache
from pathlib import Path

import pytest

from mlrcopilot_tui.runs import landlock
from mlrcopilot_tui.runs.sandbox import why_not
from mlrcopilot_tui.runs.spec import SandboxLevel
from tests.runs.attack_table import ATTACKS, LEVELS, MACHINE_DECIDES, RUN_ATTACKS, Row, as_markdown
from tests.runs.attacker import attacks
from tests.runs.battlefield import NOBODY, battlefield
from tests.runs.lab import Lab, survivors

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there are sandboxes on Linux only")
DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox.md"
USERS = ("root", "user")


def expected(row: Row, level: SandboxLevel, user: str) -> str:
    """What the table says of that attack, by that user, on this kernel."""
    cell = row.cell(level)
    if level == "landlock" and landlock.abi() < row.abi:
        return "open"
    if cell.startswith("open as"):
        return "open" if cell == f"open as {user}" else "prevented"
    return cell


@cache
def outcome(level: SandboxLevel, user: str) -> dict[str, str]:
    """What came of all attacks by that user at that level, or the reason for which they could not be tried as ""."""
    if reason := why_not(level):
        return {"": reason}
    if user == "root" and os.getuid() != 0:
        return {"": "needs root"}
    number = 0 if user == "root" else os.getuid() or NOBODY
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
    with battlefield(number, python) as field:
        trial = field.run(level, "-c", "import sys; sys.exit(sys.version_info < (3, 11))")
        if trial.returncode:
            return {"": f"an ordinary user cannot run it here: {trial.stderr.strip() or 'its Python is too old'}"}
        return field.attacked(level)


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: row.name)
@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("level", LEVELS)
def test_each_cell(level: SandboxLevel, user: str, row: Row) -> None:
    found = outcome(level, user)
    if "" in found:
        pytest.skip(found[""])
    wanted, came = expected(row, level, user), found[row.name]
    if wanted == "open" and row.name in MACHINE_DECIDES and came != "open":
        pytest.skip(f"this machine itself does not let it happen: {came}")
    assert came.partition(":")[0] == wanted, came


def test_the_table_has_a_row_for_each_attack() -> None:
    assert [row.name for row in ATTACKS] == [name for name, _ in attacks()]


def test_the_document_shows_the_table() -> None:
    assert as_markdown() in DOCUMENT.read_text()


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> SandboxLevel:
    """Each level that works here."""
    chosen: SandboxLevel = request.param
    if reason := why_not(chosen):
        pytest.skip(reason)
    return chosen


def cell(name: str, level: SandboxLevel) -> str:
    return next(row for row in RUN_ATTACKS if row.name == name).cell(level)


async def test_leave_a_process_behind(lab: Lab, level: SandboxLevel) -> None:
    code = """
        import os, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                open("away", "w").write(str(os.getpid()))
                time.sleep(600)
            os._exit(0)
        while not os.path.exists("away") or not open("away").read(): time.sleep(0.01)
        print("val_error: 0.5")
    """
    spec = lab.spec(code, level=level)
    status, _ = await lab.finish(spec)
    assert status.outcome == "ok"
    assert cell("leave_a_process_behind", level) == "prevented"
    assert not survivors(spec.run)


async def test_forge_the_evaluation_and_put_it_back(lab: Lab, level: SandboxLevel) -> None:
    honest = "print('val_error: 0.9')"
    evaluation = lab.mark("evaluate.py")
    evaluation.write_text(honest)
    forged = f"print('val_error: 0.0'); open('evaluate.py', 'w').write({honest!r})"
    code = f"""
        forged = {forged!r}
        try: open("evaluate.py", "w").write(forged)
        except OSError: pass
    """
    policy = {"read_only": (str(evaluation),)}
    status, _ = await lab.finish(
        lab.spec(code, level=level, policy=policy, evaluate_argv=(sys.executable, "evaluate.py"))
    )
    if cell("forge_the_evaluation_and_put_it_back", level) == "prevented":
        assert (status.outcome, status.value) == ("ok", 0.9)
    else:
        assert (status.outcome, status.value) == ("voided", None)
        assert "evaluate.py" in status.reason


async def test_poison_the_compiled_code_of_the_evaluation(lab: Lab, level: SandboxLevel) -> None:
    module, evaluation = lab.mark("scoring.py"), lab.mark("evaluate.py")
    module.write_text("score = 0.9")
    evaluation.write_text("from scoring import score; print('val_error:', score)")
    cached = importlib.util.cache_from_source("scoring.py")
    code = f"""
        import importlib.util, os, pathlib, struct
        found = os.stat("scoring.py")
        head = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(found.st_mtime), found.st_size)
        import marshal
        pathlib.Path({cached!r}).parent.mkdir(exist_ok=True)
        pathlib.Path({cached!r}).write_bytes(head + marshal.dumps(compile("score = 0.0", "scoring.py", "exec")))
    """
    policy = {"read_only": (str(module), str(evaluation))}
    argv = (sys.executable, "evaluate.py")
    status, _ = await lab.finish(lab.spec(code, level=level, policy=policy, evaluate_argv=argv))
    assert cell("poison_the_compiled_code_of_the_evaluation", level) == "prevented"
    assert (status.outcome, status.value) == ("ok", 0.9)
    done = await lab.finish(lab.spec(level=level, argv=argv))
    assert done[0].value == 0.0, "without the evaluation's own environment it would have worked"


@pytest.mark.parametrize("planted", ["statistics.py", "scoring/__init__.py", "pytest/__init__.py", "conftest.py"])
async def test_shadow_a_module_that_the_evaluation_imports(lab: Lab, level: SandboxLevel, planted: str) -> None:
    evaluation, module = lab.mark("evaluate.py"), lab.mark("scoring.py")
    evaluation.write_text("import statistics; print('val_error:', statistics.mean([0.9, 0.9]))")
    module.write_text("score = 0.9")
    code = f"""
        import pathlib
        pathlib.Path({planted!r}).parent.mkdir(exist_ok=True)
        pathlib.Path({planted!r}).write_text("mean = lambda _: 0.0")
    """
    policy = {"read_only": (str(evaluation), str(module))}
    argv = (sys.executable, "evaluate.py")
    status, _ = await lab.finish(lab.spec(code, level=level, policy=policy, evaluate_argv=argv))
    assert cell("shadow_a_module_that_the_evaluation_imports", level) == "detected"
    assert (status.outcome, status.value) == ("voided", None)
    assert planted.partition("/")[0] in status.reason


async def test_an_evaluation_may_be_a_long_word(lab: Lab) -> None:
    code = f"print('val_error: 0.5') # {'x' * 5000}"
    status, _ = await lab.finish(lab.spec(evaluate_argv=(sys.executable, "-c", code)))
    assert (status.outcome, status.value) == ("ok", 0.5)


async def test_what_a_run_writes_for_its_evaluation_is_no_shadow(lab: Lab) -> None:
    lab.mark("evaluate.py").write_text("import submission; print('val_error:', submission.score)")
    lab.mark("statistics.py").write_text("was = 'there before'")
    code = """
        import os
        open("submission.py", "w").write("score = 0.5")
        os.mkdir("numpy"), open("numpy/data.csv", "w")
    """
    status, _ = await lab.finish(lab.spec(code, evaluate_argv=(sys.executable, "evaluate.py")))
    assert (status.outcome, status.value) == ("ok", 0.5)
