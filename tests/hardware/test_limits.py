"""Memory and CPU limits of containers, on made-up control group trees."""

from pathlib import Path

import pytest

from mlrcopilot_tui.hardware.limits import MemoryLimit, cpu_quota, memory_left, memory_limit, usable_cpus


def make_tree(root: Path, files: dict[str, str], membership: str) -> tuple[Path, Path]:
    for name, text in files.items():
        path = root / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "membership").write_text(membership)
    return root / "fs", root / "membership"


def test_a_container_sees_its_limit_at_the_root(tmp_path: Path) -> None:
    files = {"memory.max": "8000\n", "memory.current": "5000\n", "memory.stat": "anon 100\ninactive_file 1500\n"}
    assert memory_limit(*make_tree(tmp_path, files, "0::/\n")) == MemoryLimit(8000, 3500)


def test_data_that_were_read_twice_are_no_memory_in_use(tmp_path: Path) -> None:
    stat = "anon 900\ninactive_file 100\nactive_file 6000\nslab_reclaimable 800\nslab_unreclaimable 50\n"
    files = {"memory.max": "8000\n", "memory.current": "7900\n", "memory.stat": stat}
    assert memory_left(*make_tree(tmp_path, files, "0::/\n")) == (7000, 8000)


def test_the_tightest_group_above_counts(tmp_path: Path) -> None:
    files = {
        "job/memory.max": "9000",
        "job/memory.current": "700",
        "job/step/memory.max": "max",
        "job/step/memory.current": "200",
        "memory.max": "20000",
        "memory.current": "10000",
    }
    assert memory_limit(*make_tree(tmp_path, files, "0::/job/step\n")) == MemoryLimit(9000, 700)


def test_the_fullest_group_above_is_what_is_left(tmp_path: Path) -> None:
    files = {
        "job/memory.max": "9000",
        "job/memory.current": "700",
        "memory.max": "20000",
        "memory.current": "15000",
    }
    assert memory_left(*make_tree(tmp_path, files, "0::/job\n")) == (5000, 20000)
    (tmp_path / "fs/job/memory.max").write_text("max")
    (tmp_path / "fs/memory.max").write_text("max")
    assert memory_left(tmp_path / "fs", tmp_path / "membership") is None


def test_version_one(tmp_path: Path) -> None:
    files = {
        "memory/docker/memory.limit_in_bytes": "4096",
        "memory/docker/memory.usage_in_bytes": "2048",
        "memory/docker/memory.stat": "inactive_file 1\ntotal_inactive_file 48\n",
        "memory/memory.limit_in_bytes": "9223372036854771712",
        "memory/memory.usage_in_bytes": "99999",
    }
    tree = make_tree(tmp_path, files, "9:name=systemd:/\n4:memory,hugetlb:/docker\n0::/\n")
    assert memory_limit(*tree) == MemoryLimit(4096, 2000)


@pytest.mark.parametrize("membership", ["", "0::/\n", "0::/../../outside\n", "nonsense\n", "0::/gone\n"])
def test_no_limit_is_none(tmp_path: Path, membership: str) -> None:
    tree = make_tree(tmp_path, {"memory.max": "max", "memory.current": "1"}, membership)
    assert memory_limit(*tree) is None
    assert cpu_quota(*tree) is None


def test_without_control_groups_there_is_no_limit(tmp_path: Path) -> None:
    assert memory_limit(tmp_path / "absent", tmp_path / "absent") is None


def test_usage_that_is_unreadable_is_none(tmp_path: Path) -> None:
    assert memory_limit(*make_tree(tmp_path, {"memory.max": "10"}, "0::/\n")) == MemoryLimit(10, None)


def test_the_tightest_cpu_quota(tmp_path: Path) -> None:
    files = {"cpu.max": "max 100000", "a/cpu.max": "400000 100000", "a/b/cpu.max": "150000 100000"}
    assert cpu_quota(*make_tree(tmp_path, files, "0::/a/b\n")) == 1.5


def test_at_least_one_cpu_is_usable() -> None:
    assert usable_cpus() >= 1
