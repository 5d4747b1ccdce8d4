"""Decisions about the session's line: taking a kept patch back, and applying it again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec

from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.dependence import redoing, undoing
from mlrcopilot_tui.research.effects import Effect, Handler
from mlrcopilot_tui.research.keeping import align_line
from mlrcopilot_tui.research.line_patches import Joined, joined, reverted_at, standing_at
from mlrcopilot_tui.research.overlaps import builds_on, in_the_way, in_the_way_of_redo, standing_patches
from mlrcopilot_tui.research.tip import how_measured
from mlrcopilot_tui.research.undo_words import capitalized, named, redo_refused, revert_refused
from mlrcopilot_tui.session.events import ChampionChanged
from mlrcopilot_tui.session.model import Decision
from mlrcopilot_tui.workspace.combining import ConflictError

Reason = Literal["reverted", "redone"]
_DONE: Final[dict[Reason, str]] = {"reverted": "taken back", "redone": "applied again"}


@dataclass(frozen=True, slots=True)
class LineDecisions:
    """Works out what decisions about a session's line do.

    Args:
        bench: the session.
        at_work: whether a loop runs, which measures the line's new tip.
    """

    bench: Bench
    at_work: bool

    def handlers(self) -> dict[str, Handler]:
        """By kind of decision."""
        return {"revert": self._revert, "redo": self._redo}

    async def _revert(self, decision: Decision) -> Effect:
        bench = self.bench
        async with bench.line_moves:
            commit = await asyncio.to_thread(bench.repository.resolve, decision.commit)
            patch = standing_at(bench.state, commit)
            await align_line(bench)
            going = undoing(bench.state, patch)
            commits = going.commits if decision.together else (patch.commit,)
            tips = await asyncio.to_thread(self._take_back, patch, commits, together=decision.together)
            return await self._moved("reverted", tips, decision)

    def _take_back(self, patch: Joined, commits: tuple[str, ...], *, together: bool) -> dict[str, str]:
        """Takes patches back; where the journal told too few of them, those that git tells of if all are to go."""
        line = self.bench.line
        try:
            return dict(zip(commits, line.revert(*commits), strict=True))
        except ConflictError as conflict:
            way = in_the_way(self.bench, patch)
            along = (*(other.commit for other in way), patch.commit)
            if together and along != commits:
                return dict(zip(along, line.revert(*along), strict=True))
            raise revert_refused(self.bench.state, patch, way, conflict.places) from None

    async def _redo(self, decision: Decision) -> Effect:
        bench = self.bench
        async with bench.line_moves:
            commit = await asyncio.to_thread(bench.repository.resolve, decision.commit)
            patch = reverted_at(bench.state, commit)
            await align_line(bench)
            coming = redoing(bench.state, patch)
            commits = coming.commits if decision.together else (patch.commit,)
            try:
                made = await asyncio.to_thread(bench.line.redo, *commits)
            except ConflictError as conflict:
                needs = () if decision.together else coming.needs
                way = () if needs else await asyncio.to_thread(in_the_way_of_redo, bench, patch)
                raise redo_refused(bench.state, patch, needs, way, conflict.places) from None
            return await self._moved("redone", dict(zip(commits, made, strict=True)), decision)

    async def _moved(self, reason: Reason, tips: dict[str, str], decision: Decision) -> Effect:
        """What became of the line: one event a patch, so that each can be redone, or reverted, by itself."""
        bench, line = self.bench, joined(self.bench.state)
        events = [
            ChampionChanged(commit=tip, reason=reason, of=of, unmeasured=True, decision=decision.id)
            for of, tip in tips.items()
        ]
        if reason == "redone":
            events = await asyncio.to_thread(self._with_grounds, events)
        tip = events[-1].commit[:10]
        when = "is measured next" if self.at_work else f"is not measured yet: {how_measured(bench.state)}"
        many = "were" if len(tips) > 1 else "was"
        patches = capitalized(named([line[of] for of in tips]))
        said = f"{patches} {many} {_DONE[reason]}; the line's tip {tip} {when}."
        return Effect(said, tuple(events))

    def _with_grounds(self, events: Sequence[ChampionChanged]) -> list[ChampionChanged]:
        """The events, each with what its patch builds on."""
        bench = self.bench
        line, standing = joined(bench.state), standing_patches(bench.state)
        before, found = bench.champion.commit, list[ChampionChanged]()
        for event in events:
            grounds = builds_on(bench, standing, before, event.commit)
            found.append(msgspec.structs.replace(event, builds_on=grounds))
            standing.append(replace(line[event.of], stands=True, builds_on=grounds))
            before = event.commit
        return found
