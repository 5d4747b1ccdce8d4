"""What can be done in every pane."""

from functools import partial
from typing import Final

from mlrcopilot_tui.tui import decisions, limits, links, navigation, results, service, talking
from mlrcopilot_tui.tui.actions.action import Action, answering, started
from mlrcopilot_tui.tui.actions.diff import due
from mlrcopilot_tui.tui.looking_back import is_filtered
from mlrcopilot_tui.tui.projector.situation import Situation
from mlrcopilot_tui.tui.projector.spending import asks_model
from mlrcopilot_tui.tui.views import PANES


def _runs_live(s: Situation) -> bool:
    return bool(s.state.live_runs)


def _goes_on(s: Situation) -> bool:
    return s.started and not s.state.finished


def _interruptible(s: Situation) -> bool:
    return s.at_work or (s.pane == "patch" and (due(s) or s.comparing or is_filtered(s)))


def _ended(s: Situation) -> bool:
    return s.state.out_of_budget or (_goes_on(s) and (s.alive is False or s.state.copilot is None))


def _asks_model(s: Situation) -> bool:
    return asks_model(s.state)


_a = partial(Action, context="everywhere")

EVERYWHERE: Final = (
    *(
        _a(
            id=f"pane.{name}",
            keys=(str(number),),
            label=name,
            help=f"Go to the {name} pane; again: its next tab.",
            do=partial(navigation.to_pane, pane=name),
        )
        for number, name in enumerate(PANES, 1)
    ),
    _a(id="pane.next", keys=("tab",), label="next pane", help="Go to the next pane.", do=navigation.next_pane),
    _a(
        id="pane.previous",
        keys=("shift+tab",),
        label="pane before",
        help="Go to the pane before.",
        do=navigation.previous_pane,
    ),
    _a(
        id="view.live",
        keys=("0",),
        label="live",
        help="Follow what is live again, and go to the decision that waits.",
        do=navigation.to_live,
        when=lambda s: s.away,
        rank=8,
        naming=lambda s: "decide" if s.called else "live",
    ),
    _a(
        id="agent.answer",
        keys=("A",),
        label="answer",
        help="Open the agent's question, or what wants your consent.",
        do=talking.answer,
        when=lambda s: s.question is not None,
        rank=9,
        naming=lambda s: "" if s.pane == "run" else answering(s),
    ),
    _a(
        id="agent.interrupt",
        keys=("escape",),
        label="interrupt",
        help="Interrupt the agent at work and pause; marked lines, a comparison and a filter are given up first.",
        do=talking.interrupt,
        when=_interruptible,
        rank=17,
        naming=lambda s: "back" if s.comparing or is_filtered(s) else "interrupt" if s.at_work else "",
    ),
    _a(
        id="agent.interject",
        keys=("i",),
        label="interject",
        help="Say something to the agent at work without stopping it.",
        do=talking.interject,
        when=_goes_on,
        rank=45,
        foremost=lambda s: s.state.interrupted,
        naming=lambda s: "interject" if s.at_work or s.state.interrupted else "",
    ),
    _a(
        id="session.instructions",
        keys=("I",),
        label="instructions",
        help="Show your standing instructions, which turns took them in, and add, rewrite or drop one.",
        do=service.show_instructions,
        when=started,
    ),
    _a(
        id="copilot.restart",
        keys=("C",),
        label="restart",
        help="Start the copilot that ended again, with more budget, another model, or offline.",
        do=talking.restart,
        when=_ended,
        rank=7,
    ),
    _a(
        id="session.model",
        keys=(),
        label="change model",
        help="Change the model that is asked, from the next call on.",
        do=talking.change_model,
        when=_asks_model,
    ),
    _a(
        id="session.budget",
        keys=(),
        label="change budget",
        help="Change how many dollars the session may spend on its model.",
        do=talking.change_budget,
        when=_asks_model,
    ),
    _a(
        id="session.limits",
        keys=("L",),
        label="limits",
        help="Change a limit of the session or of its runs: time, money, GPUs, seeds, memory.",
        do=limits.change,
        when=_goes_on,
    ),
    _a(
        id="run.stop",
        keys=("x",),
        label="stop",
        help="Stop the live run and all its processes.",
        do=decisions.stop_run,
        when=_runs_live,
        rank=40,
    ),
    _a(
        id="session.pause",
        keys=("p",),
        label="pause",
        help="Start nothing new, or go on; live runs go on.",
        do=decisions.pause_or_resume,
        when=_goes_on,
        rank=50,
        foremost=lambda s: s.state.paused,
        naming=lambda s: "resume" if s.state.paused else "pause",
    ),
    _a(
        id="link.onward",
        keys=("full_stop",),
        label="follow",
        help="Follow a gap to its ideas, an idea to its patch, a patch to its numbers.",
        do=links.onward,
        when=lambda s: bool(s.state.ideas),
        rank=75,
        shown=", .",
    ),
    _a(
        id="link.back",
        keys=("comma",),
        label="where from",
        help="Go back from numbers to their patch, its idea, its gap, and the paper's sentence.",
        do=links.back,
        when=lambda s: bool(s.state.ideas),
    ),
    _a(
        id="pane.zoom",
        keys=("Z",),
        label="zoom",
        help="Give this pane all the room, or take it back.",
        do=navigation.zoom,
        when=lambda s: s.zoomable,
        rank=60,
    ),
    _a(
        id="search.open",
        keys=("slash",),
        label="search",
        help="Search this pane; the same words again go to the next match.",
        do=navigation.search,
        rank=70,
    ),
    _a(id="move.down", keys=("j", "down"), label="down", help="A line down.", do=navigation.down),
    _a(id="move.up", keys=("k", "up"), label="up", help="A line up.", do=navigation.up),
    _a(id="move.start", keys=("g", "home"), label="first", help="To the first line.", do=navigation.to_start),
    _a(
        id="move.end",
        keys=("G", "end"),
        label="last",
        help="To the last line; a log follows again.",
        do=navigation.to_end,
    ),
    _a(
        id="move.half-down",
        keys=("ctrl+d", "pagedown"),
        label="half a page down",
        help="Half a page down.",
        do=navigation.half_page_down,
    ),
    _a(
        id="move.half-up",
        keys=("ctrl+u", "pageup"),
        label="half a page up",
        help="Half a page up.",
        do=navigation.half_page_up,
    ),
    _a(
        id="copy",
        keys=("y",),
        label="copy",
        help="Send the line under the cursor, or the text, to the terminal's clipboard.",
        do=navigation.copy,
    ),
    _a(
        id="notices.show",
        keys=("E",),
        label="notices",
        help="Show what was said and what went wrong, with details.",
        do=service.show_notices,
    ),
    _a(
        id="digest.show",
        keys=("W",),
        label="while away",
        help="Show what happened while you were away: verdicts, time, money, what waits.",
        do=service.show_digest,
        when=started,
    ),
    _a(
        id="strip.toggle",
        keys=("H",),
        label="hardware",
        help="Hide or show the hardware strip; with it hidden an idle screen sends nothing.",
        do=service.toggle_strip,
    ),
    _a(id="theme.pick", keys=(), label="theme", help="Choose a theme, seen at once.", do=service.pick_theme),
    _a(
        id="session.ablate",
        keys=(),
        label="ablate",
        help="Measure what each kept patch gives: the champion without it, over the same seeds.",
        do=results.ablate,
        when=lambda s: bool(s.state.kept),
    ),
    _a(
        id="session.ablation",
        keys=(),
        label="ablation table",
        help="Show what each kept patch gives, as the newest ablation measured it.",
        do=results.show_ablation,
        when=lambda s: s.state.ablating or s.state.ablation is not None,
    ),
    _a(
        id="session.ablate-stop",
        keys=(),
        label="end the ablation",
        help="End the ablation that is under way; what it measured stays.",
        do=results.end_ablation,
        when=lambda s: s.state.ablating,
    ),
    _a(
        id="session.promote",
        keys=(),
        label="promote",
        help="Make a branch of your own with the kept ideas, a commit each, evidence in the messages.",
        do=results.promote,
        when=lambda s: bool(s.state.kept),
    ),
    _a(
        id="session.quit",
        keys=(),
        label="stop the copilot",
        help="Stop the copilot of this session; it can be resumed.",
        do=decisions.quit_copilot,
        when=started,
    ),
    _a(
        id="help.show",
        keys=("question_mark", "f1"),
        label="help",
        help="Show what can be done in this pane.",
        do=service.show_help,
    ),
    _a(id="app.leave", keys=("q",), label="leave", help="Leave; the copilot and its runs go on.", do=service.leave),
)
