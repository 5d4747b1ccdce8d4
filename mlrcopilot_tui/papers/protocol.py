"""What the reading process tells its parent: one JSON line a message."""

from typing import Literal

import msgspec

from mlrcopilot_tui.papers.model import Section

FailureKind = Literal["damaged", "encrypted", "fonts", "memory", "not_pdf", "pages", "scanned", "too_large", "cipher"]


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """The child runs and its modules are found: whatever goes wrong from here on is the file's doing."""


class PageRead(msgspec.Struct, frozen=True, kw_only=True, tag="page"):
    """`done` of `total` pages are read."""

    done: int
    total: int


class Parsed(msgspec.Struct, frozen=True, kw_only=True, tag="parsed"):
    """The whole result; the title is empty where neither the first page nor the metadata has one."""

    title: str
    abstract: str
    sections: tuple[Section, ...]
    page_count: int
    warnings: tuple[str, ...]


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """The file cannot be read, and of which kind its trouble is."""

    kind: FailureKind


Message = Started | PageRead | Parsed | Failed


class UnreadableError(Exception):
    """Inside the child: the file cannot be read. The parent turns the kind into a sentence for people."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__(kind)
        self.kind: FailureKind = kind
