"""Finds what can be turned in the editable code, and turns it without touching another byte."""

import re
from collections.abc import Iterable, Mapping, Sequence

import libcst as cst

from mlrcopilot_tui.agents.offline.calls import with_keyword
from mlrcopilot_tui.agents.offline.knob_sites import Knob, Site, sites
from mlrcopilot_tui.agents.offline.literals import Setting, literal
from mlrcopilot_tui.agents.offline.source import SourceFile, parse

__all__ = ["MAX_KNOBS", "Knob", "find_knobs", "set_knobs"]

MAX_KNOBS = 60
"""A repository of generated settings would otherwise drown the few that matter."""


def find_knobs(sources: Iterable[SourceFile], command: str = "") -> tuple[Knob, ...]:
    """The knobs of the code in the order of the text, without those that would have no effect.

    None has a constant that nothing reads, or a command-line default that `command` overrides.
    """
    files = tuple(sources)
    texts = [*(source.text for source in files), *(files[0].others if files else ())]
    knobs = [site.knob for source in files for site in sites(source)]
    return tuple(knob for knob in knobs if not _set_by(command, knob) and _is_read(texts, knob))[:MAX_KNOBS]


def set_knobs(source: SourceFile, values: Mapping[str, Setting]) -> str:
    """The text of `source` with the knobs of these ids set; ids that it does not have are passed over."""
    current: SourceFile | None = source
    for knob_id, value in values.items():
        if current is None:
            break
        site = next((site for site in sites(current) if site.knob.id == knob_id), None)
        if site is not None and site.knob.value != value:
            text = current.module.visit(_Replacer(site.node, _turned(site, value))).code
            current = parse(source.path, text, source.others)
    return source.text if current is None else current.text


class _Replacer(cst.CSTTransformer):
    """Replaces one node, found by identity."""

    def __init__(self, old: cst.CSTNode, new: cst.CSTNode) -> None:
        super().__init__()
        self._old, self._new = old, new

    def on_leave(  # type: ignore[override]  # as narrow as its only use
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> cst.CSTNode:
        return self._new if original_node is self._old else updated_node


def _turned(site: Site, value: Setting) -> cst.BaseExpression:
    if isinstance(site.node, cst.Call) and not site.knob.written:
        return with_keyword(site.node, site.knob.name, literal(value, ""))
    return literal(value, site.knob.written).with_changes(lpar=site.node.lpar, rpar=site.node.rpar)


def _set_by(command: str, knob: Knob) -> bool:
    return knob.name.startswith("-") and bool(re.search(rf"(^|\s){re.escape(knob.name)}(\s|=|$)", command))


def _is_read(texts: Sequence[str], knob: Knob) -> bool:
    """Whether a module constant is named anywhere but where it is set."""
    if knob.id != f"{knob.path}:{knob.name}" or not knob.name.isidentifier():
        return True
    return sum(len(re.findall(rf"\b{knob.name}\b", text)) for text in texts) > 1
