"""Names the workspace's files in program output as the agent knows them, without the folders they were run in.

A traceback names a run's own checkout, another one each time: that would tell a model where the researcher's files lie,
and make equal outputs differ.
"""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

_MOST_FILES: Final = 400


def without_folders(text: str, files: Iterable[PurePosixPath]) -> str:
    """The text with every absolute path of one of the files made relative to the workspace."""
    names = sorted((path.as_posix() for path in files), key=len, reverse=True)[:_MOST_FILES]
    if not names or "/" not in text:
        return text
    listed = "|".join(map(re.escape, names))
    # A traceback's quotes hold a folder with spaces together.
    text = re.sub(rf'"/(?:[^"\n/]+/)*?({listed})(?=")', r'"\1', text)
    return re.sub(rf"(?<![\w./~-])/(?:[^\s\"'<>:|/]+/)*?({listed})(?![\w/])", r"\1", text)
