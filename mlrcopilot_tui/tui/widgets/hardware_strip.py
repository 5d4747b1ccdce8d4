"""The line that says what the hardware is doing: it fits any width, and it repaints only when its text changed."""

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.widgets import Static

from mlrcopilot_tui.hardware.samples import GpuSample, MachineSample, TreeSample
from mlrcopilot_tui.tui.widgets import hardware_parts as parts
from mlrcopilot_tui.tui.widgets.hardware_parts import Face, Piece

_EACH_GPU_FROM: Final = (120, 40)  # columns and rows from which several GPUs get a line of their own
_GAP: Final = "  "
_ASCII: Final = str.maketrans("▁▂▃▄▅▆▇█·…", "_.-~=+*#|~", "°")

# While the line is too long each mention takes the named part one face down; a part's last face is to be absent.
_GIVE_WAY: Final = (
    *("gpu", "gpu", "cpu", "run", "gpu", "gpu", "cpu", "gpu", "run", "mem", "cpu", "gpu"),
    *("mem", "run", "gpu", "cpu", "note", "disk", "note"),
)


class HardwareStrip(Static):
    """CPU, memory, GPUs, the run's processes, and at the right a note such as the sandbox's state.

    Args:
        ascii_only: for terminals without UTF-8.
    """

    DEFAULT_CSS = """
    HardwareStrip { height: auto; max-height: 2; min-height: 1; width: 100%; text-wrap: nowrap; text-overflow: clip; }
    """

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, markup=False)
        self._ascii_only = ascii_only
        self._shown: tuple[tuple[Piece, ...], ...] = ()
        self._samples: tuple[MachineSample, ...] = ()
        self._tree: TreeSample | None = None
        self._note = ""
        self._note_style = parts.QUIET

    def show(
        self, samples: Sequence[MachineSample], tree: TreeSample | None, note: str, note_style: str = parts.QUIET
    ) -> None:
        """Show the newest sample with the recent past as sparklines.

        Args:
            samples: oldest first, evenly spaced; may be empty before the first one.
            tree: the live run's processes; None when no run is on.
            note: what stands at the right edge; any text.
            note_style: its colour; one that is not quiet is a warning, which always stays.
        """
        self._samples, self._tree, self._note = tuple(samples[-8:]), tree, note
        self._note_style = note_style
        self._draw()

    def on_resize(self) -> None:
        """Choose the parts anew for the new width."""
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        if not width or not (self._samples or self._note):
            return
        ascii_only, style = self._ascii_only, self._note_style
        line = strip_line(self._samples, self._tree, self._note, width, note_style=style, ascii_only=ascii_only)
        lines = [line]
        gpus = parts.chosen(self._samples[-1].gpus) if self._samples else ()
        columns, rows = _EACH_GPU_FROM
        if len(gpus) > 1 and width >= columns and self.app.size.height >= rows:
            lines.append(gpu_line(gpus, width, ascii_only=self._ascii_only))
        shown = tuple(line for line in lines if line)
        if shown != self._shown:
            grown = len(shown) != len(self._shown)
            self._shown = shown
            self.update(Content("\n").join(Content.assemble(*line) for line in shown), layout=grown)


def strip_line(
    samples: Sequence[MachineSample],
    tree: TreeSample | None,
    note: str,
    width: int,
    *,
    note_style: str = parts.QUIET,
    ascii_only: bool = False,
) -> tuple[Piece, ...]:
    """The strip's main line in `width` columns, as pieces of text with a style; parts give way in a fixed order."""
    faces = {
        "cpu": parts.cpu(samples),
        "mem": parts.memory(samples),
        "disk": parts.disk(samples),
        "gpu": parts.gpu(samples),
        "run": parts.run(tree),
        "note": parts.note(note, width, note_style),
    }
    level = dict.fromkeys(faces, 0)
    steps = iter(_GIVE_WAY)
    while True:
        line = _joined({name: faces[name][level[name]] for name in faces}, width)
        if parts.width_of(line) <= width or (step := next(steps, None)) is None:
            return _plain(line) if ascii_only else line
        level[step] = min(level[step] + 1, len(faces[step]) - 1)


def gpu_line(gpus: Sequence[GpuSample], width: int, *, ascii_only: bool = False) -> tuple[Piece, ...]:
    """One short entry a GPU in `width` columns; nothing where not even their utilisation fits."""
    for figures in ((parts.use, parts.held, parts.heat), (parts.use, parts.held), (parts.use,)):
        entries = [((f"{gpu.index}:", ""), *(p for figure in figures for p in figure((gpu,)))) for gpu in gpus]
        line: Face = ((" ", ""), *parts.in_a_row(entries, _GAP))
        if parts.width_of(line) <= width:
            return _plain(line) if ascii_only else line
    return ()


def _joined(faces: dict[str, Face], width: int) -> tuple[Piece, ...]:
    note = faces["note"]
    left: Face = (
        (" ", ""),
        *parts.in_a_row((face for name, face in faces.items() if name != "note"), _GAP),
    )
    if not note:
        return left
    room = width - 1 - parts.width_of(left) - parts.width_of(note)
    return (*left, (" " * max(room, len(_GAP)), ""), *note)


def _plain(face: Face) -> tuple[Piece, ...]:
    return tuple((text.translate(_ASCII).encode("ascii", "replace").decode(), style) for text, style in face)
