"""The rule `split`, second half: held-out data that takes part in training, or in what training is prepared from."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mlrcopilot_tui.research.tampering.findings import Finding, found
from mlrcopilot_tui.research.tampering.heldout import SPLITS, data_name, is_cut, is_input, reads_held_out
from mlrcopilot_tui.research.tampering.script import Script, is_number, plain_text
from mlrcopilot_tui.research.tampering.source import dotted
from mlrcopilot_tui.research.tampering.vocabulary import is_held_out, is_training

_FITS: Final = frozenset(
    {"fit", "fit_transform", "partial_fit", "fit_predict", "fit_resample", "adapt", "train_on_batch"}
)
_FITTED: Final = frozenset({"X", "y", "x", "data", "train_dataset", "dataset"})
_JOINS: Final = re.compile(
    r"(numpy|torch|cupy|jax\.numpy)\.(concatenate|vstack|concat|cat|append|r_|row_stack|stack)|pandas\.concat|"
    r"(torch\.utils\.data\.)?ConcatDataset|itertools\.chain(\.from_iterable)?|scipy\.sparse\.vstack|"
    r"datasets\.concatenate_datasets"
)
_GROWS: Final = frozenset({"extend", "append"})
_STATISTICS: Final = frozenset(
    {"mean", "std", "var", "min", "max", "median", "quantile", "percentile", "average", "unique"}
)

LEAKS: Final = "Held-out data takes part in training or in what training is prepared from."


def leaks(script: Script) -> Iterator[Finding]:
    """Held-out data that is fitted on, joined to training data, or averaged over."""
    for call in script.source.calls:
        for key in _of_call(script, call):
            yield found("split", call, f"{key}: {plain_text(call)}", LEAKS)
    for node in script.source.nodes:
        if _adds(node):
            yield found("split", node, plain_text(node), LEAKS)
        elif isinstance(node, ast.For) and reads_held_out(node.iter):
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call) and _trains(inner):
                    yield found("split", inner, f"trains on held-out data: {plain_text(inner)}", LEAKS)


def _of_call(script: Script, call: ast.Call) -> Iterator[str]:
    name = script.source.callee(call)
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if method in _FITS:
        fitted = [*call.args, *(word.value for word in call.keywords if word.arg in _FITTED)]
        if any(_flows(script, value) for value in fitted):
            yield "fitted on held-out data"
        elif call.args and _split_later(script, call.args[0], call):
            yield "fitted before the split"
    elif _JOINS.fullmatch(name) or method in {*_GROWS, "concatenate", "concat"}:
        if _joins(call, owner if method in _GROWS and not _JOINS.fullmatch(name) else None):
            yield "joined"
    elif name.rpartition(".")[2] in _STATISTICS or method in _STATISTICS:
        values = [owner] if owner is not None and not script.source.origins.get(dotted(owner)) else call.args[:1]
        if any(is_input(value) or _is_all_of_a_cut(script, value) for value in values):
            yield "over all rows"


def _trains(call: ast.Call) -> bool:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return method in {"backward", "partial_fit", "train_on_batch"} or (method == "step" and not call.args)


def _adds(node: ast.AST) -> bool:
    """Whether held-out data is added to training data by `+` or `+=`."""
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right) | ast.AugAssign(target=left, op=ast.Add(), value=right):
            names = [data_name(left), data_name(right)]
            held = [name for name in names if is_held_out(name)]
            return len(held) == 1 and any(is_training(name) for name in names)
    return False


def _joins(call: ast.Call, grown: ast.expr | None) -> bool:
    """Whether a call puts held-out rows to others; `grown` is the list that it extends, if it does."""
    values = [*call.args, *(word.value for word in call.keywords if word.arg not in {"axis", "dim"})]
    across = {plain_text(word.value) for word in call.keywords if word.arg in {"axis", "dim"}}
    across |= {plain_text(value) for value in values[1:] if is_number(value)}
    if across & {"1", "-1"}:
        return False
    if grown is not None:
        return is_training(data_name(grown)) and any(is_held_out(data_name(value)) for value in values)
    parts = [part for value in values for part in (value.elts if isinstance(value, ast.List | ast.Tuple) else [value])]
    held = [part for part in parts if reads_held_out(part)]
    named = any(is_held_out(data_name(part)) for part in held)
    return named and len(held) < len([part for part in parts if not is_number(part)])


def _flows(script: Script, node: ast.expr) -> bool:
    """Whether held-out data flows into an argument: by name, or joined to other data in one assignment."""
    node = node.value if isinstance(node, ast.Starred) else node
    if reads_held_out(node):
        return True
    made = script.source.bound(node.id, node) if isinstance(node, ast.Name) and not is_training(node.id) else []
    joins = [b.value for b in made if b.index is None and isinstance(b.value, ast.Call)]
    return any(_JOINS.fullmatch(script.source.callee(call)) and reads_held_out(call) for call in joins)


def _split_later(script: Script, node: ast.expr, call: ast.Call) -> bool:
    """Whether data is fitted on that the same function cuts further down."""
    name, source = dotted(node), script.source
    if not name or is_training(name) or is_held_out(name):
        return False
    for other in source.calls:
        here = other.lineno > call.lineno and source.scope_of(other) is source.scope_of(call)
        if here and SPLITS.fullmatch(source.callee(other)):
            made = [binding.value for arg in other.args for binding in source.bound(dotted(arg), arg)]
            if name in {dotted(arg) for arg in other.args} or any(name in source.within(value) for value in made):
                return True
    return False


def _is_all_of_a_cut(script: Script, node: ast.expr) -> bool:
    """Whether an expression reads all rows of what is cut elsewhere, those held out among them."""
    at: ast.AST = node
    while isinstance(at, ast.Subscript | ast.Attribute | ast.Call):
        if isinstance(at, ast.Subscript):
            if script.trains(at.slice) or script.held_out(at.slice):
                return False
            at = at.value
        else:
            at = at.func if isinstance(at, ast.Call) else at.value
    return isinstance(at, ast.Name) and is_cut(script, at.id, at)
