"""The ExperimentAgent's loop: a turn of the model, one action, its observation, and again, until the attempt ends."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import msgspec

from mlrcopilot_tui.agents.base import Proposal, Say, Withdrawal
from mlrcopilot_tui.agents.claude.actions import finishing
from mlrcopilot_tui.agents.claude.actions.action import Action, Observation, Workbench
from mlrcopilot_tui.agents.claude.actions.saving import DIFF_LIMIT
from mlrcopilot_tui.agents.claude.experiment.conversation import Conversation
from mlrcopilot_tui.agents.claude.experiment.notes import FIELD, Notes, parted, tool_of
from mlrcopilot_tui.agents.claude.experiment.places import without_folders
from mlrcopilot_tui.agents.claude.experiment.prompts import SYSTEM
from mlrcopilot_tui.agents.claude.fences import cleaned, fenced, shortened
from mlrcopilot_tui.agents.claude.said import in_words, taken_back
from mlrcopilot_tui.agents.claude.turns import ModelFaultError, Request, ToolUse, Turn
from mlrcopilot_tui.agents.host import BudgetSpentError, ForeignEdit
from mlrcopilot_tui.errors import CopilotError
from mlrcopilot_tui.session.words import Words
from mlrcopilot_tui.text import one_line

_ENDING: Final = frozenset(action.name for action in finishing.ACTIONS)
_FENCE_LINE: Final = re.compile(r"^</?data-[0-9a-f]+[^>\n]*>\n?", re.MULTILINE)
_WARN_BEFORE_END: Final = 5
_SAME_AGAIN: Final = 3
_TOO_LONG: Final = frozenset({"context_overflow", "too_large"})


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an attempt may go.

    Attributes:
        steps: actions that are carried out; what asks for no action, or for one that does not exist, is no step.
        unusable: turns in a row that ask for no action that can be carried out.
        max_tokens: the most that a turn may write.
        raised_tokens: the same, from when a turn was cut off at it.
    """

    steps: int = 40
    unusable: int = 4
    max_tokens: int = 8_000
    raised_tokens: int = 24_000


@dataclass(slots=True)
class Voice:
    """The agent's voice; silent while recorded turns are gone through again, whose words the journal has already."""

    say: Say
    silent: bool = False

    def __call__(self, kind: Literal["thought", "action", "observation", "note"], text: str) -> None:
        """Says something, or not again."""
        if not self.silent:
            self.say(kind, text)


class Steps:
    """One attempt's way from its first turn to its end.

    Args:
        bench: what actions work with.
        actions: what the agent can do.
        conversation: begun with the assignment.
        limits: how far it may go.
        told: the researcher's words that the assignment holds already.
    """

    def __init__(
        self,
        bench: Workbench,
        actions: Sequence[Action],
        conversation: Conversation,
        limits: Limits,
        told: Sequence[Words],
    ) -> None:
        self._bench = bench
        self._voice = Voice(bench.brief.say)
        bench.brief = replace(bench.brief, say=self._voice)
        self._actions = {action.name: action for action in actions}
        self._tools = tuple(tool_of(action) for action in actions)
        self._conversation = conversation
        self._limits = limits
        self._told = tuple(told)
        self._max_tokens = limits.max_tokens
        self._done = 0
        self._unusable = 0
        self._told_of_notes = False
        self._last, self._times = "", 0
        self._edits: tuple[ForeignEdit, ...] = ()
        self._edits_told = 0

    async def walk(self) -> Proposal | Withdrawal:
        """Takes steps until the attempt ends, and says how."""
        bench = self._bench
        while True:
            last_turn = self._done >= self._limits.steps
            bench.step += 1
            await self._look()
            turn = await self._asked()
            self._voice.silent = isinstance(turn, Turn) and turn.again
            if isinstance(turn, Withdrawal):
                return turn
            await self._take(turn, only_ending=last_turn)
            if bench.final is not None:
                return bench.final
            if last_turn:
                return self._used_up()
            if self._unusable >= self._limits.unusable:
                return Withdrawal(f"The model asked for nothing that can be done, {self._unusable} turns in a row.")

    # Asking

    async def _asked(self) -> Turn | Withdrawal:
        """The next turn; a conversation that is too long is made shorter as long as that is possible."""
        while True:
            try:
                return await self._bench.model.ask(self._request, self._bench.brief.host)
            except ModelFaultError as fault:
                if fault.kind in _TOO_LONG and self._conversation.fold_harder():
                    self._note("The conversation is too long for the model: old steps are folded.")
                    continue
                if fault.kind == "refusal" or fault.kind in _TOO_LONG:
                    return Withdrawal(fault.sentence)
                raise

    def _request(self) -> Request:
        """The turn to be asked for; what the researcher said and took back meanwhile goes with it."""
        host, attempt = self._bench.brief.host, self._bench.assignment.attempt
        words = host.words(host.heard(attempt, self._bench.step))
        before, now = {said.seq for said in self._told}, {said.seq for said in words}
        for said in self._told:
            if said.seq not in now:
                self._conversation.tell(taken_back(said))
        for said in words:
            if said.seq not in before:
                self._bench.numbers.read(said.text)
                self._conversation.tell(f"The researcher says: {in_words(said)}")
        self._told = words
        for edit in self._edits[self._edits_told :]:
            self._bench.numbers.read(edit.diff)
            self._conversation.tell(
                f"The researcher edited {', '.join(edit.files)} while you work, and so it stands in the files. Keep "
                f"what they wrote, and go on from there.\n{fenced('their change', edit.diff, DIFF_LIMIT)}"
            )
        self._edits_told = len(self._edits)
        self._bench.unseen.clear()
        return Request(
            purpose="step",
            system=SYSTEM,
            messages=self._conversation.messages(),
            max_tokens=self._max_tokens,
            tools=self._tools,
            idea=self._bench.assignment.idea.number,
            attempt=attempt,
            step=self._bench.step,
            resumable=True,
            words=tuple(said.seq for said in words),
        )

    async def _look(self) -> None:
        """Takes note of what the researcher has changed in the files meanwhile."""
        self._edits = await self._bench.brief.host.edits()
        self._bench.unseen = {path for edit in self._edits[self._edits_told :] for path in edit.files}
        self._bench.edits.forget(self._bench.unseen)

    # Taking a turn

    async def _take(self, turn: Turn, *, only_ending: bool) -> None:
        if turn.stop_reason == "max_tokens":
            self._unusable += 1
            self._conversation.tell(
                f"Your last turn was cut off after {self._max_tokens:,} tokens and nothing of it was done. Think and "
                "write shorter: edit a part of a file rather than write it whole."
            )
            self._max_tokens = self._limits.raised_tokens
            return
        if not turn.actions:
            self._unusable += 1
            self._say("thought", turn.text)
            mend = "Nothing was done: every turn asks for one action. Go on, or end with final_answer or give_up."
            self._conversation.took(self._bench.step, turn, {}, mend)
            return
        use, *others = turn.actions
        observation, words = await self._carried_out(use, turn.text, only_ending=only_ending)
        if others:
            words.append(f"Only {use.name} was carried out: one action a turn.")
        self._conversation.took(self._bench.step, turn, {use.id: observation.text}, "\n".join(words))

    async def _carried_out(self, use: ToolUse, prose: str, *, only_ending: bool) -> tuple[Observation, list[str]]:
        """What came of an action, and what the model is told besides."""
        notes, given = parted(use.input)
        self._say("thought", "\n".join(part for part in (prose.strip(), str(notes)) if part))
        prepared = self._prepared(use, given, notes, only_ending=only_ending)
        if isinstance(prepared, Observation):
            self._unusable += 1
            self._say("observation", prepared.text)
            return prepared, []
        self._unusable = 0
        action, form = prepared
        self._say("action", _in_a_line(action.name, given))
        words = self._checked(notes)
        await self._look()
        observation = await self._done_by(action, form)
        self._done += 1  # an ending that is refused too: else a model that insists goes on for ever
        seen = observation.text if not observation.edited else observation.text.partition("\n")[0]  # the diff was said
        self._say("observation", shortened(_FENCE_LINE.sub("", seen), 1_200, "ends"))
        return observation, [*words, *self._reminded(action.name, given)]

    def _prepared(
        self, use: ToolUse, given: dict[str, Any], notes: Notes, *, only_ending: bool
    ) -> tuple[Action, msgspec.Struct] | Observation:
        """The action with its input in form, or why it cannot be carried out."""
        action = self._actions.get(use.name)
        if action is None:
            names = ", ".join(self._actions)
            return Observation(f"ERROR: there is no action {one_line(use.name, 80)}. There are {names}.", True)
        if only_ending and action.name not in _ENDING:
            return Observation("ERROR: not carried out: all steps are used up.", True)
        if not (notes.complete or self._told_of_notes or only_ending):
            self._told_of_notes = True
            return Observation(
                f"ERROR: not carried out: `{FIELD}` must hold reflection, research_plan_and_status, fact_check and "
                "thought, each with a sentence. Ask for the action again, with them.",
                True,
            )
        try:
            return action, msgspec.convert(given, action.schema, strict=False)
        except msgspec.ValidationError as error:
            return Observation(f"ERROR: not carried out: the input of {action.name} is not in form: {error}.", True)

    async def _done_by(self, action: Action, form: msgspec.Struct) -> Observation:
        bench = self._bench
        try:
            observation = await action.do(bench, form)
        except BudgetSpentError:
            raise
        except CopilotError as error:
            if isinstance(error, ModelFaultError) and error.kind != "refusal" and error.kind not in _TOO_LONG:
                raise
            observation = Observation(f"ERROR: {error}", True)
        files = bench.brief.tree.files()
        for path in files:
            if str(path) in observation.edited:
                bench.numbers.read(bench.brief.tree.read(path))
        return replace(observation, text=without_folders(observation.text, files))

    def _checked(self, notes: Notes) -> list[str]:
        """What is to be said of numbers in the fact check that nothing backs."""
        unbacked = self._bench.numbers.unbacked(notes.fact_check)
        if not unbacked:
            return []
        listed = ", ".join(unbacked)
        self._note(f"Step {self._bench.step} states {listed}, which no run or execution gave.")
        return [f"Fact check: no run or execution gave {listed}. Have code compute it, or call it a guess."]

    def _reminded(self, name: str, given: dict[str, Any]) -> list[str]:
        """What is to be said of doing the same again, and of the steps that are left."""
        words = []
        this = f"{name} {json.dumps(given, sort_keys=True, default=str)}"
        self._times = self._times + 1 if this == self._last else 1
        self._last = this
        if self._times >= _SAME_AGAIN:
            words.append(f"You did exactly this {self._times} times in a row: it will go on giving the same.")
        left = self._limits.steps - self._done
        if left <= 0:
            self._bench.warned_of_numbers = True
            words.append("All steps are used up: hand in with final_answer now, or give_up. Nothing else is done.")
        elif left <= _WARN_BEFORE_END:
            words.append(f"{left} step{'s' * (left > 1)} left before you must hand in.")
        return words

    def _used_up(self) -> Proposal | Withdrawal:
        """What stands when the last turn did not end the attempt."""
        bench, steps = self._bench, self._limits.steps
        changed = bench.changed()
        if not changed:
            return Withdrawal(f"The agent's {steps} steps were used up without a change.")
        if broken := finishing.unparsable(bench, changed):
            return Withdrawal(f"The agent's {steps} steps were used up and left no patch that stands: {broken}")
        title = bench.assignment.idea.title
        self._note(f"The agent's {steps} steps were used up; the patch is what stood by then.")
        return Proposal(
            subject=finishing.subject_line(title, title),
            body=f"The agent's {steps} steps were used up before it handed this in: the patch is the tree as it stood "
            "by then, and its author says nothing of the plan.",
        )

    def _say(self, kind: Literal["thought", "action", "observation"], text: str) -> None:
        if text.strip():
            self._bench.brief.say(kind, cleaned(text))

    def _note(self, text: str) -> None:
        self._bench.brief.say("note", text)


def _in_a_line(name: str, given: dict[str, Any]) -> str:
    """An action with its input, for people."""
    told = [f"{field}={_in_short(value)}" for field, value in given.items()]
    return " ".join([name, *told])


def _in_short(value: object) -> str:
    if isinstance(value, list | dict):
        return f"({len(value)} item{'s' * (len(value) != 1)})"
    return one_line(str(value), 80)
