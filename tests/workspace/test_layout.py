"""Where things lie."""

import stat
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.layout import Layout, find_workspace


def test_the_workspace_is_found_from_below(tmp_path: Path) -> None:
    (tmp_path / "mlrcopilot.toml").touch()
    deep = tmp_path / "a/b"
    deep.mkdir(parents=True)
    assert find_workspace(deep) == tmp_path


def test_outside_of_one_the_sentence_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not in a workspace.*mlrcopilot init"):
        find_workspace(tmp_path)


def test_folders_are_for_their_owner_only(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    made = layout.make(layout.inbox("0123abcd"))
    for folder in (made, made.parent, layout.sessions, layout.home):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("session", ["", "../../x", "ABCDEF01", "0123abcd/..", "0123abc", "0123abcde", "0123abcd\n"])
def test_nothing_but_a_session_id_becomes_a_path(session: str) -> None:
    with pytest.raises(InputError, match="is not a session id"):
        Layout(Path("/w")).session(session)


@pytest.mark.parametrize("run", ["", "..", "a/b", "-x", ".hidden", "a\nb"])
def test_nothing_but_a_name_becomes_a_run_s_path(run: str) -> None:
    with pytest.raises(InputError):
        Layout(Path("/w")).run("0123abcd", run)
