"""A network for one patch: who is not granted it does not get it, and who is gets it for that patch alone."""

import http.server
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research import begin
from mlrcopilot_tui.research.failures import wanted_network
from mlrcopilot_tui.research.grants import network_granted
from mlrcopilot_tui.research.views import log_view, show_view
from mlrcopilot_tui.runs.sandbox import sandbox_of, why_not
from mlrcopilot_tui.runs.spec import SandboxLevel
from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.model import Attempt, Gate, Idea
from mlrcopilot_tui.session.records import Record
from mlrcopilot_tui.session.state import SessionState, fold
from mlrcopilot_tui.workspace.evidence import read_note
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import CONTRACT, MakeWorkspace
from tests.research.running import ASK, running

TRAIN = """
import socket

PORT = 0
error = 1.0
if PORT:
    try:
        with socket.create_connection(("127.0.0.1", PORT), 5) as served:
            error = float(served.recv(16))
    except OSError as refused:
        print("refused:", refused)
print("val_error:", error)
"""
ASKS = CONTRACT.replace('patches = "auto"', 'patches = "ask"')
LEVELS = pytest.mark.parametrize("level", ["bwrap", "landlock"])


class _Half(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"0.5")


@contextmanager
def server() -> Iterator[int]:
    """A server on this machine that gives who reaches it half the error; its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Half) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield served.server_address[1]
        served.shutdown()


@contextmanager
def fenced(level: SandboxLevel, port: int) -> Iterator[None]:
    """Sessions behind that fence, whose one idea connects to the port."""
    if reason := why_not(level):
        pytest.skip(reason)
    engine = FakeEngine([("ask a server", [("PORT = 0", f"PORT = {port}")])])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(begin, "make_engine", lambda *_: engine)
        patch.setattr(begin, "best_sandbox", lambda: sandbox_of(level))
        yield


@LEVELS
@pytest.mark.parametrize("network", [True, False], ids=["granted", "not granted"])
async def test_a_run_reaches_a_server_only_where_its_patch_was_granted_that(
    make_workspace: MakeWorkspace, level: SandboxLevel, network: bool
) -> None:
    workspace = make_workspace(TRAIN, ASKS)
    with server() as port, fenced(level, port):
        async with running(workspace, options=ASK) as copilot:
            gate = await copilot.gate()
            said = await copilot.decide("approve", gate=gate.id, commit=gate.commit, network=network)
            assert ("network on for this patch alone" in said) is network
            await copilot.until(lambda: copilot.idea(1).verdicts)
            state = copilot.state
            tried, *own = [run for run in state.runs.values() if run.commit == gate.commit]
            assert (tried.purpose, tried.network, tried.value) == ("smoke", False, 1.0), "nobody had granted it yet"
            others = [run for run in state.runs.values() if run.commit != gate.commit]
            assert own
            assert {(run.value, run.network, run.sandbox) for run in own} == {(0.5 if network else 1.0, network, level)}
            assert {run.network for run in others} == {False}
            assert log_view(state)[0]["network"] is network
            assert show_view(state, copilot.idea(1))["experiments"][0]["network"] is network
            await copilot.until(lambda: read_note(workspace.repository, gate.commit))
            note = read_note(workspace.repository, gate.commit)
            assert note is not None
            assert note.environment["network"] == ("on" if network else "off")


async def test_it_is_granted_to_a_whole_patch_only(make_workspace: MakeWorkspace) -> None:
    if reason := why_not("bwrap"):
        pytest.skip(reason)
    workspace = make_workspace(TRAIN, ASKS)
    with server() as port, fenced("bwrap", port):
        async with running(workspace, options=ASK) as copilot:
            gate = await copilot.gate()
            with pytest.raises(RefusedError, match="not to a part of it"):
                await copilot.decide("approve", gate=gate.id, commit=gate.commit, network=True, hunks=(1,))
            with pytest.raises(RefusedError, match="granted to one patch"):
                await copilot.decide("approve", idea=99, network=True)
            assert copilot.state.waiting == gate, "nothing was decided"


def attempt(number: int, commit: str, moved_from: str = "") -> ev.PatchCommitted:
    made = Attempt(
        idea=1, number=number, commit=commit, parent="b", tree="t", subject="s", moved_from=moved_from
    )  # fmt: skip
    return ev.PatchCommitted(attempt=made)


def told(*events: ev.Event) -> SessionState:

    begun = ev.IdeaProposed(idea=Idea(number=1, title="t", hypothesis="h"))
    return fold(Record(seq, "2026-03-09T18:00:00.000Z", event) for seq, event in enumerate((begun, *events), 1))


def test_a_grant_follows_a_patch_that_is_written_anew_on_another_champion_but_no_other_attempt() -> None:
    gate = ev.GateOpened(gate=Gate(id="g1", kind="patch", question="?", idea=1, commit="c1"))
    yes = ev.GateAnswered(gate="g1", answer="approve", by="researcher", network=True)
    state = told(attempt(1, "c1"), gate, yes, attempt(2, "c2", "c1"), attempt(3, "c3", "c2"), attempt(4, "c4"))
    assert [network_granted(state, commit) for commit in ("c1", "c2", "c3", "c4", "b")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_no_answer_but_a_yes_grants_anything() -> None:
    gate = ev.GateOpened(gate=Gate(id="g1", kind="patch", question="?", idea=1, commit="c1"))
    no = ev.GateAnswered(gate="g1", answer="feedback", by="researcher", network=True)
    assert not network_granted(told(attempt(1, "c1"), gate, no), "c1")


NEEDY = """
import urllib.request

PORT = 0
error = 1.0
if PORT:
    with urllib.request.urlopen(f"http://localhost:{PORT}", timeout=5) as served:
        error = float(served.read())
print("val_error:", error)
"""


class _HalfOverHttp(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"0.5")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base's
        pass


async def test_a_patch_that_cannot_do_without_the_network_is_put_to_the_researcher_and_not_to_its_author(
    make_workspace: MakeWorkspace,
) -> None:
    workspace = make_workspace(NEEDY, ASKS)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _HalfOverHttp) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        # Behind Landlock no socket can be had; behind bubblewrap a server on this very machine would be refused.
        with fenced("landlock", served.server_address[1]):
            async with running(workspace, options=ASK) as copilot:
                gate = await copilot.gate()
                assert "asked for the network" in gate.told
                assert len(copilot.idea(1).attempts) == 1
                await copilot.decide("approve", gate=gate.id, commit=gate.commit, network=True)
                await copilot.until(lambda: copilot.idea(1).verdicts)
                assert copilot.idea(1).status == "kept"
        served.shutdown()


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>", True),
        ("(Caused by NewConnectionError('<...>: Failed to establish a new connection: [Errno 1] ...'))", True),
        ('File "socket.py", line 232, in __init__\n    init(self)\nPermissionError: [Errno 1] Not permitted', True),
        ("OSError: [Errno 101] Network is unreachable", True),
        ("PermissionError: [Errno 13] Permission denied: 'data.csv'", False),
        ("ModuleNotFoundError: No module named 'dns'", False),
        ("", False),
    ],
)
def test_words_of_a_missing_network_are_told_from_other_failures(said: str, wanted: bool) -> None:
    assert wanted_network(said) is wanted
