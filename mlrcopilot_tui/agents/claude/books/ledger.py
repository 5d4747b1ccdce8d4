"""The arithmetic of money: what a request can cost at most, what a call did cost, how much a budget lets be written."""

import json
import math
from typing import Final

from mlrcopilot_tui.agents.claude.books.prices import CacheTime, Price, in_dollars
from mlrcopilot_tui.agents.claude.turns import Request
from mlrcopilot_tui.agents.host import BudgetSpentError
from mlrcopilot_tui.session.model_events import Usage

MILLION: Final = 1_000_000
LEAST_OUTPUT: Final = 256
"""Tokens; a turn that may write less than this is not worth its input."""
UNSEEN_INPUT: Final = 2048
"""Tokens that servers add on their own: how actions and schemas are explained to the model took up to 700."""
UNSEEN_PER_BLOCK: Final = 16
"""Tokens around a message or a block that is sent."""


def input_bound(request: Request) -> int:
    """Tokens that the request's input does not exceed: no tokenizer makes more than one of each byte.

    For English and code this is three to four times the true number.
    """
    tools = [(tool.name, tool.description, tool.input_schema) for tool in request.tools]
    told = [request.system, request.messages, tools, request.schema]
    blocks = sum(1 + len(message["content"]) for message in request.messages)
    size = len(json.dumps(told, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass"))
    return size + UNSEEN_INPUT + UNSEEN_PER_BLOCK * (blocks + len(tools))


def bound(input_tokens: int, max_tokens: int) -> Usage:
    """What a call that was cut used at most."""
    return Usage(input_tokens=input_tokens, output_tokens=max_tokens, exact=False)


def capped(usage: Usage, most: Usage) -> Usage:
    """A usage that is a bound itself, where it is the lower one; reported numbers are left as they are."""
    if usage.exact:
        return usage
    written = min(usage.output_tokens, most.output_tokens)
    if usage.read_tokens > most.read_tokens:
        return Usage(input_tokens=most.read_tokens, output_tokens=written, exact=False)
    return Usage(
        input_tokens=usage.input_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        output_tokens=written,
        exact=False,
    )


def cost(usage: Usage, price: Price, kept: CacheTime = "5m") -> float:
    """Dollars at list price; input that is a bound counts at the dearest rate where nothing says how it was cached."""
    unknown = not usage.exact and not (usage.cache_read_tokens or usage.cache_write_tokens)
    dollars = (
        usage.input_tokens * (price.dearest_rate(kept) if unknown else price.input)
        + usage.cache_read_tokens * price.read_rate
        + usage.cache_write_tokens * price.write_rate(kept)
        + usage.output_tokens * price.output
    )
    return dollars * price.factor(usage.read_tokens) / MILLION


def affordable_output(
    request: Request, input_tokens: int, price: Price | None, usd: float | None, kept: CacheTime = "5m"
) -> int:
    """How many tokens the turn may write so that the call fits the budget even at its bound.

    Args:
        input_tokens: the bound of the request's input.
        price: None where the model has none; then no budget of dollars can bind it.
        usd: what may still be spent; None where there is no limit.

    Raises:
        BudgetSpentError: not even a short turn fits.
    """
    if price is None or usd is None:
        return request.max_tokens
    left = usd - cost(bound(input_tokens, 0), price, kept)
    rate = price.output * price.factor(input_tokens) / MILLION
    output = math.floor(left / rate) if rate else request.max_tokens
    least = min(LEAST_OUTPUT, request.max_tokens)
    if left < 0 or output < least:
        needed = cost(bound(input_tokens, least), price, kept)
        raise BudgetSpentError(
            f"The next call ({request.purpose}) may cost {in_dollars(needed)}; {in_dollars(max(0.0, usd))} is left.",
            "`mlrcopilot set --budget-usd X` raises it.",
        )
    return min(request.max_tokens, output)
