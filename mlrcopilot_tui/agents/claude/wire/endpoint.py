"""Which server is asked, as whom, for which models: settled before the first request, not by the SDK's own rules."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from mlrcopilot_tui.agents.addresses import is_here
from mlrcopilot_tui.agents.claude.turns import ModelFaultError
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.user_settings import EngineSettings

Profile = Literal["full", "plain"]

MAIN_MODEL: Final = "claude-opus-5-5"
"""Thinks and writes code. As of 2026-11-20."""

FAST_MODEL: Final = "claude-haiku-5-5"
"""Condenses. As of 2026-11-20."""

ANTHROPIC_URL: Final = "https://api.anthropic.com"

_DUMMY_TOKEN: Final = "local"  # noqa: S105 - servers on this machine ask for none, the protocol's header for something
_COMMAND_S: Final = 30.0
_PRIVATE: Final = 0o077
_SHORTEST_SECRET: Final = 6
"""Shorter values are words like `x`, which keyless servers are given: striking them out would eat the records."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that speaks the Messages API."""

    base_url: str
    profile: Profile = "full"

    @property
    def host(self) -> str:
        """Its name for screens, consent and errors, with the port where it is unusual."""
        return urlsplit(self.base_url).netloc

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine, so that nothing leaves it."""
        return is_here(self.base_url)

    @property
    def is_anthropic(self) -> bool:
        """Whether it is Anthropic's own, which knows all of the protocol."""
        return urlsplit(self.base_url).hostname == urlsplit(ANTHROPIC_URL).hostname


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key and where it comes from; the key shows in no text of this object."""

    token: str = field(repr=False)
    source: str

    @property
    def is_secret(self) -> bool:
        """Whether it is a key rather than a stand-in for none, which may stand anywhere."""
        return len(self.token) >= _SHORTEST_SECRET


def find_endpoint(
    mine: EngineSettings, base_url: str = "", profile: Profile = "full", environ: Mapping[str, str] = os.environ
) -> Endpoint:
    """The server to ask: the workspace's own, else the researcher's, else ANTHROPIC_BASE_URL, else Anthropic's.

    Args:
        base_url, profile: what the workspace says. A profile belongs to the address that it was written beside, but
            a workspace may ask for less of any server.

    Raises:
        InputError: it is no address.
    """
    places = (
        ("[engine] base_url of the workspace", base_url, profile),
        ("[engine] base_url of your config.toml", mine.base_url, mine.profile),
        ("ANTHROPIC_BASE_URL", environ.get("ANTHROPIC_BASE_URL", ""), mine.profile),
        ("", ANTHROPIC_URL, mine.profile),
    )
    place, address, found = next(choice for choice in places if choice[1].strip())
    plain = "plain" in {found, profile}
    return Endpoint(_address(address.strip(), place), "plain" if plain else "full")


def _address(address: str, place: str) -> str:
    """The address as the SDK wants it: it appends `/v1/messages` itself."""
    if not _is_plain(address):
        raise InputError(f"{place} is no plain web address.", "Write it as https://HOST or http://HOST:PORT.")
    return address.rstrip("/").removesuffix("/v1").rstrip("/")


def _is_plain(address: str) -> bool:
    """Whether it is an address without a password in it, which would show wherever the server is named."""
    try:
        parts = urlsplit(address)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    return has_host and parts.scheme in {"http", "https"} and "@" not in parts.netloc and address.isprintable()


def find_credentials(endpoint: Endpoint, mine: EngineSettings, environ: Mapping[str, str] = os.environ) -> Credentials:
    """The key: ANTHROPIC_API_KEY, else ANTHROPIC_AUTH_TOKEN, else what the researcher's settings lead to.

    A server on this machine needs none.

    Raises:
        ModelFaultError: there is none, or it cannot be had; no request was made.
    """
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):
        if key := environ.get(name, "").strip():
            return Credentials(_sent_in_a_header(key, name), name)
    if mine.api_key_file:
        return Credentials(
            _sent_in_a_header(_read(Path(mine.api_key_file).expanduser()), "api_key_file"), "api_key_file"
        )
    if mine.api_key_command:
        return Credentials(_sent_in_a_header(_printed(mine.api_key_command), "api_key_command"), "api_key_command")
    if endpoint.is_local:
        return Credentials(_DUMMY_TOKEN, "none is needed on this machine")
    raise ModelFaultError(
        "credentials",
        f"There is no key for {endpoint.host}.",
        "Export ANTHROPIC_API_KEY, or set api_key_file or api_key_command in [engine] of your config.toml.",
    )


def _read(path: Path) -> str:
    try:
        if path.stat().st_mode & _PRIVATE:
            raise ModelFaultError("credentials", f"Others may read {path}, which holds a key.", f"chmod 600 {path}")
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ModelFaultError("credentials", f"api_key_file {path} cannot be read: {why}.") from None


def _printed(command: tuple[str, ...]) -> str:
    """What the command prints; what it says on standard error goes to nobody, for it may hold the key."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_COMMAND_S, check=True
        )
    except subprocess.TimeoutExpired:
        failed = f"api_key_command did not end within {_COMMAND_S:g} s."
    except subprocess.CalledProcessError as error:
        failed = f"api_key_command ended with exit code {error.returncode}."
    except (OSError, UnicodeDecodeError):
        failed = f"api_key_command {command[0]!r} cannot be run."
    else:
        return done.stdout.strip()
    raise ModelFaultError("credentials", failed, "Run it in a shell to see what is wrong; it must print the key alone.")


def _sent_in_a_header(key: str, source: str) -> str:
    """The key, if it can be one: a header takes no line ends, spaces or letters beyond ASCII."""
    if key and key.isascii() and key.isprintable() and " " not in key:
        return key
    raise ModelFaultError(
        "credentials", f"{source} gives no key.", "It must be the key alone: one line, without spaces or quotes."
    )


def find_models(main: str, fast: str, mine: EngineSettings) -> tuple[str, str]:
    """The two models' ids: the workspace's, else the researcher's, else the defaults.

    Where only the main model is chosen it does both, for a server that knows it need not know another.
    """
    chosen = main or mine.model
    return chosen or MAIN_MODEL, fast or mine.fast_model or chosen or FAST_MODEL


def secrets(credentials: Credentials, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The literal values that no record may hold: every key that is known here, used or not."""
    found = [credentials.token]
    found += [environ.get(name, "").strip() for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")]
    for line in environ.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
        name, _, value = line.partition(":")
        if any(word in name.lower() for word in ("auth", "key", "token", "secret", "cookie")):
            found += [value.strip(), value.strip().removeprefix("Bearer ")]
    return tuple(dict.fromkeys(value for value in found if len(value) >= _SHORTEST_SECRET))
