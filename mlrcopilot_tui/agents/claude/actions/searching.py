"""The action that searches files; the search runs in a child process, so that no pattern can take the copilot along."""

import asyncio
import re
import subprocess
import sys
from typing import Annotated, Any, Final

import msgspec

from mlrcopilot_tui.agents.claude.actions.action import Action, Observation, Workbench
from mlrcopilot_tui.agents.claude.actions.views import LIMIT
from mlrcopilot_tui.agents.claude.fences import fenced
from mlrcopilot_tui.errors import CopilotError, InputError
from mlrcopilot_tui.workspace.globs import Matcher

PATIENCE_S: Final = 5.0
MOST_HITS: Final = 60
MOST_CHARS: Final = 32_000_000

# Starts in 20 ms (2 vCPU Xeon VM), because it imports next to nothing.
_CHILD: Final = """
import json, re, sys
asked = json.load(sys.stdin)
try:
    found = re.compile(asked["pattern"], asked["flags"]).search
except (re.error, RecursionError, OverflowError) as error:
    print(json.dumps({"wrong": str(error)}))
    sys.exit()
hits, count = [], 0
for name, text in asked["texts"]:
    for number, line in enumerate(text.split("\\n"), 1):
        if found(line[:4000]):
            count += 1
            if len(hits) < asked["most"]:
                hits.append(f"{name}:{number}: {line.strip()[:200]}")
print(json.dumps({"hits": hits, "count": count}))
"""


class SearchFiles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to search for, and where."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=500, description="What a line is to contain.")]
    regex: Annotated[bool, msgspec.Meta(description="Take the query for a Python regular expression.")] = False
    ignore_case: bool = False
    glob: Annotated[str, msgspec.Meta(description="Only files that match, e.g. **/*.py; empty for all.")] = ""


async def search_files(bench: Workbench, asked: SearchFiles) -> Observation:
    """Finds the lines that contain the query."""
    texts = _texts(bench, asked.glob)
    answer = await asyncio.to_thread(_searched, asked, texts)
    if "wrong" in answer:
        raise InputError(f"The regular expression cannot be read: {answer['wrong']}.", "Mend it, or search literally.")
    hits, count = answer["hits"], int(answer["count"])
    if not count:
        return Observation(f"No line of {len(texts)} files contains it.")
    bench.numbers.read("\n".join(hits))
    more = f" The first {len(hits)} are shown; narrow the search with a glob." if count > len(hits) else ""
    return Observation(
        f"{count} lines in {len(texts)} files searched.{more}\n" + fenced("found", "\n".join(hits), LIMIT)
    )


def _texts(bench: Workbench, glob: str) -> list[tuple[str, str]]:
    tree, texts, size = bench.brief.tree, [], 0
    try:
        matches = Matcher([glob]) if glob.strip() else None
    except re.error as error:
        raise InputError("The glob cannot be read.", "Write it as **/*.py.") from error
    for path in tree.files():
        if matches is not None and not matches(str(path)):
            continue
        try:
            text = tree.read(path)
        except CopilotError:  # binary, or a link
            continue
        size += len(text)
        if size > MOST_CHARS:
            raise InputError("There is more text than one search may read.", "Narrow the search with a glob.")
        texts.append((str(path), text))
    if not texts:
        raise InputError("No file that holds text matches the glob.", "list_files shows what is there.")
    return texts


def _searched(asked: SearchFiles, texts: list[tuple[str, str]]) -> dict[str, Any]:
    query = asked.query.encode("utf-8", "replace").decode()
    pattern = query if asked.regex else re.escape(query)
    flags = int(re.IGNORECASE) if asked.ignore_case else 0
    given = msgspec.json.encode({"pattern": pattern, "flags": flags, "texts": texts, "most": MOST_HITS})
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _CHILD], input=given, capture_output=True, timeout=PATIENCE_S, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(f"The search took longer than {PATIENCE_S:g} s.", "Use a simpler pattern.") from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise InputError("The search broke off.", "Use a simpler pattern, or narrow it with a glob.") from error
    answer: dict[str, Any] = msgspec.json.decode(done.stdout)
    return answer


ACTIONS: tuple[Action, ...] = (
    Action(
        "search_files",
        "Finds the lines of the workspace's files that contain a text or match a regular expression.",
        SearchFiles,
        search_files,
    ),
)
