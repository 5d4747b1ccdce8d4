"""What is imported when, proven in fresh processes: the core knows no screen, and light commands stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mlrcopilot_tui.tui

HEAVY = ("textual", "anthropic", "git", "optuna", "libcst", "numpy", "huggingface_hub", "pypdf", "pynvml", "rich")
TUI = Path(mlrcopilot_tui.tui.__file__).parent
EDITOR = {"editor.py"}
CORE = ("session", "workspace", "runs", "papers", "hub", "hardware", "agents", "research")


def imported_by(code: str) -> set[str]:
    """The top-level modules that are loaded after `code` has run in a fresh interpreter."""
    script = f"{code}\nimport sys\nprint('\\n'.join({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


@pytest.mark.parametrize("package", CORE)
def test_the_core_knows_no_screen(package: str) -> None:
    walk = (
        f"import importlib, pkgutil, mlrcopilot_tui.{package} as top\n"
        "for found in pkgutil.walk_packages(top.__path__, top.__name__ + '.'):\n"
        "    importlib.import_module(found.name)\n"
    )
    assert "textual" not in imported_by(walk)


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["run", "--help"]])
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    code = (
        "import contextlib, io\nfrom mlrcopilot_tui.cli.main import main\n"
        f"with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): main({argv!r})"
    )
    assert not imported_by(code) & {*HEAVY, "psutil"}


@pytest.mark.parametrize("command", ["status", "log", "sessions"])
def test_looking_imports_nothing_heavy(command: str) -> None:
    code = (
        "import contextlib, io\nfrom mlrcopilot_tui.cli.main import main\n"
        f"with contextlib.redirect_stderr(io.StringIO()): main([{command!r}, '-C', '/'])\n"
        "import mlrcopilot_tui.cli.reading, mlrcopilot_tui.research.views"
    )
    assert not imported_by(code) & set(HEAVY)


def test_the_screen_calls_no_git_and_starts_nothing_but_the_copilot_one_reader_and_the_editor() -> None:
    """The copilot (`research.launch`), one child that reads a diff (`research.comparing`), the researcher's editor."""
    starting = {
        str(path.relative_to(TUI))
        for path in TUI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and {"subprocess", "multiprocessing", "pty"} & {name.name.split(".")[0] for name in node.names}
    }
    assert starting <= EDITOR
    loaded = imported_by(
        "import importlib, pkgutil, sys, mlrcopilot_tui.tui as top\n"
        "for found in pkgutil.walk_packages(top.__path__, top.__name__ + '.'):\n"
        "    importlib.import_module(found.name)\n"
        "print('mlrcopilot_tui.workspace.git' in sys.modules and 'calls-git' or 'calls-none')"
    )
    assert "calls-none" in loaded


def test_the_screen_does_not_load_what_only_the_copilot_needs() -> None:
    loaded = imported_by("import mlrcopilot_tui.tui.launch, mlrcopilot_tui.tui.app")
    assert not loaded & {"anthropic", "git", "optuna", "libcst", "numpy", "huggingface_hub", "pypdf", "pynvml"}
