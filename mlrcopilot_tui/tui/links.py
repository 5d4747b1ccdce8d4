"""Following a sentence to its ideas, an idea to its commit, a commit to its numbers, and all the way back."""

from mlrcopilot_tui.session.links import attempt_behind, forebears, gaps_of, ideas_by_gap, runs_of
from mlrcopilot_tui.session.state import IdeaState
from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.projector.paper import gap_key, gap_of
from mlrcopilot_tui.tui.projector.patch import attempt_of
from mlrcopilot_tui.tui.projector.words import WORDS, short, title_of
from mlrcopilot_tui.tui.views import Row, Selection, Span


def onward(desk: Desk) -> None:
    """From a sentence to its gap, from a gap to its ideas, from an idea to its patch, from a patch to its numbers."""
    pane, tab = desk.situation.pane, desk.situation.tab
    if pane == "patch":
        _to_run(desk)
    elif pane == "run":
        desk.tell("These are the numbers, where it ends.", f"{desk.key('link.back')} goes back to the patch.")
    elif pane == "ideas" or tab == "Idea":
        _to_patch(desk)
    elif (gap := gap_of(desk.deck.cursor_key())) is None:
        desk.tell("No gap was found in this paper that could lead on.", f"{desk.key('pane.ideas')} shows the ideas.")
    elif tab == "Text":
        desk.deck.point("paper", "Paper", gap_key(gap))
    else:
        _to_ideas(desk, gap)


def back(desk: Desk) -> None:
    """The other way round: from numbers to their patch, on to its idea, its gap, and the sentence of the paper."""
    pane, tab = desk.situation.pane, desk.situation.tab
    if pane == "run":
        _to_patch_of_run(desk)
    elif pane == "patch":
        attempt = desk.situation.attempt
        if attempt is not None:
            _to_idea(desk, attempt.idea)
    elif pane == "ideas" or tab == "Idea":
        _to_gap(desk)
    elif tab == "Paper" and (gap := gap_of(desk.deck.cursor_key())) is not None:
        desk.deck.point("paper", "Text", gap_key(gap))
    else:
        desk.tell("This is where it begins: the paper.", f"{desk.key('link.onward')} goes on to what came of it.")


def next_link(desk: Desk) -> None:
    """Marks the next gap, or the next thing that leads on."""
    desk.deck.step(1)


def previous_link(desk: Desk) -> None:
    """Marks the one before."""
    desk.deck.step(-1)


def _to_ideas(desk: Desk, gap: str) -> None:
    """The idea of a gap; where there are several, the researcher chooses."""
    given = ideas_by_gap(desk.situation.state).get(gap, [])
    if not given:
        desk.tell(f"No idea came of {gap} yet.", f"Add one in the ideas pane ({desk.key('idea.new')}).")
    elif len(given) == 1:
        _to_idea(desk, given[0].idea.number)
    else:
        desk.choose(f"Ideas of {gap}", [_row(idea) for idea in given], lambda key: _to_idea(desk, int(key)))


def _row(idea: IdeaState) -> Row:
    word, role = WORDS[idea.status]
    return Row(str(idea.idea.number), (Span(title_of(idea)),), (Span(word, role),))


def _to_idea(desk: Desk, number: int) -> None:
    desk.select(Selection(idea=number))
    desk.deck.pane("paper").show_tab("Idea")
    desk.deck.point("ideas", "Ideas", str(number))


def _to_patch(desk: Desk) -> None:
    """The idea's newest attempt, the one that is marked in its document, or the champion from the tree's root."""
    situation = desk.situation
    kind, _, name = (desk.deck.cursor_key() or "").partition(":")
    attempt = situation.attempt
    if kind == "attempt":
        idea, number = attempt_of(name)
        desk.select(Selection(idea=idea, attempt=number))
    elif situation.pane == "ideas" and situation.cursor is None:
        champion = situation.state.champion
        attempt = situation.state.attempt_of(champion.commit) if champion is not None else None
        if attempt is None:
            desk.tell("No idea wrote this commit.", "An idea below leads on to its patch.")
            return
        desk.select(Selection(idea=attempt.idea, attempt=attempt.number))
    elif situation.idea is None or attempt is None:
        desk.tell(f"{title_of(situation.idea) or 'This'} has no patch yet.")
        return
    else:
        desk.select(Selection(idea=attempt.idea, attempt=attempt.number))
    _show_patch(desk)


def _show_patch(desk: Desk) -> None:
    desk.deck.pane("patch").show_tab("Patch")
    desk.deck.focus_pane("patch")


def _to_run(desk: Desk) -> None:
    attempt = desk.situation.attempt
    if attempt is None:
        desk.tell("There is no patch to follow yet.")
        return
    runs = runs_of(desk.situation.state, attempt)
    if not runs:
        desk.tell(f"Patch {attempt.idea}.{attempt.number} has not been run.")
        return
    desk.select(Selection(idea=attempt.idea, attempt=attempt.number, run=runs[0].run))
    desk.deck.pane("run").show_tab("Run")
    desk.deck.focus_pane("run")


def _to_patch_of_run(desk: Desk) -> None:
    run = desk.situation.run
    if run is None:
        desk.tell("There is no run to follow yet.")
        return
    attempt = attempt_behind(desk.situation.state, run)
    if attempt is None:
        desk.tell(f"No idea wrote {short(run.commit)}, which this run measured.")
        return
    desk.select(Selection(idea=attempt.idea, attempt=attempt.number))
    _show_patch(desk)


def _to_gap(desk: Desk) -> None:
    """The gap that an idea rests on: the one marked in its document, else its first; without any, what it grew from."""
    situation = desk.situation
    idea, key = situation.idea, desk.deck.cursor_key() if situation.pane == "paper" else None
    if idea is None:
        desk.tell("Only an idea leads back to the paper.")
        return
    gaps = gaps_of(situation.state, idea)
    kind, _, name = (key or "").partition(":")
    if kind == "idea" and name.isdecimal() and int(name) in situation.state.ideas:
        _to_idea(desk, int(name))
    elif gaps:
        desk.deck.point("paper", "Paper", gap_key(name if kind == "gap" and name in gaps else gaps[0]))
    elif grown := forebears(situation.state, idea):
        _to_idea(desk, grown[0].idea.number)
    else:
        desk.tell(f"Idea {idea.idea.number} rests on no gap of the paper.", "Its document says what it rests on.")
