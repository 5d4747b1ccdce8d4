"""The journal: nothing is lost, one writer, newer programs' events pass."""

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session import records
from mlrcopilot_tui.session.journal import JournalDamagedError, JournalReader, JournalWriter
from mlrcopilot_tui.session.model import Attempt, Baseline, Gate, Idea, Summary, Verdict
from mlrcopilot_tui.session.run_events import RunFinished, RunPlanned, RunStarted
from mlrcopilot_tui.session.session import OpenSession, begun_sessions, checked_state, read_state
from mlrcopilot_tui.session.state import fold

BASE, PATCH = "a" * 40, "b" * 40


def story() -> list[ev.Event]:
    """A session in which one idea is kept and then reverted."""
    verdict = Verdict(
        kind="keep", rule="paired t", effect=0.1, interval=(0.05, 0.15), values={0: 0.1}, parent_values={0: 0.2}
    )
    return [
        ev.SessionStarted(
            format=ev.FORMAT, session="3f2a0000", engine="offline", model="", seed=0, base=BASE, branch="main",
            config="", config_digest="d", metric="val_error", direction="min", program="0.1.0",
        ),
        ev.CopilotStarted(pid=1, host="box"),
        ev.SettingsChanged(values={"seeds": 3}, by="researcher"),
        ev.PaperRead(digest="d", title="T", pages=2, source="p.pdf"),
        ev.PaperSummarized(summary=Summary(engine="offline")),
        ev.BaselineMeasured(baseline=Baseline(commit=BASE, values={0: 0.2}, deterministic=False, repeatable=True)),
        ev.IdeaProposed(idea=Idea(number=1, title="standardise", hypothesis="h", scores={"novelty": 3.0})),
        ev.IdeaProposed(idea=Idea(number=2, title="wider", hypothesis="h", scores={"novelty": 9.0}, parent=1)),
        ev.IdeasReordered(order=(1, 2), by="researcher"),
        ev.IdeaApproved(idea=1, by="rule"),
        ev.IdeaStarted(idea=1, parent=BASE),
        ev.AgentSaid(agent="ExperimentAgent", kind="action", text="edit train.py", idea=1),
        ev.PatchCommitted(attempt=Attempt(idea=1, number=1, commit=PATCH, parent=BASE, tree="t", subject="s")),
        ev.GateOpened(gate=Gate(id="g1", kind="patch", question="?", idea=1, commit=PATCH)),
        ev.GateAnswered(gate="g1", answer="approve", by="researcher", decision="d1"),
        RunPlanned(run="r1", commit=PATCH, seed=0, purpose="idea", key="k", idea=1, attempt=1),
        RunStarted(run="r1", sandbox="plain", network=False),
        RunFinished(run="r1", outcome="ok", reason="", value=0.1, wall_s=1.0, log_sha256="0"),
        ev.VerdictReached(idea=1, attempt=1, commit=PATCH, parent=BASE, verdict=verdict, runs=("r1",)),
        ev.ChampionChanged(commit=PATCH, reason="kept", idea=1),
        ev.ChampionChanged(commit="c" * 40, reason="reverted", of=PATCH, unmeasured=True),
        ev.SessionFinished(reason="done"),
        ev.CopilotStopped(reason="done"),
    ]  # fmt: skip


def write(path: Path, events: list[ev.Event]) -> None:
    with JournalWriter(path) as writer:
        for event in events:
            writer.append(event)


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, story())
    records = JournalReader(path).poll()
    assert [record.event for record in records] == story()
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert all(record.time.endswith("Z") for record in records)


def test_every_event_type_is_noun_dot_verb_and_unique() -> None:
    names = [str(cls.__struct_config__.tag) for cls in ev.Event.__subclasses__()]
    assert len(set(names)) == len(names)
    assert all(name == "unknown" or name.count(".") == 1 for name in names)


def test_the_fold_tells_the_story(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, story())
    state = fold(JournalReader(path).poll())
    assert state.ideas[1].status == "reverted"
    assert state.champion is not None
    assert (state.champion.commit, state.champion.unmeasured) == ("c" * 40, True)
    assert state.waiting is None
    assert [idea.idea.number for idea in state.queue()] == [2]
    assert not state.live_runs
    assert state.settings == {"seeds": 3}


@given(st.integers(0, len(story())), st.randoms())
def test_any_prefix_and_any_order_folds(count: int, random: object) -> None:
    fold(records.Record(i + 1, "2026-01-01T00:00:00.000Z", event) for i, event in enumerate(story()[:count]))
    shuffled = story()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    fold(records.Record(i + 1, "2026-01-01T00:00:00.000Z", event) for i, event in enumerate(shuffled))


@given(cut=st.integers(min_value=0))
def test_a_cut_at_any_byte_loses_only_the_torn_event(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "journal.jsonl"
    time = "2026-01-01T00:00:00.000Z"
    whole = b"".join(records.encode_record(records.Record(at, time, event)) for at, event in enumerate(story(), 1))
    cut %= len(whole) + 1
    path.write_bytes(whole[:cut])
    survivors = whole[:cut].count(b"\n")

    assert len(JournalReader(path).poll()) == survivors
    assert path.read_bytes() == whole[:cut], "a reader changes nothing"
    with JournalWriter(path) as writer:
        assert len(writer.recovered) == survivors
        writer.append(ev.SessionPaused(by="test"))
    survived = JournalReader(path).poll()
    assert [record.event for record in survived] == [*story()[:survivors], ev.SessionPaused(by="test")]


@given(cut=st.integers(min_value=0))
def test_a_cut_at_any_byte_leaves_of_events_that_belong_together_all_or_none(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "journal.jsonl"
    write(path, story()[:2])
    before = path.stat().st_size
    with JournalWriter(path) as writer:
        writer.append(*story()[2:5])
    whole = path.read_bytes()
    path.write_bytes(whole[: before + cut % (len(whole) - before)])
    assert [record.event for record in JournalReader(path).poll()] == story()[:2]
    with JournalWriter(path) as writer:
        writer.append(*story()[2:5])
    assert [record.event for record in JournalReader(path).poll()] == story()[:5]


@pytest.mark.parametrize("lost", [b"\0" * 4096, b"\0" * 100 + b'"by":"x"}\n'])
def test_what_a_power_failure_left_unwritten_is_cut_off(tmp_path: Path, lost: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, story()[:2])
    before = path.read_bytes()
    path.write_bytes(before + lost)
    assert [record.event for record in JournalReader(path).poll()] == story()[:2]
    with JournalWriter(path):
        pass
    assert path.read_bytes() == before


def test_a_session_whose_first_events_were_cut_off_never_began(tmp_path: Path) -> None:
    path = tmp_path / "aaaaaaaa" / "journal.jsonl"
    path.parent.mkdir()
    with JournalWriter(path) as writer:
        writer.append(*story()[:2])
    assert begun_sessions(tmp_path) == ["aaaaaaaa"]
    path.write_bytes(path.read_bytes()[:-1])
    assert begun_sessions(tmp_path) == []


def test_a_reader_sees_lines_when_they_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    reader = JournalReader(path)
    assert reader.poll() == []
    line = records.encode_record(records.Record(1, "t", ev.SessionPaused(by="me")))
    path.write_bytes(line[:-5])
    assert reader.poll() == []
    path.write_bytes(line)
    assert [record.event for record in reader.poll()] == [ev.SessionPaused(by="me")]
    assert reader.poll() == []


def test_events_of_a_newer_program_are_kept_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, story()[:2])
    future = {"seq": 3, "time": "2030-01-01T00:00:00.000Z", "type": "gpu.melted", "degrees": 900}
    with path.open("ab") as file:
        file.write(msgspec.json.encode(future) + b"\n")
    write(path, [ev.SessionPaused(by="me")])
    state = fold(JournalReader(path).poll())
    assert (state.passed_over, state.paused, state.seq) == (1, True, 4)
    assert b"gpu.melted" in path.read_bytes()


@pytest.mark.parametrize("damage", [b"not json\n", b'{"seq":9,"time":"t","type":"session.paused","by":"x"}\n'])
def test_damage_before_the_end_is_told_and_not_mended(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, story()[:2])
    path.write_bytes(path.read_bytes() + damage)
    before = path.read_bytes()
    with pytest.raises(JournalDamagedError):
        JournalWriter(path)
    assert path.read_bytes() == before


def test_an_open_session_keeps_state_and_journal_in_step(tmp_path: Path) -> None:
    seen: list[int] = []
    with OpenSession(tmp_path) as session:
        session.listeners.append(lambda record: seen.append(record.seq))
        for event in story():
            session.record(event)
        assert session.state == read_state(tmp_path)
    assert seen == list(range(1, len(story()) + 1))


def test_several_events_are_written_together_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, story()[:2])
    before, real, calls = path.read_bytes(), os.pwrite, []

    def half(fd: int, data: bytes, offset: int) -> int:
        calls.append(1)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return real(fd, data[: len(data) // 2], offset)

    with JournalWriter(path) as writer:
        monkeypatch.setattr(os, "pwrite", half)
        with pytest.raises(EnvironmentLackError, match="No space left"):
            writer.append(*story()[2:5])
        monkeypatch.undo()
        assert path.read_bytes() == before
        assert [record.seq for record in writer.append(*story()[2:5])] == [3, 4, 5]
    assert [record.event for record in JournalReader(path).poll()] == story()[:5]


def test_text_that_is_no_unicode_is_written_as_everybody_will_read_it(tmp_path: Path) -> None:
    name = b"weights-\xff.py".decode("utf-8", "surrogateescape")
    with OpenSession(tmp_path) as session:
        session.record(story()[0], ev.WarningRaised(text=name))
        session.record(ev.IdeaProposed(idea=Idea(number=1, title="t", hypothesis=name, recipe={name: [name]})))
        assert session.state == read_state(tmp_path)
        assert session.state.warnings[0].text == "weights-\ufffd.py"


def test_a_reader_that_met_damage_says_the_same_again(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, story()[:2])
    path.write_bytes(path.read_bytes() + b"not json\n")
    reader = JournalReader(path)
    for _ in range(2):
        with pytest.raises(JournalDamagedError, match="Line 3"):
            reader.poll()


def test_a_reader_opens_no_file_for_writing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, story())
    touched = path.stat().st_mtime_ns
    with JournalWriter(path):
        pass
    assert path.stat().st_mtime_ns == touched, "opening alone is no news"


def test_the_newest_session_is_the_one_written_to_last(tmp_path: Path) -> None:
    for at, name in enumerate(("aaaaaaaa", "bbbbbbbb", "cccccccc")):
        write(tmp_path / name / "journal.jsonl", story())
        os.utime(tmp_path / name / "journal.jsonl", (at, at))
    os.utime(tmp_path / "aaaaaaaa" / "journal.jsonl", (9, 9))
    (tmp_path / "dddddddd").mkdir()
    (tmp_path / "dddddddd" / "journal.jsonl").write_bytes(b'{"seq":1,"time":"20')
    assert begun_sessions(tmp_path) == ["aaaaaaaa", "cccccccc", "bbbbbbbb"]


def test_a_session_that_never_began_or_is_too_new_is_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "journal.jsonl", [])
    with pytest.raises(InputError, match="never began"):
        checked_state(read_state(tmp_path), "3f2a0000")
    started = story()[0]
    write(tmp_path / "journal.jsonl", [msgspec.structs.replace(started, format=ev.FORMAT + 1)])
    with pytest.raises(InputError, match="newer mlrcopilot"):
        checked_state(read_state(tmp_path), "3f2a0000")
