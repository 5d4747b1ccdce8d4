"""The journal: nothing is lost, one writer, newer programs' events pass."""

import multiprocessing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.inbox import Inbox, new_decision_id
from mlrcopilot_tui.session.journal import JournalDamagedError, JournalReader, JournalWriter
from mlrcopilot_tui.session.lock import SessionLock, current_holder
from mlrcopilot_tui.session.model import Attempt, Baseline, Decision, Gate, Idea, Summary, Verdict
from mlrcopilot_tui.session.session import OpenSession, read_state
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
        ev.RunPlanned(run="r1", commit=PATCH, seed=0, purpose="idea", key="k", idea=1, attempt=1),
        ev.RunStarted(run="r1", sandbox="plain", network=False),
        ev.RunFinished(run="r1", outcome="ok", reason="", value=0.1, wall_s=1.0, log_sha256="0"),
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
    names = [cls.type for cls in ev.Event.__subclasses__()]
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
    fold(ev.Record(i + 1, "2026-01-01T00:00:00.000Z", event) for i, event in enumerate(story()[:count]))
    shuffled = story()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    fold(ev.Record(i + 1, "2026-01-01T00:00:00.000Z", event) for i, event in enumerate(shuffled))


@given(cut=st.integers(min_value=0))
def test_a_cut_at_any_byte_loses_only_the_torn_event(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "journal.jsonl"
    write(path, story())
    whole = path.read_bytes()
    cut %= len(whole) + 1
    path.write_bytes(whole[:cut])
    survivors = whole[:cut].count(b"\n")

    assert len(JournalReader(path).poll()) == survivors
    assert path.read_bytes() == whole[:cut], "a reader changes nothing"
    with JournalWriter(path) as writer:
        assert len(writer.recovered) == survivors
        writer.append(ev.SessionPaused(by="test"))
    records = JournalReader(path).poll()
    assert [record.event for record in records] == [*story()[:survivors], ev.SessionPaused(by="test")]


def test_a_reader_sees_lines_when_they_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    reader = JournalReader(path)
    assert reader.poll() == []
    line = ev.encode_record(ev.Record(1, "t", ev.SessionPaused(by="me")))
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


def _try_lock(folder: Path, answers: "multiprocessing.Queue[str]") -> None:
    try:
        with SessionLock(folder):
            answers.put("got it")
    except RefusedError as error:
        answers.put(str(error))


def test_a_second_writer_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[str] = context.Queue()
    with SessionLock(tmp_path):
        holder = current_holder(tmp_path)
        assert holder is not None
        other = context.Process(target=_try_lock, args=(tmp_path, answers))
        other.start()
        assert f"process {holder.pid}" in answers.get(timeout=30)
        other.join()
    assert current_holder(tmp_path) is None
    _try_lock(tmp_path, answers)
    assert answers.get(timeout=30) == "got it"


def test_where_flock_is_refused_an_exclusive_file_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_flock(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", no_flock)
    first = SessionLock(tmp_path)
    with first:
        assert current_holder(tmp_path) is not None
        with pytest.raises(RefusedError):
            SessionLock(tmp_path).acquire()
    with SessionLock(tmp_path):
        pass
    # A holder that died without letting go is found out; one of another host never is.
    (tmp_path / "lock.exclusive").write_bytes(b'{"pid":999999,"host":"elsewhere","created":1.0}')
    with pytest.raises(RefusedError, match="elsewhere"):
        SessionLock(tmp_path).acquire()


def test_an_open_session_keeps_state_and_journal_in_step(tmp_path: Path) -> None:
    seen: list[int] = []
    with OpenSession(tmp_path) as session:
        session.listeners.append(lambda record: seen.append(record.seq))
        for event in story():
            session.record(event)
        assert session.state == read_state(tmp_path)
    assert seen == list(range(1, len(story()) + 1))


def test_the_inbox_keeps_the_order_of_decisions(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    decisions = [Decision(id=new_decision_id(), kind="pause", text=str(i)) for i in range(20)]
    for decision in decisions:
        inbox.drop(decision)
    (inbox.folder / "torn.json").write_bytes(b'{"id": "x')
    assert inbox.waiting() == decisions
    assert (inbox.folder / "torn.bad").exists()
    inbox.discard(decisions[0])
    inbox.discard(decisions[0])
    assert inbox.waiting() == decisions[1:]
