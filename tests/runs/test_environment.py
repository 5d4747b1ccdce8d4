"""What a run finds in its environment, and what it does not."""

import os
import sys
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.runs.environment import fingerprint, looks_secret, run_environment


def build(base: dict[str, str], *, passed: tuple[str, ...] = (), network: bool = False) -> dict[str, str]:
    return run_environment(
        base, extra={"LR": "1"}, passed=passed, seed=7, metrics_file="/m.jsonl", run="s-1", network=network
    )


@pytest.mark.parametrize(
    "name",
    [
        "OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "HF_TOKEN", "my_secret", "DB_PASSWORD", "PGPASSFILE", "MYSQL_PASSWD",
        "GOOGLE_APPLICATION_CREDENTIALS", "AWS_PROFILE", "GIT_ASKPASS", "SSH_AUTH_SOCK", "XAUTHORITY", "GITHUB_PAT",
        "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST", "KUBECONFIG", "MLRCOPILOT_HOME", "SESSION_COOKIE", "FTP_PASS",
    ],
)  # fmt: skip
def test_secret_names_are_kept_out(name: str) -> None:
    assert looks_secret(name, "x")
    assert name not in build({name: "x"})
    assert build({name: "x"}, passed=(name,))[name] == "x"


@pytest.mark.parametrize(
    "value",
    [
        "postgres://user:hunter2@db.example/x", "https://:pw@proxy:8080", "sk-" + 20 * "a",
        "hf_abcdefghijklmnopqrstuv", "ghp_abcdefghijklmnopqrstuv", "AKIAABCDEFGHIJKLMNOP",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nx",
    ],
)  # fmt: skip
def test_secret_values_are_kept_out(value: str) -> None:
    assert "HARMLESS" not in build({"HARMLESS": value})


@pytest.mark.parametrize(
    "name",
    [
        "PATH", "HOME", "LANG", "PWD", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "VIRTUAL_ENV", "LD_LIBRARY_PATH",
        "TOKENIZERS_PARALLELISM", "PYTHONPATH", "NCCL_DEBUG", "TMPDIR",
    ],
)  # fmt: skip
def test_what_training_needs_is_kept(name: str) -> None:
    assert build({name: "/some/where:8080"})[name] == "/some/where:8080"


def test_ours_are_set_and_cannot_be_overridden() -> None:
    env = run_environment({}, extra={"MLRCOPILOT_SEED": "1"}, passed=(), seed=7, metrics_file="/m.jsonl", run="s-1")
    assert env["MLRCOPILOT_SEED"] == "7"
    assert env["MLRCOPILOT_METRICS"] == "/m.jsonl"
    assert env["MLRCOPILOT_RUN"] == "s-1"
    assert env["PYTHONUNBUFFERED"] == "1"
    assert env["PYTHONHASHSEED"] == "7"


def test_the_hub_is_offline_only_without_a_network() -> None:
    assert build({})["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in build({}, network=True)


def test_extra_is_set_as_it_is() -> None:
    assert build({"LR": "9"})["LR"] == "1"


def test_a_fingerprint_tells_interpreter_packages_and_machine() -> None:
    found = fingerprint(sys.executable, {"PATH": os.defpath, "OMP_NUM_THREADS": "3", "OTHER": "x"})
    assert Path(found.python) == Path(sys.executable).resolve()
    assert found.version.endswith(sys.version.split()[0])
    assert found.package_count > 5
    assert found.device
    assert found.cpus >= 1
    assert found.threads == {"OMP_NUM_THREADS": "3"}
    assert found.digest() == fingerprint(sys.executable, {"PATH": os.defpath, "OMP_NUM_THREADS": "3"}).digest()
    assert found.digest() != fingerprint(sys.executable, {"PATH": os.defpath}).digest()


def test_an_interpreter_that_does_not_work_is_said_so() -> None:
    with pytest.raises(InputError, match="nosuch"):
        fingerprint("/nosuch/python")
    with pytest.raises(InputError, match="does not work"):
        fingerprint("/bin/false")
