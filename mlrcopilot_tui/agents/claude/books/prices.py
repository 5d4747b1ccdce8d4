"""What models cost: a dated table of list prices, which the user's `config.toml` overrides."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

Rate = Annotated[float, msgspec.Meta(ge=0)]
CacheTime = Literal["5m", "1h"]
"""How long what is written to the cache is kept there; it has its price."""


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """USD per million tokens.

    Attributes:
        cache_write_5m, cache_write_1h, cache_read: None for the usual 1.25, 2 and 0.1 times `input`.
        long_above: a request that reads more tokens than this is a long one; 0 where length does not matter.
        long_factor: what all rates of a long request are multiplied by.
    """

    input: Rate
    output: Rate
    cache_write_5m: Rate | None = None
    cache_write_1h: Rate | None = None
    cache_read: Rate | None = None
    long_above: Annotated[int, msgspec.Meta(ge=0)] = 0
    long_factor: Rate = 1.0

    def write_rate(self, kept: CacheTime) -> float:
        """The rate of tokens that are written to the cache and kept there for `kept`."""
        rate, factor = (self.cache_write_5m, 1.25) if kept == "5m" else (self.cache_write_1h, 2.0)
        return self.input * factor if rate is None else rate

    @property
    def read_rate(self) -> float:
        """The rate of tokens that are read from the cache."""
        return self.input * 0.1 if self.cache_read is None else self.cache_read

    def dearest_rate(self, kept: CacheTime) -> float:
        """The most that a token of input can cost."""
        return max(self.input, self.write_rate(kept), self.read_rate)

    def factor(self, read_tokens: int) -> float:
        """What the rates are multiplied by for a request that reads so many tokens."""
        return self.long_factor if self.long_above and read_tokens > self.long_above else 1.0


AS_OF: Final = "2026-10-16"
"""The day up to which the table below was compared with Anthropic's price list."""

LISTED: Final[Mapping[str, Price]] = {
    "claude-fable-5-1": Price(input=10, output=50, cache_read=0.25),
    "claude-fable": Price(input=10, output=50),
    "claude-mythos-5-1": Price(input=10, output=50, cache_read=0.25),
    "claude-mythos": Price(input=10, output=50),
    "claude-opus-5-5": Price(input=4, output=20, cache_read=0.2),
    "claude-opus-5": Price(input=5, output=25),
    "claude-opus-4-8": Price(input=5, output=25),
    "claude-opus-4-7": Price(input=5, output=25),
    "claude-opus-4-6": Price(input=5, output=25),
    "claude-opus-4-5": Price(input=5, output=25),
    "claude-opus": Price(input=15, output=75),
    "claude-sonnet-5-5": Price(input=2, output=10, cache_read=0.1),
    "claude-sonnet-5": Price(input=2, output=10),
    "claude-sonnet": Price(input=3, output=15),
    "claude-haiku-5-5": Price(input=0.1, output=0.5, long_above=100_000, long_factor=5),
    "claude-haiku": Price(input=1, output=5),
}
"""By the beginning of the model's id. A whole family's entry is its dearest price, for models that came later."""


class Prices:
    """Finds the price of a model.

    Args:
        own: the user's prices by the beginning of the id; they go before the listed ones.
    """

    def __init__(self, own: Mapping[str, Price] | None = None) -> None:
        self._tables = (own or {}, LISTED)

    def of(self, model: str) -> Price | None:
        """The price under the longest beginning of the id; None where there is none, as for a server of one's own."""
        for table in self._tables:
            if fitting := [name for name in table if model.startswith(name)]:
                return table[max(fitting, key=len)]
        return None


def in_dollars(usd: float) -> str:
    """A sum as people read it: cents, and as far as hundredths of cents where it is small."""
    if usd >= 1 or usd < 0.0001 or usd == round(usd, 2):
        return f"${usd:.2f}"
    return "$" + f"{usd:.4f}".rstrip("0").ljust(4, "0")
