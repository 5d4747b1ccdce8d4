"""Deciding from a shell: what waits, the ideas, the runs and the loop."""

import argparse
from typing import Any

from mlrcopilot_tui.cli.arguments import Commands, add_command, amount_of, count_of, folder_of, length_of
from mlrcopilot_tui.cli.output import say
from mlrcopilot_tui.errors import InputError


def add(commands: Commands) -> None:
    """Adds the commands."""
    approve = add_command(commands, "approve", decide_approve, "say yes to an idea or its patch", in_session=True)
    approve.add_argument("idea", metavar="IDEA", nargs="?", type=int, default=0, help="default: what waits")
    approve.add_argument("--hunks", metavar="1,3", type=_hunks, default=(), help="only these hunks of the patch")
    approve.add_argument("--because", metavar="TEXT", default="", help="why the rest is left out")
    _add_notes(approve)
    approve.add_argument("--network", action="store_true", help="the runs of this patch, and no other, may use it")
    reject = add_command(commands, "reject", decide_reject, "say no to an idea or its patch", in_session=True)
    reject.add_argument("idea", metavar="IDEA", type=int)
    reject.add_argument("reason", metavar="REASON", nargs="+")
    _add_notes(reject)
    feedback = add_command(commands, "feedback", decide_feedback, "tell the agents something", in_session=True)
    feedback.add_argument("idea", metavar="IDEA", type=int, help="0 for the whole session")
    feedback.add_argument("text", metavar="TEXT", nargs="+")
    about = feedback.add_mutually_exclusive_group()
    about.add_argument("--hunk", metavar="N", type=count_of, default=0, help="about this hunk of the idea's patch")
    about.add_argument("--run", metavar="RUN", dest="run_id", default="", help="about this run")
    about.add_argument("--verdict", action="store_true", help="about the verdict that the idea came to")
    _add_notes(feedback)
    answer = add_command(commands, "answer", decide_answer, "answer an agent's question", in_session=True)
    answer.add_argument("text", metavar="TEXT", nargs="+")
    _add_ideas(commands)
    stop = add_command(commands, "stop", decide_stop, "stop a run, or the copilot with --all", in_session=True)
    stop.add_argument("run_id", metavar="RUN", nargs="?", default="", help="default: every live run")
    stop.add_argument("--all", action="store_true", help="also end the copilot; the session can be resumed")
    loop = (
        ("pause", "start nothing new"),
        ("interrupt", "cut what an agent is at, and pause"),
        ("resume", "go on after a pause"),
    )
    for name, help_text in loop:
        add_command(commands, name, decide_loop, help_text, in_session=True).set_defaults(kind=name)
    _add_settings(commands)


def _add_ideas(commands: Commands) -> None:
    idea = add_command(commands, "idea", decide_add, "add an idea of your own", in_session=True)
    idea.add_argument("text", metavar="TEXT", nargs="+", help="what to change and what it should do")
    start = "an attempt, kept or not (3.2; 3: its newest), `starter`, a commit; default: the champion of the moment"
    idea.add_argument("--from", dest="start", metavar="NODE", default="", help=f"what it starts from: {start}")
    revise = add_command(
        commands, "revise", decide_revise, "have an untried idea thought through anew", in_session=True
    )
    revise.add_argument("idea", metavar="IDEA", type=int)
    revise.add_argument("text", metavar="WORDS", nargs="*", help="what to change; default: another idea instead")
    split = add_command(commands, "split", decide_split, "make several ideas of one", in_session=True)
    split.add_argument("idea", metavar="IDEA", type=int)
    merge = add_command(commands, "merge", decide_merge, "make one idea of several", in_session=True)
    merge.add_argument("idea", metavar="IDEA", type=int)
    merge.add_argument("ideas", metavar="IDEA", nargs="+", type=int)


def _add_settings(commands: Commands) -> None:
    settings = add_command(commands, "set", decide_settings, "other limits or models from now on", in_session=True)
    settings.add_argument("--model", metavar="M", help="what the agents ask")
    settings.add_argument("--fast-model", metavar="M", help="what condenses for them")
    settings.add_argument("--budget-usd", metavar="X", dest="usd", type=amount_of, help="0: no limit")
    settings.add_argument("--budget-minutes", metavar="T", dest="minutes", type=amount_of, help="0: no limit")
    settings.add_argument("--budget-gpu-minutes", metavar="T", dest="gpu_minutes", type=amount_of, help="0: no limit")
    settings.add_argument("--max-experiments", metavar="N", type=count_of)
    settings.add_argument("--seeds", metavar="N", type=count_of, help="at most so many for a verdict")
    settings.add_argument("--timeout-minutes", metavar="T", type=length_of, help="of each run, from the next one on")
    settings.add_argument("--silence-minutes", metavar="T", type=amount_of, help="without output; 0: no limit")
    stopping = settings.add_argument("--early-stop", choices=("off", "suggest", "auto"))
    stopping.help = "what becomes of a run whose curve has left its parent's band for the worse"
    settings.add_argument("--memory-gb", metavar="G", type=amount_of, help="of each run; 0: what the machine can spare")


def decide_settings(arguments: argparse.Namespace) -> int:
    """Other limits or models from now on."""
    from mlrcopilot_tui.research.settings_decisions import CHANGEABLE  # noqa: PLC0415 - `--help` needs none of this

    values = {name: getattr(arguments, name) for name in CHANGEABLE}
    draft = {name: value for name, value in values.items() if value is not None}
    if not draft:
        raise InputError("Nothing is to be set.", "Say what, as in `mlrcopilot set --budget-usd 5`.")
    send(arguments, "settings", draft=draft)
    return _say_if_finished(arguments)


def _say_if_finished(arguments: argparse.Namespace) -> int:
    """A finished session is not the one that `run` goes on with unless it is named."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this

    state = read_session(folder_of(arguments), arguments.session).state
    if state.finished:
        say(f"It is finished: `mlrcopilot run --session {state.session}` takes it up again.")
    return 0


def decide_approve(arguments: argparse.Namespace) -> int:
    """Yes to what waits, whole or by hunk."""
    if arguments.because and not arguments.hunks:
        raise InputError("--because says why hunks are left out.", "Say which are taken: `--hunks 1,3`.")
    return send(
        arguments,
        "approve",
        idea=arguments.idea,
        hunks=arguments.hunks,
        network=arguments.network,
        text=arguments.because,
        notes=_notes(arguments),
    )


def decide_reject(arguments: argparse.Namespace) -> int:
    """No, with the reason."""
    return send(arguments, "reject", idea=arguments.idea, text=" ".join(arguments.reason), notes=_notes(arguments))


def decide_feedback(arguments: argparse.Namespace) -> int:
    """Words for the agents."""
    idea: int = arguments.idea
    about: dict[str, Any] | None = None
    if arguments.hunk:
        about = {"kind": "hunk", "idea": idea, "hunk": arguments.hunk}
    elif arguments.run_id:
        about = {"kind": "run", "idea": idea, "run": arguments.run_id}
    elif arguments.verdict:
        about = {"kind": "verdict", "idea": idea}
    text = " ".join(arguments.text)
    return send(arguments, "feedback", idea=idea, about=about, text=text, notes=_notes(arguments))


def decide_answer(arguments: argparse.Namespace) -> int:
    """An answer to a question."""
    return send(arguments, "answer", text=" ".join(arguments.text))


def decide_add(arguments: argparse.Namespace) -> int:
    """An idea of the researcher's own, on top of any commit of the session."""
    from mlrcopilot_tui.cli.reading import commit_of, read_session  # noqa: PLC0415 - `--help` needs none of this

    text = " ".join(arguments.text)
    if not arguments.start:
        return send(arguments, "idea.add", text=text)
    state = read_session(folder_of(arguments), arguments.session).state
    commit = commit_of(state, arguments.start)
    attempt = state.attempt_of(commit)
    return send(arguments, "idea.add", text=text, commit=commit, idea=attempt.idea if attempt else 0)


def decide_revise(arguments: argparse.Namespace) -> int:
    """An idea thought through once more."""
    return send(arguments, "idea.revise", idea=arguments.idea, text=" ".join(arguments.text))


def decide_split(arguments: argparse.Namespace) -> int:
    """One idea as several."""
    return send(arguments, "idea.split", idea=arguments.idea)


def decide_merge(arguments: argparse.Namespace) -> int:
    """Several ideas as one."""
    return send(arguments, "idea.merge", order=(arguments.idea, *arguments.ideas))


def decide_stop(arguments: argparse.Namespace) -> int:
    """Stops runs, and the copilot where asked."""
    if arguments.all:
        return send(arguments, "quit")
    return send(arguments, "stop", run=arguments.run_id)


def decide_loop(arguments: argparse.Namespace) -> int:
    """Pause, interrupt or resume."""
    return send(arguments, arguments.kind)


def send(arguments: argparse.Namespace, kind: str, **values: Any) -> int:  # noqa: ANN401 - the fields of Decision
    """Sends a decision, and says what became of it."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.deliver import deliver, new_decision  # noqa: PLC0415

    read = read_session(folder_of(arguments), arguments.session)
    say(deliver(read.layout, read.state.session, new_decision(kind, **values)))
    return 0


def _add_notes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--note",
        metavar=("HUNK", "TEXT"),
        nargs=2,
        action="append",
        default=[],
        help="say something of one hunk of the patch; as often as you like",
    )


def _notes(arguments: argparse.Namespace) -> tuple[dict[str, Any], ...]:
    return tuple({"hunk": _hunk(hunk), "text": text} for hunk, text in arguments.note)


def _hunk(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"{text[:40]!r} is no number of a hunk.", "Hunks count from 1, as in `--note 2 TEXT`.")
    return int(text)


def _hunks(text: str) -> tuple[int, ...]:
    try:
        hunks = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        hunks = (0,)
    if hunks[0] < 1:
        raise argparse.ArgumentTypeError("wants numbers from 1, as in 1,3")
    return hunks
