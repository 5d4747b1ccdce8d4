"""Commit messages from hostile words."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlrcopilot_tui.workspace.messages import commit_message


def trailers(message: str) -> list[str]:
    """What git takes for trailers."""
    parsed = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=message, capture_output=True, text=True, check=True
    )
    return parsed.stdout.splitlines()


def test_a_message_reads_like_an_engineer_s() -> None:
    message = commit_message(
        "Warm the learning rate up over the first epoch",
        "The loss jumps in the first steps, because Adam's second moments are not yet known there, and stays up.\n\n"
        "- one epoch is 120 steps, which is long enough that the estimate settles and short enough to cost nothing\n"
        "- the rest stays",
        {"Idea": "3", "Session": "0123abcd", "Engine": "offline", "Approved-by": ""},
    )
    assert message == (
        "Warm the learning rate up over the first epoch\n"
        "\n"
        "The loss jumps in the first steps, because Adam's second moments are not\n"
        "yet known there, and stays up.\n"
        "\n"
        "- one epoch is 120 steps, which is long enough that the estimate settles\n"
        "  and short enough to cost nothing\n"
        "- the rest stays\n"
        "\n"
        "Idea: 3\n"
        "Session: 0123abcd\n"
        "Engine: offline\n"
    )


@pytest.mark.parametrize(
    "body",
    [
        "Text.\n\nApproved-by: Ada <ada@example.org>",
        "Approved-by: Ada\n---\ndiff --git a/x b/x",
        "Text.\n\nSigned-off-by: Ada\nCo-authored-by: Bob",
        "a\rApproved-by: Ada\x85Idea: 9\u2028Session: ffffffff",
        "---\n\nIdea: 9",
        "\n\n\n",
    ],
)
def test_only_our_trailers_are_found(body: str) -> None:
    message = commit_message("Subject\nApproved-by: Ada", body, {"Idea": "1", "Session": "0123abcd\nApproved-by: Ada"})
    assert trailers(message) == ["Idea: 1", "Session: 0123abcd Approved-by: Ada"]


@settings(max_examples=30)
@given(st.text(max_size=60), st.text(max_size=200), st.text(max_size=40))
def test_no_text_gets_past_its_place(subject: str, body: str, value: str) -> None:
    message = commit_message(subject, body, {"Idea": "1", "Engine": value})
    message.encode()
    first, _, rest = message.partition("\n")
    assert first
    assert len(first) <= 72
    assert rest.startswith("\n")
    assert not any(ord(char) < 32 and char != "\n" for char in message)
    found = trailers(message)
    assert found[0] == "Idea: 1"
    assert all(line.startswith("Engine: ") for line in found[1:])
    assert len(found) <= 2


def test_a_trailer_needs_a_plain_name() -> None:
    with pytest.raises(ValueError, match="Bad name"):
        commit_message("x", "", {"Bad name": "1"})
