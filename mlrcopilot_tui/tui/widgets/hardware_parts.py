"""The parts of the hardware strip, each with its faces from the fullest to none, so that it can fit any width."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias, TypeVar

from rich.cells import cell_len

from mlrcopilot_tui.hardware.gpus import SILENT
from mlrcopilot_tui.hardware.samples import GpuSample, MachineSample, TreeSample
from mlrcopilot_tui.text import one_line

_GIB: Final = 2**30
_LOW_DISK: Final = 5 * _GIB
_BLOCKS: Final = "▁▂▃▄▅▆▇█"

Piece: TypeAlias = tuple[str, str]  # text and style
Face: TypeAlias = tuple[Piece, ...]
_Number = TypeVar("_Number", int, float)


def cpu(samples: Sequence[MachineSample]) -> tuple[Face, ...]:
    """Load of the CPUs, with its recent past."""
    past = [sample.cpu_percent for sample in samples]
    share = _percent(past[-1] if past else None)
    drawn = ((("CPU", ""), *_spark(past, cells), (f" {share}", "")) for cells in (8, 4))
    return (*drawn, ((f"CPU {share}", ""),), ((f"CPU {_tight(share)}", ""),), ())


def memory(samples: Sequence[MachineSample]) -> tuple[Face, ...]:
    """Memory of the machine or of the container."""
    used, total = (samples[-1].memory_used, samples[-1].memory_total) if samples else (None, None)
    share = _share(used, total)
    return (
        (("mem ", ""), _warned(_amount(used, total), share, 90, 97)),
        (("mem ", ""), _warned(_tight(_percent(share)), share, 90, 97)),
        (),
    )


def disk(samples: Sequence[MachineSample]) -> tuple[Face, ...]:
    """Free space, only where it is so little that a run may soon fail for the lack of it."""
    free = samples[-1].disk_free if samples else None
    return ((),) if free is None or free >= _LOW_DISK else (((f"disk {_size(free)} free!", "$warning"),), ())


def run(tree: TreeSample | None) -> tuple[Face, ...]:
    """What the live run's processes use."""
    if tree is None:
        return ((),)
    cores = " n/a" if tree.cpu_cores is None else f"{tree.cpu_cores:4.1f}"
    size = f"{_size(tree.rss_bytes):>6}"
    on_gpu = f" + {_size(tree.gpu_memory)} GPU" if tree.gpu_memory else ""
    texts = (f"run: {cores} cores {size}{on_gpu}", f"run: {cores} cores {size}", f"run {cores.strip()}c {size.strip()}")
    return (*(((text, ""),) for text in texts), ())


QUIET: Final = "$foreground-muted"


def note(text: str, width: int, style: str = QUIET) -> tuple[Face, ...]:
    """Somebody else's words, made safe, in at most `width` columns; those that warn do not give way to nothing."""
    full, short = one_line(text, max(width, 1)), one_line(text, 16)
    if not full:
        return ((),)
    return (((full, style),), ((short, style),), *([()] if style == QUIET else []))


def gpu(samples: Sequence[MachineSample]) -> tuple[Face, ...]:
    """All GPUs that our runs may use, as one."""
    gpus = chosen(samples[-1].gpus) if samples else ()
    if not gpus:
        return _without_gpu(samples)
    names = {one_line(gpu.name, 24) for gpu in gpus}
    name: Face = ((f" {names.pop()}", "$foreground-muted"),) if len(names) == 1 and "" not in names else ()
    past = [_mean(gpu.utilisation for gpu in chosen(sample.gpus)) for sample in samples]
    wide, narrow = _spark(past, 8), _spark(past, 4)
    stale: Face = ((" stale!", "$warning"),) if any(gpu.stale for gpu in gpus) else ()
    label: Face = ((_label(gpus), ""),)
    core: Face = (*use(gpus), *stale)
    return (
        (*label, *name, *wide, *core, *held(gpus), *heat(gpus), *_power(gpus)),
        (*label, *wide, *core, *held(gpus), *heat(gpus), *_power(gpus)),
        (*label, *narrow, *core, *held(gpus), *heat(gpus), *_power(gpus)),
        (*label, *narrow, *core, *held(gpus), *heat(gpus)),
        (*label, *core, *held(gpus), *heat(gpus)),
        (*label, *core, *held(gpus)),
        (*label, (_tight(use(gpus)[0][0]), ""), *stale, *held(gpus)),
        (*label, *core),
    )


def _without_gpu(samples: Sequence[MachineSample]) -> tuple[Face, ...]:
    if not samples:
        return ((),)
    if samples[-1].gpu_problem == SILENT:
        return ((("GPU silent!", "$warning"),),)
    return (*((("no GPU", "$foreground-muted"),) for _ in range(6)), ())  # stays as long as a GPU's memory would


def chosen(gpus: Sequence[GpuSample]) -> tuple[GpuSample, ...]:
    """The GPUs that our runs may use; all of them where none is ours."""
    return tuple(gpu for gpu in gpus if gpu.ours) or tuple(gpus)


def use(gpus: Sequence[GpuSample]) -> Face:
    """Mean utilisation of those that tell it."""
    return ((" " + _percent(_mean(gpu.utilisation for gpu in gpus)), ""),)


def held(gpus: Sequence[GpuSample]) -> Face:
    """Memory used of memory there, warned of when it is short on any of them."""
    used, total = _sum(gpu.memory_used for gpu in gpus), _sum(gpu.memory_total for gpu in gpus)
    shares = [share for gpu in gpus if (share := _share(gpu.memory_used, gpu.memory_total)) is not None]
    return ((" ", ""), _warned(_amount(used, total), max(shares, default=None), 95, 99))


def heat(gpus: Sequence[GpuSample]) -> Face:
    """Temperature of the hottest one."""
    hottest = max((gpu.temperature_c for gpu in gpus if gpu.temperature_c is not None), default=None)
    return () if hottest is None else ((" ", ""), _warned(f"{hottest:.0f} °C", hottest, 83, 90))


def in_a_row(faces: Iterable[Face], gap: str) -> Face:
    """Faces beside each other with a gap between any two; an absent one leaves none."""
    row: list[Piece] = []
    for face in faces:
        row += [(gap, ""), *face] if row and face else face
    return tuple(row)


def width_of(face: Face) -> int:
    """Columns that a face takes."""
    return sum(cell_len(text) for text, _ in face)


def _label(gpus: Sequence[GpuSample]) -> str:
    kind = "MIG" if all(gpu.mig for gpu in gpus) else "GPU"
    return f"{kind}{gpus[0].index}" if len(gpus) == 1 else f"{kind} {len(gpus)}x"


def _power(gpus: Sequence[GpuSample]) -> Face:
    watts = _sum(gpu.power_w for gpu in gpus)
    if watts is None:
        return ()
    return ((f" {watts:3.0f} W" if watts < 1000 else f" {watts / 1000:.1f} kW", ""),)


def _warned(text: str, value: float | None, warm: float, hot: float) -> Piece:
    """Text with a mark and a colour by threshold, so that colour is never the only sign."""
    if value is None or value < warm:
        return text, ""
    return (f"{text}!", "$warning") if value < hot else (f"{text}!!", "$error")


def _percent(value: float | None) -> str:
    """Always five columns, so that nothing to its right moves as it changes."""
    return "  n/a" if value is None else f"{value:3.0f} %"


def _tight(percent: str) -> str:
    return percent.replace(" %", "%")


def _amount(used: int | None, total: int | None) -> str:
    """Gibibytes used of those there; where tenths are shown, in a width that depends on the total alone."""
    if total is None:
        return "n/a"
    if total >= 100 * _GIB:
        return f"{'n/a' if used is None else f'{used / _GIB:.0f}'}/{total / _GIB:.0f} G"
    whole, part = f"{total / _GIB:.0f}", "n/a" if used is None else f"{used / _GIB:.1f}"
    return f"{part:>{len(whole) + 2}}/{whole} G"


def _size(size: int) -> str:
    if size < _GIB:
        return f"{size / 2**20:.0f} M"
    return f"{size / _GIB:.1f} G" if size < 100 * _GIB else f"{size / _GIB:.0f} G"


def _share(used: int | None, total: int | None) -> float | None:
    return None if used is None or not total else 100 * used / total


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _sum(values: Iterable[_Number | None]) -> _Number | None:
    known = [value for value in values if value is not None]
    return sum(known, start=known[0] - known[0]) if known else None


def _spark(percents: Sequence[float | None], cells: int) -> Face:
    """One block a value on a scale from 0 to 100, the newest at the right; blank where a value is not known."""
    last = percents[-cells:]
    if all(value is None for value in last):
        return ()
    blocks = (" " if value is None else _BLOCKS[min(7, max(0, int(value * 8 / 100)))] for value in last)
    return ((" " + "".join(blocks).rjust(cells), "$primary"),)
