"""Whether an address leads off this machine: what consent is asked for, and where a key is needed, go by one rule."""

import ipaddress
from urllib.parse import urlsplit


def is_here(url: str) -> bool:
    """Whether a server is on this machine, so that nothing leaves it; only `localhost` counts among names."""
    name = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
