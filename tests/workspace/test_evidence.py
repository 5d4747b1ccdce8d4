"""Evidence as notes: readable, exact, and safe from several writers."""

import multiprocessing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.session.model import Verdict
from mlrcopilot_tui.workspace.evidence import CommitEvidence, evidence_text, read_note, write_note
from mlrcopilot_tui.workspace.git import Repository
from tests.workspace.researcher import belongings, git

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)


def evidence(commit: str, title: str = "Warm up", values: dict[int, float] | None = None) -> CommitEvidence:
    return CommitEvidence(
        session="0123abcd",
        idea=1,
        title=title,
        commit=commit,
        parent=commit,
        metric="val_error",
        direction="min",
        verdict=Verdict(
            kind="keep",
            rule="the 95 % interval of the paired difference lies above 0",
            effect=0.012,
            interval=(0.004, 0.02),
            relative=0.1,
            values=values or {0: 0.1, 1: 0.11},
            parent_values={0: 0.112, 1: 0.1222},
        ),
        wall_s=12.34,
        environment={"python": "3.11.7", "device": "cpu"},
        log_digests={0: "ab", 1: "cd"},
    )


def test_a_person_reads_the_numbers() -> None:
    assert evidence_text(evidence("0" * 40)).splitlines() == [
        "keep: Warm up",
        "by the rule: the 95 % interval of the paired difference lies above 0",
        "improvement +0.012 (+10.00%), interval [0.004, 0.02]",
        "",
        "seed        parent          this  val_error, lower is better",
        "   0         0.112           0.1",
        "   1        0.1222          0.11",
        "",
        "12.3 s of runs; device cpu; python 3.11.7",
    ]


def test_a_person_reads_that_others_had_a_part_in_the_numbers() -> None:
    marked = msgspec.structs.replace(evidence("0" * 40), contention="run r4 (seed 1): Others kept 1.4 of 2 CPUs busy")
    lines = evidence_text(marked).splitlines()
    assert lines[3] == "measured under contention: run r4 (seed 1): Others kept 1.4 of 2 CPUs busy"
    assert [line for line in lines if line != lines[3]] == evidence_text(evidence("0" * 40)).splitlines()


def test_a_note_comes_back_as_it_was_written(repo: Path) -> None:
    repository = Repository(repo)
    commit = repository.resolve("HEAD")
    assert read_note(repository, commit) is None

    @settings(max_examples=40)
    @given(TEXT, st.dictionaries(st.integers(0, 99), FLOATS, min_size=1, max_size=4))
    def check(title: str, values: dict[int, float]) -> None:
        written = evidence(commit, title, values)
        write_note(repository, written)
        assert read_note(repository, commit) == written

    check()


def test_git_log_shows_it_and_nothing_of_the_researcher_changes(repo: Path) -> None:
    before = belongings(repo)
    repository = Repository(repo)
    write_note(repository, evidence(repository.resolve("HEAD")))
    assert "improvement +0.012" in git(repo, "log", "--notes=mlrcopilot")
    assert belongings(repo) == before


def test_a_note_that_is_not_ours_is_no_evidence(repo: Path) -> None:
    commit = git(repo, "rev-parse", "HEAD")
    for text in ("just words", "mlrcopilot-evidence: {", "mlrcopilot-evidence: {}"):
        git(repo, "notes", "--ref=mlrcopilot", "add", "-f", "-m", text)
        assert read_note(Repository(repo), commit) is None


def _write(repo: Path, commits: list[str]) -> None:
    repository = Repository(repo)
    for commit in commits:
        write_note(repository, evidence(commit))


def test_parallel_writers_lose_nothing(repo: Path) -> None:
    repository = Repository(repo)
    tree = repository.tree_id(repository.resolve("HEAD"))
    commits = [repository.write_commit(tree, (), f"{number}\n") for number in range(16)]
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(repo, commits[start::4])) for start in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    noted = {line.split()[1] for line in git(repo, "notes", "--ref=mlrcopilot", "list").splitlines()}
    assert noted == set(commits)


@pytest.mark.parametrize("commit", ["HEAD", "--help", "0" * 39, "main"])
def test_only_a_commit_id_gets_a_note(repo: Path, commit: str) -> None:
    with pytest.raises(Exception, match="is not a full commit id"):
        write_note(Repository(repo), evidence(commit))
