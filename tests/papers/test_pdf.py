"""A PDF becomes a paper: sections, title, abstract, pages, whatever the layout."""

import hashlib
from pathlib import Path

import msgspec
import psutil
import pytest
from pypdf import PdfReader, PdfWriter

from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.papers.model import Paper, sentences
from mlrcopilot_tui.papers.pdf import file_digest, read_paper
from tests.papers.make_pdf import ABSTRACT, SECTIONS, TITLE, Layout, encrypted, lines, paper, pictures


def _contents(read: Paper) -> list[tuple[str, int]]:
    return [(section.title, section.level) for section in read.sections]


@pytest.mark.parametrize("outline", [False, True])
@pytest.mark.parametrize("columns", [1, 2])
def test_every_section_of_a_paper_is_found_with_its_text(folder: Path, columns: int, outline: bool) -> None:
    layout = Layout(columns=columns, outline=outline, running_head="Author and Writer: Few Labels, page")
    read = read_paper(paper(folder / f"{columns}-{outline}.pdf", layout))
    assert _contents(read) == [("Abstract", 1), *SECTIONS]
    assert (read.title, read.abstract) == (TITLE, ABSTRACT)
    assert read.warnings == ()
    for section in read.sections[1:]:
        assert section.text.startswith(f"Here begins {section.title}.")
        assert len(section.text.split()) == 220 + 2 + len(section.title.split())


def test_sentences_are_cited_by_the_page_that_prints_them(two_columns: Path) -> None:
    read = read_paper(two_columns)
    printed = ["".join(page.extract_text().split()) for page in PdfReader(two_columns).pages]
    cited = [pair for section in read.sections for pair in sentences(section)]
    assert {page for _, page in cited} == set(range(1, read.page_count + 1))
    for sentence, page in cited:
        beginning = "".join(sentence.split())[:15]
        assert beginning in printed[page - 1]


def test_heads_and_page_numbers_are_not_in_the_text(two_columns: Path) -> None:
    text = " ".join(section.text for section in read_paper(two_columns).sections)
    assert "Author and Writer" not in text
    assert not any(word.isdigit() for word in text.replace("Here begins ", "").split() if word not in {*"123456"})


def test_a_paper_names_its_file_and_content(two_columns: Path) -> None:
    read = read_paper(two_columns)
    assert read.source == "two-columns.pdf"
    assert read.digest == hashlib.sha256(two_columns.read_bytes()).hexdigest() == file_digest(two_columns)
    assert msgspec.json.decode(msgspec.json.encode(read), type=Paper) == read


def test_ligatures_and_hyphens_are_mended(folder: Path) -> None:
    page = [
        "# Ligatures",
        "# 1 Introduction",
        "Suf\ufb01cient \ufb01nal \ufb02ow differs. A represen-",
        "tation is pre-",
        "trained on large-scale data, as pre-trained nets are,",
        "\u201cquoted\u201d \u2013 and the caf\u00e9 has some more text to be read.",
    ]
    read = read_paper(lines(folder / "ligatures.pdf", [page], font="Vera"))
    assert read.sections[0].text == (
        "Sufficient final flow differs. A representation is pre-trained on large-scale data, as pre-trained nets are, "
        "\u201cquoted\u201d \u2013 and the café has some more text to be read."
    )


def test_progress_is_told_page_by_page(two_columns: Path) -> None:
    told: list[tuple[int, int]] = []
    read = read_paper(two_columns, progress=lambda done, total: told.append((done, total)))
    assert told == [(page, read.page_count) for page in range(1, read.page_count + 1)]


def test_an_error_of_the_progress_ends_the_reading(two_columns: Path) -> None:
    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_paper(two_columns, progress=stop)
    assert psutil.Process().children() == []


def _titled(source: Path, target: Path, title: str) -> Path:
    writer = PdfWriter(clone_from=PdfReader(source))
    writer.add_metadata({"/Title": title})
    writer.write(target)
    return target


def test_the_title_comes_from_the_metadata_or_the_file_where_the_page_has_none(folder: Path) -> None:
    plain = lines(folder / "plain.pdf", [["All of this page is printed in a single size of type, with no title."] * 5])
    assert read_paper(_titled(plain, folder / "named.pdf", "An \x1b[31mHonest Title")).title == "An [31mHonest Title"
    read = read_paper(_titled(plain, folder / "stem.pdf", "Microsoft Word - draft.docx"))
    assert read.title == "stem"
    assert any("title" in warning for warning in read.warnings)


def test_a_paper_without_headings_is_one_section(folder: Path) -> None:
    letter = [["# A Letter", *["We write to you about digits, at some length, in lines of text."] * 12]]
    read = read_paper(lines(folder / "letter.pdf", letter))
    assert _contents(read) == [("Full text", 1)]
    assert read.abstract.startswith("We write to you")
    assert any("No section headings" in warning for warning in read.warnings)


def test_an_abstract_without_a_heading_is_the_first_prose(folder: Path) -> None:
    abstract = ["We study digits with few labels, in a text that is long enough to be taken for prose."] * 4
    page = ["# A Paper", "Ada Author, University of Somewhere", "", *abstract, "# 1 Introduction", *abstract]
    read = read_paper(lines(folder / "unheaded.pdf", [page]))
    assert [section.title for section in read.sections] == ["Abstract", "1 Introduction"]
    assert read.abstract == read.sections[0].text == " ".join(abstract)


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_encryption_with_an_empty_password_is_no_obstacle(folder: Path, short: Path, algorithm: str) -> None:
    read = read_paper(encrypted(short, folder / f"{algorithm}.pdf", user_password="", algorithm=algorithm))
    assert _contents(read) == [("1 Introduction", 1), ("2 Results", 1)]


def _refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_paper(path)
    assert caught.value.mend
    return caught.value.sentence


def test_what_cannot_be_read_is_refused_in_a_sentence(folder: Path, short: Path) -> None:
    page = folder / "page.pdf"
    page.write_text("<!DOCTYPE html>\n<html><body>Sign in to read this paper</body></html>")
    text = folder / "text.pdf"
    text.write_text("Not a PDF at all")
    empty = folder / "empty.pdf"
    empty.write_bytes(b"")
    locked = encrypted(short, folder / "locked.pdf", user_password=folder.name)
    assert _refusal(folder / "missing.pdf") == "There is no file missing.pdf."
    assert _refusal(folder) == f"{folder.name} is a folder."
    assert _refusal(page) == "page.pdf is a web page, not a PDF."
    assert _refusal(text) == "text.pdf is not a PDF."
    assert _refusal(empty) == "empty.pdf is empty."
    assert _refusal(locked) == "locked.pdf is protected by a password."
    assert _refusal(pictures(folder / "scan.pdf")) == "scan.pdf has hardly any text: its pages are pictures."
    assert _refusal(Path("/dev/zero")) == "zero is not a regular file."
    assert "cannot be opened" in _refusal(Path("a\0b"))


def test_a_reader_that_cannot_start_is_not_the_files_fault(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlrcopilot_tui.papers.pdf._IN_CHILD", "raise SystemExit('broken installation')")
    with pytest.raises(EnvironmentLackError, match="could not start"):
        read_paper(short)
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    with pytest.raises(EnvironmentLackError, match="could not start"):
        read_paper(short)
