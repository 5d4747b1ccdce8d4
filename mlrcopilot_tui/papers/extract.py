"""Takes the lines, the outline and the metadata out of a PDF with pypdf; runs inside the limited child only."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from pypdf import PageObject, PasswordType, PdfReader
from pypdf.errors import DependencyError, LimitReachedError

from mlrcopilot_tui.papers.characters import tidy
from mlrcopilot_tui.papers.protocol import UnreadableError

MAX_PAGES = 2_000
MAX_CHARACTERS = 5_000_000
MAX_OUTLINE = 2_000
MIN_CHARACTERS_PER_PAGE = 100

_BOLD_NAMES = ("bold", "black", "heavy", "demi", "medi", "cmbx", "sfbx")
_UPRIGHT = (0,)
_ANY_ANGLE = (0, 90, 180, 270)


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line, in the order of the content stream.

    Args:
        text: cleaned text, without line ends.
        page: counted from 1.
        size: type size of most of its characters, in points.
        font: PostScript name of the font of most of its characters; empty where the file does not tell.
        x: where it begins, in points from the left.
        y: its baseline, in points from the bottom.
    """

    text: str
    page: int
    size: float = 10.0
    font: str = ""
    x: float = 0.0
    y: float = 0.0

    @property
    def bold(self) -> bool:
        """Whether the font's name says that it is a bold one."""
        return any(part in self.font.casefold() for part in _BOLD_NAMES)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """An entry of the PDF's outline; `depth` is 0 at the top, `page` counts from 1."""

    title: str
    depth: int
    page: int


@dataclass(frozen=True, slots=True)
class Extract:
    """Everything that is read from the PDF itself, before any structure is looked for."""

    pages: tuple[tuple[Line, ...], ...]
    outline: tuple[Bookmark, ...]
    metadata_title: str
    unread_pages: tuple[int, ...]


def extract(file: BinaryIO, on_page: Callable[[int, int], None]) -> Extract:
    """Read a PDF, one page after the other.

    Args:
        file: the PDF, seekable.
        on_page: told (pages done, pages in all) after each page.

    Raises:
        UnreadableError: there is no text to be had, with the kind of trouble.
        Exception: whatever pypdf raises on a damaged file, which can be anything.
    """
    reader = _open(file)
    total = len(reader.pages)
    if total == 0:
        raise UnreadableError("damaged")
    if total > MAX_PAGES:
        raise UnreadableError("pages")
    pages, unread = _read_pages(reader, total, on_page)
    characters = sum(len(line.text) for page in pages for line in page)
    if len(unread) == total:
        raise UnreadableError("damaged")
    if characters < MIN_CHARACTERS_PER_PAGE * (total - len(unread)):
        raise UnreadableError("scanned")
    if not _is_language(pages):
        raise UnreadableError("fonts")
    return Extract(
        pages=tuple(pages),
        outline=tuple(_outline(reader)),
        metadata_title=_metadata_title(reader),
        unread_pages=tuple(unread),
    )


def _is_language(pages: Sequence[Sequence[Line]]) -> bool:
    """Whether most characters are letters or digits; not so where the fonts do not say which letters they print."""
    characters = "".join(line.text for page in pages for line in page).replace(" ", "")
    return sum(map(str.isalnum, characters)) >= 0.5 * len(characters)


def _open(file: BinaryIO) -> PdfReader:
    reader = PdfReader(file)
    try:
        if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
            raise UnreadableError("encrypted")
    except (DependencyError, NotImplementedError):
        raise UnreadableError("cipher") from None
    return reader


def _read_pages(
    reader: PdfReader, total: int, on_page: Callable[[int, int], None]
) -> tuple[list[tuple[Line, ...]], list[int]]:
    pages: list[tuple[Line, ...]] = []
    unread: list[int] = []
    characters = 0
    for number in range(1, total + 1):
        try:
            lines = read_page(reader.pages[number - 1], number)
        except (MemoryError, LimitReachedError):
            raise
        except Exception:  # noqa: BLE001 - one damaged page, which raises anything, must not cost the others
            unread.append(number)
            lines = ()
        characters += sum(len(line.text) for line in lines)
        if characters > MAX_CHARACTERS:
            raise UnreadableError("too_large")
        pages.append(lines)
        on_page(number, total)
    return pages, unread


def read_page(page: PageObject, number: int) -> tuple[Line, ...]:
    """The lines of one page; text at an angle (stamps in the margin, labels of axes) only where there is no other."""
    rotated = page.rotation % 360 != 0
    for orientations in (_ANY_ANGLE,) if rotated else (_UPRIGHT, _ANY_ANGLE):
        builder = _LineBuilder(number)
        page.extract_text(orientations=orientations, visitor_text=builder.add)
        if lines := builder.finish():
            return lines
    return ()


class _LineBuilder:
    """Cuts pypdf's stream of text pieces, each of one font, into lines."""

    def __init__(self, page: int) -> None:
        self._page = page
        self._lines: list[Line] = []
        self._clear()

    def _clear(self) -> None:
        self._text: list[str] = []
        self._styles: Counter[tuple[float, str]] = Counter()
        self._origin: tuple[float, float] | None = None

    def add(self, text: str, cm: list[float], tm: list[float], font: dict[str, object] | None, size: float) -> None:
        """Take one piece, as pypdf's `visitor_text` hands it over; `cm` and `tm` are its matrices."""
        head, *rest = text.split("\n")
        self._add_piece(head, cm, tm, font, size)
        for piece in rest:
            self._end_line()
            self._add_piece(piece, cm, tm, font, size)

    def finish(self) -> tuple[Line, ...]:
        """The lines of all pieces so far."""
        self._end_line()
        return tuple(self._lines)

    def _add_piece(
        self, text: str, cm: list[float], tm: list[float], font: dict[str, object] | None, size: float
    ) -> None:
        if not text:
            return
        self._text.append(text)
        if not text.isspace():
            scale = math.hypot(tm[2] * cm[0] + tm[3] * cm[2], tm[2] * cm[1] + tm[3] * cm[3])
            self._styles[_finite(size * scale), _name(font)] += len(text)
            if self._origin is None:
                x = tm[4] * cm[0] + tm[5] * cm[2] + cm[4]
                y = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
                self._origin = (_finite(x), _finite(y))

    def _end_line(self) -> None:
        text = tidy("".join(self._text))
        if text and self._origin is not None:
            (size, font), _ = self._styles.most_common(1)[0]
            x, y = self._origin
            self._lines.append(Line(text, self._page, size, font, x, y))
        self._clear()


def _finite(value: float) -> float:
    return round(value, 1) if math.isfinite(value) else 0.0


def _name(font: dict[str, object] | None) -> str:
    """The font's name without the tag of a subset: "/ABCDEF+Times-Bold" is "Times-Bold"."""
    return str(font.get("/BaseFont", "")).lstrip("/").rpartition("+")[2] if font else ""


def _outline(reader: PdfReader) -> list[Bookmark]:
    """The outline, or what of it can be read: it is a help, so damage in it costs nothing else."""
    found: list[Bookmark] = []
    try:
        for entry, depth in _flat(reader.outline, 0):
            page = reader.get_destination_page_number(entry)  # type: ignore[arg-type]  # pypdf's nested list is untyped
            title = tidy(str(getattr(entry, "title", "")))
            if page is not None and title:
                found.append(Bookmark(title, depth, page + 1))
            if len(found) >= MAX_OUTLINE:
                break
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - pypdf raises anything on a damaged outline
        return found
    return found


def _flat(entries: object, depth: int) -> Iterator[tuple[object, int]]:
    if not isinstance(entries, list):
        return
    for entry in entries:
        if isinstance(entry, list):
            yield from _flat(entry, depth + 1)
        else:
            yield entry, depth


def _metadata_title(reader: PdfReader) -> str:
    try:
        return tidy(str(reader.metadata.title or "")) if reader.metadata else ""
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - pypdf raises anything on damaged metadata
        return ""
