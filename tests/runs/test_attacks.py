"""Every cell of the attack table is tried for real, as root and as an ordinary user."""

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
