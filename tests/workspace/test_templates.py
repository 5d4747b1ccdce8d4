"""A workspace from a template: complete and committed, or not there at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from mlrcopilot_tui.errors import CopilotError, EnvironmentLackError, InputError
from mlrcopilot_tui.resources import user_folder
from mlrcopilot_tui.workspace.config import load_config
from mlrcopilot_tui.workspace.templates import create_workspace, find_template, list_templates
from tests.workspace.researcher import git

CONTRACT = """
[run]
command = "python train.py"
[metric]
name = "loss"
direction = "min"
[files]
editable = ["train.py"]
"""


@pytest.fixture
def tiny(home: Path) -> Path:
    """A template of the user's own, called `tiny`."""
    return write_template("tiny")


def write_template(name: str, header: str = 'title = "Tiny"\ndescription = "A loss."\n') -> Path:
    folder = user_folder("templates") / name
    (folder / "workspace").mkdir(parents=True)
    (folder / "template.toml").write_text(header)
    (folder / "workspace" / "mlrcopilot.toml").write_text(CONTRACT)
    (folder / "workspace" / "train.py").write_text("print('loss: 1.0')\n")
    return folder


def refused(name: str, destination: Path, kind: type[CopilotError], *, paper: Path | None = None) -> CopilotError:
    """The error of an attempt, which must leave the parent folder as it was."""
    before = sorted(destination.parent.rglob("*"))
    with pytest.raises(kind) as caught:
        create_workspace(find_template(name), destination, paper=paper)
    assert sorted(destination.parent.rglob("*")) == before
    return caught.value


def test_shipped_templates_are_listed_with_what_they_need() -> None:
    found = {template.name: template for template in list_templates()}
    assert list(found) == ["charlm", "digits"]
    assert found["digits"].requirements == ("scikit-learn",)
    assert found["charlm"].requirements == ()
    assert all(template.origin == "shipped" and template.description for template in found.values())


def test_a_users_template_joins_the_list_and_stands_in_for_a_shipped_one(tiny: Path) -> None:
    write_template("digits")
    origins = {template.name: template.origin for template in list_templates()}
    assert origins == {"charlm": "shipped", "digits": "user", "tiny": "user"}
    assert find_template("tiny").folder == tiny


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="`digits`"):
        find_template("digit")
    with pytest.raises(InputError, match="charlm, digits"):
        find_template("../../etc")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ('title = "T"\ndescripton = "x"', "2: descripton is not a key.*`description`"),
        ('title = "T"', "description is missing"),
        ("title = 3\ndescription = 'x'", "title must be text"),
        ("title =", "not valid TOML"),
    ],
)
def test_a_broken_header_is_named_and_spares_the_other_templates(header: str, said: str) -> None:
    write_template("broken", header)
    with pytest.raises(InputError, match=said):
        find_template("broken")
    with pytest.raises(InputError, match=r"broken.template\.toml"):
        list_templates()
    assert find_template("digits").title


def test_a_workspace_is_a_clean_repository_with_one_commit(tiny: Path, tmp_path: Path) -> None:
    made = create_workspace(find_template("tiny"), tmp_path / "deep" / "er")
    assert made == tmp_path / "deep" / "er"
    assert git(made, "status", "--porcelain") == ""
    assert git(made, "log", "--format=%s").splitlines() == ["Start from the template tiny"]
    assert git(made, "ls-files").split() == ["mlrcopilot.toml", "train.py"]
    assert [entry.name for entry in made.parent.iterdir()] == ["er"]


def test_an_empty_folder_is_filled_and_not_replaced(tiny: Path, tmp_path: Path) -> None:
    empty = tmp_path / "here"
    empty.mkdir()
    inode = empty.stat().st_ino
    made = create_workspace(find_template("tiny"), empty)
    assert made.stat().st_ino == inode
    assert git(made, "status", "--porcelain") == ""
    assert sorted(entry.name for entry in made.iterdir()) == [".git", "mlrcopilot.toml", "train.py"]


def test_a_relative_destination_lies_where_the_person_is(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert create_workspace(find_template("tiny"), Path("w")) == tmp_path / "w"


def test_a_folder_with_something_in_it_is_refused(tiny: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.tex").write_text("mine")
    assert "not empty" in refused("tiny", full, InputError).sentence
    assert "is a file" in refused("tiny", full / "thesis.tex", InputError).sentence
    assert "cannot be made" in refused("tiny", full / "thesis.tex" / "below", InputError).sentence


def test_files_of_a_read_only_installation_can_be_edited_in_the_workspace(tiny: Path, tmp_path: Path) -> None:
    (tiny / "workspace" / "train.py").chmod(0o555)
    (tiny / "workspace").chmod(0o555)
    made = create_workspace(find_template("tiny"), tmp_path / "w")
    assert (made / "train.py").stat().st_mode & 0o777 == 0o755
    assert made.stat().st_mode & 0o200


def test_a_paper_takes_the_place_of_the_templates_own(tiny: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.pdf"
    mine.write_bytes(b"%PDF-1.4 mine")
    (tiny / "workspace" / "paper.pdf").write_bytes(b"%PDF-1.4 the template's")
    made = create_workspace(find_template("tiny"), tmp_path / "w", paper=mine)
    assert (made / "paper.pdf").read_bytes() == mine.read_bytes()
    assert "paper.pdf" in git(made, "ls-files")


def test_a_paper_that_is_none_is_refused(tiny: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html>")
    assert "is not a PDF" in refused("tiny", tmp_path / "w", InputError, paper=page).sentence
    assert "cannot be read" in refused("tiny", tmp_path / "w", InputError, paper=tmp_path / "none.pdf").sentence


def test_a_missing_requirement_is_named_with_its_mend(tiny: Path, tmp_path: Path) -> None:
    header = (tiny / "template.toml").read_text()
    (tiny / "template.toml").write_text(header + 'requirements = ["pytest", "no-such-thing"]\n')
    error = refused("tiny", tmp_path / "w", EnvironmentLackError)
    assert "needs no-such-thing, not installed" in error.sentence
    assert error.mend == f"Run: {sys.executable} -m pip install no-such-thing"


def test_requirements_are_those_of_the_interpreter_that_will_run(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = home / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    monkeypatch.setenv("VIRTUAL_ENV", str(environment))
    error = refused("digits", tmp_path / "w", EnvironmentLackError)
    assert error.mend == f"Run: {environment}/bin/python -m pip install scikit-learn"


def test_a_template_without_a_contract_is_refused(tiny: Path, tmp_path: Path) -> None:
    (tiny / "workspace" / "mlrcopilot.toml").unlink()
    assert "has no mlrcopilot.toml" in refused("tiny", tmp_path / "w", InputError).sentence


def test_a_hook_prepares_the_files_before_the_commit(tiny: Path, tmp_path: Path) -> None:
    hook = "import sys, pathlib; pathlib.Path(sys.argv[1], 'made.txt').write_text('x')"
    (tiny / "prepare.py").write_text(hook)
    made = create_workspace(find_template("tiny"), tmp_path / "w")
    assert git(made, "ls-files").split() == ["made.txt", "mlrcopilot.toml", "train.py"]


def test_a_hook_that_fails_says_why_and_leaves_nothing(tiny: Path, tmp_path: Path) -> None:
    (tiny / "prepare.py").write_text("import sys; sys.exit('the corpus is gone')")
    error = refused("tiny", tmp_path / "w", EnvironmentLackError)
    assert error.sentence == "The template tiny could not be prepared: the corpus is gone"


def test_shipped_contracts_name_files_that_exist(tmp_path: Path) -> None:
    for name in ("digits", "charlm"):
        made = create_workspace(find_template(name), tmp_path / name)
        assert git(made, "status", "--porcelain") == ""
        files = git(made, "ls-files").split()
        contract = load_config(made)
        assert contract.config.task.name == name
        assert [file for file in files if contract.rules.editable(file)] == ["train.py"]
        for glob in contract.config.files.protected:
            assert any(Path(file).match(glob) for file in files), glob
        assert {"README.md", "evaluate.py", "paper.pdf", ".gitignore"} <= set(files)
