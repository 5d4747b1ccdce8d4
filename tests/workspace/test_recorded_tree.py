"""An idea's worktree with the record of what we wrote there: what is the researcher's is never ours, nor lost."""

import random
import string
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.workspace import recorded_tree
from mlrcopilot_tui.workspace.config import FilesConfig
from mlrcopilot_tui.workspace.git import Repository
from mlrcopilot_tui.workspace.globs import FileRules
from mlrcopilot_tui.workspace.idea_tree import IdeaTree
from mlrcopilot_tui.workspace.layout import Layout
from mlrcopilot_tui.workspace.new_repository import init_repository
from mlrcopilot_tui.workspace.recorded_tree import RecordedTree, retired_place
from mlrcopilot_tui.workspace.worktrees import add_worktree
from mlrcopilot_tui.workspace.write_log import WriteLog
from tests.workspace.researcher import git, write

P = PurePosixPath
SESSION = "0123abcd"
RULES = FileRules(FilesConfig(editable=("**/*.py",), protected=("evaluate.py",)))


@dataclass
class Bench:
    """One idea's worktree, and ways to reopen it as the next process would."""

    root: Path
    repository: Repository = field(init=False)
    tree: RecordedTree = field(init=False)

    def __post_init__(self) -> None:
        self.root.mkdir()
        for name in ("train.py", "model.py", "evaluate.py"):
            (self.root / name).write_text(f"name = {name!r}\n")
        init_repository(self.root, "Start")
        self.repository = Repository(self.root)
        self.reopen()
        self.tree.check_out(self.repository.resolve("HEAD"))

    @property
    def path(self) -> Path:
        return self.tree.path

    def reopen(self) -> None:
        layout = Layout(self.root)
        layout.make(layout.session(SESSION))
        base = self.repository.resolve("HEAD")
        tree = IdeaTree(self.repository, layout.idea_tree(SESSION, 1), base, RULES)
        log = WriteLog(layout.writes(SESSION, 1))
        self.tree = RecordedTree(self.repository, tree, RULES, log, layout.kept(SESSION, 1))

    def blob(self, tree: str, path: str) -> bytes:
        return self.repository.run("cat-file", "blob", f"{tree}:{path}").stdout


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "repo")


def test_what_agents_write_is_ours_and_what_others_write_is_not(bench: Bench) -> None:
    bench.tree.write(P("new.py"), "ours = 2\n")
    bench.tree.write(P("train.py"), "ours = 1\n")
    assert not bench.tree.foreign()
    (bench.path / "model.py").write_text("theirs = 1\n")
    (bench.path / "more.py").write_text("theirs = 2\n")
    (bench.path / "new.py").unlink()
    (bench.path / "evaluate.py").write_text("theirs = 3\n")
    foreign = bench.tree.foreign()
    assert foreign.edited == ("model.py", "more.py", "new.py")
    assert foreign.strays == ("evaluate.py",)
    bench.reopen()
    assert bench.tree.foreign() == foreign, "the next process knows it too"
    left, edited = bench.tree.left_tree(), bench.tree.edited_tree(foreign)
    assert bench.blob(left, "new.py") == b"ours = 2\n"
    assert bench.blob(left, "model.py") == b"name = 'model.py'\n"
    assert bench.blob(edited, "train.py") == b"ours = 1\n"
    assert bench.blob(edited, "more.py") == b"theirs = 2\n"
    assert bench.blob(edited, "evaluate.py") == b"name = 'evaluate.py'\n"


def test_an_agent_sees_no_half_saved_file_and_overwrites_none(bench: Bench) -> None:
    (bench.path / "train.py").write_text("half = (\n")
    (bench.path / "more.py").write_text("theirs\n")
    assert bench.tree.read(P("train.py")) == "name = 'train.py'\n"
    assert P("more.py") not in bench.tree.files()
    with pytest.raises(InputError, match="There is no more"):
        bench.tree.read(P("more.py"))
    bench.tree.write(P("train.py"), "ours = 1\n")
    bench.tree.delete(P("model.py"))
    assert (bench.path / "train.py").read_text() == "half = (\n"
    assert bench.tree.read(P("train.py")) == "ours = 1\n"
    assert bench.tree.overtaken
    assert bench.blob(bench.tree.left_tree(), "train.py") == b"ours = 1\n"
    assert not (bench.path / "model.py").exists()


def test_a_write_that_a_crash_came_before_is_no_edit(bench: Bench) -> None:
    log = WriteLog(Layout(bench.root).writes(SESSION, 1))
    blob = bench.repository.run("hash-object", "-w", "--stdin", stdin=b"ours = 1\n").text
    was = bench.repository.run("rev-parse", "HEAD:train.py").text
    log.add("train.py", blob, was)
    bench.reopen()
    assert not bench.tree.foreign()


def test_other_line_ends_of_the_same_text_are_no_edit(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "repo")
    (bench.root / ".gitattributes").write_text("*.py text eol=crlf\n")
    (bench.path / ".gitattributes").write_text("*.py text eol=crlf\n")
    (bench.path / "train.py").write_bytes(b"name = 'train.py'\r\n")
    assert bench.tree.foreign().edited == ()


@pytest.mark.parametrize("attributes", ["", "* text=auto\n"])
def test_a_file_that_was_committed_with_dos_line_ends_keeps_them(bench: Bench, attributes: str) -> None:
    git(bench.root, "config", "core.autocrlf", "input")
    blob = git(bench.root, "hash-object", "-w", "--no-filters", "--stdin", stdin="a = 1\r\nb = 2\r\n")
    write(bench.root, {".gitattributes": attributes})
    git(bench.root, "update-index", "--add", "--cacheinfo", f"100644,{blob},train.py", ".gitattributes")
    git(bench.root, "commit", "--quiet", "--message=DOS")
    bench.reopen()
    bench.tree.check_out(bench.repository.resolve("HEAD"))
    bench.tree.write(P("train.py"), bench.tree.read(P("train.py")).replace("1", "3"))
    assert not bench.tree.foreign()
    assert bench.blob(bench.tree.left_tree(), "train.py") == b"a = 3\r\nb = 2\r\n"
    bench.tree.write(P("new.py"), "a = 1\r\n")
    assert bench.blob(bench.tree.left_tree(), "new.py") == b"a = 1\n", "as `git add` stores a new file"


def test_a_worktree_that_goes_leaves_what_no_commit_holds(bench: Bench) -> None:
    (bench.path / "train.py").write_text("theirs\n")
    (bench.path / "deep").mkdir()
    (bench.path / "deep" / "notes.txt").write_text("theirs too\n")
    kept = bench.tree.remove()
    assert {path.name: path.read_text() for path in kept} == {"train.py": "theirs\n", "notes.txt": "theirs too\n"}
    assert not bench.path.exists()


def test_a_repository_within_the_worktree_is_kept_whole(bench: Bench) -> None:
    init = bench.path / "own"
    init.mkdir()
    (init / "mine.py").write_text("theirs\n")
    init_repository(init, "Theirs")
    (kept,) = bench.tree.remove()
    assert (kept / "own" / "mine.py").read_text() == "theirs\n"
    assert (kept / "own" / ".git" / "HEAD").exists()


def test_files_that_are_there_already_are_not_made_anew(bench: Bench) -> None:
    bench.tree.write(P("train.py"), "ours = 1\n")
    commit = bench.tree.commit("Ours\n")
    assert commit is not None
    inode = (bench.path / "train.py").stat().st_ino
    bench.tree.check_out(commit)
    assert (bench.path / "train.py").stat().st_ino == inode, "an editor may have it open"


def test_a_checkout_that_was_cut_off_is_no_edit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first = bench.tree.start
    bench.tree.write(P("train.py"), "ours = 1\n")
    second = bench.tree.commit("Ours\n")
    assert second is not None

    def cut_off(repository: Repository, path: Path, commit: str) -> None:
        add_worktree(repository, path, commit)
        (path / "model.py").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(recorded_tree, "add_worktree", cut_off)
    with pytest.raises(KeyboardInterrupt):
        bench.tree.check_out(first)
    monkeypatch.undo()
    bench.reopen()
    assert not bench.tree.foreign()
    (bench.path / "train.py").write_text("theirs\n")
    (kept,) = bench.tree.check_out(first)
    assert kept.read_text() == "theirs\n"
    assert (bench.path / "model.py").exists()


def test_a_worktree_of_which_nothing_is_recorded_is_held_against_git_s_record(bench: Bench) -> None:
    (bench.path / "train.py").write_text("theirs\n")
    Layout(bench.root).writes(SESSION, 1).unlink()
    bench.reopen()
    (kept,) = bench.tree.check_out(bench.repository.resolve("HEAD"))
    assert kept.read_text() == "theirs\n"


def test_what_a_crash_left_of_a_worktree_that_goes_is_told(bench: Bench) -> None:
    (bench.path / "train.py").write_text("theirs\n")
    bench.path.rename(retired_place(bench.path))
    bench.reopen()
    (kept,) = bench.tree.remove()
    assert kept.read_text() == "theirs\n"
    assert not retired_place(bench.path).exists()


NAMES = ("train.py", "model.py", "a.py", "deep/b.py")


@dataclass
class Story:
    """Somebody and an agent at the same files, in any order; every text is written by one of them only.

    The researcher's text that is overwritten by nobody but the researcher is what must be found again.
    """

    bench: Bench
    random: random.Random
    theirs: dict[str, str | None] = field(default_factory=dict)
    """What the researcher left in a file, None where they removed it; absent where they have not been at it."""
    written: dict[str, str] = field(default_factory=dict)
    commits: list[tuple[str, str]] = field(default_factory=list)
    """Who, and the tree."""
    count: int = 0

    def text(self, who: str) -> str:
        self.count += 1
        text = f"{who} = '{self.count} {''.join(self.random.choices(string.ascii_letters, k=5))}'\n"
        self.written[text] = who
        return text

    def agent_writes(self) -> None:
        self.bench.tree.write(P(self.random.choice(NAMES)), self.text("agent"))

    def agent_deletes(self) -> None:
        present = [path for path in self.bench.tree.files() if str(path) in NAMES]
        if present:
            self.bench.tree.delete(self.random.choice(present))

    def researcher_saves(self) -> None:
        path = self.random.choice(NAMES)
        text = self.text("researcher")
        file = self.bench.path / path
        file.parent.mkdir(exist_ok=True)
        if self.random.random() < 0.5:
            file.write_text(text)
        else:  # as most editors do
            aside = file.with_name(f"{file.name}~")
            aside.write_text(text)
            aside.rename(file)
        self.theirs[path] = text

    def researcher_deletes(self) -> None:
        path = self.random.choice(NAMES)
        if (self.bench.path / path).exists():
            (self.bench.path / path).unlink()
            self.theirs[path] = None

    def researcher_renames(self) -> None:
        old, new = self.random.sample(NAMES, 2)
        if (self.bench.path / old).exists():
            text = (self.bench.path / old).read_text()
            (self.bench.path / new).parent.mkdir(exist_ok=True)
            (self.bench.path / old).rename(self.bench.path / new)
            self.theirs |= {old: None, new: text}

    def look(self) -> None:
        """What happens at a step or a gate: the agent's part is told from the researcher's, and both are committed."""
        foreign = self.bench.tree.foreign()
        if not foreign.edited:
            return
        left = self.bench.tree.left_tree()
        edited = self.bench.tree.edited_tree(foreign)
        for path, text in self.theirs.items():
            held = self.bench.repository.run("ls-tree", edited, path).text
            assert bool(held) == (text is not None), path
            assert text is None or self.bench.blob(edited, path) == text.encode(), "a byte of the researcher's is lost"
        changed = self.bench.repository.run("diff-tree", "-r", "--name-only", "--no-renames", left, edited).text
        assert set(changed.split()) <= self.theirs.keys(), "what the agent did is taken for the researcher's"
        for path in foreign.edited:
            assert path in self.theirs
        commit = self.bench.repository.write_commit(edited, (self.bench.tree.start,), "Theirs\n")
        self.bench.tree.adopt(commit)
        self.theirs.clear()

    def commit(self) -> None:
        tree = self.bench.tree.left_tree()
        for entry in self.bench.repository.run("ls-tree", "-r", "--name-only", tree).text.split():
            text = self.bench.blob(tree, entry).decode()
            held = self.theirs.get(entry)
            assert held is None or text != held, "the researcher's is committed as the agent's"
        self.bench.tree.commit("Ours\n")

    def crash(self) -> None:
        self.bench.reopen()

    def check_out(self) -> None:
        """Nothing that the researcher left is overwritten, even if nobody has looked before."""
        theirs = {path: text for path, text in self.theirs.items() if text is not None}
        kept = self.bench.tree.check_out(self.bench.tree.start)
        texts = [path.read_text() for path in kept]
        for path, text in theirs.items():
            file = self.bench.path / path
            assert text in texts or (file.exists() and file.read_text() == text), "overwritten"
        self.theirs.clear()

    def end(self) -> None:
        theirs = [text for text in self.theirs.values() if text is not None]
        texts = [path.read_text() for path in self.bench.tree.remove()]
        assert all(text in texts for text in theirs), "gone with the worktree"


@pytest.mark.parametrize("seed", range(6))
def test_no_byte_is_lost_or_taken_for_another_s(tmp_path: Path, seed: int) -> None:
    story = Story(Bench(tmp_path / "repo"), random.Random(seed))
    steps = [
        *[story.agent_writes] * 3,
        story.agent_deletes,
        *[story.researcher_saves] * 3,
        story.researcher_deletes,
        story.researcher_renames,
        *[story.look] * 2,
        story.commit,
        story.crash,
        story.check_out,
    ]
    for _ in range(40):
        story.random.choice(steps)()
    story.end()
