"""The line's tip after a revert or a redo: whatever copilot comes next measures it, and until then it is told how."""

from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.turns import LOOP
from mlrcopilot_tui.session.events import ChampionMeasured
from mlrcopilot_tui.session.state import SessionState


async def measure_tip(bench: Bench, laboratory: Laboratory) -> None:
    """Measures a tip that `revert` or `redo` made, as the starter was measured."""
    state = bench.state
    while state.baseline is not None and (champion := bench.champion).unmeasured:
        values = {}
        for seed in state.baseline.values:
            run = await laboratory.measure(champion.commit, seed, "parent")
            if run.value is not None:
                values[seed] = run.value
        await bench.turn_of(LOOP)
        bench.session.record(ChampionMeasured(commit=champion.commit, values=values))


def how_measured(state: SessionState) -> str:
    """The command that has the tip measured where no copilot is at work; in a finished session that alone."""
    named = f"--session {state.session}"
    first = f"`mlrcopilot resume {named}`, then " if state.paused else ""
    if state.finished:
        limit = f"--max-experiments {len(state.experiments)}"
        return f"{first}`mlrcopilot run {named} {limit}` measures it and nothing more"
    return f"{first}`mlrcopilot run {named}` measures it and goes on"
