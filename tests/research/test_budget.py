"""Dollars: a spent budget ends a session in good order, a higher one lets it go on, and both can change on the way."""

import asyncio

import pytest

from mlrcopilot_tui.agents.claude.books.exchanges import ExchangeLog
from mlrcopilot_tui.agents.claude.turns import ModelFaultError, Request, Turn, Wire
from mlrcopilot_tui.errors import InputError, RefusedError
from mlrcopilot_tui.research.begin import begin_session, open_bench, take_options
from mlrcopilot_tui.research.copilot import Copilot
from mlrcopilot_tui.research.host import AgentHost
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.research.settings_decisions import changed
from mlrcopilot_tui.research.views import log_view, show_view, status_view
from mlrcopilot_tui.session.model_events import ModelCalled, Usage
from mlrcopilot_tui.session.session import read_state
from tests.fakes.instant_executor import FakeExecutor
from tests.fakes.model_port import FakePort, Hear, turn_of
from tests.fakes.paid_engine import FakePaidEngine
from tests.fakes.scripted_engine import FakeEngine
from tests.research.conftest import MakeWorkspace
from tests.research.running import AUTO, Use, run_session, running

IDEAS = [("better", [("LEVEL = 1.0", "LEVEL = 0.5")]), ("best", [("LEVEL = 0.5", "LEVEL = 0.2")])]
USED = Usage(input_tokens=100, cache_read_tokens=300, output_tokens=1000)
TURN = turn_of(usage=USED)
COST = (100 * 4 + 300 * 0.4 + 1000 * 20) / 1e6


async def test_a_spent_budget_ends_the_session_and_a_higher_one_goes_on(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    engine = FakePaidEngine(IDEAS, port=FakePort(TURN))
    scripted(engine)
    workspace = make_workspace()
    session = begin_session(workspace, AUTO)
    options = Options(auto=True, allow_unsandboxed=True, usd=0.035)
    with open_bench(workspace, session, options) as bench:
        take_options(bench, workspace, options)
        copilot = Copilot(bench)
        await asyncio.wait_for(copilot.run(), 60)
        assert copilot.out_of_budget
    state = read_state(workspace.layout.session(session))
    assert state.finished.startswith("The budget of $0.035 is used up: $0.0205 went to the model. The next call (step)")
    assert f"`mlrcopilot run --session {session} --budget-usd X` goes on." in state.finished
    assert (state.ideas[1].status, state.ideas[2].status) == ("kept", "implementing")
    assert state.live_runs == []
    engine.port.script = [TURN]
    state = await run_session(workspace, Options(auto=True, allow_unsandboxed=True, usd=1.0), session)
    assert state.ideas[2].status == "kept"
    assert state.finished == "No idea is left to try."
    assert state.spending.usd == pytest.approx(2 * COST)


async def test_what_was_spent_is_told_by_idea_and_session(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakePaidEngine(IDEAS, port=FakePort(TURN, TURN)))
    state = await run_session(make_workspace())
    budget = status_view(state, None)["budget"]
    assert budget["usd"] == {"used": pytest.approx(2 * COST), "limit": 5.0}
    assert (budget["tokens"]["calls"], budget["tokens"]["output"], budget["tokens"]["cached_share"]) == (2, 2000, 0.75)
    assert log_view(state)[0]["spending"]["usd"] == pytest.approx(COST)
    assert show_view(state, state.ideas[2])["spending"]["input"] == 100


async def test_without_a_model_no_money_is_told_of(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine(IDEAS))
    state = await run_session(make_workspace())
    assert status_view(state, None)["budget"]["tokens"] is None
    assert "spending" not in log_view(state)[0]
    assert "spending" not in show_view(state, state.ideas[1])


async def test_model_and_budget_change_while_an_agent_waits(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    overloaded = ModelFaultError("overloaded", "The server is overloaded.", transient=True)
    engine = FakePaidEngine(IDEAS[:1], port=FakePort(overloaded, TURN), waits=(600.0,))
    scripted(engine)
    async with running(make_workspace()) as copilot:
        await copilot.until(lambda: copilot.state.model_fault)
        said = await copilot.decide("settings", draft={"model": "cheap", "usd": 9, "seeds": 2})
        assert said == "From now on: model cheap, usd 9.0, seeds 2."
        await copilot.until(copilot.task.done)
        assert [wire.model for _, wire in engine.port.asked] == ["m", "cheap"]
        assert copilot.state.spending.usd == pytest.approx(COST / 10)
        assert (Settings.of(copilot.state).usd, Settings.of(copilot.state).seeds) == (9.0, 2)
        assert copilot.state.model_fault is None


async def test_a_pause_and_a_resumption_try_again_at_once(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    overloaded = ModelFaultError("overloaded", "The server is overloaded.", transient=True)
    engine = FakePaidEngine(IDEAS[:1], port=FakePort(overloaded, TURN), waits=(600.0,))
    scripted(engine)
    async with running(make_workspace()) as copilot:
        await copilot.until(lambda: copilot.state.model_fault)
        await copilot.decide("pause")
        await asyncio.sleep(0.3)
        assert len(engine.port.asked) == 1
        await copilot.decide("resume")
        await copilot.until(copilot.task.done)
        assert len(engine.port.asked) == 2


async def test_an_interrupted_turn_waits_for_the_resumption_and_is_booked(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    async def endless(request: Request, wire: Wire, heard: Hear) -> Turn:
        await asyncio.sleep(60)
        raise AssertionError

    engine = FakePaidEngine(IDEAS[:1], port=FakePort(endless, TURN))
    scripted(engine)
    async with running(make_workspace()) as copilot:
        await copilot.until(lambda: engine.port.asked)
        await copilot.decide("interrupt")
        await copilot.until(lambda: copilot.state.spending.calls)
        assert copilot.state.paused
        assert (copilot.state.spending.bounded, len(engine.port.asked)) == (1, 1)
        await copilot.decide("feedback", text="be bold", idea=0)
        await copilot.decide("resume")
        await copilot.until(copilot.task.done)
        assert "be bold" in str(engine.port.asked[1][0].messages)
        assert copilot.state.ideas[1].spending.calls == 2


async def test_a_fault_that_stays_stops_the_copilot_and_the_session_resumes(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    wrong = ModelFaultError("credentials", "The key is wrong.", "Set another.")
    engine = FakePaidEngine(IDEAS[:1], port=FakePort(wrong))
    scripted(engine)
    workspace = make_workspace()
    session = begin_session(workspace, AUTO)
    with pytest.raises(ModelFaultError, match="The key is wrong"):
        await run_session(workspace, AUTO, session)
    state = read_state(workspace.layout.session(session))
    assert (state.finished, state.copilot, state.ideas[1].status) == ("", None, "implementing")
    engine.port.script = [TURN]
    assert (await run_session(workspace, AUTO, session)).ideas[1].status == "kept"


def test_an_exchange_is_booked_once(make_workspace: MakeWorkspace, scripted: Use) -> None:
    """A copilot may be killed between the journal's word on a call and the record's: the next one tries both."""
    scripted(FakeEngine([]))
    workspace = make_workspace()
    with open_bench(workspace, begin_session(workspace, AUTO)) as bench:
        host = AgentHost(bench, "IdeaAgent", 0)
        exchange = ExchangeLog(host.exchanges).begin(Request("step", "", [], 100), Wire("m", 100))
        for usd in (0.5, 0.9):
            host.book(ModelCalled(purpose="step", model="m", role="main", usage=USED, usd=usd, exchange=exchange))
        assert bench.state.spending.usd == 0.5
        host.book(ModelCalled(purpose="step", model="m", role="main", usage=USED, usd=0.1))
        host.book(ModelCalled(purpose="step", model="m", role="main", usage=USED, usd=0.1))
        assert bench.state.spending.calls == 3


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        ({}, "Nothing is to be set"),
        ({"usb": 3}, "no setting 'usb'. Did you mean `usd`"),
        ({"patience": 3}, "There is no setting 'patience'"),
        ({"usd": -1}, "usd cannot be '-1'. It wants dollars"),
        ({"usd": "3"}, "usd cannot be '3'"),
        ({"seeds": 0}, "at least 1"),
        ({"max_experiments": 1.5}, "a whole number"),
        ({"model": "a b"}, "a model's id"),
        ({"model": "evil\x1b[2J"}, "a model's id"),
    ],
)
def test_settings_that_cannot_be_are_refused(draft: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as error:
        changed(Settings(), draft)
    assert words in str(error.value)


async def test_a_refused_setting_changes_nothing(
    make_workspace: MakeWorkspace, scripted: Use, instant: FakeExecutor
) -> None:
    scripted(FakeEngine(IDEAS[:1]))
    async with running(make_workspace()) as copilot:
        before = copilot.state.settings
        with pytest.raises(RefusedError, match="seeds cannot be"):
            await copilot.decide("settings", draft={"usd": 1, "seeds": "many"})
        assert copilot.state.settings == before
