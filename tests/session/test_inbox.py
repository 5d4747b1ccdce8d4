"""The inbox: decisions in their order, and nothing in it that could stop or mislead the copilot."""

from pathlib import Path

import msgspec

from mlrcopilot_tui.session.inbox import Inbox, new_decision_id
from mlrcopilot_tui.session.model import Decision


def test_the_inbox_keeps_the_order_of_decisions(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    decisions = [Decision(id=new_decision_id(), kind="pause", text=str(i)) for i in range(20)]
    for decision in decisions:
        inbox.drop(decision)
    (inbox.folder / "torn.json").write_bytes(b'{"id": "x')
    assert inbox.waiting() == decisions
    assert (inbox.folder / "torn.bad").exists()
    inbox.discard(decisions[0])
    inbox.discard(decisions[0])
    assert inbox.waiting() == decisions[1:]


def test_files_that_are_no_decisions_are_set_aside(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    good = Decision(id=new_decision_id(), kind="pause")
    inbox.drop(good)
    (tmp_path / "victim.json").write_text("mine")
    for name, told in {"copy": good.id, "path": "../victim", "newer": "newer"}.items():
        kind = "teleport" if name == "newer" else "pause"
        (inbox.folder / f"{name}.json").write_bytes(msgspec.json.encode({"id": told, "kind": kind}))
    assert inbox.waiting() == [good]
    assert sorted(path.name for path in inbox.folder.glob("*.bad")) == ["copy.bad", "newer.bad", "path.bad"]
    inbox.discard(good)
    assert inbox.waiting() == []
    assert (tmp_path / "victim.json").exists()
