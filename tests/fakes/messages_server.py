"""A fake Messages API on 127.0.0.1: real HTTP/1.1, real server-sent events, scripted; also a process of its own.

    with FakeMessagesServer([Reply([text("Hello.")])]) as server:
        ...  # ask at server.url, look at server.requests

A script is a list of answers that is used up in order, or a function from a request's body to an answer.
`python -m tests.fakes.messages_server SCRIPT.py URLFILE [LOGFILE]` serves the variable `script` of a file (and its
`plain`, `key`, `models`, where it sets them), writes the address to URLFILE, each request as a line of JSON to LOGFILE.
"""

import json
import os
import runpy
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.messages_rules import PrefixCache, complaint, tokens
from tests.fakes.messages_script import Answer, Body, Status

Script = Sequence[Answer] | Callable[[Body], Answer]

_NO = {"supported": False}
_YES = {"supported": True}
CAPABILITIES: Body = {
    "batch": _YES, "citations": _YES, "code_execution": _YES, "image_input": _YES, "pdf_input": _YES,
    "structured_outputs": _YES, "server_tools": _YES, "context_management": _YES, "effort": _YES,
    "thinking": {"supported": True, "types": {"adaptive": _YES, "between_tools": _NO, "disabled": _NO, "enabled": _NO}},
}  # fmt: skip
"""What a newest model can do."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came; header names are in lower case, `at` is `time.monotonic()`."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: Body


class FakeMessagesServer(ThreadingHTTPServer):
    """Serves from the `with` to its end.

    Args:
        plain: knows only /v1/messages, as small servers do.
        key: the only key that is let in; None lets everybody in.
        models: capabilities by model; others do not exist. None knows every model.
        lenient: also takes requests that the real API refuses.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        script: Script,
        *,
        plain: bool = False,
        key: str | None = None,
        models: Mapping[str, Body | None] | None = None,
        lenient: bool = False,
        log: Path | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.plain, self.key, self.models, self.lenient = plain, key, models, lenient
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests: list[Seen] = []
        self.errors: list[BaseException] = []
        self.stopping = threading.Event()
        self.cache = PrefixCache()
        self._script, self._log = script, log
        self._guard = threading.Lock()
        self._used = self._numbers = 0

    @property
    def turns(self) -> list[Body]:
        """The bodies of the turns that were asked for, in order."""
        return [seen.body for seen in self.requests if seen.path.partition("?")[0].endswith("/v1/messages")]

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()
        if kind is None and self.errors:
            raise self.errors[0]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error here; a script's own error is raised when the `with` ends."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, OSError):
            self.errors.append(error)

    def note(self, seen: Seen) -> None:
        with self._guard:
            self.requests.append(seen)
            if self._log is not None:
                with self._log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(seen)) + "\n")

    def answer(self, body: Body) -> Answer:
        if callable(self._script):
            return self._script(body)
        with self._guard:
            self._used += 1
            if self._used <= len(self._script):
                return self._script[self._used - 1]
        return Status(400, "invalid_request_error", "The script is used up.")

    def next_number(self) -> int:
        with self._guard:
            self._numbers += 1
            return self._numbers

    def count(self, body: Body, written: str) -> dict[str, int]:
        with self._guard:
            return self.cache.usage(body, written)


class _Handler(BaseHTTPRequestHandler):
    """One connection; also the wire that answers are played on."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FakeMessagesServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Says nothing."""

    def do_HEAD(self) -> None:
        self._take()
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self._take()
        path = self.path.partition("?")[0]
        if not self._let_in():
            return
        name = path.rpartition("/v1/models/")[2]
        if self.server.plain or name == path:
            Status(404, html="Not Found").play(self, {})
            return
        if not self._exists(name):
            self._fail(404, "not_found_error", f"model: {name}")
            return
        known = (self.server.models or {}).get(name, CAPABILITIES)
        limits = {"max_input_tokens": 1_000_000, "max_tokens": 128_000, "capabilities": known}
        born = {"display_name": name, "created_at": "2026-01-01T00:00:00Z", "lifecycle": "active"}
        self._json(200, {"id": name, "type": "model", **born, **limits})

    def do_POST(self) -> None:
        body = self._take()
        path = self.path.partition("?")[0]
        if not self._let_in():
            return
        if path.endswith("/v1/messages/count_tokens") and not self.server.plain:
            self._json(200, {"input_tokens": tokens(json.dumps([body.get("system"), body.get("messages")]))})
        elif not path.endswith("/v1/messages"):
            Status(404, html="Not Found").play(self, {})
        elif not self._exists(str(body.get("model"))):
            self._fail(404, "not_found_error", f"model: {body.get('model')}")
        elif not self.server.lenient and (wrong := complaint(body)):
            self._fail(400, "invalid_request_error", wrong)
        else:
            self._answer(body)

    def _answer(self, body: Body) -> None:
        try:
            answer = self.server.answer(body)
        except Exception as error:
            self._fail(400, "invalid_request_error", f"The script failed: {error!r}")
            raise
        answer.play(self, body)

    def _take(self) -> Body:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.loads(raw) if raw else {}
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.note(Seen(time.monotonic(), self.command, self.path, headers, body))
        return body if isinstance(body, dict) else {}

    def _let_in(self) -> bool:
        key = self.server.key
        given = {self.headers.get("authorization", "").removeprefix("Bearer "), self.headers.get("x-api-key", "")}
        if key is None or key in given:
            return True
        self._fail(401, "authentication_error", "invalid x-api-key")
        return False

    def _exists(self, model: str) -> bool:
        return self.server.models is None or model in self.server.models

    def _fail(self, code: int, kind: str, message: str) -> None:
        Status(code, kind, message).play(self, {})

    def _json(self, code: int, value: Body) -> None:
        self.status(code, json.dumps(value).encode(), {"content-type": "application/json"})

    def status(self, code: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(code)
        for name, value in {"request-id": f"req_{self.number()}", **headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("request-id", f"req_{self.number()}")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def send(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")

    def hang_up(self) -> None:
        self.close_connection = True

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        os.close(self.connection.detach())

    def wait(self, seconds: float) -> None:
        self.server.stopping.wait(seconds)

    def number(self) -> int:
        return self.server.next_number()

    def usage(self, body: Body, written: str) -> dict[str, int]:
        return self.server.count(body, written)


def serve(script: Path, url_file: Path, log: Path | None = None) -> None:
    """Serves a script's file until the process is ended."""
    told = runpy.run_path(str(script))
    options = {name: told[name] for name in ("plain", "key", "models", "lenient") if name in told}
    with FakeMessagesServer(told["script"], log=log, **options) as server:
        aside = url_file.with_name(f"{url_file.name}.part")
        aside.write_text(server.url, encoding="utf-8")
        aside.replace(url_file)
        threading.Event().wait()


if __name__ == "__main__":
    serve(*map(Path, sys.argv[1:4]))
