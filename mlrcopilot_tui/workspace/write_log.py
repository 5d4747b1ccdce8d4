"""What we wrote into an idea's files: any other content that is found there is known to be the researcher's."""

import json
from pathlib import Path

from mlrcopilot_tui.files import write_whole


class WriteLog:
    """The commit that a worktree was checked out at, and the digest of each file that was written there since.

    A digest is the id of git's blob. It is in the file before the write is made, so that it survives whatever ends the
    process; the write itself may then be missing, which `unsure` tells.

    Args:
        file: where it is kept, out of the agents' reach; what an earlier process left there is taken up.

    Attributes:
        start: the commit; empty where nothing was checked out.
        whole: whether all of its files were put there; a crash may have come in between.
        written: by path the blob, or None for a file that was removed.
        unsure: the last write of an earlier process, with the blob that stood there before.
    """

    def __init__(self, file: Path) -> None:
        self.start = ""
        self.whole = True
        self.written: dict[str, str | None] = {}
        self.unsure: tuple[str, str | None] | None = None
        self._file = file
        for line in self._lines():
            if "commit" in line:
                self.start, self.written, self.unsure = str(line["commit"]), {}, None
                self.whole = not line.get("making")
            else:
                self.written[line["path"]] = line["blob"]
                self.unsure = (line["path"], line["was"])

    def begin(self, commit: str, *, making: bool = False) -> None:
        """The files are those of `commit` from now on, or are about to be where that is still in the making."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._file, _line({"commit": commit, "making": "yes" if making else None}), durable=False)
        self.start, self.whole, self.written, self.unsure = commit, not making, {}, None

    def add(self, path: str, blob: str | None, was: str | None) -> None:
        """A file that held `was` is about to hold `blob`; None stands for no file."""
        with self._file.open("ab") as file:
            file.write(_line({"path": path, "blob": blob, "was": was}))
        self.written[path] = blob

    def forget(self) -> None:
        """There is no worktree any more."""
        self._file.unlink(missing_ok=True)
        self.start, self.whole, self.written, self.unsure = "", True, {}, None

    def _lines(self) -> list[dict[str, str]]:
        try:
            data = self._file.read_bytes()
        except OSError:
            return []
        return [json.loads(line) for line in data.split(b"\n")[:-1]]  # half a last line: it was never acted upon


def _line(value: dict[str, str | None]) -> bytes:
    return json.dumps(value).encode() + b"\n"
