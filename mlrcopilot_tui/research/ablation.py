"""Ablation: what each kept patch gives the champion, measured by leaving it out, over the same seeds."""

import asyncio
from dataclasses import replace

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.failures import failure_of
from mlrcopilot_tui.research.gains import standing
from mlrcopilot_tui.research.measure import Laboratory
from mlrcopilot_tui.research.verdicts import judge, rule_of
from mlrcopilot_tui.session.ablation_events import AblationEnded, AblationMeasured, AblationStarted, LeftOut
from mlrcopilot_tui.session.ablation_folding import AblationState
from mlrcopilot_tui.session.state import RunState
from mlrcopilot_tui.text import one_line
from mlrcopilot_tui.workspace.ablation import ablate

_WIDEST = 120
NOTHING_KEPT = "Nothing is kept yet, so there is nothing to leave out."


async def stop_runs(bench: Bench, laboratory: Laboratory) -> None:
    """Ends the runs of an ablation that the researcher has ended."""
    for run in bench.state.live_runs:
        if run.purpose == "ablation":
            await laboratory.end(run, "researcher")


class Ablator:
    """Carries out the ablation that was asked for, from wherever the journal says it stands. The line does not move."""

    def __init__(self, bench: Bench, laboratory: Laboratory) -> None:
        self._bench = bench
        self._laboratory = laboratory

    async def carry_out(self) -> str:
        """Measures what is left to be measured; returns how it ended."""
        bench = self._bench
        if (asked := bench.state.ablation_asked) is not None:
            await self._begin(asked.seeds)
        ablation = bench.state.ablation
        if ablation is not None and not ablation.over:
            await self._measure_all(ablation)
            if bench.state.ablating:
                await self._record(AblationEnded())
            else:
                await stop_runs(bench, self._laboratory)
        reason = ablation.ended.reason if ablation is not None and ablation.ended is not None else NOTHING_KEPT
        return reason or "The ablation is done."

    async def _record(self, event: AblationStarted | AblationMeasured | AblationEnded) -> None:
        await self._bench.turn(event)
        self._bench.session.record(event)

    async def _begin(self, seeds: int) -> None:
        """Takes the champion of the moment, and works out what it is without each of its patches."""
        bench = self._bench
        champion = bench.champion
        over = tuple(range(seeds)) if seeds else tuple(sorted(champion.values))
        over = over or tuple(sorted(bench.state.baseline.values if bench.state.baseline else {0: 0.0}))
        parts = await asyncio.to_thread(self._parts, champion.commit)
        if parts:
            await self._record(AblationStarted(champion=champion.commit, seeds=over, parts=parts))
        else:
            await self._record(AblationEnded(reason=NOTHING_KEPT))

    def _parts(self, champion: str) -> tuple[LeftOut, ...]:
        """One for each patch, and the starter where there are several of them."""
        bench = self._bench
        stand = {commit: idea.idea.number for idea, commit in standing(bench.state)}
        parts = []
        for commit, idea in stand.items():
            try:
                found = ablate(bench.repository, bench.line, champion, list(stand), commit)
            except RefusedError as error:
                parts.append(LeftOut(idea=idea, of=commit, refusal=error.sentence))
            else:
                needing = tuple(stand[other] for other in found.needing)
                parts.append(LeftOut(idea=idea, of=commit, needing=needing, commit=found.commit))
        return (*parts, LeftOut(idea=0, commit=bench.line.base)) if len(parts) > 1 else tuple(parts)

    async def _measure_all(self, ablation: AblationState) -> None:
        """Side by side where there are places; each part is journaled when its runs have ended."""
        left = [part for part in ablation.started.parts if part.commit and part.idea not in ablation.measured]
        if await self._bench.places.count() == 1:
            for part in left:
                await self._measure(ablation, part)
            return
        works = [asyncio.create_task(self._measure(ablation, part)) for part in left]
        try:
            await asyncio.gather(*works)
        finally:
            for work in works:
                work.cancel()
            await asyncio.gather(*works, return_exceptions=True)

    async def _measure(self, ablation: AblationState, part: LeftOut) -> None:
        """Runs the champion and it without the part, each at every seed, as far as that was not done before."""
        champion: dict[int, RunState] = {}
        without: dict[int, RunState] = {}
        failed = outcome = ""
        for seed in ablation.started.seeds:
            for commit, runs in ((ablation.started.champion, champion), (part.commit, without)):
                run = await self._run(ablation, commit, seed)
                if run is None:
                    return
                runs[seed] = run
                if run.value is None and not failed:
                    failed = await asyncio.to_thread(self._failure, run)
                    failed, outcome = (f"the champion: {failed}", "") if runs is champion else (failed, run.outcome)
            if failed:
                break
        best, rest = ({seed: run.value or 0.0 for seed, run in runs.items()} for runs in (champion, without))
        rule = replace(rule_of(self._bench), max_seeds=len(champion))
        measured = AblationMeasured(
            idea=part.idea,
            verdict=None if failed else judge(best, rest, rule),
            failed=failed,
            outcome=outcome,
            runs=tuple(dict.fromkeys(run.run for run in (*without.values(), *champion.values()))),
            reused=sum(run.run in ablation.known for run in without.values()),
        )
        await self._record(measured)

    def _failure(self, run: RunState) -> str:
        """How a run failed, with the last line that it printed."""
        printed = failure_of(run, self._bench.layout.run(self._bench.state.session, run.run)).log_tail.strip()
        last = one_line(printed.rpartition("\n")[2], _WIDEST) if printed and run.outcome == "crashed" else ""
        return f"{run.run} at seed {run.seed} {run.outcome}: {last or run.reason}"

    async def _run(self, ablation: AblationState, commit: str, seed: int) -> RunState | None:
        """The finished run of `commit`; None where the ablation ends before it does."""
        measuring = asyncio.create_task(self._laboratory.measure(commit, seed, "ablation"))
        try:
            while not (measuring.done() or ablation.over):
                await self._bench.gates.change_or({measuring})
            return None if ablation.over else await measuring
        finally:
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)
