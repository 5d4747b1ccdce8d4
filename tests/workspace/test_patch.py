"""A patch survives reading and writing byte for byte, and with real git any selection of it applies to its tree."""

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace.patch import FileChange, Patch, parse, render
from mlrcopilot_tui.workspace.patch_selection import Selection, everything, only_hunks, only_lines, select

Tree = Mapping[str, bytes]
Diff = Callable[[Tree, Tree], str]

ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["git", "-c", "core.autocrlf=false", *arguments]
    done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr.decode() + stdin.decode(errors="replace")
    return done.stdout


def write(folder: Path, tree: Tree) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            path.unlink()
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def read(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


@pytest.fixture(scope="module")
def diff(tmp_path_factory: pytest.TempPathFactory) -> Diff:
    repository = tmp_path_factory.mktemp("repository")
    git(repository, "init", "-q")

    def trees_diff(old: Tree, new: Tree) -> str:
        trees = []
        for tree in (old, new):
            write(repository, tree)
            git(repository, "add", "-A", "-f")
            trees.append(git(repository, "write-tree").decode().strip())
        patch = git(repository, "diff", "--binary", "--find-renames", "--no-color", "--no-ext-diff", *trees)
        return patch.decode(errors="surrogateescape")

    return trees_diff


@pytest.fixture(scope="module")
def apply(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Tree, Patch], dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("applied")

    def applied(old: Tree, patch: Patch) -> dict[str, bytes]:
        write(folder, old)
        text = render(patch).encode(errors="surrogateescape")
        if text:
            git(folder, "apply", "--check", stdin=text)
            git(folder, "apply", "--whitespace=nowarn", stdin=text)
        return read(folder)

    return applied


def model(content: bytes, file: FileChange, chosen: Selection) -> bytes:
    """Say what a file becomes, from its old lines and the chosen signs alone."""
    old = [line for line in re.split(rb"(?<=\n)", content) if line]
    new: list[bytes] = []
    done = 0
    for hunk in file.hunks:
        first = hunk.old_start - 1 if hunk.old_count else hunk.old_start
        new += old[done:first]
        done = first
        for at, line in enumerate(hunk.lines):
            if line.kind == "add":
                if chosen.takes(hunk.index, at):
                    new.append(line.text.encode(errors="surrogateescape") + b"\n" * line.newline)
                continue
            if line.kind == "context" or not chosen.takes(hunk.index, at):
                new.append(old[done])
            done += 1
    new += old[done:]
    return b"".join(line if line.endswith(b"\n") or at == len(new) - 1 else line + b"\n" for at, line in enumerate(new))


line = st.sampled_from(
    [b"a", b"b", b"c", b"", b"    x = 1", b"\tx\r", b"@@ -1 +1 @@", b"-- ", b"+y", b"\xff\xfe", b"diff --git a/x b/x"]
)
# Long enough for several hunks, and short ones of odd lines.
long = st.integers(20, 60).map(lambda count: [b"line %d" % number for number in range(count)])
content = st.builds(
    lambda lines, end: b"\n".join(lines) + end,
    st.one_of(long, st.lists(line, max_size=12)),
    st.sampled_from([b"\n", b""]),
)


@st.composite
def edited(draw: st.DrawFn, old: bytes) -> bytes:
    """Change, add and drop a few lines, and sometimes the line end at the end."""
    lines = old.split(b"\n")
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(lines)))
        lines[at : at + draw(st.integers(0, 3))] = draw(st.lists(line, max_size=3))
    return b"\n".join(lines)


@st.composite
def changes(draw: st.DrawFn) -> tuple[dict[str, bytes], dict[str, bytes]]:
    names = draw(
        st.lists(
            st.sampled_from(["f.py", "a b.txt", "é/ü.py", 'q"t.txt', "d/g.py"]), min_size=1, max_size=3, unique=True
        )
    )
    old: dict[str, bytes] = {}
    new: dict[str, bytes] = {}
    for name in names:
        before = draw(content)
        match draw(st.sampled_from(["edit", "edit", "edit", "add", "delete", "same"])):
            case "edit":
                old[name], new[name] = before, draw(edited(before))
            case "add":
                new[name] = before
            case "delete":
                old[name] = before
            case _:
                old[name] = new[name] = before
    return old, new


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), trees=changes())
def test_any_selection_applies_and_gives_what_was_chosen(
    diff: Diff, apply: Callable[[Tree, Patch], dict[str, bytes]], data: st.DataObject, trees: tuple[Tree, Tree]
) -> None:
    old, new = trees
    text = diff(old, new)
    patch = parse(text)
    assert render(patch) == text
    assert select(patch, everything(patch)) == patch
    assert select(patch, Selection()) == Patch()

    changed = [(hunk.index, at) for hunk in patch.hunks for at in hunk.changed]
    lines = data.draw(st.sets(st.sampled_from(changed))) if changed else set()
    bare = [file.path for file in patch.files if not file.hunks]
    chosen = only_lines(patch, lines, bare)
    part = select(patch, chosen)

    expected = dict(old)
    for file in patch.files:
        if not file.hunks:
            expected = {k: v for k, v in expected.items() if k != file.old_path} | (
                {file.path: new[file.path]} if file.path in new else {}
            )
            continue
        taken = [at for hunk in file.hunks for at in hunk.changed if chosen.takes(hunk.index, at)]
        after = model(old.get(file.old_path, b""), file, chosen)
        if not taken:
            continue
        expected.pop(file.old_path, None)
        if file.kind != "deleted" or after:
            expected[file.path] = after
    assert apply(old, part) == expected
    assert apply(old, patch) == dict(new)
    assert [hunk.index for hunk in part.hunks] == list(range(1, len(part.hunks) + 1))
    assert parse(render(part)).hunks == part.hunks
    for file in part.files:
        result = expected.get(file.path, b"").decode(errors="surrogateescape").split("\n")
        for hunk in file.hunks:
            there = [line.text for line in hunk.lines if line.kind != "remove"]
            first = hunk.new_start - 1 if there else hunk.new_start
            assert result[first : first + len(there)] == there, "the header tells where the hunk will be"


OLD = {
    "train.py": b"".join(b"line %d\n" % n for n in range(1, 41)),
    "gone.py": b"a\nb\n",
    "moved.py": b"".join(b"m%d\n" % n for n in range(9)),
}
NEW = {
    "train.py": OLD["train.py"].replace(b"line 3\n", b"line three\n").replace(b"line 30\n", b"line 30\nline 30.5\n"),
    "new file.py": b"x\ny",
    "sub/moved.py": OLD["moved.py"].replace(b"m4\n", b"m four\n"),
    "data.bin": bytes(range(256)),
}  # fmt: skip


def test_kinds_paths_and_numbers(diff: Diff) -> None:
    patch = parse(diff(OLD, NEW))
    kinds = {file.path: (file.kind, file.old_path, file.binary) for file in patch.files}
    assert kinds == {
        "train.py": ("modified", "train.py", False),
        "gone.py": ("deleted", "gone.py", False),
        "new file.py": ("added", "new file.py", False),
        "sub/moved.py": ("renamed", "moved.py", False),
        "data.bin": ("added", "data.bin", True),
    }
    assert [hunk.index for hunk in patch.hunks] == [1, 2, 3, 4, 5]
    assert (patch.added, patch.removed) == (5, 4)
    change = next(file for file in patch.files if file.path == "train.py").hunks[0]
    assert change.header == "@@ -1,6 +1,6 @@"
    assert [(line.kind, line.old_no, line.new_no) for line in change.lines[2:4]] == [
        ("remove", 3, None),
        ("add", None, 3),
    ]
    new = next(file for file in patch.files if file.path == "new file.py")
    assert [line.newline for line in new.hunks[0].lines] == [True, False]
    assert new.new_mode == "100644"


def test_hunks_by_number_and_files_without_hunks(diff: Diff, apply: Callable[[Tree, Patch], dict[str, bytes]]) -> None:
    patch = parse(diff(OLD, NEW))
    second = next(file for file in patch.files if file.path == "train.py").hunks[1].index
    result = apply(OLD, select(patch, only_hunks(patch, [second])))
    assert result == {**OLD, "train.py": OLD["train.py"].replace(b"line 30\n", b"line 30\nline 30.5\n")}
    assert apply(OLD, select(patch, Selection(files=frozenset(["data.bin"])))) == {**OLD, "data.bin": NEW["data.bin"]}
    with pytest.raises(InputError, match=r"no hunk 9\. Its hunks are numbered 1 to 5"):
        only_hunks(patch, [1, 9])


def test_a_deletion_taken_in_part_keeps_the_file(diff: Diff, apply: Callable[[Tree, Patch], dict[str, bytes]]) -> None:
    patch = parse(diff({"a b.py": b"a\nb\nc\n"}, {}))
    part = select(patch, only_lines(patch, [(1, 1)]))
    assert part.files[0].kind == "modified"
    assert apply({"a b.py": b"a\nb\nc\n"}, part) == {"a b.py": b"a\nc\n"}


def test_a_last_line_without_line_end_gets_one_when_lines_follow(
    diff: Diff, apply: Callable[[Tree, Patch], dict[str, bytes]]
) -> None:
    patch = parse(diff({"f": b"a"}, {"f": b"a\nb\n"}))
    added = next(at for at, line in enumerate(patch.hunks[0].lines) if line.text == "b")
    assert apply({"f": b"a"}, select(patch, only_lines(patch, [(1, added)]))) == {"f": b"a\nb\n"}


def test_a_change_of_mode_and_a_plain_rename_are_files_without_hunks() -> None:
    text = (
        "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n"
        'diff --git "a/\\303\\251.py" b/e.py\nsimilarity index 100%\nrename from "\\303\\251.py"\nrename to e.py\n'
    )
    patch = parse(text)
    assert [(f.path, f.old_path, f.kind, f.old_mode, f.new_mode) for f in patch.files] == [
        ("run.sh", "run.sh", "modified", "100644", "100755"),
        ("e.py", "é.py", "renamed", "", ""),
    ]
    assert render(patch) == text
    assert everything(patch).files == {"run.sh", "e.py"}


@pytest.mark.parametrize(
    "text",
    [
        "hello\n",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n a\n",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n+c\n",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ one @@\n a\n",
    ],
)
def test_what_is_no_git_diff_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse(text)


def test_nothing_is_an_empty_patch() -> None:
    assert parse("") == Patch()
    assert render(Patch()) == ""
