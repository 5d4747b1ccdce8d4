"""What is shipped is found in a checkout and in a wheel, and what the user added in their own folder."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from mlrcopilot_tui import resources
from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.resources import Kind, config_folder, shipped, user_folder

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(("kind", "folder"), [("themes", "themes"), ("templates", "workspace_templates")])
def test_a_checkout_has_its_folders_at_the_top(kind: Kind, folder: str) -> None:
    assert shipped(kind) == ROOT / folder


def test_a_wheel_carries_themes_and_templates_and_finds_them(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="building a wheel without a network needs hatchling beside pytest")
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)
    site = tmp_path / "site"
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(site)

    code = "import sys; sys.path.insert(0, sys.argv[1]); from mlrcopilot_tui.resources import shipped\n"
    code += "print(shipped('themes'), shipped('templates'), sep='\\n')"
    asked = subprocess.run([sys.executable, "-c", code, site], cwd=tmp_path, check=True, capture_output=True, text=True)
    themes, templates = (Path(line) for line in asked.stdout.splitlines())
    assert (themes, templates) == (site / "mlrcopilot_tui/_shipped/themes", templates.parent / "workspace_templates")
    assert files_below(themes) == files_below(ROOT / "themes")
    assert files_below(templates) == files_below(ROOT / "workspace_templates")
    assert "digits/workspace/.gitignore" in files_below(templates)


def files_below(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_an_installation_without_them_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "mlrcopilot_tui")
    with pytest.raises(EnvironmentLackError, match="lacks its themes"):
        shipped("themes")


def test_the_users_folder_is_below_the_platforms_configuration(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLRCOPILOT_HOME")
    assert home in config_folder().parents
    assert config_folder().name == "mlrcopilot"
    assert user_folder("themes") == config_folder() / "themes"


def test_mlrcopilot_home_overrides_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLRCOPILOT_HOME", "~/lab")
    assert user_folder("templates") == home / "lab" / "templates"
