"""What asking a model costs, as the header, the Agent tab and an idea tell it."""

from mlrcopilot_tui.session.state import SessionState, Spending
from mlrcopilot_tui.tui.glyphs import Glyphs
from mlrcopilot_tui.tui.views import Role, Segment

_NEARLY = 0.8
"""The share of the budget from which on the header calls attention to it."""


def asks_model(state: SessionState) -> bool:
    """Whether the session's engine asks a model, so that tokens and money are spent."""
    return state.started is not None and (state.engine != "offline" or state.spending.calls > 0)


def budget(state: SessionState) -> float:
    """The dollars that the session may spend; 0 without a limit."""
    limit = state.settings.get("usd")
    return float(limit) if isinstance(limit, int | float) else 0.0


def dollars(usd: float) -> str:
    """Dollars and cents; less than a cent with as many digits as it takes to be something."""
    return f"{usd:.2g}" if 0 < usd < 0.005 else f"{usd:.2f}"


def tokens(count: int) -> str:
    """A number of tokens in thousands or millions: `152k`, `1.2M`."""
    if count < 1000:
        return str(count)
    if count < 999_500:
        return f"{count / 1000:.0f}k"
    return f"{count / 1_000_000:.3g}M"


def cost(spending: Spending) -> str:
    """Dollars, or tokens where the model has no price."""
    if spending.calls and spending.unpriced == spending.calls:
        return f"{tokens(spending.read_tokens + spending.output_tokens)} tok"
    return f"${dollars(spending.usd)}" + ("+" if spending.unpriced else "")


def money(state: SessionState) -> Segment:
    """What was spent of what may be, for the header."""
    spent, limit = state.spending, budget(state)
    role: Role = "waiting" if limit and spent.usd >= _NEARLY * limit else "plain"
    told = cost(spent)
    return Segment(f"{told}/{dollars(limit)}" if limit and told.startswith("$") else told, role, rank=1, right=True)


def model_name(state: SessionState) -> str:
    """The model in force, as far as the journal tells; empty for the engine's own choice."""
    chosen = state.settings.get("model")
    return str(chosen) if chosen else state.started.model if state.started is not None else ""


def status(state: SessionState) -> tuple[Segment, ...]:
    """The line above the agents' words: the model, how much of its input came from the cache, and what it cost."""
    if not asks_model(state):
        return ()
    spent = state.spending
    line = [Segment(model_name(state) or "model by the engine's choice", "strong", rank=5)]
    if spent.hit_rate is not None:
        line.append(Segment(f"cached {100 * spent.hit_rate:.0f} %", rank=1))
    line.append(Segment(_flow(spent), "muted", rank=4))
    if spent.bounded:
        line.append(Segment(_cut(spent), "muted", rank=3))
    line.append(Segment(_calls(spent), "muted", rank=2, right=True))
    line.append(money(state))
    return tuple(line)


def spent_on(spending: Spending, glyphs: Glyphs) -> str:
    """What one idea cost, in a line; empty where no model was asked for it."""
    if not spending.calls:
        return ""
    cached = f", {100 * spending.hit_rate:.0f} % cached" if spending.hit_rate else ""
    parts = [cost(spending), _flow(spending) + cached, _calls(spending)]
    if spending.bounded:
        parts.append(_cut(spending))
    return f" {glyphs.dot} ".join(parts)


def _flow(spending: Spending) -> str:
    return f"{tokens(spending.read_tokens)} in, {tokens(spending.output_tokens)} out"


def _cut(spending: Spending) -> str:
    return f"{spending.bounded} cut, at {'its' if spending.bounded == 1 else 'their'} bound"


def _calls(spending: Spending) -> str:
    return f"{spending.calls} call{'s' * (spending.calls != 1)}"
