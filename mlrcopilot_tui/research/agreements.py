"""Agreements: what a researcher agreed to for one workspace, sealed so that a repository cannot bring its own.

A cloned repository brings its own files, and could bring a forged agreement: so one counts only for the folder that it
was given in, and with a seal that needs a key of this user's, kept outside all workspaces.
"""

import contextlib
import hashlib
import hmac
import os
import secrets
from typing import Final

import msgspec

from mlrcopilot_tui.files import write_whole
from mlrcopilot_tui.resources import state_folder
from mlrcopilot_tui.session.journal import utc_now
from mlrcopilot_tui.workspace.layout import Layout

FILE_NAME: Final = "consent.json"
KEY_NAME: Final = "consent.key"
KEY_BYTES: Final = 32
_MOST_BYTES: Final = 1 << 20
"""Of what a repository could bring in the place of our file."""


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """That `what` was agreed to; `seal` shows that it was agreed here and by this user."""

    what: str
    time: str
    seal: str


class _Agreements(msgspec.Struct, frozen=True, kw_only=True):
    agreed: dict[str, Agreement] = {}


def is_kept(layout: Layout, subject: str, what: str) -> bool:
    """Whether the researcher agreed to `what` about this subject, in these words, in this workspace."""
    given = _read(layout).agreed.get(subject)
    return given is not None and given.what == what and hmac.compare_digest(given.seal, _seal(layout, subject, what))


def keep(layout: Layout, subject: str, what: str) -> None:
    """Keeps that they do."""
    given = Agreement(what=what, time=utc_now(), seal=_seal(layout, subject, what))
    agreed = _Agreements(agreed={**_read(layout).agreed, subject: given})
    write_whole(layout.make(layout.home) / FILE_NAME, msgspec.json.format(msgspec.json.encode(agreed)) + b"\n")


def withdraw(layout: Layout) -> tuple[str, ...]:
    """Takes back all that was agreed for the workspace; the subjects that it was about."""
    gone = tuple(_read(layout).agreed)
    (layout.home / FILE_NAME).unlink(missing_ok=True)
    return gone


def _read(layout: Layout) -> _Agreements:
    """What is on disk; a file that says nothing sound, or is none of ours, holds no agreement."""
    try:
        handle = os.open(layout.home / FILE_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            return msgspec.json.decode(file.read(_MOST_BYTES), type=_Agreements)
    except (OSError, msgspec.DecodeError):
        return _Agreements()


def _seal(layout: Layout, subject: str, what: str) -> str:
    sealed = msgspec.json.encode([str(layout.root.resolve()), subject, what])
    return hmac.new(_own_key(), sealed, hashlib.sha256).hexdigest()


def _own_key() -> bytes:
    """This user's key for seals, made when it is first needed; of two processes that make one the first one's holds."""
    path = state_folder() / KEY_NAME
    with contextlib.suppress(FileNotFoundError):
        if len(key := path.read_bytes()) == KEY_BYTES:
            return key
        path.unlink()  # damaged: what it sealed is asked for again
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_name(f".{KEY_NAME}.{secrets.token_hex(6)}")
    write_whole(aside, secrets.token_bytes(KEY_BYTES))
    try:
        os.link(aside, path)
    except FileExistsError:
        aside.unlink()
    except OSError:  # a file system without links
        aside.replace(path)
    else:
        aside.unlink()
    return path.read_bytes()
