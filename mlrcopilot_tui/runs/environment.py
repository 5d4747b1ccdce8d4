"""What a run is started with: an environment without secrets, and a fingerprint of what its numbers depend on."""

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.runs.spec import METRICS_VARIABLE, RUN_VARIABLE, SEED_VARIABLE

SECRET_NAME: Final = re.compile(
    r"KEY|TOKEN(?!IZER)|SECRET|PASS(?:WORD|WD|PHRASE|FILE)|_PASS$|CREDENTIAL|AUTH|JWT|_PAT$|COOKIE|NETRC|KUBECONFIG"
    r"|^(?:ANTHROPIC|CLAUDE|AWS_|GIT_|MLRCOPILOT_|DBUS_|DOCKER_|SSH_|GPG_)",
    re.IGNORECASE,
)
OWN_CREDENTIALS: Final = frozenset({"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_CUSTOM_HEADERS"})
"""What the copilot itself logs in with. No code that agents write gets it, whatever a workspace asks for."""
SECRET_VALUE: Final = re.compile(
    r"[a-z][a-z0-9+.-]*://[^\s/@:]*:[^\s/@]+@"  # a URL with a password
    r"|\b(?:sk-[A-Za-z0-9_-]{16}|gh[pousr]_[A-Za-z0-9]{16}|github_pat_|hf_[A-Za-z0-9]{16}|xox[abprs]-|AKIA[0-9A-Z]{12})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY",
    re.IGNORECASE,
)
THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CUDA_VISIBLE_DEVICES")


def run_environment(
    base: Mapping[str, str],
    *,
    extra: Mapping[str, str],
    passed: Sequence[str],
    seed: int,
    metrics_file: str,
    run: str,
    network: bool = False,
) -> dict[str, str]:
    """The complete environment of a run.

    Args:
        base: where it comes from, usually `os.environ`; what looks like a secret, by name or by value, is left out.
        extra: set as it is, because the researcher wrote it into the workspace's contract.
        passed: names let through from `base` whatever they look like, but for the copilot's own credentials.
        seed: the run's seed; Python's hashes are seeded with it too.
        metrics_file: absolute path of the file to which the run may append its metrics.
        run: the run's id, which marks its processes.
        network: whether it has one; without, the Hugging Face libraries and W&B are told, lest they wait for it.
    """
    let_through = set(passed) - OWN_CREDENTIALS
    kept = {name: value for name, value in base.items() if name in let_through or not looks_secret(name, value)}
    defaults = {"PYTHONHASHSEED": str(seed % 2**32)}
    if not network:
        defaults |= {"HF_HUB_OFFLINE": "1", "WANDB_MODE": "offline"}
    ours = {
        RUN_VARIABLE: run,
        SEED_VARIABLE: str(seed),
        METRICS_VARIABLE: metrics_file,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return kept | defaults | dict(extra) | ours


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable looks like a secret, or like a way to one (a socket, an agent, a config file)."""
    return bool(SECRET_NAME.search(name) or SECRET_VALUE.search(value))


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """What besides code and data a run's numbers depend on. `packages` is a digest over names and versions."""

    python: str
    version: str
    packages: str
    package_count: int
    device: str
    cpus: int
    threads: dict[str, str]

    def digest(self) -> str:
        """One digest over all of it, in hex."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


# Runs in the workspace's interpreter, whose version may be older than ours.
PROBE: Final = """
import glob, hashlib, json, os, platform, sys
from importlib.metadata import distributions

def device():
    cards = []
    for path in sorted(glob.glob("/proc/driver/nvidia/gpus/*/information")):
        with open(path) as file:
            cards += [line.split(":", 1)[1].strip() for line in file if line.startswith("Model:")]
    if cards:
        return ", ".join(cards)
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.lower().startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

packages = sorted({"%s==%s" % (d.metadata["Name"], d.version) for d in distributions()})
print(json.dumps({
    "python": os.path.realpath(sys.executable),
    "version": platform.python_implementation() + " " + platform.python_version(),
    "packages": hashlib.sha256("\\n".join(packages).encode()).hexdigest(),
    "package_count": len(packages),
    "device": device(),
    "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
}))
"""


def fingerprint(python: str, env: Mapping[str, str] | None = None) -> Fingerprint:
    """The fingerprint of the interpreter `python` as a run with the environment `env` would find it.

    Raises:
        InputError: there is no such interpreter, or it does not work.
    """
    variables = dict(os.environ if env is None else env)
    try:
        answer = subprocess.run(
            [python, "-c", PROBE], env=variables, cwd="/", capture_output=True, check=True, timeout=60, text=True
        )
        found = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, json.JSONDecodeError) as error:
        raise InputError(
            f"The interpreter {python} does not work: {error}.", "Name a working one as `python` under [run]."
        ) from error
    return Fingerprint(**found, threads={name: variables[name] for name in THREADS if name in variables})
