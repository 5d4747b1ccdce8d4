"""The hardware strip as text, at the widths that people have, and with what hardware and notes may hold."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.visual import VisualType

from mlrcopilot_tui.hardware.gpus import SILENT
from mlrcopilot_tui.hardware.samples import GpuSample, MachineSample, TreeSample
from mlrcopilot_tui.tui.widgets.hardware_strip import HardwareStrip, gpu_line, strip_line

GIB = 2**30
LEFT = " CPU ▂▃▄▅▅▆▇█  90 %  mem  4.1/24 G"
NOTE = "sandbox bwrap · net off"
TREE = TreeSample(cpu_cores=1.9, rss_bytes=int(1.2 * GIB), processes=3, gpu_memory=40 * GIB)
H200 = GpuSample(
    index=0,
    name="NVIDIA H200",
    utilisation=98.0,
    memory_used=61 * GIB,
    memory_total=141 * GIB,
    temperature_c=71.0,
    power_w=612.0,
)
EIGHT = tuple(replace(H200, index=index, utilisation=90.0 + index) for index in range(8))


def machine(*gpus: GpuSample, count: int = 10) -> list[MachineSample]:
    """Ten seconds of a machine that gets busier."""
    return [
        MachineSample(
            t=float(second),
            cpu_percent=10.0 * second,
            memory_used=int(4.1 * GIB),
            memory_total=24 * GIB,
            gpus=gpus,
            disk_free=80 * GIB,
        )
        for second in range(count)
    ]


def text_of(samples: Sequence[MachineSample], width: int, *, tree: TreeSample | None = TREE, note: str = NOTE) -> str:
    return "".join(text for text, _ in strip_line(samples, tree, note, width))


@pytest.mark.parametrize(
    ("gpus", "width", "left"),
    [
        ((), 80, " CPU  90 %  mem  4.1/24 G  no GPU  run 1.9c 1.2 G  "),
        ((), 120, " CPU ▂▃▄▅▅▆▇█  90 %  mem  4.1/24 G  no GPU  run:  1.9 cores  1.2 G + 40.0 G GPU  "),
        ((H200,), 80, " CPU  90%  mem  17%  GPU0  98% 61/141 G  run 1.9c 1.2 G  "),
        (
            (H200,),
            120,
            " CPU ▅▆▇█  90 %  mem  4.1/24 G  GPU0 ████  98 % 61/141 G 71 °C 612 W  run:  1.9 cores  1.2 G  ",
        ),
        (
            (H200,),
            200,
            f"{LEFT}  GPU0 NVIDIA H200 ████████  98 % 61/141 G 71 °C 612 W  run:  1.9 cores  1.2 G + 40.0 G GPU  ",
        ),
        (EIGHT, 80, " CPU  90%  GPU 8x  94% 488/1128 G  run 1.9c 1.2 G  "),
        (EIGHT, 120, " CPU ▅▆▇█  90 %  mem  4.1/24 G  GPU 8x ████  94 % 488/1128 G 71 °C  run:  1.9 cores  1.2 G  "),
        (
            EIGHT,
            200,
            f"{LEFT}  GPU 8x NVIDIA H200 ████████  94 % 488/1128 G 71 °C 4.9 kW  run:  1.9 cores  1.2 G + 40.0 G GPU  ",
        ),
    ],
)
def test_the_line_at_the_widths_that_people_have(gpus: tuple[GpuSample, ...], width: int, left: str) -> None:
    shown = text_of(machine(*gpus), width)
    assert shown == left.ljust(width - 1 - len(NOTE)) + NOTE
    assert len(shown) in {width - 1, width}


def test_a_narrow_line_keeps_the_note_and_the_gpu_longest() -> None:
    assert text_of(machine(H200), 60) == " CPU  90%  GPU0  98% 61/141 G       sandbox bwrap · net off"
    assert text_of(machine(H200), 40) == " GPU0  98 %     sandbox bwrap · net off"
    assert text_of(machine(H200), 14) == " GPU0  98 %"


def test_before_the_first_sample_nothing_is_claimed() -> None:
    line = text_of([], 120, tree=None)
    assert "CPU   n/a" in line
    assert "mem n/a" in line
    assert "GPU" not in line.replace("CPU", "")


def test_what_cannot_be_told_is_not_zero() -> None:
    unknown = GpuSample(index=2, memory_total=24 * GIB)
    samples = [MachineSample(t=0.0, gpus=(unknown,))]
    line = text_of(samples, 120, tree=replace(TREE, cpu_cores=None, gpu_memory=None))
    assert "CPU   n/a  mem n/a  GPU2   n/a  n/a/24 G  run:  n/a cores  1.2 G" in line
    assert "0 %" not in line
    assert "°C" not in line
    assert " W" not in line


@pytest.mark.parametrize(
    ("sample", "marked", "style"),
    [
        (replace(H200, temperature_c=82.0), "82 °C", ""),
        (replace(H200, temperature_c=83.0), "83 °C!", "$warning"),
        (replace(H200, temperature_c=90.0), "90 °C!!", "$error"),
        (replace(H200, memory_used=135 * GIB), "135/141 G!", "$warning"),
        (replace(H200, memory_used=141 * GIB), "141/141 G!!", "$error"),
        (replace(H200, stale=True), " stale!", "$warning"),
    ],
)
def test_thresholds_show_as_marks_and_colours(sample: GpuSample, marked: str, style: str) -> None:
    assert (marked, style) in strip_line(machine(sample), None, "", 120)


def test_the_hottest_and_the_fullest_of_several_count() -> None:
    pieces = strip_line(
        machine(*EIGHT[:6], replace(H200, temperature_c=91.0), replace(H200, memory_used=141 * GIB)), None, "", 120
    )
    assert ("91 °C!!", "$error") in pieces
    assert ("568/1128 G!!", "$error") in pieces


def test_scarce_memory_and_disk_are_marked() -> None:
    (sample,) = machine(count=1)
    tight = replace(sample, memory_used=23 * GIB, disk_free=2 * GIB)
    pieces = strip_line([tight], None, "", 80)
    assert ("23.0/24 G!", "$warning") in pieces
    assert ("disk 2.0 G free!", "$warning") in pieces


def test_a_driver_that_does_not_answer_is_no_missing_gpu() -> None:
    (sample,) = machine(count=1)
    assert "GPU silent!" in text_of([replace(sample, gpu_problem=SILENT)], 80)
    assert "no GPU" in text_of([replace(sample, gpu_problem="No GPU: no NVIDIA driver is loaded.")], 80)


def test_only_gpus_that_are_ours_are_shown() -> None:
    others = tuple(replace(gpu, ours=gpu.index == 3) for gpu in EIGHT)
    assert "GPU3 NVIDIA H200 ████████  93 % 61/141 G" in text_of(machine(*others), 200)
    assert "GPU 8x" in text_of(machine(*(replace(gpu, ours=False) for gpu in EIGHT)), 200)


def test_mig_instances_are_called_so() -> None:
    cut = GpuSample(index=1, mig=True, memory_used=2 * GIB, memory_total=18 * GIB)
    assert "MIG1   n/a  2.0/18 G" in text_of(machine(cut), 120)
    assert "MIG 2x   n/a  4.0/36 G" in text_of(machine(cut, cut), 120)


def test_each_gpu_has_its_entry_on_the_second_line() -> None:
    full = "".join(text for text, _ in gpu_line(EIGHT, 200))
    assert full.startswith(" 0:  90 % 61/141 G 71 °C  1:  91 % 61/141 G 71 °C  2:  92 %")
    assert "".join(text for text, _ in gpu_line(EIGHT, 80)) == " " + "  ".join(f"{i}:  {90 + i} %" for i in range(8))
    assert gpu_line(EIGHT, 40) == ()


HOSTILE = "a[/x] [bold] \x1b]52;c;ZXZpbA==\x1b\\\x1b[2J\x9b5n\n\r\u202e \ud800 漢字"


def test_hostile_names_and_notes_are_harmless() -> None:
    line = text_of(machine(replace(H200, name=HOSTILE)), 200, note=HOSTILE)
    assert "a[/x] [bold] " in line
    assert all(character.isprintable() for character in line)
    assert cell_len(line) <= 200


figures = st.none() | st.floats(0, 100)
sizes = st.none() | st.integers(0, 2**42)
gpus = st.builds(
    GpuSample,
    index=st.integers(0, 15),
    name=st.text(max_size=40),
    utilisation=figures,
    memory_used=sizes,
    memory_total=sizes,
    temperature_c=figures,
    power_w=st.none() | st.floats(0, 2000),
    mig=st.booleans(),
    ours=st.booleans(),
    stale=st.booleans(),
)
samples_of_any_kind = st.lists(
    st.builds(
        MachineSample,
        t=st.just(0.0),
        cpu_percent=figures,
        memory_used=sizes,
        memory_total=sizes,
        gpus=st.lists(gpus, max_size=16).map(tuple),
        disk_free=sizes,
        gpu_problem=st.sampled_from(["", SILENT]),
    ),
    max_size=8,
)
trees = st.none() | st.builds(
    TreeSample, cpu_cores=figures, rss_bytes=st.integers(0, 2**42), processes=st.just(2), gpu_memory=sizes
)


@given(samples=samples_of_any_kind, tree=trees, note=st.text(max_size=60), width=st.integers(24, 220))
def test_anything_fits_any_width(samples: list[MachineSample], tree: TreeSample | None, note: str, width: int) -> None:
    line = "".join(text for text, _ in strip_line(samples, tree, note, width))
    assert cell_len(line) <= width
    assert "\n" not in line
    plain = "".join(text for text, _ in strip_line(samples, tree, note, width, ascii_only=True))
    assert plain.isascii()
    assert len(plain) <= width
    second = gpu_line(samples[-1].gpus, width) if samples else ()
    assert sum(cell_len(text) for text, _ in second) <= width


class FakeStrip(HardwareStrip):
    """Counts its repaints."""

    paints = 0

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        self.paints += 1
        super().update(content, layout=layout)


class StripApp(App[None]):
    def compose(self) -> ComposeResult:
        yield FakeStrip()


def frame(app: App[None]) -> list[str]:
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


async def test_on_a_screen_it_is_one_line_that_follows_the_width() -> None:
    app = StripApp()
    async with app.run_test(size=(120, 24), notifications=True) as pilot:
        app.query_one(FakeStrip).show(machine(H200), TREE, NOTE)
        await pilot.pause()
        assert frame(app)[0] == text_of(machine(H200), 120)
        assert frame(app)[1] == ""
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert frame(app)[0] == text_of(machine(H200), 80)
        assert app.query_one(FakeStrip).size.height == 1


async def test_it_repaints_only_when_its_text_changed() -> None:
    app = StripApp()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        strip = app.query_one(FakeStrip)
        still = machine(H200)[-1:] * 8
        for second in range(5):
            strip.show([replace(sample, t=float(second), load=float(second)) for sample in still], TREE, NOTE)
            await pilot.pause()
        assert strip.paints == 1
        strip.show(still, TREE, "sandbox none")
        await pilot.pause()
        assert strip.paints == 2
        assert frame(app)[0].endswith("sandbox none")


async def test_many_gpus_get_a_second_line_where_there_is_room() -> None:
    app = StripApp()
    async with app.run_test(size=(200, 50), notifications=True) as pilot:
        strip = app.query_one(FakeStrip)
        strip.show(machine(*EIGHT), TREE, NOTE)
        await pilot.pause()
        assert strip.size.height == 2
        assert frame(app)[1].startswith(" 0:  90 % 61/141 G 71 °C  1:")
        strip.show(machine(H200), TREE, NOTE)
        await pilot.pause()
        assert strip.size.height == 1
        await pilot.resize_terminal(200, 24)
        strip.show(machine(*EIGHT), TREE, NOTE)
        await pilot.pause()
        assert strip.size.height == 1


async def test_hostile_text_reaches_the_screen_as_text() -> None:
    app = StripApp()
    async with app.run_test(size=(200, 24), notifications=True) as pilot:
        app.query_one(FakeStrip).show(machine(replace(H200, name=HOSTILE)), None, HOSTILE)
        await pilot.pause()
        shown = frame(app)[0]
        assert shown.count("a[/x] [bold]") == 2
        assert "\x1b" not in shown


async def test_marks_have_their_colour_on_the_screen() -> None:
    app = StripApp()
    async with app.run_test(size=(120, 24), notifications=True) as pilot:
        strip = app.query_one(FakeStrip)
        strip.show(machine(replace(H200, temperature_c=95.0)), None, "")
        await pilot.pause()
        colours = {
            segment.text.strip(): segment.style.color.name
            for segment in strip.render_line(0)
            if segment.style is not None and segment.style.color is not None
        }
        assert colours["95 °C!!"] == app.theme_variables["error"].lower()
        assert colours["95 °C!!"] not in {colour for text, colour in colours.items() if text != "95 °C!!"}
