"""A hub that speaks as much of the Hugging Face Hub's API as a search needs, over real HTTP."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class FakeHub:
    """Serves `models` and `datasets`, each as the API gives it, with `cards` by the path of their repository.

    Attributes:
        status: what every API request is answered with; 0 for an answer that never comes.
        body: what is answered instead of JSON, if anything.
        asked: the paths and queries of the requests, oldest first.
        tokens: the Authorization headers that came.
    """

    models: list[dict[str, Any]] = field(default_factory=list)
    datasets: list[dict[str, Any]] = field(default_factory=list)
    cards: dict[str, str] = field(default_factory=dict)
    status: int = 200
    body: str = ""
    url: str = ""
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, bytes]:
        """The status and the body for a path with its query."""
        address = urlsplit(path)
        if address.path.endswith("/raw/main/README.md"):
            card = self.cards.get(address.path.removeprefix("/").removesuffix("/raw/main/README.md"))
            return (404, b"") if card is None else (200, card.encode())
        if not self.status:
            time.sleep(60)
        if self.body or self.status != 200:
            return self.status, self.body.encode()
        known = self.models if address.path == "/api/models" else self.datasets
        return 200, json.dumps([one for one in known if self._fits(one, parse_qs(address.query))]).encode()

    @staticmethod
    def _fits(one: dict[str, Any], query: dict[str, list[str]]) -> bool:
        named = all(word.lower() in one["id"].lower() for word in query.get("search", []))
        tasked = all(one.get("pipeline_tag") == task for task in query.get("pipeline_tag", []))
        return named and tasked and all(tag in one.get("tags", []) for tag in query.get("filter", []))


@contextmanager
def serving(hub: FakeHub) -> Iterator[FakeHub]:
    """Serves the hub on a free port of this machine; `hub.url` is its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.asked.append(self.path)
            hub.tokens += [value for name, value in self.headers.items() if name.lower() == "authorization"]
            status, body = hub.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
