"""Every test gets a home of its own, so that none reads or changes what belongs to the person who runs the tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("mlrcopilot", deadline=None, print_blob=True)
settings.load_profile("mlrcopilot")


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home with its XDG folders, and nothing of git's environment: no identity, no configuration."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(("GIT_", "XDG_", "ANTHROPIC_", "MLRCOPILOT_")) or name in {"VIRTUAL_ENV", "EMAIL"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    for variable, below in {
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
        "MLRCOPILOT_HOME": ".mlrcopilot-home",
    }.items():
        monkeypatch.setenv(variable, str(folder / below))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured, so that the figures stand in every log of the tests."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
                terminalreporter.section(name)
                terminalreporter.write_line(str(value))
