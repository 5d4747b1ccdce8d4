"""Grants: what the researcher let the runs of one patch do beyond what every run may."""

from mlrcopilot_tui.session.state import SessionState


def network_granted(state: SessionState, commit: str) -> bool:
    """Whether the runs of a commit may use the network: only where the approval of that very commit says so."""
    asked = {gate.id for gate in state.gates.values() if gate.kind == "patch" and gate.commit == commit}
    return any(answer.network for gate, answer in state.answers.items() if gate in asked and answer.answer == "approve")
