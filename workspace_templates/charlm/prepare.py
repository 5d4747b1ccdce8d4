"""Builds the corpus when a workspace is made: the running Python's own library sources, cut into three texts.

    python prepare.py WORKSPACE

The choice depends on nothing but the library itself: files are taken in the order of a digest of their names, so each
text mixes all its parts, and one Python version always gives the same corpus. No file is in two texts.
"""

import hashlib
import os
import platform
import sys
import sysconfig
from pathlib import Path

LENGTHS = {"valid": 200_000, "dev": 20_000, "train": 2_000_000}  # characters
SIZES = range(2_000, 60_001)  # bytes of a source file: no stubs, and no file that makes up most of a text
# Tests and tools beside the library, what others installed, and the tables of `encodings`, all alike.
LEFT_OUT = {"test", "tests", "idlelib", "lib2to3", "turtledemo", "pydoc_data", "encodings"}
LEFT_OUT |= {"site-packages", "dist-packages", "__pycache__"}
PRINTABLE = frozenset("\n" + "".join(map(chr, range(32, 127))))


def main(workspace):
    library = Path(sysconfig.get_path("stdlib"))
    ordered = sorted(list_sources(library), key=lambda name: hashlib.sha256(name.encode()).digest())
    sources = read_sources(library, ordered)
    data = workspace / "data"
    data.mkdir()
    listing = [f"From the standard library of Python {platform.python_version()}, under its PSF licence.\n"]
    for text_name, length in LENGTHS.items():
        taken, text = take(sources, length)
        if len(text) < length:
            sys.exit(f"the library in {library} has too few plain-ASCII Python sources for this corpus")
        (data / f"{text_name}.txt").write_bytes(text.encode("ascii"))
        listing += [f"\n{text_name}.txt\n", *(f"  {name}\n" for name in taken)]
    (data / "SOURCES.txt").write_bytes("".join(listing).encode())


def list_sources(library):
    """Yield the names of the library's Python files, relative to it; `_sysconfigdata` differs between machines."""
    for folder, folders, files in os.walk(library):
        folders[:] = [name for name in folders if name not in LEFT_OUT]
        for name in files:
            if name.endswith(".py") and not name.startswith("_sysconfigdata"):
                yield (Path(folder) / name).relative_to(library).as_posix()


def read_sources(library, names):
    """Yield (name, text) of the files that are of a middling size and all printable ASCII."""
    for name in names:
        raw = (library / name).read_bytes()
        if len(raw) not in SIZES or not raw.isascii():
            continue
        text = raw.decode("ascii").replace("\r\n", "\n").replace("\f", "").expandtabs(4)
        if PRINTABLE.issuperset(text):
            yield name, text


def take(sources, length):
    """Take whole files until there is enough text; the last one is cut."""
    taken, pieces, have = [], [], 0
    for name, text in sources:
        taken.append(name)
        pieces.append(text)
        have += len(text)
        if have >= length:
            break
    return taken, "".join(pieces)[:length]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
