"""Characters of a PDF become plain, safe text."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.papers.characters import key, tidy


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("e\ufb03cient \ufb01nal a\ufb00ine \ufb02ow", "efficient final affine flow"),
        ("Schr\u00a8odinger and K\u00a8oll", "Schrödinger and Köll"),
        ("Andr\u00b4e, Erd\u02ddos, Fran\u00c7ois, Franc\u00b8ois", "André, Erdős, FranÇois, François"),
        ("na\u00a8\u0131ve", "naïve"),
        ("well\u2010known, co\u2011author, soft\u00adly", "well-known, co-author, soft-ly"),
        ("a\u00a0b\t c", "a b c"),
        ("safe\x1b]52;c;aGk=\x07 text\x1b[31m", "safe]52;c;aGk= text[31m"),
        ("a\u202eb\u2066c\u200bd\ufeffe\ud800f\ue000g", "abcdefg"),
        (
            "/parenleftbigx/parenrightBigg = /summationdisplayi and/or /bracehtipupleft/bracehtipdownright.",
            "(x) = \u2211i and/or .",
        ),
        ("a path/to/integral/file and /grave.ts1quoted/quotesingle.ts1", "a path/to/integral/file and `quoted'"),
        ("don\u00b4t", "don\u00b4t"),
    ],
)
def test_tidy(printed: str, text: str) -> None:
    assert unicodedata.normalize("NFKC", tidy(printed)) == unicodedata.normalize("NFKC", text)


@given(st.text())
def test_nothing_unprintable_is_left(text: str) -> None:
    tidied = tidy(text)
    assert tidied.isprintable()
    assert tidied.encode().decode() == tidied
    assert tidied == " ".join(tidied.split())


def test_keys_are_equal_for_two_printings() -> None:
    assert key("3.2  R ELATED W ORK") == key("3.2 Related Work")
