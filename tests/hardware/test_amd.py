"""The AMD reader on made-up trees of the kernel's files."""

from pathlib import Path

import pytest

from mlrcopilot_tui.hardware.amd import SysfsAmdReader

HEALTHY = {
    "vendor": "0x1002",
    "device": "0x74a1",
    "product_name": "Instinct MI300X",
    "unique_id": "0x8f3a",
    "gpu_busy_percent": "87",
    "mem_info_vram_used": "1000",
    "mem_info_vram_total": "4000",
    "hwmon/hwmon3/temp1_input": "64000",
    "hwmon/hwmon3/power1_average": "540000000",
    "hwmon/hwmon3/power1_cap": "750000000",
}


def make_card(root: Path, card: str, files: dict[str, str]) -> Path:
    device = root / card / "device"
    for name, text in files.items():
        path = device / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return device


def test_a_healthy_card(tmp_path: Path) -> None:
    make_card(tmp_path, "card1", HEALTHY)
    make_card(tmp_path, "card1-HDMI-A-1", HEALTHY)
    make_card(tmp_path, "renderD128", HEALTHY)
    reader = SysfsAmdReader(tmp_path, {})
    (gpu,) = reader.read()
    assert (gpu.index, gpu.name, gpu.uuid) == (0, "Instinct MI300X", "GPU-8f3a")
    assert (gpu.utilisation, gpu.memory_used, gpu.memory_total) == (87.0, 1000, 4000)
    assert (gpu.temperature_c, gpu.power_w, gpu.power_limit_w) == (64.0, 540.0, 750.0)
    assert gpu.processes is None
    assert (reader.problem, reader.driver) == ("", "amdgpu")


@pytest.mark.parametrize(
    ("file", "attribute"),
    [
        ("gpu_busy_percent", "utilisation"),
        ("mem_info_vram_used", "memory_used"),
        ("mem_info_vram_total", "memory_total"),
        ("hwmon/hwmon3/temp1_input", "temperature_c"),
        ("hwmon/hwmon3/power1_average", "power_w"),
        ("hwmon/hwmon3/power1_cap", "power_limit_w"),
    ],
)
@pytest.mark.parametrize("damage", ["absent", "empty", "words", "folder"])
def test_a_file_that_cannot_be_read_is_none(tmp_path: Path, file: str, attribute: str, damage: str) -> None:
    path = make_card(tmp_path, "card0", HEALTHY) / file
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage != "absent":
        path.write_text({"empty": "", "words": "n/a"}[damage])
    (gpu,) = SysfsAmdReader(tmp_path, {}).read()
    assert getattr(gpu, attribute) is None
    assert gpu.name == "Instinct MI300X"


def test_newer_kernels_name_the_power_sensor_differently(tmp_path: Path) -> None:
    files = {name: text for name, text in HEALTHY.items() if "power1_average" not in name}
    make_card(tmp_path, "card0", {**files, "hwmon/hwmon3/power1_input": "99000000"})
    (gpu,) = SysfsAmdReader(tmp_path, {}).read()
    assert gpu.power_w == 99.0


def test_cards_are_numbered_among_amds_own_in_numeric_order(tmp_path: Path) -> None:
    make_card(tmp_path, "card10", {"vendor": "0x1002", "device": "0xb"})
    make_card(tmp_path, "card2", {"vendor": "0x1002", "device": "0xa"})
    make_card(tmp_path, "card0", {"vendor": "0x10de", "device": "0x2335"})
    samples = SysfsAmdReader(tmp_path, {"HIP_VISIBLE_DEVICES": "1"}).read()
    assert [(gpu.index, gpu.name, gpu.ours) for gpu in samples] == [(0, "AMD GPU 0xa", False), (1, "AMD GPU 0xb", True)]
    assert samples[0].utilisation is None


@pytest.mark.parametrize("exists", [True, False])
def test_no_card_is_quiet(tmp_path: Path, exists: bool) -> None:
    reader = SysfsAmdReader(tmp_path if exists else tmp_path / "absent", {})
    assert reader.read() == ()
    assert (reader.problem, reader.driver) == ("No GPU.", "")
