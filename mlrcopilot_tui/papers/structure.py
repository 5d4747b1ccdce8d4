"""Makes a paper of an extract: finds title, abstract and sections, and says what is doubtful about them."""

import re
from collections.abc import Iterator, Sequence

from mlrcopilot_tui.papers.characters import key
from mlrcopilot_tui.papers.extract import Extract, Line
from mlrcopilot_tui.papers.furniture import drop_furniture
from mlrcopilot_tui.papers.headings import Heading, find_headings, is_named, split_run_in
from mlrcopilot_tui.papers.model import Section
from mlrcopilot_tui.papers.paragraphs import Marks, reflow, vocabulary
from mlrcopilot_tui.papers.protocol import Parsed

_MAX_TITLE_WORDS = 40
_MAX_TITLE_CHARACTERS = 400
_PARAGRAPH_WORDS = 40
_PROSE_WORDS = 15
_ABSTRACT_WORDS = 350
_KEYWORDS_WORDS = 60
_NOT_A_TITLE = re.compile(
    r"arxiv:|preprint\b|published as|proceedings of|journal of|under review|microsoft word|untitled|"
    r".*\.(?:docx?|tex|dvi|pdf|odt|indd)$",
    re.IGNORECASE,
)


def structure(extract: Extract) -> Parsed:
    """Title, abstract and sections of what was read from a PDF."""
    title, title_lines = _title(extract)
    lines = split_run_in([line for page in drop_furniture(extract.pages) for line in page if line not in title_lines])
    words = vocabulary(lines)
    headings = [heading for heading in find_headings(lines, extract.outline) if key(heading.title) != key(title)]
    sections = list(_sections(lines, headings, words))
    front = reflow(lines[: headings[0].start] if headings else lines, words)
    abstract, opening = _abstract(*front, sections)
    warnings = list(_warnings(extract, sections, abstract, opening))
    if not sections:
        text, marks = front
        opening = [Section(title="Full text", level=1, page=_first_page(marks), text=text, pages=marks)]
    return Parsed(
        title=title,
        abstract=abstract,
        sections=(*opening, *sections),
        page_count=len(extract.pages),
        warnings=tuple(warnings),
    )


def _title(extract: Extract) -> tuple[str, Sequence[Line]]:
    """The title, and the lines of the first page that print it."""
    first_page = extract.pages[0]
    printed = _largest(first_page)
    on_paper = " ".join(line.text for line in printed)
    metadata = extract.metadata_title
    if _NOT_A_TITLE.match(metadata) or len(metadata) > _MAX_TITLE_CHARACTERS:
        metadata = ""
    confirmed = len(metadata.split()) >= 3 and key(metadata) in key(" ".join(line.text for line in first_page))
    if metadata and (confirmed or not on_paper):
        same = [line for line in printed if key(line.text) in key(metadata)]
        return metadata, same
    return re.sub(r"(?<=[a-z])- (?=[a-z])", "", on_paper), printed


def _largest(page: Sequence[Line]) -> list[Line]:
    """The consecutive lines in the largest type that can be a title; none where all type is of one size."""
    lines = [line for line in page if sum(map(str.isalpha, line.text)) >= 4 and not _NOT_A_TITLE.match(line.text)]
    sizes = sorted({line.size for line in lines if not is_named(line.text)}, reverse=True)
    for size in sizes[:-1]:
        start = next(index for index, line in enumerate(lines) if line.size == size and not is_named(line.text))
        title = [lines[start]]
        for line in lines[start + 1 :]:
            if line.size < 0.95 * size or is_named(line.text):
                break
            title.append(line)
        text = " ".join(line.text for line in title)
        if 2 <= len(text.split()) <= _MAX_TITLE_WORDS and len(text) <= _MAX_TITLE_CHARACTERS:
            return title
    return []


def _sections(lines: Sequence[Line], headings: Sequence[Heading], words: frozenset[str]) -> Iterator[Section]:
    for index, heading in enumerate(headings):
        end = headings[index + 1].start if index + 1 < len(headings) else len(lines)
        text, marks = reflow(lines[heading.end : end], words)
        title = heading.title
        if key(title) in {"keywords", "indexterms"}:
            if len(text.split()) <= _KEYWORDS_WORDS:
                continue
            title = "Main text"  # of a paper whose other headings do not show
        page = lines[heading.start].page
        yield Section(title=title, level=heading.level, page=page, text=text, pages=marks)


def _abstract(text: str, marks: Marks, sections: Sequence[Section]) -> tuple[str, list[Section]]:
    """The abstract, and the section that holds it where the paper prints it without a heading.

    Args:
        text: what stands before the first heading, without the title.
        marks: its pages.
        sections: the headed ones.
    """
    for section in sections[:3]:
        if key(section.name) == "abstract" and section.text:
            return _leading(section.text), []
    start = _long_paragraph(text)
    if start is not None:
        abstract = _leading(text[start:]) if sections else text[start:].split("\n\n", 1)[0]
        return abstract, [_tail("Abstract", text, marks, start)] if sections else []
    for section in sections:
        start = _long_paragraph(section.text)
        if start is not None:
            return section.text[start:].split("\n\n", 1)[0], []
    return "", []


def _leading(text: str) -> str:
    """The first paragraph, and the prose after it as long as an abstract can hold it, without the authors' details."""
    first, *others = text.split("\n\n")
    kept = [first]
    for paragraph in others:
        prose = len(paragraph.split()) >= _PROSE_WORDS and paragraph.endswith((".", "!", "?"))
        if prose and sum(len(each.split()) for each in [*kept, paragraph]) <= _ABSTRACT_WORDS:
            kept.append(paragraph)
    return "\n\n".join(kept)


def _long_paragraph(text: str) -> int | None:
    """Where the first paragraph of prose begins: many words and a full stop, unlike a list of authors."""
    start = 0
    for paragraph in text.split("\n\n"):
        if len(paragraph.split()) >= _PARAGRAPH_WORDS and re.search(r"[a-z]{2}[.](?:\s|$)", paragraph):
            return start
        start += len(paragraph) + 2
    return None


def _tail(title: str, text: str, marks: Marks, start: int) -> Section:
    section = Section(title=title, level=1, page=_first_page(marks), text=text, pages=marks)
    page = section.page_at(start)
    pages = ((0, page), *((offset - start, number) for offset, number in marks if offset > start))
    return Section(title=title, level=1, page=page, text=text[start:], pages=pages)


def _first_page(marks: Marks) -> int:
    return marks[0][1] if marks else 1


def _warnings(
    extract: Extract, sections: Sequence[Section], abstract: str, opening: Sequence[Section]
) -> Iterator[str]:
    if extract.unread_pages:
        numbers = ", ".join(map(str, extract.unread_pages[:10])) + (", …" if len(extract.unread_pages) > 10 else "")
        yield f"Damaged pages that could not be read are missing: {numbers}."
    blank = sum(not page for page in extract.pages) - len(extract.unread_pages)
    if blank:
        yield f"{blank} of {len(extract.pages)} pages have no text (blank, or pictures only)."
    text = "".join(line.text for page in extract.pages for line in page)
    if text.count("\N{REPLACEMENT CHARACTER}") > 0.02 * len(text):
        yield "A font in this file does not say which letters it prints, so that part of the text is unreadable."
    if not sections:
        yield "No section headings were found: the whole text is one section."
    headed = any(key(section.name) == "abstract" for section in [*sections[:3], *opening])
    if not abstract:
        yield "No abstract was found."
    elif not headed:
        yield "No abstract was found: the first paragraph stands in for it."
