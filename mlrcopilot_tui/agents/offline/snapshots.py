"""Keeps still what a thread thinks about, while the loop goes on taking events in."""

from dataclasses import replace

from mlrcopilot_tui.agents.base import Brief


def snapshot(brief: Brief) -> Brief:
    """The brief with collections of its own, so that none changes size under a thread that walks it.

    To be called on the loop's own thread. What runs hold is shared: those that are at their end do not change.
    """
    state = brief.state
    ideas = {
        number: replace(idea, verdicts=list(idea.verdicts), feedback=list(idea.feedback))
        for number, idea in state.ideas.items()
    }
    words = {seq: replace(said) for seq, said in state.words.items()}
    return replace(brief, state=replace(state, ideas=ideas, runs=dict(state.runs), words=words))
