"""The catalogue's rewrites touch nothing that a number rests on: unattended, none of them waits for a person."""

import difflib
from pathlib import Path

import pytest

from mlrcopilot_tui.agents.offline.catalogue import TECHNIQUES
from mlrcopilot_tui.agents.offline.source import parse
from mlrcopilot_tui.research.tampering import Facts, tamper_tags
from mlrcopilot_tui.workspace.config import load_config
from mlrcopilot_tui.workspace.patch import parse as parse_patch

TEMPLATES = Path(__file__).parents[2] / "workspace_templates"


@pytest.mark.parametrize("template", ["digits", "charlm"])
def test_no_technique_is_tagged_where_it_is_shown_off(template: str) -> None:
    workspace = TEMPLATES / template / "workspace"
    config = load_config(workspace).config
    facts = Facts(
        command=config.run.command,
        metric=config.metric.name,
        direction=config.metric.direction,
        editable=config.files.editable,
        protected=config.files.protected,
    )
    before = (workspace / "train.py").read_text("utf-8")
    source = parse("train.py", before, tuple(path.read_text("utf-8") for path in workspace.glob("[!t]*.py")))
    assert source is not None
    changes = {technique.id: technique.apply(source) for technique in TECHNIQUES}
    after = {name: change.text for name, change in changes.items() if change is not None}
    assert len(after) >= 2
    tagged = {
        name: tamper_tags(parse_patch(_patch(before, text)), {"train.py": before}, {"train.py": text}, facts)
        for name, text in after.items()
    }
    assert {name: tags for name, tags in tagged.items() if tags} == {}


def _patch(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), "a/train.py", "b/train.py")
    return "".join(["diff --git a/train.py b/train.py\n", *lines])
