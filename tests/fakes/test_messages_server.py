"""The fake Messages API stands in for a real one in every other test: what it insists on, and that it runs alone."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.messages_rules import Body, PrefixCache, complaint

ROOT = Path(__file__).parents[2]


def body(*messages: Body, **more: Any) -> Body:  # noqa: ANN401 - whatever JSON can hold
    return {"model": "m", "max_tokens": 9, "messages": list(messages), **more}


def said(words: str, role: str = "user") -> Body:
    return {"role": role, "content": [{"type": "text", "text": words}]}


def marked(words: str) -> Body:
    return {"role": "user", "content": [{"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}]}


CALL = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "x", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "fine"}]}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (body(), "first message"),
        (body(said("Hi", "assistant")), "first message"),
        (body(said("Hi"), max_tokens=0), "max_tokens"),
        (body(said(" ")), "non-empty"),
        (body(said("Hi"), CALL, said("And?")), "t1"),
        (body(said("Hi"), CALL), "no tool_result"),
        (body(said("Hi"), RESULT), "t1"),
        (body(*[marked("Hi")] * 5), "maximum of 4"),
    ],
)
def test_it_refuses_what_the_api_refuses(wrong: Body, words: str) -> None:
    assert words in complaint(wrong)


def test_it_takes_a_sound_conversation() -> None:
    assert complaint(body(said("Hi"), CALL, RESULT)) == ""


def test_marked_prefixes_are_read_the_second_time() -> None:
    cache = PrefixCache()
    first = cache.usage(body(marked("x" * 400), said("y" * 40)), "z")
    again = cache.usage(body(marked("x" * 400), said("other")), "z")
    assert first["cache_creation_input_tokens"] == again["cache_read_input_tokens"] > 100
    assert first["cache_read_input_tokens"] == again["cache_creation_input_tokens"] == 0
    changed = cache.usage(body(marked("X" * 400)), "z")
    assert changed["cache_read_input_tokens"] == 0


def test_it_serves_a_script_as_a_process_of_its_own(tmp_path: Path) -> None:
    script, url_file, log = tmp_path / "script.py", tmp_path / "url", tmp_path / "log.jsonl"
    script.write_text(
        "from tests.fakes.messages_script import Reply, text\n"
        "def script(body):\n    return Reply([text(f\"You asked {body['model']}.\")])\n"
    )
    argv = [sys.executable, "-m", "tests.fakes.messages_server", str(script), str(url_file), str(log)]
    with subprocess.Popen(argv, cwd=ROOT, env=dict(os.environ)) as process:
        try:
            while not url_file.exists():
                assert process.poll() is None
                time.sleep(0.02)
            asked = urllib.request.Request(  # noqa: S310 - the address is our own
                f"{url_file.read_text()}/v1/messages", json.dumps(body(said("Hi"))).encode()
            )
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=10) as answer:
                assert answer.read().decode().rstrip().endswith('data: {"type": "message_stop"}')
        finally:
            process.kill()
    assert json.loads(log.read_text())["body"]["model"] == "m"
