"""PDFs that several tests read, each made once."""

from pathlib import Path

import pytest

from tests.papers.make_pdf import Layout, lines, paper, prose


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's PDFs are."""
    return tmp_path_factory.mktemp("papers")


@pytest.fixture(scope="session")
def two_columns(folder: Path) -> Path:
    """A paper in two columns with running heads and no outline."""
    return paper(folder / "two-columns.pdf", Layout(running_head="Author and Writer: Few Labels, page"))


@pytest.fixture(scope="session")
def short(folder: Path) -> Path:
    """One small page of text, quickly read."""
    return lines(
        folder / "short.pdf", [["# A Small Paper", "# 1 Introduction", *_wrapped(60), "# 2 Results", *_wrapped(40)]]
    )


def _wrapped(words: int) -> list[str]:
    text = prose(words).split()
    return [" ".join(text[index : index + 10]) for index in range(0, len(text), 10)]
