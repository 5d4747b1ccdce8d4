"""Worker processes at each level, in a workspace whose path is long: they need sockets, semaphores, shared memory."""

import os
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from mlrcopilot_tui.runs.sandbox import why_not
from mlrcopilot_tui.runs.short_paths import LONGEST, PLACE, shortened
from mlrcopilot_tui.runs.spec import LOG_FILE, SandboxLevel
from tests.runs.lab import Lab, await_true

WORK = """
    import multiprocessing as mp, multiprocessing.shared_memory as shared, threading
    if __name__ == "__main__":
        for method in ("fork", "spawn", "forkserver"):
            context = mp.get_context(method)
            memory = shared.SharedMemory(create=True, size=10**6); memory.unlink()
            threads = [threading.Thread(target=sum, args=([1],)) for _ in range(4)]
            [thread.start() for thread in threads]; [thread.join() for thread in threads]
            with context.Pool(2) as pool, context.Manager() as manager:
                found = manager.list(pool.map(abs, [-1, -2]))
                queue = context.Queue(); queue.put(found[1]); print(method, found[0], queue.get())
        import os
        print("at", os.environ["TMPDIR"], "it is")
        print("val_error: 0.5")
"""


@pytest.mark.parametrize("level", ["plain", "landlock", "bwrap"])
async def test_workers_meet_in_a_deep_workspace(lab: Lab, level: SandboxLevel) -> None:
    if reason := why_not(level):
        pytest.skip(reason)
    scratch = lab.folder / ("deep" * 20)
    scratch.mkdir()
    spec = lab.spec(WORK, level=level, policy={"writable": (str(lab.tree), str(scratch))})
    spec = msgspec.structs.replace(spec, env=spec.env | {"TMPDIR": str(scratch)})
    status, folder = await lab.finish(spec)
    log = (folder / LOG_FILE).read_text()
    assert status.outcome == "ok", log
    assert [f"{method} 1 2" in log for method in ("fork", "spawn", "forkserver")] == [True] * 3
    link = log.partition("at ")[2].partition(" it is")[0]
    assert link.startswith(PLACE)
    await_true(lambda: not is_left(link))


def is_left(link: str) -> bool:
    """Whether the link is still there, even if it leads nowhere."""
    return os.path.lexists(link)


def test_a_short_path_stays_as_it_is(lab: Lab) -> None:
    spec = lab.spec()
    short = msgspec.structs.replace(spec, env=spec.env | {"TMPDIR": "/x" * (LONGEST // 2)})
    with shortened(short) as same:
        assert same == short
    long = msgspec.structs.replace(spec, env=spec.env | {"TMPDIR": f"/{uuid4()}" * 4})
    with shortened(long) as changed:
        link = Path(changed.env["TMPDIR"])
        assert str(link.readlink()) == long.env["TMPDIR"]
        assert changed.sandbox.links == (str(link),)
    assert not link.is_symlink()
