"""Grants: what the researcher let the runs of one patch do beyond what every run may."""

from mlrcopilot_tui.errors import RefusedError
from mlrcopilot_tui.session.model import Decision, Gate
from mlrcopilot_tui.session.state import SessionState


def network_granted(state: SessionState, commit: str) -> bool:
    """Whether the runs of a commit may use the network: only where the approval of that very patch says so.

    A patch that was approved whole and is written anew, because the champion had moved, is still that patch.
    """
    while (attempt := state.attempt_of(commit)) is not None and attempt.moved_from:
        commit = attempt.moved_from
    asked = {gate.id for gate in state.gates.values() if gate.kind == "patch" and gate.commit == commit}
    return any(answer.network for gate, answer in state.answers.items() if gate in asked and answer.answer == "approve")


def refuse_stray_grant(decision: Decision, gate: Gate | None) -> None:
    """Refuses a network that is not granted to a patch as it was shown.

    Raises:
        RefusedError: no patch is approved, or only a part of it, which becomes another patch.
    """
    if not decision.network:
        return
    if decision.kind != "approve" or gate is None or gate.kind != "patch":
        raise RefusedError(
            "The network is granted to one patch, when that is approved.", "`mlrcopilot status` shows what waits."
        )
    if decision.hunks or decision.patch:
        raise RefusedError(
            "The network is granted to a patch as it stands, not to a part of it.",
            "Approve all of it with --network, or the part without.",
        )
