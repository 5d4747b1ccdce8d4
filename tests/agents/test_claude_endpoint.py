"""Which server, which key, which models: the order, the refusals, and that the key shows nowhere."""

import os
import sys
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.claude.turns import ModelFaultError
from mlrcopilot_tui.agents.claude.wire.endpoint import (
    ANTHROPIC_URL,
    FAST_MODEL,
    MAIN_MODEL,
    Credentials,
    Endpoint,
    find_credentials,
    find_endpoint,
    find_models,
    secrets,
)
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.user_settings import EngineSettings, load_settings, settings_path

KEY = "sk-ant-api03-never-to-be-seen"
NOBODY = EngineSettings()
ANTHROPIC = Endpoint(ANTHROPIC_URL)


def test_the_nearest_word_on_the_address_counts() -> None:
    mine = EngineSettings(base_url="http://mine:1", profile="plain")
    environ = {"ANTHROPIC_BASE_URL": "http://env:2/v1/"}
    assert find_endpoint(mine, "http://theirs:3", "full", environ) == Endpoint("http://theirs:3", "full")
    assert find_endpoint(mine, "", "full", environ) == Endpoint("http://mine:1", "plain")
    assert find_endpoint(NOBODY, "", "full", environ) == Endpoint("http://env:2", "full")
    assert find_endpoint(NOBODY, "", "plain", environ) == Endpoint("http://env:2", "plain")
    assert find_endpoint(NOBODY, environ={}) == Endpoint(ANTHROPIC_URL, "full")


def test_an_address_may_have_a_path_and_ends_before_v1() -> None:
    assert find_endpoint(NOBODY, "https://proxy.lab/claude/v1/", environ={}).base_url == "https://proxy.lab/claude"


@pytest.mark.parametrize(
    "wrong", ["gpubox:8000", "ftp://gpubox", "http://", "http://h:99999", "http://me:pass@h", "http://[x"]
)
def test_what_is_no_address_is_refused_without_repeating_it(wrong: str) -> None:
    with pytest.raises(InputError) as caught:
        find_endpoint(NOBODY, wrong, environ={})
    assert "of the workspace" in caught.value.sentence
    assert "pass" not in caught.value.sentence


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.8.8.8", True),
        ("http://[::1]:8000", True),
        ("http://localhost:1", True),
        ("http://llm.localhost", True),
        ("http://10.0.0.5", False),
        ("http://0.0.0.0:8000", False),
        ("http://localhost.evil.com", False),
        ("https://api.anthropic.com", False),
    ],
)
def test_local_is_what_stays_on_this_machine(url: str, local: bool) -> None:
    assert Endpoint(url).is_local is local
    assert Endpoint(url).host in url


def test_the_key_is_looked_for_in_order(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}-file\n")
    file.chmod(0o600)
    command = (sys.executable, "-c", f"print('{KEY}-command')")
    both = EngineSettings(api_key_file=str(file), api_key_command=command)
    environ = {"ANTHROPIC_API_KEY": f" {KEY}-env\n", "ANTHROPIC_AUTH_TOKEN": f"{KEY}-token"}
    found = find_credentials(ANTHROPIC, both, environ)
    assert (found.token, found.source) == (f"{KEY}-env", "ANTHROPIC_API_KEY")
    del environ["ANTHROPIC_API_KEY"]
    assert find_credentials(ANTHROPIC, both, environ).token == f"{KEY}-token"
    assert find_credentials(ANTHROPIC, both, {}).token == f"{KEY}-file"
    assert find_credentials(ANTHROPIC, EngineSettings(api_key_command=command), {}).token == f"{KEY}-command"


def test_without_a_key_there_is_one_sentence_and_a_mend() -> None:
    with pytest.raises(ModelFaultError) as caught:
        find_credentials(ANTHROPIC, NOBODY, {})
    assert (caught.value.kind, caught.value.exit_code) == ("credentials", 3)
    assert str(caught.value).startswith("There is no key for api.anthropic.com. Export ANTHROPIC_API_KEY")


def test_a_server_on_this_machine_needs_none_and_a_lan_does() -> None:
    assert not find_credentials(Endpoint("http://127.0.0.1:8000"), NOBODY, {}).is_secret
    with pytest.raises(ModelFaultError):
        find_credentials(Endpoint("http://gpubox:8000"), NOBODY, {})


def test_a_key_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    file.chmod(0o640)
    with pytest.raises(ModelFaultError, match="Others may read") as caught:
        find_credentials(ANTHROPIC, EngineSettings(api_key_file=str(file)), {})
    assert KEY not in str(caught.value)
    with pytest.raises(ModelFaultError, match="cannot be read"):
        find_credentials(ANTHROPIC, EngineSettings(api_key_file=str(tmp_path / "none")), {})


def test_a_key_file_may_stand_below_home(home: Path) -> None:
    file = home / "key"
    file.touch(0o600)
    file.write_text(KEY)
    assert find_credentials(ANTHROPIC, EngineSettings(api_key_file="~/key"), {}).token == KEY


@pytest.mark.parametrize(
    "script",
    [
        f"import sys; print('{KEY}', file=sys.stderr); sys.exit(4)",
        "pass",
        f"print('{KEY}'); print('{KEY}')",
        "print('\\x1b[1m')",
    ],
)
def test_a_command_that_gives_no_key_says_so_without_its_words(script: str) -> None:
    with pytest.raises(ModelFaultError) as caught:
        find_credentials(ANTHROPIC, EngineSettings(api_key_command=(sys.executable, "-c", script)), {})
    assert caught.value.kind == "credentials"
    assert "api_key_command" in caught.value.sentence
    assert KEY not in f"{caught.value} {caught.value.__cause__}"


def test_a_command_that_is_not_there_says_so() -> None:
    with pytest.raises(ModelFaultError, match="cannot be run"):
        find_credentials(ANTHROPIC, EngineSettings(api_key_command=("no-such-program",)), {})


def test_models_are_chosen_by_the_nearest_word() -> None:
    mine = EngineSettings(model="mine", fast_model="mine-fast")
    assert find_models("", "", NOBODY) == (MAIN_MODEL, FAST_MODEL)
    assert find_models("", "", mine) == ("mine", "mine-fast")
    assert find_models("theirs", "", mine) == ("theirs", "mine-fast")
    assert find_models("qwen", "", NOBODY) == ("qwen", "qwen"), "a server of one's own need not know a second one"


def test_every_key_that_is_known_is_kept_out_of_records() -> None:
    environ = {
        "ANTHROPIC_API_KEY": f"{KEY}-a",
        "ANTHROPIC_AUTH_TOKEN": f"{KEY}-b",
        "ANTHROPIC_CUSTOM_HEADERS": f"X-Team: vision-group\nProxy-Authorization: Bearer {KEY}-c",
    }
    found = secrets(Credentials(f"{KEY}-d", "api_key_file"), environ)
    assert set(found) == {f"{KEY}-a", f"{KEY}-b", f"{KEY}-c", f"Bearer {KEY}-c", f"{KEY}-d"}
    assert secrets(Credentials("x", "ANTHROPIC_AUTH_TOKEN"), {"ANTHROPIC_AUTH_TOKEN": "x"}) == ()


def test_a_key_shows_in_no_text_of_its_object() -> None:
    credentials = Credentials(KEY, "ANTHROPIC_API_KEY")
    assert KEY not in f"{credentials!r} {credentials}"


def test_the_settings_file_leads_to_the_key_and_holds_none() -> None:
    path = settings_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('[engine]\nprofile = "plain"\napi_key_command = ["pass", "show", "llm"]\n')
    assert load_settings().engine == EngineSettings(profile="plain", api_key_command=("pass", "show", "llm"))
    path.write_text(f'[engine]\napi_key = "{KEY}"\n')
    with pytest.raises(InputError) as caught:
        load_settings()
    assert KEY not in str(caught.value)
    assert "api_key_file" in caught.value.mend
    assert os.environ.get("ANTHROPIC_API_KEY") is None
