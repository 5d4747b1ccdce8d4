"""Makes the PDFs that the tests read: papers as people typeset them, and files that nobody should be given."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path

import reportlab
from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph

TITLE = "Few Labels, Many Shapes: Classifying Digits from Ten Examples"
ABSTRACT = (
    "We study the classification of handwritten digits when only ten examples of each class carry a label, as is "
    "common in practice (see e.g. Fig. 2 and Smith et al. 2019). A linear baseline reaches an error of 0.31 and is "
    "limited by its features. Our encoder halves that error without further labels."
)
SECTIONS = (
    ("1 Introduction", 1),
    ("2 Related Work", 1),
    ("3 Method", 1),
    ("3.1 Self-supervised encoder", 2),
    ("3.2 Calibration of the final layer", 2),
    ("4 Experiments and Results", 1),
    ("4.1 Ablation of the augmentations", 2),
    ("5 Limitations", 1),
    ("6 Conclusion and Future Work", 1),
    ("References", 1),
)
_PROSE = (
    "the encoder learns a representation of each image from its neighbours while the classifier on top of it sees "
    "only few labels so that most of what it knows about shapes comes from data without any annotation whatsoever"
)


def prose(words: int, start: int = 0) -> str:
    """Sentences of nine words, `words` in all, which differ with `start`."""
    chosen = list(islice(cycle(_PROSE.split()), start, start + words))
    return " ".join(" ".join(chosen[index : index + 9]).capitalize() + "." for index in range(0, len(chosen), 9))


@dataclass(frozen=True, slots=True)
class Layout:
    """How a paper is printed."""

    columns: int = 2
    outline: bool = False
    running_head: str = ""
    words_per_section: int = 220


def paper(path: Path, layout: Layout) -> Path:
    """A whole paper with the title, abstract and sections above; each section's text names the section."""
    document = BaseDocTemplate(str(path), pagesize=A4, title="")
    document.addPageTemplates(_templates(layout))
    body = ParagraphStyle("body", fontName="Times-Roman", fontSize=10, leading=12, firstLineIndent=12, alignment=4)
    document.afterFlowable = partial(_bookmark, document) if layout.outline else lambda _: None
    story = [
        Paragraph(TITLE, ParagraphStyle("title", fontName="Times-Bold", fontSize=16, leading=19, spaceAfter=12)),
        Paragraph("Ada Author and Bo Writer, University of Somewhere", body),
        _heading("Abstract", 1),
        Paragraph(ABSTRACT, body),
    ]
    for number, (title, level) in enumerate(SECTIONS):
        story += [_heading(title, level), Paragraph(f"Here begins {title}. {prose(120, number)}", body)]
        story += [Paragraph(prose(layout.words_per_section - 120, number + 5), body)]
    document.build(story)
    return path


def _heading(title: str, level: int) -> Paragraph:
    size = 12 if level == 1 else 10.5
    style = ParagraphStyle(f"h{level}", fontName="Times-Bold", fontSize=size, leading=15, spaceBefore=8, spaceAfter=3)
    return Paragraph(title, style)


def _templates(layout: Layout) -> list[PageTemplate]:
    width, height = A4
    gap, margin = 18, 54
    column = (width - 2 * margin - gap * (layout.columns - 1)) / layout.columns
    frames = [
        Frame(margin + index * (column + gap), margin, column, height - 2 * margin, id=f"column{index}")
        for index in range(layout.columns)
    ]

    def furniture(canvas: Canvas, _: BaseDocTemplate) -> None:
        canvas.setFont("Times-Italic", 10)
        if layout.running_head:
            canvas.drawString(margin, height - 36, f"{layout.running_head} {canvas.getPageNumber()}")
        canvas.drawCentredString(width / 2, 30, str(canvas.getPageNumber()))

    return [PageTemplate(id="page", frames=frames, onPage=furniture)]


def _bookmark(document: BaseDocTemplate, flowable: Flowable) -> None:
    style = getattr(getattr(flowable, "style", None), "name", "")
    if style.startswith("h") and flowable.getPlainText() != "Abstract":
        name = f"s{id(flowable)}"
        document.canv.bookmarkPage(name)
        document.canv.addOutlineEntry(flowable.getPlainText(), name, level=int(style[1:]) - 1)


def lines(path: Path, pages: Sequence[Sequence[str]], *, font: str = "Times-Roman") -> Path:
    """Pages of lines exactly as given, one below the other; a line that begins with "# " is printed large and bold."""
    if font == "Vera":
        pdfmetrics.registerFont(TTFont("Vera", Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"))
    canvas = Canvas(str(path), pagesize=A4)
    for page in pages:
        for index, line in enumerate(page):
            large = line.startswith("# ")
            canvas.setFont("Times-Bold" if large else font, 14 if large else 10)
            canvas.drawString(60, 780 - 14 * index, line.removeprefix("# "))
        canvas.showPage()
    canvas.save()
    return path


def pictures(path: Path, count: int = 3) -> Path:
    """Pages with a drawing and a stamp on each, as a scanner makes them."""
    canvas = Canvas(str(path), pagesize=A4)
    for number in range(count):
        canvas.drawInlineImage(Image.new("L", (40, 60), 128), 50, 50, 400, 600)
        canvas.drawString(50, 20, f"Scan {number}")
        canvas.showPage()
    canvas.save()
    return path


def encrypted(source: Path, target: Path, *, user_password: str, algorithm: str = "AES-256") -> Path:
    """The same PDF, encrypted; with an empty user password anybody may read it."""
    writer = PdfWriter(clone_from=PdfReader(source))
    writer.encrypt(user_password=user_password, owner_password=user_password + "+", algorithm=algorithm)
    writer.write(target)
    return target


def raw(objects: Mapping[int, bytes]) -> bytes:
    """A PDF of these objects, object 1 being its catalog, with a correct table of their places."""
    out = BytesIO()
    out.write(b"%PDF-1.7\n")
    places: dict[int, int] = {}
    for number, body in objects.items():
        places[number] = out.tell()
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    table = out.tell()
    size = max(objects) + 1
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
    for number in range(1, size):
        place = places.get(number)
        out.write(b"0000000000 65535 f \n" if place is None else b"%010d 00000 n \n" % place)
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, table))
    return out.getvalue()


def stream(content: bytes, extra: bytes = b"") -> bytes:
    """A stream object, compressed."""
    data = zlib.compress(content, 9)
    return b"<< /Length %d /Filter /FlateDecode %s >>\nstream\n%s\nendstream" % (len(data), extra, data)


def one_page(content: bytes, resources: bytes = b"", more: Mapping[int, bytes] | None = None) -> bytes:
    """A PDF of one page that shows `content`, an object of its own; further objects count from 6."""
    return raw(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R "
            b"/Resources << /Font << /F1 5 0 R >> %s >> >>" % resources,
            4: content,
            5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            **(more or {}),
        }
    )


def flate_bomb() -> bytes:
    """200 KB that unpack to 200 MB of a page's content."""
    packer = zlib.compressobj(9)
    chunk = b" " * (1 << 20)
    data = b"".join(packer.compress(chunk) for _ in range(200)) + packer.flush()
    return one_page(b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(data), data))


def nested_arrays(depth: int = 20_000) -> bytes:
    """Arrays within arrays, as an operand of the page's content."""
    return one_page(stream(b"BT /F1 10 Tf " + b"[" * depth + b"]" * depth + b" TJ ET"))


def many_operators(count: int = 400_000) -> bytes:
    """A page that prints one letter at a time, each at a place of its own."""
    return one_page(stream(b"BT /F1 10 Tf " + b"1 0 Td (a) Tj " * count + b"ET"))


def nested_forms(depth: int = 8, fan: int = 10) -> bytes:
    """Forms that draw forms: 10^8 of them."""
    forms = {
        number: stream(
            b"/X Do " * fan if number < 6 + depth else b"BT /F1 10 Tf (deep) Tj ET",
            b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /Font << /F1 5 0 R >> "
            b"/XObject << /X %d 0 R >> >>" % (number + 1),
        )
        for number in range(6, 7 + depth)
    }
    return one_page(stream(b"/X Do"), b"/XObject << /X 6 0 R >>", forms)


def deep_page_tree(depth: int = 3_000) -> bytes:
    """A page below 3,000 nodes with a single child each."""
    nodes = {number: b"<< /Type /Pages /Kids [%d 0 R] /Count 1 >>" % (number + 1) for number in range(2, depth + 2)}
    leaf = depth + 2
    return raw({1: b"<< /Type /Catalog /Pages 2 0 R >>", **nodes, leaf: b"<< /Type /Page /MediaBox [0 0 9 9] >>"})


def cyclic_page_tree() -> bytes:
    """A page tree that is its own child."""
    return raw({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"})


def many_pages(count: int = 2_500) -> bytes:
    """More pages than a paper has, all the same."""
    kids = b"3 0 R " * count
    return raw(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, count),
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] >>",
        }
    )


def no_pages() -> bytes:
    """A sound PDF without a page."""
    return raw({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [] /Count 0 >>"})


HOSTILE: Mapping[str, Callable[[], bytes]] = {
    "flate bomb": flate_bomb,
    "nested arrays": nested_arrays,
    "deep page tree": deep_page_tree,
    "cyclic page tree": cyclic_page_tree,
    "many pages": many_pages,
    "no pages": no_pages,
    "header alone": lambda: b"%PDF-1.7\n",
    "header and noise": lambda: b"%PDF-1.7\n" + bytes(range(256)) * 40,
}
