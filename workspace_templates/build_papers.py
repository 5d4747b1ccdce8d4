"""Renders each template's `paper/paper.md` as the two-column `workspace/paper.pdf` that is shipped; needs reportlab.

    python workspace_templates/build_papers.py

The source is Markdown of a small kind: `# title`, `## section`, paragraphs, `|` tables each followed by
its caption, **bold**, *italic* and `code`.
A first line `<!-- outline -->` gives the PDF an outline and a title in its metadata, as LaTeX with hyperref would.
The same source gives the same bytes at any time on any machine with the same reportlab.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reportlab.lib import colors
from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    FrameBreak,
    KeepTogether,
    NextPageTemplate,
    PageTemplate,
    Paragraph,
    Table,
)

WIDTH, HEIGHT = A4
MARGIN, GUTTER, TITLE_HEIGHT = 18 * mm, 7 * mm, 24 * mm
COLUMN = (WIDTH - 2 * MARGIN - GUTTER) / 2

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=9.8, leading=11.8, alignment=TA_JUSTIFY, spaceAfter=4)
TITLE = ParagraphStyle("title", fontName="Times-Bold", fontSize=17, leading=20, alignment=TA_CENTER, spaceAfter=5)
AUTHORS = ParagraphStyle("authors", parent=BODY, fontSize=10.5, alignment=TA_CENTER)
HEADING = ParagraphStyle(
    "heading", fontName="Times-Bold", fontSize=12, leading=14, spaceBefore=6, spaceAfter=3, keepWithNext=True
)
SMALL = ParagraphStyle("small", parent=BODY, fontSize=8.6, leading=10.2)


@dataclass(frozen=True, slots=True)
class Source:
    """A paper as written: blocks are its paragraphs, headings and tables in order."""

    title: str
    authors: str
    blocks: tuple[str, ...]
    outline: bool


class PaperDocument(BaseDocTemplate):
    """Two columns below a title, a running head from the second page on, and an outline where it is wanted."""

    def __init__(self, target: Path, source: Source) -> None:
        named = {"title": source.title} if source.outline else {}
        super().__init__(str(target), pagesize=A4, invariant=1, **named)
        self.source = source
        height = HEIGHT - 2 * MARGIN
        title = Frame(MARGIN, HEIGHT - MARGIN - TITLE_HEIGHT, WIDTH - 2 * MARGIN, TITLE_HEIGHT, 0, 0, 0, 0)
        self.addPageTemplates(
            [
                PageTemplate("first", [title, *columns(height - TITLE_HEIGHT)], onPage=self.number),
                PageTemplate("later", columns(height), onPage=self.head),
            ]
        )

    def number(self, canvas: Canvas, _document: BaseDocTemplate) -> None:
        canvas.setFont("Times-Roman", 9)
        canvas.drawCentredString(WIDTH / 2, MARGIN / 2, str(canvas.getPageNumber()))

    def head(self, canvas: Canvas, document: BaseDocTemplate) -> None:
        self.number(canvas, document)
        canvas.drawCentredString(WIDTH / 2, HEIGHT - MARGIN * 0.7, self.source.title)

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - reportlab calls it
        if self.source.outline and isinstance(flowable, Paragraph) and flowable.style is HEADING:
            text = flowable.getPlainText()
            self.canv.bookmarkPage(text)
            self.canv.addOutlineEntry(text, text)


def columns(height: float) -> list[Frame]:
    """The two columns of a page."""
    return [Frame(MARGIN + i * (COLUMN + GUTTER), MARGIN, COLUMN, height, 0, 0, 0, 0) for i in range(2)]


def read_source(path: Path) -> Source:
    """Read a paper's Markdown: a title, a line of authors, then the body."""
    text = path.read_text(encoding="utf-8")
    outline = text.startswith("<!-- outline -->")
    title, authors, *blocks = text.removeprefix("<!-- outline -->").strip().split("\n\n")
    return Source(title.removeprefix("# "), authors, tuple(block.strip() for block in blocks if block.strip()), outline)


def flow(source: Source) -> Iterator[Flowable]:
    """What reportlab lays out, in order."""
    yield Paragraph(inline(source.title), TITLE)
    yield Paragraph(inline(source.authors), AUTHORS)
    yield NextPageTemplate("later")
    yield FrameBreak()
    blocks = iter(source.blocks)
    for block in blocks:
        if block.startswith("## "):
            yield Paragraph(inline(block.removeprefix("## ")), HEADING)
        elif block.startswith("|"):
            caption = next(blocks).replace("\n", " ")
            yield KeepTogether([table(block), Paragraph(inline(caption), SMALL)])
        else:
            is_reference = re.match(r"\[\d+\] ", block)
            yield Paragraph(inline(block.replace("\n", " ")), SMALL if is_reference else BODY)


def inline(text: str) -> str:
    """Markdown's inline marks as reportlab's."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"\*(.+?)\*", r"<i>\1</i>", text)
    return re.sub(r"`(.+?)`", r'<font face="Courier" size="8.6">\1</font>', text)


def table(block: str) -> Table:
    """A Markdown table with rules as in a printed one."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
    rows = [row for row in rows if not re.fullmatch(r"[-: ]*", "".join(row))]
    style = [
        ("FONT", (0, 0), (-1, -1), "Times-Roman", 9),
        ("TOPPADDING", (0, 0), (-1, -1), 1),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
        *(("LINEABOVE", (0, row), (-1, row), 0.6, colors.black) for row in (0, 1)),
        ("LINEBELOW", (0, -1), (-1, -1), 0.6, colors.black),
    ]
    return Table(rows, style=style, spaceBefore=3, spaceAfter=4)


def build(template: Path, target: Path) -> None:
    """Render a template's paper to `target`."""
    source = read_source(template / "paper" / "paper.md")
    PaperDocument(target, source).build(list(flow(source)))


def main() -> None:
    """Render the paper of every template beside this file."""
    for path in sorted(Path(__file__).parent.glob("*/paper/paper.md")):
        template = path.parent.parent
        build(template, template / "workspace" / "paper.pdf")


if __name__ == "__main__":
    main()
