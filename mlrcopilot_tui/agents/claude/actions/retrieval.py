"""The actions that look for models and datasets on the Hugging Face Hub; they search, and download nothing."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from mlrcopilot_tui.agents.claude.actions.action import Action, Observation, Workbench
from mlrcopilot_tui.agents.claude.actions.views import LIMIT
from mlrcopilot_tui.agents.claude.fences import fenced
from mlrcopilot_tui.agents.host import Host
from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.files import write_whole
from mlrcopilot_tui.hub.protocol import Candidate, Kind
from mlrcopilot_tui.hub.search import search_hub
from mlrcopilot_tui.text import one_line, printable

GIGABYTE: Final = 1_000_000_000
CARD_SHOWN: Final = 500

_NEED: Final = msgspec.Meta(
    min_length=5,
    max_length=600,
    description="What is needed, in the words that its card would use: task, kind of input, language, family, size.",
)


class RetrieveModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The model that is needed."""

    need: Annotated[str, _NEED]
    max_gigabytes: Annotated[float, msgspec.Meta(gt=0, le=100)] = 3.0


class RetrieveDataset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dataset that is needed."""

    need: Annotated[str, _NEED]
    max_gigabytes: Annotated[float, msgspec.Meta(gt=0, le=100)] = 3.0


async def retrieve_model(bench: Workbench, asked: RetrieveModel) -> Observation:
    """Searches models."""
    return await _retrieve(bench, "model", asked.need, asked.max_gigabytes)


async def retrieve_dataset(bench: Workbench, asked: RetrieveDataset) -> Observation:
    """Searches datasets."""
    return await _retrieve(bench, "dataset", asked.need, asked.max_gigabytes)


async def _retrieve(bench: Workbench, kind: Kind, need: str, gigabytes: float) -> Observation:
    if bench.brief.state.settings.get("auto"):
        raise RefusedError("Nobody is there to grant the network, so the hub is not asked.", "Go on without it.")
    bench.brief.say("action", f"searches the Hugging Face Hub for a {kind}: {one_line(need, 200)}")
    found = await _found(bench.brief.host, kind, printable(need), int(gigabytes * GIGABYTE))
    if not found:
        return Observation(f"No {kind} of up to {gigabytes:g} GB is like that; try other words, fewer and plainer.")
    text = told(found)
    bench.numbers.read(text)
    head = (
        f"{len(found)} {kind}s, the likeliest first. Runs have no network and nothing was downloaded: to use one, ask "
        "the researcher to put it where the runs find it (request_help)."
    )
    return Observation(f"{head}\n{fenced(f'{kind}s of the Hugging Face Hub', text, LIMIT)}")


async def _found(host: Host, kind: Kind, need: str, max_bytes: int) -> tuple[Candidate, ...]:
    """What the hub answers, or answered in this session: the answer is kept, so that a resumed attempt sees the same.

    Raises:
        RefusedError: the researcher interrupted the search.
        EnvironmentLackError: the hub gave no answer.
    """
    digest = hashlib.sha256(msgspec.json.encode((kind, need, max_bytes))).hexdigest()
    kept = host.exchanges / f"hub-{digest[:16]}.json"
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=tuple[Candidate, ...])
    search = asyncio.create_task(search_hub(kind, need, max_bytes=max_bytes))
    ear = asyncio.ensure_future(host.interruption())
    try:
        await asyncio.wait({search, ear}, return_when=asyncio.FIRST_COMPLETED)
        if not search.done():
            raise RefusedError("The researcher interrupted the search.")
        found = search.result()
    finally:
        ear.cancel()
        search.cancel()
        await asyncio.gather(search, return_exceptions=True)
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(kept, msgspec.json.encode(found), durable=False)
    return found


def told(found: Sequence[Candidate]) -> str:
    """Candidates in lines."""
    return "\n\n".join(_told(number, one) for number, one in enumerate(found, start=1))


def _told(number: int, one: Candidate) -> str:
    size = f"{one.size_bytes / GIGABYTE:.2f} GB" if one.size_bytes else "size not told"
    weights = f", {one.parameters / 1e6:.0f} M parameters" if one.parameters else ""
    gate = ", gated" if one.gated else ""
    licence = one_line(one.licence, 60) or "no licence told"
    facts = f"{size}{weights}, {one.downloads:,} downloads a month, {licence}{gate}"
    tags = one_line(", ".join(one.tags), 200)
    return f"{number}. {one_line(one.id, 120)}: {facts}\n   {tags}\n   {one_line(one.card, CARD_SHOWN)}"


ACTIONS: tuple[Action, ...] = (
    Action(
        "retrieve_model",
        "Searches the Hugging Face Hub for models that meet a need: id, size, downloads, licence, tags, card.",
        RetrieveModel,
        retrieve_model,
    ),
    Action("retrieve_dataset", "Searches the Hugging Face Hub for datasets.", RetrieveDataset, retrieve_dataset),
)
