"""Results: `verify` and `promote`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from mlrcopilot_tui.cli.arguments import Commands, add_command, folder_of
from mlrcopilot_tui.cli.output import columns, say, say_json

if TYPE_CHECKING:
    from mlrcopilot_tui.session.state import SessionState
    from mlrcopilot_tui.workspace.git import Repository
    from mlrcopilot_tui.workspace.opening import Workspace


def add(commands: Commands) -> None:
    """Adds the commands."""
    verify = add_command(commands, "verify", check_numbers, "do the recorded numbers hold?", in_session=True)
    verify.add_argument(
        "commit", metavar="COMMIT", nargs="?", help="run it again; without: read every run's files again"
    )
    verify.add_argument("--json", action="store_true", help="as JSON")
    promote = add_command(
        commands, "promote", promote_kept, "the kept ideas as a branch of yours, or as patch files", in_session=True
    )
    what = promote.add_mutually_exclusive_group(required=True)
    what.add_argument("--onto", metavar="BRANCH", help="a new branch, or one to fast-forward; your hooks are not run")
    what.add_argument("--patches", metavar="FOLDER", type=_folder, help="a file a commit, as `git am` takes them")
    promote.add_argument("--dry-run", action="store_true", help="say what would be; nothing is written")


def _folder(text: str) -> Path:
    """A folder as an option's value; a variable of the shell's that is not set names none."""
    if not text:
        raise argparse.ArgumentTypeError("wants a folder")
    return Path(text)


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
    """The kept ideas, a commit each, as a branch or as patch files."""
    from mlrcopilot_tui.cli.reading import read_session  # noqa: PLC0415 - `--help` needs none of this
    from mlrcopilot_tui.research.results import promote_session, promoted_in_words  # noqa: PLC0415
    from mlrcopilot_tui.workspace.opening import open_workspace  # noqa: PLC0415

    workspace = open_workspace(folder_of(arguments))
    state = read_session(workspace.layout.root, arguments.session).state
    if arguments.patches is not None:
        return _write_patches(workspace, state, arguments.patches.expanduser().absolute(), dry=arguments.dry_run)
    if arguments.dry_run:
        return _foretell_branch(workspace, state, arguments.onto)
    tip = promote_session(workspace.repository, state, arguments.onto)
    say(promoted_in_words(state, arguments.onto, tip))
    _say_if_unsigned(workspace.repository)
    return 0


def _write_patches(workspace: Workspace, state: SessionState, folder: Path, *, dry: bool) -> int:
    from mlrcopilot_tui.research.results import bundle_session, reservations  # noqa: PLC0415 - see promote_kept
    from mlrcopilot_tui.workspace.patch_files import write_patch_files  # noqa: PLC0415

    bundle = bundle_session(workspace.repository, state)
    if not dry:
        write_patch_files(folder, bundle.files, state.session)
    say(f"{folder} {'would hold' if dry else 'holds'}:")
    say("\n".join(f"  {name}" for name in bundle.files))
    apply = f"Apply them to {bundle.base[:10]}: `{bundle.command} {shlex.quote(str(folder))}/*.patch`."
    say(" ".join([apply, *reservations(state)]))
    return 0


def _foretell_branch(workspace: Workspace, state: SessionState, branch: str) -> int:
    """Says what a branch would be; no ref moves."""
    from mlrcopilot_tui.research.results import kept_patches  # noqa: PLC0415 - see promote_kept
    from mlrcopilot_tui.workspace.lines import SessionLine  # noqa: PLC0415
    from mlrcopilot_tui.workspace.promote import branch_ref, refuse_unmovable, write_promoted  # noqa: PLC0415

    repository, line = workspace.repository, SessionLine(workspace.repository, state.session)
    existing = repository.refs(branch_ref(branch)).get(branch_ref(branch))
    tip = write_promoted(repository, line, kept_patches(repository, state))
    refuse_unmovable(repository, branch, existing, tip, tip)
    was = "it is new" if existing is None else "it is there already" if existing == tip else f"now at {existing[:10]}"
    say(f"{branch} would be at {tip[:10]} ({was}), on {line.base[:10]}:")
    say("\n".join(f"  {commit.sha[:10]} {commit.subject}" for commit in reversed(repository.log(tip, line.base))))
    return 0


def _say_if_unsigned(repository: Repository) -> None:
    if repository.signs_commits():
        say("You sign your commits; these were written without your key and your hooks.")
