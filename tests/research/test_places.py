"""Places: never more runs than there is room for, no device twice, nobody passed over, and a run told of its share."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.errors import EnvironmentLackError
from mlrcopilot_tui.hardware.leases import Lease, Leases
from mlrcopilot_tui.hardware.samples import GpuSample
from mlrcopilot_tui.research import places as module
from mlrcopilot_tui.research.places import MachinePlaces, Place, Queue
from mlrcopilot_tui.workspace.config import RunConfig
from tests.fakes.gpus import FakeGpus, gpu

Machine = Callable[..., MachinePlaces]


def nothing_taken() -> set[str]:
    return set()


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with these GPUs, and a contract with these words on runs; all of them share one folder of leases."""
    monkeypatch.setattr(module, "LEASE_CHECK_S", 0.01)

    def make(*gpus: GpuSample, environ: dict[str, str] | None = None, **run: Any) -> MachinePlaces:  # noqa: ANN401 - a contract's own types
        leases = Leases(FakeGpus(list(gpus)), tmp_path / "leases")
        return MachinePlaces(RunConfig(command="c", **run), leases, cpus=8, environ=environ or {})

    return make


async def take(places: MachinePlaces, warnings: list[str]) -> Place:
    return await places.take("a test", nothing_taken, warnings.append)


async def test_as_many_places_as_groups_of_gpus(machine: Machine) -> None:
    four = [gpu(index) for index in range(4)]
    assert await machine(*four).count() == 4
    assert await machine(*four, gpus=2).count() == 2
    assert await machine(*four, gpus=3).count() == 1
    assert await machine(*four, gpus=8).count() == 1
    assert await machine(*four, parallel=2).count() == 2
    assert await machine(*four, parallel=9).count() == 4, "more would wait for GPUs"
    assert await machine(*four, gpus=0).count() == 1
    assert await machine(*four, env={"CUDA_VISIBLE_DEVICES": "0"}).count() == 1
    assert await machine().count() == 1
    assert await machine(parallel=3).count() == 3


async def test_a_run_sees_its_gpus_and_no_others(machine: Machine, warnings: list[str]) -> None:
    places = machine(gpu(0), gpu(1), gpu(2), gpus=2)
    place = await take(places, warnings)
    assert place.env == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "GPU-0,GPU-1"}
    assert set(place.unset) == {"HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"}
    assert await places.identity() == {"gpus": [2, "NVIDIA H200"], "threads": None}
    assert not warnings


async def test_gpus_are_kept_from_runs_that_want_none(machine: Machine, warnings: list[str]) -> None:
    place = await take(machine(gpu(0), gpus=0), warnings)
    assert place.env["CUDA_VISIBLE_DEVICES"] == ""
    assert not place.lease.devices


async def test_who_has_chosen_gpus_has_chosen(machine: Machine, warnings: list[str]) -> None:
    place = await take(machine(gpu(0), env={"CUDA_VISIBLE_DEVICES": "7"}), warnings)
    assert (place.env, place.unset, place.lease.devices) == ({}, (), ())


async def test_runs_side_by_side_share_the_cpus(machine: Machine, warnings: list[str]) -> None:
    places = machine(parallel=3, environ={"MKL_NUM_THREADS": "1"})
    place = await take(places, warnings)
    assert place.env == {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}, "what the researcher set stays"
    assert await places.identity() == {"gpus": [0, ""], "threads": 2}
    assert (await take(machine(), warnings)).env == {}


async def test_another_session_waits_for_a_gpu_until_it_is_given_back(machine: Machine, warnings: list[str]) -> None:
    first = await take(machine(gpu(0)), warnings)
    waiting = asyncio.create_task(take(machine(gpu(0)), warnings))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    first.give_back()
    second = await asyncio.wait_for(waiting, 10)
    assert second.lease.names == ("GPU-0",)
    second.give_back()
    second.give_back()


async def test_who_gives_up_waiting_holds_nothing(machine: Machine, warnings: list[str]) -> None:
    places = machine(gpu(0))
    first = await take(places, warnings)
    waiting = asyncio.create_task(take(places, warnings))
    await asyncio.sleep(0.02)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    first.give_back()
    assert (await asyncio.wait_for(take(machine(gpu(0)), warnings), 10)).lease.names == ("GPU-0",)


async def test_what_is_odd_is_said_once(machine: Machine, warnings: list[str]) -> None:
    places = machine(gpu(0, busy=True), gpus=2)
    for _ in range(2):
        (await take(places, warnings)).give_back()
    assert warnings == [
        "A run is to get 2 GPUs, and 1 can be used here: it gets those.",
        "Every GPU that is free to lease is in use by others: a run shares GPU 0 with them.",
    ]


async def test_a_gpu_that_went_away_is_said_in_a_sentence(tmp_path: Path, warnings: list[str]) -> None:
    reader = FakeGpus([gpu(0), gpu(1)])
    places = MachinePlaces(RunConfig(command="c", gpus=2), Leases(reader, tmp_path), environ={})
    (await take(places, warnings)).give_back()
    reader.gpus = [gpu(0), GpuSample(index=1, uuid="GPU-1", name="NVIDIA H200")]
    with pytest.raises(EnvironmentLackError, match=r"needs 2 GPUs \(NVIDIA H200\).* 1 can be used"):
        await take(places, warnings)
    reader.gpus = [gpu(0), gpu(1)]
    (await take(places, warnings)).give_back()


@given(count=st.integers(1, 4), acts=st.lists(st.sampled_from(["come", "push", "leave", "give up"]), max_size=40))
def test_the_queue_keeps_its_word(count: int, acts: list[str]) -> None:
    """Never more inside than there is room for, but for those who push in; and first come, first served."""

    async def play() -> None:
        queue, tasks, pushed = Queue(count), dict[int, asyncio.Task[None]](), 0
        inside, waiting = list[int](), list[int]()

        async def settle() -> None:
            for _ in range(4):
                await asyncio.sleep(0)

        for number, act in enumerate(acts):
            if act == "come":
                tasks[number] = asyncio.create_task(queue.enter())
                waiting.append(number)
            elif act == "push":
                queue.push_in()
                pushed += 1
            elif act == "give up" and waiting:
                tasks[waiting[len(waiting) // 2]].cancel()
                waiting.pop(len(waiting) // 2)
            elif act == "leave" and (inside or pushed):
                if inside:
                    inside.pop(0)
                else:
                    pushed -= 1
                queue.leave()
            await settle()
            while waiting and len(inside) + pushed < count:
                inside.append(waiting.pop(0))
            assert [tasks[one].done() for one in inside] == [True] * len(inside)
            assert not any(tasks[one].done() for one in waiting)
            assert queue.inside == len(inside) + pushed
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)

    asyncio.run(play())


@given(
    gpus=st.integers(1, 5),
    wants=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    acts=st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=30),
)
def test_no_device_has_two_holders(
    gpus: int, wants: list[int], acts: list[tuple[bool, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Sessions take and let go in any order; what is free and enough for one is never refused."""
    folder = tmp_path_factory.mktemp("leases")
    sessions = [Leases(FakeGpus([gpu(index) for index in range(gpus)]), folder) for _ in wants]
    held: dict[int, Lease] = {}
    for takes, number in acts:
        who = number % len(wants)
        if takes and who not in held:
            lease = sessions[who].lend(wants[who], str(who))
            free = gpus - sum(len(other.devices) for other in held.values())
            assert (lease is not None) == (free >= wants[who])
            if lease is not None:
                held[who] = lease
        elif not takes and who in held:
            held.pop(who).let_go()
        names = [name for lease in held.values() for name in lease.names]
        assert len(names) == len(set(names))
    for lease in held.values():
        lease.let_go()
