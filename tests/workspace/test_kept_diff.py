"""A diff on disk and what is around its hunks, as real git writes both."""

import random
from pathlib import Path

from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.gitvalues import COPILOT
from mlrcopilot_tui.workspace.kept_diff import CONTEXT, keep_diff, read_diff
from mlrcopilot_tui.workspace.new_repository import init_repository
from mlrcopilot_tui.workspace.patch import parse
from mlrcopilot_tui.workspace.surroundings import Surroundings


def two_commits(root: Path, old: dict[str, str], new: dict[str, str]) -> tuple[Repository, str, str]:
    """A repository with these files, and those files after a second commit."""
    root.mkdir()
    write(root, old)
    init_repository(root, "Start")
    repository = Repository(root)
    before = repository.resolve("HEAD")
    write(root, new)
    repository.run("add", "-A")
    identity = ("-c", f"user.name={COPILOT.name}", "-c", f"user.email={COPILOT.email}")
    repository.run(*identity, "commit", "-qm", "Change")
    return repository, before, repository.resolve("HEAD")


def write(root: Path, files: dict[str, str]) -> None:
    """Makes these the files of a folder."""
    for path in root.glob("*.py"):
        path.unlink()
    for name, text in files.items():
        (root / name).write_text(text, "utf-8")


def changed(text: str, chance: random.Random, times: int) -> str:
    """The text with so many lines replaced, removed or added."""
    lines = text.splitlines(keepends=True)
    for _ in range(times):
        at = chance.randrange(len(lines))
        lines[at : at + chance.randrange(2)] = [f"changed {chance.random()}\n"] * chance.randrange(3)
    return "".join(lines)


def test_every_line_between_the_hunks_is_known_as_it_stands_in_the_file(tmp_path: Path) -> None:
    chance = random.Random(5)
    old = {f"f{n}.py": "".join(f"line {k % 7} {n}\n" for k in range(200)) for n in range(6)} | {"gone.py": "x\n"}
    old["long.py"] = "".join(f"line {k}\n" for k in range(4 * CONTEXT))
    new = {name: changed(text, chance, 5) for name, text in old.items() if name != "gone.py"} | {"new.py": "y\n"}
    new["long.py"] = old["long.py"].replace("line 5\n", "five\n").replace("line 3500\n", "3500\n")
    repository, before, after = two_commits(tmp_path / "repo", old, new)
    target = tmp_path / "patches" / "some.diff"
    text = keep_diff(repository, target, before, after)
    kept = read_diff(target)
    assert kept.text == text == repository.diff(before, after)
    patch = parse(text)
    around = Surroundings(patch, kept.wide)
    seen = 0
    for at, file in enumerate(patch.files):
        lines = new.get(file.path, "").splitlines()
        covered = {line.new_no for hunk in file.hunks for line in hunk.lines}
        gaps = list(around.gaps(at, file))
        for gap in gaps:
            numbers = range(gap.first, gap.first + gap.lines)
            assert covered.isdisjoint(numbers)
            for number in (*numbers[: gap.above], *numbers[gap.lines - gap.below :]):
                line = around.line(at, number)
                assert line is not None
                assert line.text == lines[number - 1]
                assert old[file.old_path].splitlines()[(line.old_no or 0) - 1] == line.text
                seen += 1
        if file.path == "long.py":
            assert [(gap.above, gap.below) for gap in gaps] == [(0, 2), (CONTEXT - 3, CONTEXT - 3), (496, 0)]
        elif file.kind == "modified":
            assert sum(gap.lines for gap in gaps) + len(covered - {None}) == len(lines)
    assert seen > CONTEXT


def test_nothing_is_known_around_a_patch_that_was_kept_without(tmp_path: Path) -> None:
    repository, before, after = two_commits(tmp_path / "repo", {"a.py": "a\n" * 50}, {"a.py": "a\n" * 25 + "b\n" * 25})
    target = tmp_path / "a.diff"
    keep_diff(repository, target, before, after)
    target.with_suffix(".wide.diff").unlink()
    patch = parse(read_diff(target).text)
    around = Surroundings(patch, read_diff(target).wide)
    assert not any(gap.above or gap.below for gap in around.gaps(0, patch.files[0]))
    assert around.line(0, 1) is None
    assert read_diff(tmp_path / "absent.diff").text == ""
