"""Finds out what works on this machine and how to mend what does not: fast, offline, and without touching anything."""

import asyncio
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.text import printable
from mlrcopilot_tui.user_settings import EngineSettings, load_settings

Status = Literal["ok", "warn", "fail"]

_MINIMUM_PYTHON: Final = (3, 11)
_GIB: Final = 2**30
_LOW_DISK: Final = 2 * _GIB
_NO_DISK: Final = _GIB // 10
_QUICK_S: Final = 0.5
_KEYS: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
_STATUS: Final[Mapping[bool | None, Status]] = {True: "ok", None: "warn", False: "fail"}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at.

    Attributes:
        status: `fail` where nothing works without it, `warn` where something is missing or slower.
        found: what is here.
        mend: what to do about it, as a sentence; empty when all is well.
    """

    name: str
    status: Status
    found: str
    mend: str = ""


def run_checks(workspace: Path | None, environ: Mapping[str, str] = os.environ) -> list[Check]:
    """Everything that a run or a screen depends on; takes well under a second with a GPU driver that answers.

    Args:
        workspace: where disk space is looked for; the home folder when there is no workspace.
    """
    return [
        check_python(sys.version_info[:3]),
        check_platform(sys.platform),
        check_git(),
        check_terminal(environ),
        check_encoding(environ),
        *check_multiplexer(environ),
        check_sandbox(sys.platform),
        *check_hardware(),
        check_disk(workspace or Path.home()),
        check_demo(),
        check_key(environ, _own_engine()),
    ]


def check_python(version: tuple[int, ...]) -> Check:
    """The interpreter that runs us."""
    found = f"{'.'.join(map(str, version))} at {sys.executable}"
    if version < _MINIMUM_PYTHON:
        return Check(name="python", status="fail", found=found, mend="Install Python 3.11 or newer.")
    return Check(name="python", status="ok", found=found)


def check_platform(name: str) -> Check:
    """The operating system, as `sys.platform` names it."""
    found = f"{platform.system()} {platform.release()} {platform.machine()}"
    if name == "win32":
        return Check(name="platform", status="fail", found=found, mend="Windows is not supported; use WSL.")
    if name == "darwin":
        return Check(name="platform", status="warn", found=found, mend="On macOS runs are not fenced in.")
    return Check(name="platform", status="ok", found=found)


def check_git() -> Check:
    """A git that is new enough."""
    from mlrcopilot_tui.workspace.gitcommand import git_program  # noqa: PLC0415 - GitPython, 105 ms

    try:
        program = git_program()
        done = subprocess.run([program, "version"], capture_output=True, text=True, timeout=10, check=True)
    except CopilotError as error:
        return Check(name="git", status="fail", found=error.sentence, mend=error.mend)
    except (OSError, subprocess.SubprocessError):
        return Check(name="git", status="fail", found="git does not start.", mend="Reinstall git and try again.")
    return Check(name="git", status="ok", found=f"{done.stdout.strip().removeprefix('git version ')} at {program}")


def check_terminal(environ: Mapping[str, str]) -> Check:
    """Whether the screen can be drawn, and in how many colours."""
    term = environ.get("TERM", "")
    if term in {"", "dumb", "unknown"}:
        mend = "Use a full terminal for the screen, or `run --headless`, which needs none."
        return Check(name="terminal", status="warn", found=f"TERM is {term or 'not set'}", mend=mend)
    if "NO_COLOR" in environ:
        return Check(name="terminal", status="ok", found=f"{term}, no colours (NO_COLOR)")
    if environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return Check(name="terminal", status="ok", found=f"{term}, 16 million colours")
    colours = "256" if "256" in term else "16"
    mend = "" if "SSH_CONNECTION" not in environ else "SSH passes no COLORTERM: export COLORTERM=truecolor there."
    return Check(name="terminal", status="ok", found=f"{term}, {colours} colours", mend=mend)


def check_encoding(environ: Mapping[str, str]) -> Check:
    """Whether lines and sparklines can be drawn with more than ASCII."""
    setting = next((environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), "")
    if "utf8" in setting.lower().replace("-", ""):
        return Check(name="encoding", status="ok", found=setting)
    mend = "Export LANG=C.UTF-8; until then the screen is drawn in ASCII."
    return Check(name="encoding", status="warn", found=f"the locale is {setting or 'not set'}", mend=mend)


def check_multiplexer(environ: Mapping[str, str]) -> list[Check]:
    """tmux or screen, and whether what is copied reaches the terminal's clipboard through it."""
    if "TMUX" in environ:
        version, clipboard = _tmux("-V"), _tmux("show-options", "-gv", "set-clipboard")
        found = f"{version or 'tmux'}, set-clipboard {clipboard or 'unknown'}"
        if clipboard == "on":
            return [Check(name="clipboard", status="ok", found=found)]
        mend = "To copy out of the screen: tmux set -g set-clipboard on"
        return [Check(name="clipboard", status="warn", found=found, mend=mend)]
    if "STY" in environ:
        mend = "GNU screen passes no clipboard on: use tmux, or the terminal's own selection with shift held."
        return [Check(name="clipboard", status="warn", found="GNU screen", mend=mend)]
    return []


def check_sandbox(system: str) -> Check:
    """The strongest fence around runs that works here."""
    from mlrcopilot_tui.runs.landlock_sandbox import open_doors  # noqa: PLC0415 - only a diagnosis asks
    from mlrcopilot_tui.runs.sandbox import best_sandbox, why_not  # noqa: PLC0415 - only a diagnosis starts one

    level = best_sandbox().level
    if level == "bwrap":
        return Check(name="sandbox", status="ok", found=level)
    if level == "landlock":
        found = "landlock: it fences files and network, but protected files are checked, not locked"
        if doors := open_doors():
            found += f", and a run may speak to {', '.join(doors)}"
        return Check(name="sandbox", status="warn", found=found, mend=why_not("bwrap"))
    mend = "There is none for macOS yet." if system == "darwin" else why_not("bwrap")
    return Check(name="sandbox", status="warn", found="none: runs may touch files and the network", mend=mend)


def check_hardware() -> list[Check]:
    """CPU, memory and GPUs."""
    from mlrcopilot_tui.hardware.report import describe  # noqa: PLC0415 - psutil, 20 ms

    return [
        Check(name=fact.name, status="warn" if fact.concern else "ok", found=printable(fact.found), mend=fact.concern)
        for fact in describe()
    ]


def check_disk(folder: Path) -> Check:
    """Room for runs, and the right to write them."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        found = f"{folder}: {error.strerror or error}"
        return Check(name="disk", status="fail", found=found, mend="Choose a folder that exists and can be read.")
    found = f"{free / _GIB:.1f} GiB free at {folder}"
    if not os.access(folder, os.W_OK):
        return Check(name="disk", status="fail", found=found, mend=f"{folder} cannot be written: choose another one.")
    if free < _LOW_DISK:
        mend = "Free some space: every run keeps its log, and checkpoints add up. `mlrcopilot clean` removes old ones."
        return Check(name="disk", status="fail" if free < _NO_DISK else "warn", found=found, mend=mend)
    return Check(name="disk", status="ok", found=found)


def check_demo() -> Check:
    """What the demo's template `digits` trains with."""
    try:
        version = importlib.metadata.version("scikit-learn")
    except importlib.metadata.PackageNotFoundError:
        mend = "For the digits demo: pip install 'mlrcopilot[demo]'; the template charlm needs nothing."
        return Check(name="demo", status="warn", found="scikit-learn is not installed", mend=mend)
    return Check(name="demo", status="ok", found=f"scikit-learn {version}")


def check_key(environ: Mapping[str, str], mine: EngineSettings | None = None) -> Check:
    """Whether a model could be asked; a key is never read out, and no program is started to get one."""
    name = next((name for name in _KEYS if environ.get(name)), "")
    server = "; ANTHROPIC_BASE_URL is set" if environ.get("ANTHROPIC_BASE_URL") else ""
    if not name:
        mine = mine or EngineSettings()
        way = "api_key_file" if mine.api_key_file else "api_key_command" if mine.api_key_command else ""
        if way:
            return Check(name="key", status="ok", found=f"{way} of your config.toml gives it{server}")
        found = f"ANTHROPIC_API_KEY is not set{server}; the offline engine needs none"
        return Check(name="key", status="ok", found=found)
    if environ[name] != environ[name].strip():
        mend = "Set it again without the spaces or line ends around it."
        return Check(name="key", status="warn", found=f"{name} is set, with white space around it", mend=mend)
    both = " (ANTHROPIC_AUTH_TOKEN too; it is not used)" if all(environ.get(key) for key in _KEYS) else ""
    found = f"{name} is set{both}{server}; it is used with --engine claude only"
    return Check(name="key", status="ok", found=found)


def check_endpoint(workspace: Path | None, environ: Mapping[str, str] = os.environ) -> list[Check]:
    """Makes one tiny call to the model that `--engine claude` would ask, and says what it showed."""
    from mlrcopilot_tui.agents.claude.wire import endpoint as choice  # noqa: PLC0415 - only when a call is asked for
    from mlrcopilot_tui.agents.claude.wire.probe import probe  # noqa: PLC0415
    from mlrcopilot_tui.research.consent import may_send  # noqa: PLC0415
    from mlrcopilot_tui.workspace.config import EngineConfig, load_config  # noqa: PLC0415
    from mlrcopilot_tui.workspace.layout import Layout  # noqa: PLC0415

    try:
        mine = load_settings().engine
        theirs = load_config(workspace).config.engine if workspace else EngineConfig()
        endpoint = choice.find_endpoint(mine, theirs.base_url, theirs.profile, environ)
        if theirs.base_url and workspace and not may_send(Layout(workspace), endpoint.base_url):
            found = f"the workspace names {endpoint.host}, and nobody agreed that anything is sent there"
            return [
                Check(name="endpoint", status="warn", found=found, mend="Agree: mlrcopilot consent --engine claude")
            ]
        credentials = choice.find_credentials(endpoint, mine, environ)
    except CopilotError as error:
        return [Check(name="endpoint", status="fail", found=error.sentence, mend=error.mend)]
    main, fast = choice.find_models(theirs.model, theirs.fast_model, mine)
    found = f"{endpoint.host}, profile {endpoint.profile}, model {main}, key: {credentials.source}"
    shown = asyncio.run(probe(endpoint, credentials, main, fast))
    told = [Check(name=one.name, status=_STATUS[one.ok], found=printable(one.found), mend=one.mend) for one in shown]
    return [Check(name="endpoint", status="ok", found=printable(found)), *told]


def _own_engine() -> EngineSettings:
    """The researcher's settings; a broken file is the business of `config validate`."""
    try:
        return load_settings().engine
    except CopilotError:
        return EngineSettings()


def _tmux(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["tmux", *arguments], capture_output=True, text=True, errors="replace", timeout=_QUICK_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return printable(done.stdout.strip()) if done.returncode == 0 else ""
