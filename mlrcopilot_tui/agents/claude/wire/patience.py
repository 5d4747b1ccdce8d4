"""How long a server may be silent."""

from dataclasses import dataclass
from typing import Self

from mlrcopilot_tui.agents.claude.wire.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Patience:
    """All in seconds.

    Attributes:
        connect_s: until a connection stands.
        read_s: without a single byte.
        stall_s: without an event that is more than a sign of life.
    """

    connect_s: float = 5.0
    read_s: float = 90.0
    stall_s: float = 600.0

    @classmethod
    def with_endpoint(cls, endpoint: Endpoint) -> Self:
        """A server of one's own may chew on a long prompt for minutes before its first byte."""
        return cls() if endpoint.is_anthropic else cls(read_s=600.0)
