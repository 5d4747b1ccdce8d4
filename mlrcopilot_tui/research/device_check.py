"""Looks once, as a session begins, whether its runs can use the GPUs that are here: a fence hides them silently."""

import asyncio
from typing import Final

from mlrcopilot_tui.hardware.gpus import BackgroundReader, GpuReader, best_reader
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.runs.devices import Looker, losses, mend_of
from mlrcopilot_tui.text import printable

DRIVER_WAIT_S: Final = 5.0


async def check_devices(bench: Bench, reader: GpuReader | None = None, looker: Looker | None = None) -> None:
    """Warns where a run behind the session's fence can use fewer GPUs than a process outside of it.

    Nothing is started where no driver shows a GPU. What was said before in this session is not said again.

    Args:
        reader: shows the GPUs; by default those of this machine.
        looker: tries them; by default as a run of this session would.
    """
    if not await _has_gpus(reader or best_reader()):
        return
    run, level = bench.config.run, bench.sandbox.level
    looker = looker or Looker(python=bench.python, extra=run.env, passed=run.pass_env)
    try:
        lost = losses(await looker.outside(), await looker.inside(level))
    except OSError as error:
        bench.note_error(error)
        return
    if lost:
        text = printable(f"Runs cannot use the GPUs as they should ({level}). {lost[0].sentence}")
        if all(said.text != text for said in bench.state.warnings):
            bench.warn(text, mend_of(level, lost), about="machine")


async def _has_gpus(reader: GpuReader) -> bool:
    """Whether a driver shows GPUs; one that does not answer in time shows none, and `doctor` says so."""
    background = BackgroundReader(reader)
    await asyncio.to_thread(background.wait_first, DRIVER_WAIT_S)
    background.close()
    return any(sample.ours for sample in background.read())
