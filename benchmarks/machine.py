"""The machine and the programs that the figures belong to."""

import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import psutil


def describe_machine() -> dict[str, str]:
    """CPU model, cores, memory, system, and the versions that matter."""
    return {
        "cpu": _cpu_model(),
        "cores": str(len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "textual": version("textual"),
        "git": _git_version(),
    }


def load() -> str:
    """The load average of the last minute: figures from a busy machine say little."""
    return f"{os.getloadavg()[0]:.1f}"


def _cpu_model() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _git_version() -> str:
    told = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout
    return told.split()[2]
