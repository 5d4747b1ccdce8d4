"""Consent: nothing of a workspace leaves this machine for an endpoint that its researcher did not agree to.

A cloned repository brings its own `mlrcopilot.toml`: so an endpoint is agreed to per workspace.
"""

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mlrcopilot_tui.agents.addresses import is_here
from mlrcopilot_tui.errors import EnvironmentLackError, RefusedError
from mlrcopilot_tui.research.agreements import is_kept, keep
from mlrcopilot_tui.session.events import GateAnswered
from mlrcopilot_tui.session.model import Gate
from mlrcopilot_tui.session.model_events import ConsentGiven
from mlrcopilot_tui.workspace.layout import Layout

if TYPE_CHECKING:
    from mlrcopilot_tui.research.bench import Bench

LEAVES: Final = "the paper's text, the code files that agents may see, what runs print, and your words"
STAYS: Final = (
    "Hidden files, shared data and the environment stay here; the key logs in there, and is recorded nowhere."
)
OFFLINE: Final = "The offline engine sends nothing: `mlrcopilot run --engine offline`."


def origin(endpoint: str) -> str:
    """What is agreed to: scheme, host and port of an endpoint's address; empty for an engine that has none."""
    parts = urlsplit(endpoint)
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}" if endpoint else ""


def needs_consent(endpoint: str) -> bool:
    """Whether what is sent there leaves this machine; names other than `localhost` do until shown otherwise."""
    return bool(endpoint) and not is_here(endpoint)


def is_agreed(layout: Layout, endpoint: str) -> bool:
    """Whether the researcher agreed to this endpoint in this workspace, to what is sent nowadays."""
    return is_kept(layout, origin(endpoint), LEAVES)


def may_send(layout: Layout, endpoint: str) -> bool:
    """Whether the workspace's endpoint may be sent anything at all, the key among it."""
    return not needs_consent(endpoint) or is_agreed(layout, endpoint)


def agree(layout: Layout, endpoint: str) -> None:
    """Keeps the researcher's consent."""
    keep(layout, origin(endpoint), LEAVES)


def question(endpoint: str) -> str:
    """What the researcher is asked; it names the endpoint, so that an answer is to this one."""
    return f"May this session send {LEAVES} to {origin(endpoint)}?"


def refuse_unagreed(bench: "Bench") -> None:
    """Holds a call back that nobody agreed to.

    Raises:
        EnvironmentLackError: the engine's endpoint needs a consent that is not given, or was withdrawn.
    """
    endpoint = bench.engine.endpoint
    if not may_send(bench.layout, endpoint):
        raise EnvironmentLackError(
            f"Nobody agreed that anything is sent to {origin(endpoint)} from this workspace.",
            f"Agree with `mlrcopilot consent --engine {bench.engine.name}`. {OFFLINE}",
        )


def what_stays(endpoint: str) -> str:
    """What does not leave, and what else is to be known before one agrees."""
    plain = urlsplit(endpoint).scheme == "http"
    return STAYS + " It is plain http: whoever is on the way can read all of it, and the key." * plain


async def consented(bench: "Bench") -> bool:
    """Sees to it that the engine may send what it works with, by asking where need be; False where it may not.

    Raises:
        EnvironmentLackError: it would have to be asked, and nobody is there.
    """
    endpoint, gates = bench.engine.endpoint, bench.gates
    for gate in list(bench.state.open_gates.values()):
        if gate.kind == "consent" and gate.question != question(endpoint):
            bench.session.record(GateAnswered(gate=gate.id, answer="reject", by="rule"))
    if not needs_consent(endpoint):
        return True
    if is_agreed(bench.layout, endpoint):
        gates.close("consent", "approve")
        if all(given.endpoint != origin(endpoint) for given in bench.state.consents):
            bench.session.record(ConsentGiven(endpoint=origin(endpoint), what=LEAVES, by="researcher"))
        return True
    if bench.settings.auto:
        refuse_unagreed(bench)
    gate = gates.open("consent", question(endpoint), forecast=what_stays(endpoint))
    return (await gates.answer(gate)).answer == "approve"


def give(bench: "Bench", gate: Gate, by: str) -> ConsentGiven:
    """Keeps the consent that an answer to `gate` gives.

    Raises:
        RefusedError: the gate asked about another endpoint than this process would use.
    """
    endpoint = bench.engine.endpoint
    if gate.question != question(endpoint):
        raise RefusedError("That question was about another endpoint.", "`mlrcopilot run` asks anew.")
    agree(bench.layout, endpoint)
    return ConsentGiven(endpoint=origin(endpoint), what=LEAVES, by=by)
