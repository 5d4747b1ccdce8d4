"""Results: `verify` and `promote`."""

import argparse

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import columns, say, say_json


def add(commands: Commands) -> None:
    """Adds the commands."""
    verify = add_command(commands, "verify", check_numbers, "do the recorded numbers hold?", in_session=True)
    verify.add_argument(
        "commit", metavar="COMMIT", nargs="?", help="run it again; without: read every run's files again"
    )
    verify.add_argument("--json", action="store_true", help="as JSON")
    promote = add_command(commands, "promote", promote_kept, "the kept ideas as a branch of yours", in_session=True)
    promote.add_argument("--onto", metavar="BRANCH", required=True, help="a new branch, or one to fast-forward")


def check_numbers(arguments: argparse.Namespace) -> int:
    """Measures a commit again, or reads all records again; 1 where a number does not hold."""
    import asyncio  # noqa: PLC0415 - `--help` needs none of this

    from mlrcopilot_tui.cli.reading import commit_of, read_session  # noqa: PLC0415
    from mlrcopilot_tui.research.begin import open_bench  # noqa: PLC0415
    from mlrcopilot_tui.research.options import Options  # noqa: PLC0415
    from mlrcopilot_tui.research.verify import verify_commit, verify_records  # noqa: PLC0415
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    folder = folder_of(arguments)
    read = read_session(folder, arguments.session)
    if arguments.commit is None:
        checks = list(verify_records(read.layout, read.state))
    else:
        with open_bench(open_workspace(folder), read.state.session, Options()) as bench:
            commit = bench.repository.resolve(commit_of(bench.state, arguments.commit))
            checks = asyncio.run(verify_commit(bench, commit))
    broken = [check for check in checks if not check.holds]
    if arguments.json:
        say_json(
            [
                {"run": c.run, "commit": c.commit, "seed": c.seed, "recorded": c.recorded, "found": c.found,
                 "holds": c.holds, "note": c.note}
                for c in checks
            ]
        )  # fmt: skip
        return 1 if broken else 0
    rows = [
        (c.commit[:10], str(c.seed), f"{c.recorded:.6g}", "-" if c.found is None else f"{c.found:.6g}",
         "holds" if c.holds else c.note or "differs")
        for c in checks
    ]  # fmt: skip
    say(columns(rows, head=("commit", "seed", "recorded", "found", "")) if rows else "No number is recorded yet.")
    if broken:
        say(f"{len(broken)} of {len(checks)} do not hold.")
        if arguments.commit and read.state.baseline is not None and not read.state.baseline.repeatable:
            say("Equal seeds gave different numbers for the starter too: this task does not repeat exactly.")
        return 1
    return 0


def promote_kept(arguments: argparse.Namespace) -> int:
    """Makes or fast-forwards a branch with one commit per kept idea."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.results import promote_session, promoted_in_words  # noqa: PLC0415
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    workspace = open_workspace(folder_of(arguments))
    state = read_session(workspace.layout.root, arguments.session).state
    tip = promote_session(workspace.repository, state, arguments.onto)
    say(promoted_in_words(state, arguments.onto, tip))
    return 0
