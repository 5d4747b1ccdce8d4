"""The part of the diagnosis that takes seconds: whether runs behind each fence can use the GPUs that are here."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mlrcopilot_tui.doctor import Check
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.hardware.gpus import ABSENT, SILENT, BackgroundReader, best_reader
from mlrcopilot_tui.runs.devices import Answer, Looker, View, losses, mend_of
from mlrcopilot_tui.runs.sandbox import STRONGEST_FIRST, why_not
from mlrcopilot_tui.runs.spec import SandboxLevel
from mlrcopilot_tui.text import printable
from mlrcopilot_tui.workspace.command import resolve_python
from mlrcopilot_tui.workspace.config import RunConfig, load_config

DRIVER_WAIT_S: Final = 5.0
OUTSIDE_MEND: Final = "That is so outside of any fence too: mend the driver or the interpreter's packages first."


def check_gpus(workspace: Path | None) -> list[Check]:
    """What can be used outside, and behind each fence that works here; takes seconds, with torch perhaps a minute."""
    try:
        run = load_config(workspace).config.run if workspace else RunConfig(command="python")
        python = resolve_python(run, workspace or Path.home())
    except InputError as error:
        return [Check(name="gpu outside", status="fail", found=error.sentence, mend=error.mend)]
    looker = Looker(python=python, extra=run.env, passed=run.pass_env, torch=True)
    levels = [level for level in STRONGEST_FIRST if not why_not(level)]
    return compare(looker, levels, *driver_view())


def driver_view() -> tuple[int, str]:
    """How many GPUs the monitor's driver shows, and what is the matter with it where it should show more."""
    reader = BackgroundReader(best_reader())
    answered = reader.wait_first(DRIVER_WAIT_S)
    reader.close()
    problem = reader.problem if answered else SILENT
    return len([sample for sample in reader.read() if sample.ours]), "" if problem.startswith(ABSENT) else problem


def compare(looker: Looker, levels: Sequence[SandboxLevel], listed: int, problem: str = "") -> list[Check]:
    """Holds each level against what can be used outside.

    Args:
        listed: how many GPUs the monitor's driver shows.
        problem: what is the matter with that driver.
    """
    return asyncio.run(_compared(looker, levels, listed, problem))


async def _compared(looker: Looker, levels: Sequence[SandboxLevel], listed: int, problem: str) -> list[Check]:
    outside = await looker.outside()
    best = outside.best
    if outside.failure and best is None:
        return [Check(name="gpu outside", status="fail", found=_told(outside.failure), mend=OUTSIDE_MEND)]
    if not listed and not problem and (best is None or not (best.devices or best.problem)):
        return [Check(name="gpu outside", status="ok", found="No GPU here; nothing to compare.")]
    checks = [_outside(looker, outside, listed, problem)]
    if best is not None and best.usable:
        checks += [_inside(level, outside, await looker.inside(level)) for level in levels]
    return checks


def _outside(looker: Looker, outside: View, listed: int, problem: str) -> Check:
    """What can be used without a fence, and what cannot though it should."""
    best = outside.best
    answers = [answer for answer in outside.answers.values() if answer.way != "nodes"]
    most = max([listed, *(len(answer.devices) for answer in answers)])
    broken = [
        f"{_name(answer)} can use {len(answer.usable)} of {most}: {_problem(answer)}"
        for answer in answers
        if len(answer.usable) < most
    ]
    if best is None or not best.usable:
        found = "; ".join(broken) or problem or f"no library of a GPU driver was found, though {listed} are listed"
        return Check(name="gpu outside", status="fail", found=_told(found), mend=OUTSIDE_MEND)
    found = f"{_name(best)} can use {_names(best)}"
    if "torch" not in outside.answers:
        found += f"; there is no torch in {looker.python}"
    if broken := [said for said in (*broken, outside.failure) if said]:
        return Check(name="gpu outside", status="warn", found=_told("; ".join((found, *broken))), mend=OUTSIDE_MEND)
    return Check(name="gpu outside", status="ok", found=_told(found))


def _inside(level: SandboxLevel, outside: View, inside: View) -> Check:
    name = f"gpu {level}"
    lost = losses(outside, inside)
    if lost:
        found = " ".join(dict.fromkeys(loss.sentence for loss in lost))
        return Check(name=name, status="fail", found=_told(found), mend=mend_of(level, lost))
    best = inside.best or Answer(way="cuda")
    before = len(outside.best.usable) if outside.best else 0
    return Check(
        name=name, status="ok", found=_told(f"{_name(best)} sees {len(best.usable)} of {before}: {_names(best)}")
    )


def _name(answer: Answer) -> str:
    word = {"cuda": "CUDA", "child": "CUDA in a child process", "hip": "HIP"}.get(answer.way, answer.way)
    return f"{word} {answer.version}".rstrip()


def _names(answer: Answer) -> str:
    return ", ".join(device.name for device in answer.usable)


def _problem(answer: Answer) -> str:
    broken = (f"{device.name}: {device.problem}" for device in answer.devices if device.problem)
    return answer.problem or next(broken, "it lists no more")


def _told(text: str) -> str:
    return printable(text)
