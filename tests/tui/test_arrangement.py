"""Where things stand: nothing overlaps, nothing is left out, at every size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region, Size

from mlrcopilot_tui.tui.arrangement import Mode, frame, mode_for, panes
from mlrcopilot_tui.tui.views import PANES, PaneName

SIZES = st.builds(Size, st.integers(1, 400), st.integers(1, 120))


@pytest.mark.parametrize(
    ("size", "mode"),
    [
        ((200, 50), "wide"),
        ((120, 24), "wide"),
        ((120, 23), "pair"),
        ((119, 40), "pair"),
        ((81, 24), "pair"),
        ((80, 24), "single"),
        ((61, 16), "single"),
        ((60, 15), "tiny"),
        ((200, 15), "tiny"),
        ((40, 10), "tiny"),
        ((39, 24), "none"),
        ((80, 9), "none"),
    ],
)
def test_modes(size: tuple[int, int], mode: Mode) -> None:
    assert mode_for(Size(*size)) == mode


@given(SIZES, st.integers(0, 2))
def test_the_frame_fills_the_screen(size: Size, strip: int) -> None:
    _check_cover(size, frame(size, mode_for(size), strip))


@given(SIZES, st.sampled_from(PANES), st.sampled_from(["paper", "patch", "run"]))
def test_the_panes_fill_their_room(size: Size, focus: PaneName, partner: PaneName) -> None:
    mode = mode_for(size)
    regions = panes(size, mode, focus, partner)
    _check_cover(size, regions)
    assert focus in regions
    assert len(regions) == {"wide": 4, "pair": 2}.get(mode, 1)


def _check_cover(size: Size, regions: dict[str, Region]) -> None:
    assert all(size.region.contains_region(region) for region in regions.values())
    assert sum(region.area for region in regions.values()) == size.area
    placed = list(regions.values())
    for at, one in enumerate(placed):
        assert not any(one.overlaps(other) for other in placed[at + 1 :])


def test_under_24_rows_header_and_strip_share_a_line() -> None:
    regions = frame(Size(100, 23), "pair", 1)
    assert regions["header"].y == regions["strip"].y == 0
    assert frame(Size(100, 24), "pair", 1)["strip"].y == 22
