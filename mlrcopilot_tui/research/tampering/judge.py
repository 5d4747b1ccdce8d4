"""All rules over one patch: the tags of its hunks, in their order."""

from collections.abc import Mapping

from mlrcopilot_tui.research.tampering.facts import Facts
from mlrcopilot_tui.session.model import Tag
from mlrcopilot_tui.workspace.patch import Patch


def tamper_tags(
    patch: Patch,
    before: Mapping[str, str],
    after: Mapping[str, str],
    facts: Facts,  # noqa: ARG001 - the rules that lean on them follow
) -> tuple[Tag, ...]:
    """The tags of a patch, by hunk; the same for equal arguments.

    Args:
        patch: the change.
        before: the text of each changed file as it was, by path; absent or empty where there was none.
        after: likewise as it becomes.
        facts: what the workspace's contract says.
    """
    _ = patch, before, after
    return ()
