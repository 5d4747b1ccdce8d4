"""What GPUs a run can use behind each fence: a stand-in for the driver, real fences, real runs."""

from pathlib import Path

import pytest

from mlrcopilot_tui.runs.devices import Answer, Device, Looker, View, losses, view_of
from mlrcopilot_tui.runs.sandbox import why_not
from mlrcopilot_tui.runs.spec import SandboxLevel
from mlrcopilot_tui.runs.visible import gpu_nodes
from tests.runs.graphics import Graphics

TWO = (Device(name="H200"), Device(name="H200"))
LEVELS: tuple[SandboxLevel, ...] = ("plain", "landlock", "bwrap")


@pytest.fixture
def graphics(tmp_path: Path) -> Graphics:
    """Two GPUs."""
    return Graphics(tmp_path)


@pytest.fixture
def reachable(graphics: Graphics) -> Graphics:
    """Two GPUs that every fence lets runs use."""
    graphics.become_reachable()
    return graphics


@pytest.mark.parametrize("level", LEVELS)
async def test_a_fence_that_hides_the_nodes_is_told_with_the_drivers_words(
    level: SandboxLevel, graphics: Graphics
) -> None:
    skip_without(level)
    looker = graphics.looker()
    outside = await looker.outside()
    assert [device.name for device in outside.answers["cuda"].usable] == ["Fake gpu0", "Fake gpu1"]
    assert (outside.answers["cuda"].version, outside.answers["child"].problem) == ("13.0", "")
    inside = await looker.inside(level)
    lost = {loss.way: loss for loss in losses(outside, inside)}
    if level == "plain":
        assert lost == {}
        assert inside.answers["cuda"] == outside.answers["cuda"]
    else:
        assert set(lost) == {"cuda", "child"}
        assert "sees none of 2 GPUs: cuInit says 100 (CUDA_ERROR_NO_DEVICE: in the" in lost["cuda"].sentence


@pytest.mark.parametrize("level", LEVELS)
async def test_nodes_that_the_fence_lets_through_are_as_usable_as_outside(
    level: SandboxLevel, reachable: Graphics
) -> None:
    skip_without(level)
    looker = reachable.looker(shown=(reachable.nodes,))
    outside, inside = await looker.outside(), await looker.inside(level)
    assert len(inside.answers["cuda"].usable) == 2
    assert (inside.answers, losses(outside, inside)) == (outside.answers, [])


@pytest.mark.parametrize("level", ["landlock", "bwrap"])
async def test_one_gpu_fewer_is_named(level: SandboxLevel, reachable: Graphics) -> None:
    skip_without(level)
    (reachable.nodes / "gpu1").unlink()
    (reachable.nodes.parent / "out of reach").touch()
    (reachable.nodes / "gpu1").symlink_to(reachable.nodes.parent / "out of reach")
    looker = reachable.looker(shown=(reachable.nodes,))
    (loss, _) = losses(await looker.outside(), await looker.inside(level))
    assert loss.sentence == "CUDA sees 1 of 2 GPUs: it does not list Fake gpu1."


async def test_a_node_that_can_only_be_read_is_no_gpu(graphics: Graphics) -> None:
    skip_without("bwrap")
    looker = graphics.looker(shown=(graphics.nodes,))
    (loss, *_) = losses(await looker.outside(), await looker.inside("bwrap"))
    assert (loss.way, loss.inside, loss.outside) == ("cuda", 0, 2)


async def test_a_gpu_without_memory_is_listed_but_not_usable(graphics: Graphics) -> None:
    (graphics.nodes / "gpu1").write_text("full")
    first, second = (await graphics.looker().outside()).answers["cuda"].devices
    assert (first.problem, second.name) == ("", "Fake gpu1")
    assert second.problem.startswith("cuMemAlloc_v2 says 2 (CUDA_ERROR_OUT_OF_MEMORY")


async def test_behind_landlock_a_process_that_a_run_starts_cannot_name_its_threads(reachable: Graphics) -> None:
    skip_without("landlock")
    looker = reachable.looker(shown=(reachable.nodes,), FAKE_CUDA_THREADS="1")
    (loss,) = losses(await looker.outside(), await looker.inside("landlock"))
    assert (loss.way, loss.inside) == ("child", 0)
    assert "cuInit says 304" in loss.sentence


async def test_torch_is_asked_where_the_interpreter_has_it(graphics: Graphics) -> None:
    skip_without("bwrap")
    looker = graphics.looker(torch=True)
    outside, inside = await looker.outside(), await looker.inside("bwrap")
    assert (outside.answers["torch"].version, len(outside.answers["torch"].usable)) == ("2.9.0", 2)
    assert outside.best == outside.answers["torch"]
    assert "torch" in {loss.way for loss in losses(outside, inside)}


async def test_a_driver_that_crashes_is_told(graphics: Graphics) -> None:
    looker = graphics.looker(FAKE_CUDA_CRASHES="1")
    assert "SIGABRT" in (await looker.outside()).failure
    inside = await looker.inside("plain")
    assert "SIGABRT" in inside.failure
    (loss, *_) = losses(View(answers={"cuda": Answer(way="cuda", devices=TWO)}), inside)
    assert "SIGABRT" in loss.reason


async def test_an_interpreter_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "No such file" in (await Looker(python=str(tmp_path / "absent")).outside()).failure


async def test_nothing_is_left_behind(graphics: Graphics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    looker = graphics.looker()
    await looker.outside()
    await looker.inside("plain")
    assert list(place.iterdir()) == []


def test_a_node_that_only_the_fence_closes_is_the_reason() -> None:
    outside = view_of(
        b'noise\n{"way": "nodes", "closed": {"/dev/dri/card0": "Permission denied"}}\n'
        b'{"way": "cuda", "devices": [{"name": "H200"}]}\n'
    )
    inside = view_of(
        b'{"way": "nodes", "closed": {"/dev/dri/card0": "Permission denied", "/dev/nvidia-uvm": "No such file"}}\n'
        b'{"way": "cuda", "problem": "cuInit says 304"}\n'
    )
    (loss,) = losses(outside, inside)
    assert loss.sentence == "CUDA sees none of 1 GPU: cuInit says 304; closed inside: /dev/nvidia-uvm (No such file)."


def test_more_inside_than_outside_is_no_loss() -> None:
    assert losses(View(), View(answers={"cuda": Answer(way="cuda", devices=TWO)})) == []


def test_all_nodes_of_all_makers_are_shown(tmp_path: Path) -> None:
    nodes = [
        "nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps", "nvmap",
        "nvidia-caps-imex-channels", "nvhost-gpu", "dri", "kfd", "dxg", "accel0",
    ]  # fmt: skip
    for name in (*nodes, "null", "sda", "mem", "kvm"):
        (tmp_path / name).touch()
    assert gpu_nodes(tmp_path) == sorted(str(tmp_path / name) for name in nodes)


def skip_without(level: SandboxLevel) -> None:
    """Skips a test where that fence does not work."""
    if reason := why_not(level):
        pytest.skip(reason)
