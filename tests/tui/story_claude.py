"""Sessions of an engine that asks a model: what it said, what it cost, what went wrong, and what it asks."""

from pathlib import Path

import msgspec

from mlrcopilot_tui.session import events as ev
from mlrcopilot_tui.session.journal import LIVE_NAME
from mlrcopilot_tui.session.model_events import ModelCalled, ModelFaulted, PlanChecked, PlanMark, Usage
from mlrcopilot_tui.session.records import decode_record
from tests.tui.story import BASE, FIRST, START, Story

MODEL = "claude-sonnet-4-5"
CONSENT = (
    "The paper's text, your task description and the files that the agents read leave this machine for "
    "https://api.anthropic.com.\nYour key is sent with them and is written nowhere."
)


def begin(root: Path) -> Story:
    """A session with a budget of five dollars, its paper read and its starter measured."""
    story = Story(root)
    story.begin()
    _ask_a_model(story)
    story.tell(ev.SettingsChanged(values={"usd": 5.0}, by="researcher"))
    story.read_paper()
    story.measure_baseline()
    call(story, "summarize", read=9_400, cached=0, written=1_900, usd=0.057)
    story.propose()
    return story


def _ask_a_model(story: Story) -> None:
    """Tells the session's first event anew: its engine asks a model."""
    journal = story.layout.journal(story.session)
    told = [decode_record(line).event for line in journal.read_bytes().splitlines()]
    journal.unlink()
    story.seq = 0
    for event in told:
        is_first = isinstance(event, ev.SessionStarted)
        story.tell(msgspec.structs.replace(event, engine="claude", model=MODEL) if is_first else event)


def call(story: Story, purpose: str, *, read: int, cached: int, written: int, usd: float | None, idea: int = 0) -> None:
    """A call to the model that ended well."""
    usage = Usage(input_tokens=read, cache_read_tokens=cached, output_tokens=written)
    story.tell(ModelCalled(purpose=purpose, model=MODEL, role="main", usage=usage, usd=usd, wall_s=8.0, idea=idea))


def fault(story: Story, *, retry_in_s: float | None, tries: int = 1) -> None:
    """A call to the model that failed."""
    told = ModelFaulted(
        purpose="step",
        fault="overloaded",
        sentence="The endpoint is overloaded.",
        mend="Wait, or choose another model.",
        retry_in_s=retry_in_s,
        tries=tries,
        idea=4,
    )
    story.tell(told)


def write_live(story: Story, words: str) -> None:
    """The turn in flight, as far as it has come."""
    (story.folder / LIVE_NAME).write_text(words, "utf-8", "replace")


def up_to_turn(root: Path) -> Story:
    """Idea 1 was kept and its plan checked; idea 4 is being written, and a turn is in flight."""
    story = begin(root)
    story.implement(1, subject="Standardise inputs")
    story.judge(1, FIRST, START, "keep")
    call(story, "step", read=2_100, cached=31_000, written=2_300, usd=0.21, idea=1)
    marks = (
        PlanMark(step=1, done=True, where="train.py:41-52", run="r4"),
        PlanMark(step=2, done=False, note="the epochs were changed to 60"),
    )
    story.tell(PlanChecked(idea=1, attempt=1, marks=marks))
    story.tell(ev.IdeaApproved(idea=4, by="researcher"), ev.IdeaStarted(idea=4, parent=story.commits[1, 1] or BASE))
    thought = "The strokes of a digit have directions.\nGradients at each pixel show them to a linear model."
    listing = "\n".join(f"{number:>3}  line {number} of train.py" for number in range(1, 41))
    story.tell(
        ev.AgentSaid(agent="ExperimentAgent", kind="thought", idea=4, text=thought),
        ev.AgentSaid(agent="ExperimentAgent", kind="action", idea=4, text="Inspect train.py, lines 1 to 40."),
        ev.AgentSaid(agent="ExperimentAgent", kind="observation", idea=4, text=listing),
    )
    call(story, "step", read=1_900, cached=35_000, written=900, usd=0.15, idea=4)
    write_live(story, "Now I write the features.\n\ndef gradients(x):\n    return np.gradi")
    return story
