"""What the researcher can decide about patches, runs and the copilot, each as one file in the session's inbox."""

from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.session.state import ACTIVE_STATUSES, SessionState
from mlrcopilot_tui.session.tag_words import lines_of, tagged
from mlrcopilot_tui.tui import reviewing
from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.projector.words import short, title_of


def approve_patch(desk: Desk) -> None:
    """Approves what is selected of the shown patch: all of it, or a smaller patch made of the chosen lines."""
    situation = desk.situation
    gate, attempt = situation.patch_gate, situation.attempt
    if gate is None or attempt is None or too_early(desk, gate):
        return
    chosen = desk.chosen_patch()
    if chosen is None:
        mend = f"Select hunks with {desk.key('diff.toggle')}, or reject the patch with {desk.key('patch.reject')}."
        desk.tell("Nothing of the patch is selected.", mend)
        return

    def approve() -> None:
        desk.decide(
            "approve",
            gate=gate.id,
            idea=attempt.idea,
            commit=attempt.commit,
            hunks=chosen.hunks,
            patch=chosen.text,
            text=desk.remarks.whole(attempt.commit),
            notes=desk.remarks.of(attempt.commit),
        )

    tags = [tag for tag in attempt.tags if not chosen.hunks or tag.hunk in chosen.hunks]
    if tags:
        desk.confirm(
            f"Approve patch {attempt.idea}.{attempt.number} although it is tagged {tagged(tags)}?",
            "\n".join(lines_of(tags)),
            approve,
        )
    else:
        approve()


def approve_with_network(desk: Desk) -> None:
    """Approves the whole of the shown patch and opens the network to its runs, once that was confirmed."""
    situation = desk.situation
    gate, attempt = situation.patch_gate, situation.attempt
    if gate is None or attempt is None or too_early(desk, gate):
        return
    chosen = desk.chosen_patch()
    if chosen is None or chosen.hunks or chosen.text:
        desk.tell("The network is granted to a patch as it stands, not to a part of it.", "Take all of it first.")
        return
    desk.confirm(
        f"Approve patch {attempt.idea}.{attempt.number} with the network on?",
        "Its runs may connect to any host: they can fetch what nobody has read, and send out what they can read, which "
        "is the code and the data of this workspace. It holds for this patch alone."
        + "".join(f"\n{line}" for line in lines_of(attempt.tags)),
        lambda: desk.decide(
            "approve",
            gate=gate.id,
            idea=attempt.idea,
            commit=attempt.commit,
            text=desk.remarks.whole(attempt.commit),
            notes=desk.remarks.of(attempt.commit),
            network=True,
        ),
    )


def reject_patch(desk: Desk) -> None:
    """Rejects the shown patch, with the reason that the agent will read."""
    situation = desk.situation
    gate, attempt = situation.patch_gate, situation.attempt
    if gate is None or attempt is None or too_early(desk, gate):
        return
    notes = desk.remarks.of(attempt.commit)
    desk.ask(
        f"Why is patch {attempt.idea}.{attempt.number} rejected?",
        lambda reason: desk.decide(
            "reject", gate=gate.id, idea=attempt.idea, commit=attempt.commit, text=reason, notes=notes
        ),
        value=desk.remarks.whole(attempt.commit),
        hint=reviewing.notes_along(len(notes), "enter alone lets {them} be the reason.")
        or "One line for the agent; escape takes it back.",
        may_be_empty=bool(notes),
    )


def revise_patch(desk: Desk) -> None:
    """Sends the patch back with feedback; without a patch that waits, the words steer the idea or the session."""
    situation = desk.situation
    gate, idea = situation.patch_gate, situation.idea
    if gate is not None and too_early(desk, gate):
        return
    if gate is not None and (attempt := situation.attempt) is not None:
        reviewing.send_back(desk, gate, attempt)
        return
    desk.ask(
        f"Words for the agents about idea {title_of(idea)}" if idea is not None else "An instruction for the session",
        lambda words: desk.decide("feedback", idea=idea.idea.number if idea is not None else 0, text=words),
        hint="For example: try a smaller learning rate; leave the optimizer alone.",
    )


def speak_of_run(desk: Desk) -> None:
    """Says something about the shown run, or its verdict; with none shown, about the idea."""
    if not reviewing.speak_of_run(desk):
        revise_patch(desk)


def edit_patch(desk: Desk) -> None:
    """Opens the patch's files in the editor, in the idea's worktree; what is saved becomes a new attempt.

    Of an idea that waits for nothing the files may be edited too, as long as it is not decided.
    """
    situation = desk.situation
    gate, attempt = situation.patch_gate, situation.attempt
    if attempt is None or (gate is not None and too_early(desk, gate)):
        return
    state, number = situation.state, attempt.idea
    idea = state.ideas[number]
    if idea.status not in ACTIVE_STATUSES:
        desk.tell(
            f"Idea {number} is decided: its files are edited no more.",
            f"{desk.key('patch.branch')} starts a new idea from this patch.",
        )
        return
    if idea.attempt is not None and attempt.commit != idea.attempt.commit:
        named = f"{number}.{idea.attempt.number}"
        desk.tell(f"{number}.{attempt.number} is history: what can be edited is {named}.", "Go there first.")
        return
    tree = desk.client.layout.idea_tree(state.session, number)
    path, line = desk.place()
    named_files = sorted((file.path for file in attempt.files), key=lambda name: name != path)
    files = [tree / name for name in named_files if (tree / name).is_file()]
    if not files:
        desk.tell(
            f"{named_files[0] if named_files else 'The patch'} is not in the idea's worktree any more.",
            f"Send feedback ({desk.key('patch.feedback')}) instead.",
            wrong=True,
        )
    elif desk.edit(files, line if files[0] == tree / path else 0):
        if gate is not None:
            desk.decide("edit", gate=gate.id, idea=number, commit=attempt.commit)
        elif idea.status == "implementing":
            desk.tell("Saved. It comes in as yours before anything else is done with the patch.")
        else:
            desk.tell("Saved. The runs go on with what was approved; your edit is kept beside it.")


def revert(desk: Desk) -> None:
    """Takes a kept patch back with a `git revert` on the session's line, once it was said what hangs on it."""
    from mlrcopilot_tui.research.dependence import undoing  # noqa: PLC0415 -- only for who takes something back
    from mlrcopilot_tui.research.line_patches import joined  # noqa: PLC0415
    from mlrcopilot_tui.research.undo_words import numbered, what_hangs_on  # noqa: PLC0415

    attempt, state = desk.situation.attempt, desk.situation.state
    patch = joined(state).get(attempt.commit) if attempt is not None else None
    if attempt is None or patch is None:
        return
    going = undoing(state, patch)
    along = f" with {numbered(going.builds)}" if going.builds else ""
    going_back = "Each is taken back by a commit of its own" if going.builds else "A new commit takes it back"
    about = (
        f"{going_back} on the session's line, which is then measured again. Nothing leaves the history, and all of it "
        "can be redone."
    )
    desk.confirm(
        f"Revert {attempt.idea}.{attempt.number} {attempt.subject} ({short(attempt.commit)}){along}?",
        "\n".join([about, *what_hangs_on(going, _metric(state))]),
        lambda: desk.decide("revert", idea=attempt.idea, commit=attempt.commit, together=bool(going.builds)),
    )


def redo(desk: Desk) -> None:
    """Puts a reverted patch back."""
    from mlrcopilot_tui.research.dependence import redoing  # noqa: PLC0415 -- only for who applies something again
    from mlrcopilot_tui.research.line_patches import joined  # noqa: PLC0415
    from mlrcopilot_tui.research.undo_words import numbered, what_it_needs  # noqa: PLC0415

    attempt, state = desk.situation.attempt, desk.situation.state
    patch = joined(state).get(attempt.commit) if attempt is not None else None
    if attempt is None or patch is None:
        return
    coming = redoing(state, patch)

    def redo_it() -> None:
        desk.decide("redo", idea=attempt.idea, commit=attempt.commit, together=bool(coming.needs))

    if not coming.needs:
        redo_it()
        return
    desk.confirm(
        f"Redo {attempt.idea}.{attempt.number} ({short(attempt.commit)}) with {numbered(coming.needs)}?",
        "\n".join(what_it_needs(coming, _metric(state))),
        redo_it,
    )


def _metric(state: SessionState) -> str:
    return state.started.metric if state.started is not None else "the metric"


def stop_run(desk: Desk) -> None:
    """Ends the live run and all its processes."""
    situation = desk.situation
    run = situation.run if situation.run is not None and situation.run.live else None
    run = run or next(iter(situation.state.live_runs), None)
    if run is None:
        return
    about = f"idea {run.idea}.{run.attempt}" if run.idea else run.purpose
    desk.confirm(
        f"Stop the run of {about}, seed {run.seed}?",
        "Its processes end and its result does not count; the log stays.",
        lambda: desk.decide("stop", run=run.run, idea=run.idea),
    )


def pause_or_resume(desk: Desk) -> None:
    """Starts nothing new until it is pressed again; live runs go on."""
    desk.decide("resume" if desk.situation.state.paused else "pause")


def quit_copilot(desk: Desk) -> None:
    """Ends the copilot process; the session can be resumed."""
    desk.confirm(
        "Stop the copilot of this session?",
        "Nothing new starts until the session is opened again. A live run is left to end by itself.",
        lambda: desk.decide("quit"),
    )


def too_early(desk: Desk, gate: Gate) -> bool:
    """Whether the key was pressed before anybody could have read the question, or a second time."""
    if desk.client.is_answering(gate.id):
        desk.tell("Your decision is on its way.", "The copilot has not taken it yet.")
        return True
    return desk.client.in_grace(gate.id)
