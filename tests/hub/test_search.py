"""Searching a hub over real HTTP: what is found and ranked, and that no trouble of a hub costs minutes."""

import socket
from collections.abc import Iterator

import pytest

from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.hub.search import search_hub
from tests.fakes.hub_server import FakeHub, serving

GOOD = {
    "id": "lab/minilm-sentence",
    "downloads": 90_000,
    "tags": ["sentence-transformers", "license:apache-2.0", "en"],
    "pipeline_tag": "sentence-similarity",
    "safetensors": {"parameters": {"F32": 22_000_000}, "total": 22_000_000},
    "gated": False,
}
UNKNOWN = {"id": "someone/sentence-toy", "downloads": 3, "tags": [], "pipeline_tag": "sentence-similarity"}
HUGE = {
    "id": "lab/huge-sentence-similarity",
    "downloads": 500_000,
    "tags": [],
    "pipeline_tag": "sentence-similarity",
    "usedStorage": 40_000_000_000,
}
OTHER = {"id": "lab/cats", "downloads": 9_000_000, "tags": ["vision"], "pipeline_tag": "image-classification"}
NEED = "sentence similarity embeddings in English, MiniLM"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    for name in ("HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving(FakeHub(models=[OTHER, UNKNOWN, GOOD, HUGE])) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url + "/")
        yield hub


async def test_the_likeliest_models_come_first_and_too_large_ones_not(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_thistokenstayshere")
    hub.cards["lab/minilm-sentence"] = (
        "---\nlicense: mit\n---\n# MiniLM\n<img src=x> Maps [sentences](http://x) to vectors."
    )
    found = await search_hub("model", NEED)
    assert [one.id for one in found] == ["lab/minilm-sentence", "someone/sentence-toy"]
    best = found[0]
    assert (best.size_bytes, best.parameters, best.downloads) == (88_000_000, 22_000_000, 90_000)
    assert (best.licence, best.gated) == ("apache-2.0", False)
    assert best.tags == ("sentence-similarity", "sentence-transformers", "en")
    assert best.card == "# MiniLM Maps sentences to vectors."
    assert not hub.tokens, "no token leaves the machine"


async def test_a_larger_limit_lets_larger_ones_in(hub: FakeHub) -> None:
    found = await search_hub("model", NEED, max_bytes=50_000_000_000, most=1)
    assert len(found) == 1
    all_found = await search_hub("model", NEED, max_bytes=0)
    assert "lab/huge-sentence-similarity" in {one.id for one in all_found}


async def test_datasets_are_found_by_task_and_name(hub: FakeHub) -> None:
    hub.datasets = [
        {"id": "lab/sms-spam", "downloads": 700, "tags": ["task_categories:text-classification", "license:cc0-1.0"],
         "description": "Messages, labelled spam or not.", "usedStorage": 500_000},
        {"id": "lab/flowers", "downloads": 900_000, "tags": [], "description": "Pictures."},
    ]  # fmt: skip
    found = await search_hub("dataset", "short messages labelled spam for text classification")
    assert [one.id for one in found] == ["lab/sms-spam"]
    assert found[0].card == "Messages, labelled spam or not."
    assert (found[0].size_bytes, found[0].licence) == (500_000, "cc0-1.0")
    assert not any("README" in path for path in hub.asked), "the API tells the card of a dataset"


async def test_nothing_like_it_is_no_trouble(hub: FakeHub) -> None:
    assert await search_hub("model", "seismology wavefront inversion") == ()


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [(404, "", "status 404"), (200, "<html>no JSON</html>", "could not be read"), (200, '[{"a": 1}]', "could not be")],
)
async def test_what_a_hub_answers_wrongly_is_said(hub: FakeHub, status: int, body: str, said: str) -> None:
    hub.status, hub.body = status, body
    with pytest.raises(EnvironmentLackError, match=said):
        await search_hub("model", NEED)


async def test_a_hub_that_never_answers_is_given_up(hub: FakeHub) -> None:
    hub.status = 0
    with pytest.raises(EnvironmentLackError, match="did not answer within"):
        await search_hub("model", NEED, limit_s=1.5)


async def test_no_network_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(EnvironmentLackError, match="cannot be reached: no connection"):
            await search_hub("model", NEED)
    monkeypatch.setenv("HF_ENDPOINT", "http://no-such-host.invalid")
    with pytest.raises(EnvironmentLackError, match=r"no-such-host\.invalid cannot be reached"):
        await search_hub("model", NEED)


async def test_the_way_through_a_proxy_is_what_is_probed(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example.invalid")
    monkeypatch.setenv("http_proxy", hub.url)
    found = await search_hub("model", NEED)
    assert found[0].id == "lab/minilm-sentence"
    assert all(path.startswith("http://hub.example.invalid/") for path in hub.asked)


async def test_offline_is_respected(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EnvironmentLackError, match="HF_HUB_OFFLINE"):
        await search_hub("model", NEED)
    assert not hub.asked


async def test_an_endpoint_that_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "file:///etc/passwd")
    with pytest.raises(InputError, match="HF_ENDPOINT"):
        await search_hub("model", NEED)
