"""What a run has left is taken over into a clean tree: its files are, and nothing else that it may have put there."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.workspace.leavings import rewritten, take_over


def nothing(_: str) -> bool:
    return False


def write(top: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text)


def below(top: Path) -> dict[str, str]:
    return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """The tree that a run left, and a clean one."""
    left, clean = tmp_path / "left", tmp_path / "clean"
    left.mkdir()
    clean.mkdir()
    return left, clean


def test_what_a_run_made_moves_without_a_copy(trees: tuple[Path, Path]) -> None:
    left, clean = trees
    write(left, {"train.py": "found", "out/deep/model.bin": "weights", "predictions.csv": "1"})
    inode = (left / "out/deep/model.bin").stat().st_ino
    assert take_over(left, clean, {"train.py"}.__contains__, nothing) == []
    assert below(clean) == {"out/deep/model.bin": "weights", "predictions.csv": "1"}
    assert (clean / "out/deep/model.bin").stat().st_ino == inode


def test_code_stays_behind_and_is_named(trees: tuple[Path, Path]) -> None:
    left, clean = trees
    write(left, {"numpy/__init__.py": "", "fast.so": "", "Makefile": "", "__pycache__/a.pyc": "", ".git/config": ""})
    (left / "link.py").symlink_to("data.txt")
    write(left, {"data.txt": "1"})
    behind = take_over(left, clean, nothing, nothing)
    assert below(clean) == {"data.txt": "1"}
    reason = "it is code that is in no commit"
    assert sorted(behind) == [f"{name}: {reason}" for name in ("Makefile", "fast.so", "link.py", "numpy/__init__.py")]


def test_what_is_there_is_never_replaced(trees: tuple[Path, Path], tmp_path: Path) -> None:
    left, clean = trees
    write(left, {"labels.csv": "forged", "data/in.csv": "forged", "blocked/a": "x", "barred.csv": "x"})
    write(tmp_path / "source", {"in.csv": "the researcher's"})
    write(clean, {"labels.csv": "true", "blocked": "a file"})
    (clean / "data").symlink_to(tmp_path / "source")
    behind = take_over(left, clean, nothing, lambda name: name == "barred.csv")
    assert below(clean) == {"labels.csv": "true", "blocked": "a file"}
    assert below(tmp_path / "source") == {"in.csv": "the researcher's"}
    assert {what.partition(":")[0] for what in behind} == {"labels.csv", "data/in.csv", "blocked/a", "barred.csv"}


def test_links_lead_to_files_of_the_run_or_stay_behind(trees: tuple[Path, Path], tmp_path: Path) -> None:
    left, clean = trees
    write(tmp_path, {"outside.txt": "secret"})
    write(left, {"epoch-3.ckpt": "weights", "runs/1/log.txt": "log"})
    write(clean, {"hidden/labels.csv": "true"})
    links = {
        "last.ckpt": "epoch-3.ckpt", "runs/best": "../epoch-3.ckpt", "dangling.csv": "hidden/labels.csv",
        "out.txt": str(tmp_path / "outside.txt"), "latest": "runs/1", "loop": "loop",
    }  # fmt: skip
    for name, target in links.items():
        (left / name).symlink_to(target)
    behind = take_over(left, clean, nothing, nothing)
    assert below(clean) == {
        "epoch-3.ckpt": "weights", "last.ckpt": "weights", "runs/best": "weights", "runs/1/log.txt": "log",
        "hidden/labels.csv": "true",
    }  # fmt: skip
    assert {what.partition(":")[0] for what in behind} == {"dangling.csv", "out.txt", "latest", "loop"}
    assert not any(path.is_symlink() for path in clean.rglob("*"))


def test_what_is_no_file_stays_behind_and_large_ones_cost_nothing(trees: tuple[Path, Path]) -> None:
    left, clean = trees
    os.mkfifo(left / "pipe")
    with (left / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (left / "closed").mkdir()
    write(left, {"closed/a": "1"})
    (left / "closed/a").chmod(0)
    (left / "closed").chmod(0)
    assert take_over(left, clean, nothing, nothing) == ["pipe: it is no regular file"]
    assert (clean / "sparse").stat().st_size == 1 << 40
    assert (clean / "closed/a").exists()
    assert not any(stat.S_ISFIFO(path.lstat().st_mode) for path in clean.iterdir())


def test_names_that_are_no_text_move_too(trees: tuple[Path, Path]) -> None:
    left, clean = trees
    for name in (b"\xff\xfe", b"two\nlines", b"-rf", "é ü".encode()):
        Path(os.fsdecode(bytes(left) + b"/" + name)).write_text("1")
    assert take_over(left, clean, nothing, nothing) == []
    assert len(list(clean.iterdir())) == 4


def test_a_file_of_the_commit_that_the_run_wrote_over_is_found(trees: tuple[Path, Path]) -> None:
    left, clean = trees
    names = ["same", "longer", "other", "gone", "linked", "a link", "relinked", "folder", "pipe"]
    for top in trees:
        write(top, dict.fromkeys(("same", "longer", "other", "gone", "linked", "folder", "pipe"), "text"))
        (top / "a link").symlink_to("same")
        (top / "relinked").symlink_to("same")
    write(left, {"longer": "longer text", "other": "tixt"})
    for name in ("gone", "linked", "relinked", "folder", "pipe"):
        (left / name).unlink()
    (left / "linked").symlink_to("same")
    (left / "relinked").symlink_to("other")
    (left / "folder").mkdir()
    os.mkfifo(left / "pipe")
    assert rewritten(left, clean, names) == ["folder", "linked", "longer", "other", "pipe", "relinked"]


PARTS = st.sampled_from(["a", "b", "hidden", "c.py", "d.csv"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
TARGETS = st.one_of(PATHS, PATHS.map(lambda path: f"../{path}"), st.sampled_from(["/etc/passwd", ".", "..", "hidden"]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.sets(PATHS, max_size=6), links=st.dictionaries(PATHS, TARGETS, max_size=6), commit=st.sets(PATHS))
def test_whatever_a_run_leaves_nothing_of_the_clean_tree_changes_and_no_link_comes_over(
    tmp_path_factory: pytest.TempPathFactory, files: set[str], links: Mapping[str, str], commit: set[str]
) -> None:
    top = tmp_path_factory.mktemp("trees")
    left, clean = top / "left", top / "clean"
    for tree, names, text in ((left, files, "the run's"), (clean, commit, "the commit's")):
        tree.mkdir()
        for name in sorted(names):
            try:
                write(tree, {name: text})
            except OSError:  # a file where a folder would have to be, or the other way round
                continue
    for name, target in links.items():
        try:
            (left / name).symlink_to(target)
        except OSError:
            continue
    before = below(clean)
    take_over(left, clean, before.__contains__, lambda name: "hidden" in name)
    after = below(clean)
    assert {name: after.get(name) for name in before} == before
    assert all(text == "the run's" for name, text in after.items() if name not in before)
    assert not any("hidden" in name or name.endswith(".py") for name in after.keys() - before.keys())
    assert not any(path.is_symlink() for path in clean.rglob("*"))
