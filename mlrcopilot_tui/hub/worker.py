"""The child process that asks the hub: one need from standard input, one answer on standard output."""

import itertools
import math
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
from huggingface_hub import HfApi, get_session
from huggingface_hub.errors import HfHubHTTPError

from mlrcopilot_tui.hub.protocol import Answer, Candidate, Need
from mlrcopilot_tui.likeness import likeness, words

A_SEARCH: Final = 30
"""Candidates of one request; the hub's search is by name only, so several requests are made and their finds ranked."""

MOST_SEARCHES: Final = 4
CARDS_READ: Final = 8
CARD_BYTES: Final = 6_000
CARD_CHARS: Final = 700
REQUEST_S: Final = 8.0
MODEL_FACTS: Final = ("downloads", "tags", "pipeline_tag", "safetensors", "usedStorage", "gated")
DATASET_FACTS: Final = ("downloads", "tags", "description", "usedStorage", "gated")
BYTES_OF: Final = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2}
TASKS: Final = (
    "text-classification", "token-classification", "question-answering", "summarization", "translation",
    "text-generation", "fill-mask", "sentence-similarity", "feature-extraction", "zero-shot-classification",
    "image-classification", "object-detection", "image-segmentation", "image-to-text", "text-to-image",
    "depth-estimation", "automatic-speech-recognition", "audio-classification", "text-to-speech",
    "tabular-classification", "tabular-regression", "time-series-forecasting", "reinforcement-learning",
    "graph-ml", "visual-question-answering", "video-classification", "table-question-answering",
)  # fmt: skip


def main() -> None:
    """Reads the need, writes the answer."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints stays out of the answer
    need = msgspec.json.decode(sys.stdin.buffer.read(), type=Need)
    with channel:
        channel.write(msgspec.json.encode(answer(need)))


def answer(need: Need) -> Answer:
    """The candidates for a need; no answer of the hub makes this raise."""
    try:
        found = {one.id: one for one in _found(need)}
        fitting = [one for one in found.values() if not need.max_bytes or one.size_bytes <= need.max_bytes]
        likely = ranked(need.text, fitting)[: max(CARDS_READ, need.most)]
        carded = [msgspec.structs.replace(one, card=one.card or _card(need, one.id)) for one in likely]
        return Answer(candidates=tuple(ranked(need.text, carded)[: need.most]))
    except HfHubHTTPError as error:
        return Answer(trouble=f"it answered with status {error.response.status_code}.")
    except Exception as error:  # noqa: BLE001 - whatever a server answers, the caller gets a sentence
        return Answer(trouble=f"its answer could not be read ({type(error).__name__}).")


def ranked(text: str, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates by likeness times log10 of their downloads, as MLR-Copilot ranks; those unlike it left out."""
    scores = likeness(text, [f"{one.id} {one.id} {' '.join(one.tags)} {one.card}" for one in candidates])
    scored = [
        msgspec.structs.replace(one, score=round(score * math.log10(10 + one.downloads), 4))
        for one, score in zip(candidates, scores, strict=True)
        if score > 0
    ]
    return sorted(scored, key=lambda one: (-one.score, one.id))


def searches(need: Need) -> Iterator[dict[str, str]]:
    """What the hub is asked: the tasks that the need names, then its words; the hub itself searches names only."""
    told = list(dict.fromkeys(words(need.text)))
    tasks = [task for task in TASKS if set(words(task)) <= set(told)]
    names = sorted(told, key=lambda word: (not any(char.isdigit() for char in word), -len(word)))
    by_task = "pipeline_tag" if need.kind == "model" else "filter"
    prefix = "" if need.kind == "model" else "task_categories:"
    return itertools.islice(
        itertools.chain(
            ({by_task: prefix + task} for task in tasks[:2]), ({"search": word} for word in names if len(word) > 2)
        ),
        MOST_SEARCHES,
    )


def _found(need: Need) -> Iterator[Candidate]:
    api = HfApi(endpoint=need.endpoint, token=False)
    for search in searches(need):
        asked: dict[str, Any] = {"sort": "downloads", "limit": A_SEARCH, **search}
        infos: Iterable[Any]
        if need.kind == "model":
            infos = api.list_models(expand=list(MODEL_FACTS), **asked)
        else:
            infos = api.list_datasets(expand=list(DATASET_FACTS), **asked)
        yield from map(_candidate, infos)


def _candidate(info: Any) -> Candidate:  # noqa: ANN401 - ModelInfo or DatasetInfo
    tags = tuple(tag for tag in info.tags or () if isinstance(tag, str))
    safetensors = getattr(info, "safetensors", None)
    counts: dict[str, int] = dict(safetensors.parameters) if safetensors else {}
    weights = sum(count * BYTES_OF.get(kind, 1) for kind, count in counts.items())
    task = getattr(info, "pipeline_tag", None)
    licence = next((tag.partition(":")[2] for tag in tags if tag.startswith("license:")), "")
    told = [tag for tag in tags if not tag.startswith(("license:", "arxiv:", "region:", "endpoints_", "doi:"))]
    return Candidate(
        id=str(info.id),
        size_bytes=weights or getattr(info, "used_storage", None) or 0,
        parameters=sum(counts.values()),
        downloads=info.downloads or 0,
        licence=licence,
        tags=tuple(dict.fromkeys([*([task] if task else []), *told]))[:15],
        gated=bool(info.gated),
        card=_plain(getattr(info, "description", None) or ""),
    )


def _card(need: Need, name: str) -> str:
    """The first lines of a card; empty where it cannot be read."""
    folder = "" if need.kind == "model" else "datasets/"
    url = f"{need.endpoint}/{folder}{name}/raw/main/README.md"
    text = b""
    try:
        with get_session().stream("GET", url, timeout=REQUEST_S, follow_redirects=True) as response:
            if response.status_code != 200:
                return ""
            for chunk in response.iter_bytes():
                text += chunk
                if len(text) >= CARD_BYTES:
                    break
    except Exception:  # noqa: BLE001 - a card is a help, not a need; the client's errors have no base of ours
        return ""
    return _plain(text[:CARD_BYTES].decode("utf-8", "replace"))


def _plain(card: str) -> str:
    """A card's text without its YAML header, markup and pictures."""
    body = re.sub(r"\A\s*---\n.*?\n---\n", "", card, count=1, flags=re.DOTALL)
    body = re.sub(r"<[^<>]{0,400}>|!\[[^\]\n]{0,200}\]\([^)\n]{0,400}\)", " ", body)
    body = re.sub(r"\[([^\]\n]{0,200})\]\([^)\n]{0,400}\)", r"\1", body)
    return " ".join(body.split())[:CARD_CHARS]
