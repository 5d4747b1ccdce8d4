"""A short name for a run's temporary folder: worker processes meet at sockets in it, and a socket's address is short.

An address has room for 107 bytes (103 on macOS). Without this the loader processes of a training fail with `AF_UNIX
path too long` in a workspace whose path has more than some 30 characters.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from mlrcopilot_tui.runs.spec import RunSpec

LONGEST: Final = 103 - len("/pymp-abcdefgh/listener-abcdefgh")
PLACE: Final = "/tmp"  # noqa: S108  nothing is kept in it but a link


@contextlib.contextmanager
def shortened(spec: RunSpec) -> Iterator[RunSpec]:
    """The run with a short TMPDIR, which is a link for as long as the run lasts."""
    temporary = spec.env.get("TMPDIR", "")
    if len(os.fsencode(temporary)) <= LONGEST:
        yield spec
        return
    link = Path(PLACE, f"mlrcopilot-{os.urandom(6).hex()}")
    try:
        link.symlink_to(temporary)
    except OSError:  # no room for a link; most runs do without
        yield spec
        return
    try:
        sandbox = msgspec.structs.replace(spec.sandbox, links=(str(link),))
        yield msgspec.structs.replace(spec, env=spec.env | {"TMPDIR": str(link)}, sandbox=sandbox)
    finally:
        link.unlink(missing_ok=True)
