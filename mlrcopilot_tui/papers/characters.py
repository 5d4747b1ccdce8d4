"""Cleans the characters that come out of a PDF: compatibility forms, split accents, everything unprintable."""

import re
import unicodedata

# TeX's older fonts print an accent as a character of its own, before its letter (the cedilla after it).
_COMBINING = {
    "\N{DIAERESIS}": "\u0308",
    "\N{ACUTE ACCENT}": "\u0301",
    "\N{MODIFIER LETTER CIRCUMFLEX ACCENT}": "\u0302",
    "\N{SMALL TILDE}": "\u0303",
    "\N{MACRON}": "\u0304",
    "\N{BREVE}": "\u0306",
    "\N{DOT ABOVE}": "\u0307",
    "\N{RING ABOVE}": "\u030a",
    "\N{DOUBLE ACUTE ACCENT}": "\u030b",
    "\N{CARON}": "\u030c",
}
_ACCENT_BEFORE = re.compile(f"([{''.join(_COMBINING)}]) ?([A-Za-z\u0131])")
_CEDILLA_AFTER = re.compile("([cCsStT])\u00b8")
# Large delimiters and operators of TeX's mathematics, which have names but no code: pypdf hands out the name.
_GLYPH_NAME = re.compile(
    r"/(?P<name>(?:paren|bracket|brace|floor|ceiling|angbracket)(?:left|right)|summation|product|integral|radical|"
    r"union|intersection|bracehtip(?:up|down)(?:left|right)|hat|tilde|vector|arrow\w+)"
    r"(?:text|display|tp|bt|mid|ex|wider|widest|wide|vertex|biggest|bigger|bigg?|Bigg?)+"
    r"|/(?P<text>[a-z]+)\.ts1|/bracehtip(?:up|down)(?:left|right)"
)
_GLYPHS = {
    "parenleft": "(",
    "parenright": ")",
    "bracketleft": "[",
    "bracketright": "]",
    "braceleft": "{",
    "braceright": "}",
    "summation": "\N{N-ARY SUMMATION}",
    "product": "\N{N-ARY PRODUCT}",
    "integral": "\N{INTEGRAL}",
    "radical": "\N{SQUARE ROOT}",
    "quotesingle": "'",
    "grave": "`",
}
_HYPHENS = str.maketrans({"\u00ad": "-", "\u2010": "-", "\u2011": "-"})
_SPACES = re.compile(r"\s+")


def tidy(text: str) -> str:
    """One line of plain text: NFKC, accents on their letters, one space between words, nothing unprintable.

    Control, format, private-use and unassigned characters and lone surrogates are dropped, so that no escape
    sequence or text direction override of a paper reaches a terminal.
    """
    if "/" in text:
        text = _GLYPH_NAME.sub(lambda match: _GLYPHS.get(match["name"] or match["text"] or "", ""), text)
    if not text.isascii():
        text = _CEDILLA_AFTER.sub("\\1\u0327", _ACCENT_BEFORE.sub(_accented, text))
        text = unicodedata.normalize("NFKC", text.translate(_HYPHENS)).translate(_HYPHENS)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " * char.isspace() for char in text)
    return _SPACES.sub(" ", text).strip()


def _accented(match: re.Match[str]) -> str:
    letter = match[2].replace("\N{LATIN SMALL LETTER DOTLESS I}", "i")
    composed = unicodedata.normalize("NFC", letter + _COMBINING[match[1]])
    return composed if len(composed) == 1 else match[0]


def key(text: str) -> str:
    """Letters and digits only, case folded: equal for two printings of one phrase."""
    return "".join(char for char in text.casefold() if char.isalnum())
