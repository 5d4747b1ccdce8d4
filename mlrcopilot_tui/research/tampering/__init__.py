"""Tamper tags: which hunks of a patch touch what the measured number rests on, so that none of them runs unseen."""

from mlrcopilot_tui.research.tampering.facts import Facts
from mlrcopilot_tui.research.tampering.judge import tamper_tags
from mlrcopilot_tui.session.model import Tag

__all__ = ["Facts", "Tag", "tamper_tags"]
