"""A copilot at work in the tests' own process, with the researcher beside it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from mlrcopilot_tui.research.begin import begin_session, open_bench, take_options
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.copilot import Copilot
from mlrcopilot_tui.research.deliver import deliver, new_decision
from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.session.session import read_state
from mlrcopilot_tui.session.state import IdeaState, SessionState
from mlrcopilot_tui.workspace.opening import Workspace
from tests.fakes.scripted_engine import FakeEngine

Use = Callable[[FakeEngine], FakeEngine]

AUTO = Options(auto=True, allow_unsandboxed=True)
ASK = Options(allow_unsandboxed=True)


async def run_session(workspace: Workspace, options: Options = AUTO, session: str | None = None) -> SessionState:
    """Runs a session, a new one by default, to its end."""
    session = session or begin_session(workspace, options)
    with open_bench(workspace, session, options) as bench:
        take_options(bench, workspace, options)
        await asyncio.wait_for(Copilot(bench).run(), 60)
    return read_state(workspace.layout.session(session))


class Running:
    """The copilot's task and state."""

    def __init__(self, workspace: Workspace, bench: Bench, task: "asyncio.Task[str]") -> None:
        self.layout = workspace.layout
        self.bench = bench
        self.task = task
        self.state: SessionState = bench.state

    def idea(self, number: int) -> IdeaState:
        return self.state.ideas[number]

    async def until(self, condition: Callable[[], object], seconds: float = 30) -> None:
        async def wait() -> None:
            while not condition():
                if self.task.done():
                    self.task.result()
                    raise AssertionError(f"the copilot ended before: {self.state.finished}")
                await asyncio.sleep(0.02)

        await asyncio.wait_for(wait(), seconds)

    async def gate(self) -> Gate:
        await self.until(lambda: self.state.waiting)
        gate = self.state.waiting
        assert gate is not None
        return gate

    async def decide(self, kind: str, **values: object) -> str:
        decision = new_decision(kind, **values)
        return await asyncio.to_thread(deliver, self.layout, self.state.session, decision)


@contextlib.asynccontextmanager
async def running(workspace: Workspace, session: str | None = None, options: Options = ASK) -> AsyncIterator[Running]:
    """The copilot of a session, a new one by default; in the end it is cut off wherever it is."""
    session = session or begin_session(workspace, options)
    with open_bench(workspace, session, options) as bench:
        take_options(bench, workspace, options)
        task = asyncio.create_task(Copilot(bench).run())
        try:
            yield Running(workspace, bench, task)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
