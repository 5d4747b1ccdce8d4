"""Searching the hub: a quick look whether it can be reached, then a child process that a limit can end."""

import asyncio
import contextlib
import os
import socket
import sys
from typing import Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.hub.protocol import Answer, Candidate, Kind, Need

PUBLIC: Final = "https://huggingface.co"
PROBE_S: Final = 3.0
LIMIT_S: Final = 30.0
"""Importing the hub's library and five requests take about 3 s (2 vCPU Xeon VM); it waits for no lost answer itself."""

_TRUE: Final = frozenset({"1", "ON", "YES", "TRUE"})
_IN_CHILD: Final = (
    "import sys; sys.path[:] = sys.argv[1].split(chr(10)); from mlrcopilot_tui.hub.worker import main; main()"
)


async def search_hub(
    kind: Kind, text: str, *, most: int = 5, max_bytes: int = 3_000_000_000, limit_s: float = LIMIT_S
) -> tuple[Candidate, ...]:
    """The models or datasets that are most like a need in words, best first; nothing is downloaded.

    `HF_ENDPOINT` names another hub, `HF_HUB_OFFLINE` forbids the search. No token is sent.

    Raises:
        EnvironmentLackError: the hub cannot be reached, or gave no answer that can be read.
    """
    endpoint = hub_endpoint()
    await _probe(endpoint)
    need = Need(kind=kind, text=text, endpoint=endpoint, most=most, max_bytes=max_bytes)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", _IN_CHILD, "\n".join(sys.path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_TELEMETRY": "1"},
    )
    try:
        async with asyncio.timeout(limit_s):
            output, _ = await child.communicate(msgspec.json.encode(need))
        answer = msgspec.json.decode(output, type=Answer)
    except TimeoutError as error:
        raise EnvironmentLackError(f"{_host(endpoint)} did not answer within {limit_s:g} s.", "Try later.") from error
    except msgspec.DecodeError as error:
        raise EnvironmentLackError(f"The search on {_host(endpoint)} broke off.", "Try later.") from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    if answer.trouble:
        raise EnvironmentLackError(f"{_host(endpoint)}: {answer.trouble}", "Try later, or with other words.")
    return answer.candidates


def hub_endpoint() -> str:
    """The hub's address.

    Raises:
        EnvironmentLackError: the environment forbids to use it.
        InputError: the environment names none that is an address.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE:
        raise EnvironmentLackError("HF_HUB_OFFLINE is set: the hub is not asked.", "Unset it to search.")
    endpoint = os.environ.get("HF_ENDPOINT", "").strip().rstrip("/") or PUBLIC
    address = urlsplit(endpoint)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise InputError("HF_ENDPOINT is no address of a hub.", "Write it as https://HOST, or unset it.")
    return endpoint


async def _probe(endpoint: str) -> None:
    """Connects to the hub, or to the proxy on the way to it, so that no network costs seconds and not minutes."""
    target = urlsplit(endpoint)
    proxy = getproxies().get(target.scheme)
    if proxy and not proxy_bypass(target.hostname or ""):
        target = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    try:
        connection = asyncio.open_connection(target.hostname, _port(target))
        async with asyncio.timeout(PROBE_S):
            _, writer = await connection
    except (OSError, TimeoutError, ValueError) as error:
        said = "its name is not known" if isinstance(error, socket.gaierror) else "no connection"
        raise EnvironmentLackError(f"{_host(endpoint)} cannot be reached: {said}.", "Check the network.") from error
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _port(address: SplitResult) -> int:
    return address.port or (443 if address.scheme == "https" else 80)


def _host(endpoint: str) -> str:
    return urlsplit(endpoint).hostname or endpoint
