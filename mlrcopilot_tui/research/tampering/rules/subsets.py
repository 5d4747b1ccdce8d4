"""The rule `evaluation` on data: which held-out examples the metric is computed on."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mlrcopilot_tui.research.tampering.findings import Finding, found
from mlrcopilot_tui.research.tampering.heldout import is_cut, is_data, takes_columns
from mlrcopilot_tui.research.tampering.script import Script, plain_text
from mlrcopilot_tui.research.tampering.source import dotted
from mlrcopilot_tui.research.tampering.vocabulary import word_set

_SUBSETS: Final = re.compile(
    r"torch\.utils\.data\.(Subset|SubsetRandomSampler)|random\.(sample|choices)|filter|"
    r"itertools\.(islice|compress|takewhile|dropwhile)|numpy\.(delete|compress|extract|take)"
)
_SHORTENS: Final = word_set(
    "drop_last limit_val_batches limit_test_batches validation_steps max_eval_samples max_samples_eval skip"
)
_THINS: Final = word_set("sample head tail query drop dropna nlargest nsmallest take truncate")
_CUTS: Final = _THINS | {"select", "filter"}
_LOOPS: Final = (ast.For, ast.While, ast.comprehension, ast.ListComp, ast.GeneratorExp)

FEWER: Final = "It changes which held-out examples the metric is computed on."
TREATED: Final = "It treats labels otherwise where the model is judged than where it is trained."


def subsets(script: Script) -> Iterator[Finding]:
    """Where held-out rows are left out."""
    source = script.source
    for call in source.calls:
        yield from _of_call(script, call)
    for node in source.nodes:
        match node:
            case ast.Assign(targets=[target], value=value) if is_cut(script, dotted(target), node) and _thins(value):
                yield found("evaluation", node, plain_text(node), FEWER)
            case ast.Assign(targets=[target], value=value) if is_data(target) and _is_filtered(value):
                yield found("evaluation", node, plain_text(value), FEWER)
            case ast.If(test=test) | ast.IfExp(test=test) if "training" in source.within(test) and script.truths(node):
                yield found("evaluation", node, plain_text(node)[:400], TREATED)
            case ast.For(iter=value) if script.held_out(value):
                yield from _cut_short(node)
            case ast.Subscript(value=value, slice=index, ctx=ast.Load()) if is_data(value) and _rows(script, index):
                yield found("evaluation", node, f"rows {script.settled(index)}", FEWER)
            case ast.ListComp(generators=parts) | ast.GeneratorExp(generators=parts):
                if any(part.ifs and is_data(part.iter) for part in parts):
                    yield found("evaluation", node, plain_text(node), FEWER)


def _cut_short(loop: ast.For) -> Iterator[Finding]:
    for node in ast.walk(loop):
        if isinstance(node, ast.Break | ast.Continue):
            yield found("evaluation", node, f"{type(node).__name__} in a loop over held-out data", FEWER)


def _of_call(script: Script, call: ast.Call) -> Iterator[Finding]:
    source = script.source
    values = [*call.args, *(word.value for word in call.keywords)]
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    cuts = isinstance(call.func, ast.Attribute) and method in _CUTS and is_data(call.func.value)
    if cuts or (_SUBSETS.fullmatch(source.callee(call)) and any(is_data(value) for value in values)):
        yield found("evaluation", call, script.settled(call), FEWER)
    for word in call.keywords:
        off = isinstance(word.value, ast.Constant) and word.value.value in {False, None}
        if (
            word.arg in _SHORTENS
            and not off
            and (word.arg != "drop_last" or script.held_out(source.statement_of(call)))
        ):
            yield found("evaluation", call, plain_text(word), FEWER)


def _rows(script: Script, index: ast.expr) -> bool:
    """Whether an index takes some of the rows, and not batch by batch all of them."""
    if isinstance(index, ast.Constant) or takes_columns(index):
        return False
    loops = any(isinstance(up, _LOOPS) for up in script.source.ancestors(index))
    if isinstance(index, ast.Slice):
        moves = index.lower is not None and any(isinstance(part, ast.Name) for part in ast.walk(index.lower))
        return not (loops and moves and index.upper is not None and index.step is None)
    counted = isinstance(index, ast.Name) and any(b.kind == "loop" for b in script.source.bound(index.id, index))
    return not (loops and counted)


def _is_filtered(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in _CUTS


def _thins(value: ast.expr) -> bool:
    """Whether rows are taken out of data."""
    for inner in ast.walk(value):
        match inner:
            case ast.Subscript(value=ast.Name() | ast.Attribute(), slice=index) if not takes_columns(index):
                masks = any(isinstance(part, ast.Compare | ast.Invert) for part in ast.walk(index))
                if masks or isinstance(index, ast.Slice):
                    return True
            case ast.Call(func=ast.Attribute(attr=method), keywords=keywords) if method in _THINS:
                if not any(word.arg in {"columns", "axis"} for word in keywords):
                    return True
    return False
