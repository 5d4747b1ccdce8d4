"""The rules `split` and `evaluation` on data: how it is cut into training and held-out parts, and who sees which."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mlrcopilot_tui.research.tampering.findings import Finding, found
from mlrcopilot_tui.research.tampering.script import Script, is_number, plain_text
from mlrcopilot_tui.research.tampering.source import dotted
from mlrcopilot_tui.research.tampering.vocabulary import is_held_out, is_training, words_of

_SPLITTERS: Final = re.compile(
    r"sklearn\.model_selection\.(train_test_split|\w*KFold|\w*ShuffleSplit|LeaveOneOut|LeavePOut|PredefinedSplit|"
    r"TimeSeriesSplit|cross_val_\w+|cross_validate|LeaveOneGroupOut)|torch\.utils\.data\.random_split|"
    r"(.*\.)?(train_test_split|random_split)|split_dataset|numpy\.(split|array_split)"
)
_SETS: Final = re.compile(r"sklearn\.datasets\.load_\w+|torchvision\.datasets\.\w+|(.*\.)?keras\.datasets\..*|torchtext\.datasets\..*")
_FITS: Final = frozenset({"fit", "fit_transform", "partial_fit", "fit_predict", "fit_resample", "adapt", "train_on_batch"})
_JOINS: Final = re.compile(
    r"(numpy|torch|cupy|jax\.numpy)\.(concatenate|vstack|concat|cat|append|r_|row_stack|stack)|pandas\.concat|"
    r"(torch\.utils\.data\.)?ConcatDataset|itertools\.chain(\.from_iterable)?|scipy\.sparse\.vstack|datasets\.concatenate_datasets"
)
_STATISTICS: Final = frozenset({"mean", "std", "var", "min", "max", "median", "quantile", "percentile", "average"})
_SUBSETS: Final = re.compile(r"torch\.utils\.data\.(Subset|SubsetRandomSampler)|random\.(sample|choices)|itertools\.(islice|compress|takewhile|dropwhile)|filter|numpy\.(delete|compress|extract|take)")
_SHORTENS: Final = frozenset({"drop_last", "limit_val_batches", "limit_test_batches", "validation_steps", "max_eval_samples", "max_samples_eval", "eval_steps_limit", "skip"})
_CUTS: Final = frozenset({"sample", "head", "tail", "query", "drop", "dropna", "nlargest", "nsmallest", "take", "select", "filter", "iloc", "loc", "truncate"})

CUT: Final = "It changes how the data is cut into what is trained on and what is judged on."
LEAKS: Final = "Held-out data takes part in training or in what training is prepared from."
FEWER: Final = "It changes which held-out examples the metric is computed on."
OTHER: Final = "It loads a data set of its own, which may hold the examples that the run is judged on."


def splits(script: Script) -> Iterator[Finding]:
    """How data is split, and where held-out data goes."""
    source = script.source
    for call in source.calls:
        yield from _call(script, call)
    for node in ast.walk(source.tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from _assigned(script, node, target, value)
            case ast.AugAssign(target=target, op=ast.Add(), value=value):
                if _pure(script, value, is_held_out) and not script.held_out(target):
                    if any(is_training(name) for name in source.within(target)) or not _counts(target):
                        yield found("split", node, plain_text(node), LEAKS)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                sides = [(left, right), (right, left)]
                if any(_pure(script, a, is_held_out) and _pure(script, b, is_training) for a, b in sides):
                    yield found("split", node, plain_text(node), LEAKS)
            case ast.For(target=target, iter=value) if script.held_out(value):
                yield from _loop(script, node)
            case ast.Subscript(ctx=ast.Load()):
                yield from _subscript(script, node)
            case ast.ListComp(generators=generators) | ast.GeneratorExp(generators=generators):
                for part in generators:
                    if part.ifs and _pure_data(script, part.iter):
                        yield found("evaluation", node, plain_text(node), FEWER)


def _call(script: Script, call: ast.Call) -> Iterator[Finding]:
    source = script.source
    name = source.callee(call)
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    values = [*call.args, *(word.value for word in call.keywords if word.arg not in {"eval_set", "validation_data"})]
    if _SPLITTERS.fullmatch(name):
        inner = bool(call.args) and all(_only_training(script, arg) for arg in call.args if not is_number(arg))
        if not inner:
            yield found("split", call, script.settled(call), CUT, lost=CUT)
    elif _SETS.fullmatch(name):
        yield found("split", call, name, OTHER)
    elif method in _FITS:
        if any(_flows_held(script, arg) for arg in call.args) or any(
            _flows_held(script, w.value) for w in call.keywords if w.arg in {"X", "y", "x", "data", "train_dataset"}
        ):
            yield found("split", call, f"held-out data in {method}: {plain_text(call)}", LEAKS)
        elif call.args and _unsplit(script, call.args[0], call):
            yield found("split", call, f"fitted before the split: {plain_text(call)}", LEAKS)
    elif _JOINS.fullmatch(name) or method in {"extend", "append", "concatenate", "concat"}:
        yield from _join(script, call, values, method)
    elif method in _STATISTICS and isinstance(call.func, ast.Attribute) and _is_input(call.func.value):
        yield found("split", call, plain_text(call), LEAKS)
    elif name.rpartition(".")[2] in _STATISTICS and values and _is_input(values[0]):
        yield found("split", call, plain_text(call), LEAKS)
    if _SUBSETS.fullmatch(name) and any(_pure_data(script, value) for value in values):
        yield found("evaluation", call, script.settled(call), FEWER)
    if method in _CUTS and isinstance(call.func, ast.Attribute) and _pure_data(script, call.func.value):
        yield found("evaluation", call, script.settled(call), FEWER)
    for word in call.keywords:
        if word.arg in _SHORTENS and not (isinstance(word.value, ast.Constant) and word.value.value in {False, None}):
            if word.arg != "drop_last" or any(script.held_out(value) for value in values) or script.held_out(source.statement_of(call)):
                yield found("evaluation", call, plain_text(word), FEWER)


def _join(script: Script, call: ast.Call, values: list[ast.expr], method: str) -> Iterator[Finding]:
    across = {plain_text(word.value) for word in call.keywords if word.arg in {"axis", "dim"}}
    if len(values) > 1 and is_number(values[-1]):
        across.add(plain_text(values[-1]))
    if across & {"1", "-1"}:
        return
    receiver = call.func.value if isinstance(call.func, ast.Attribute) else None
    grows = method in {"extend", "append"} and receiver is not None and not script.source.origin(receiver).startswith(("numpy", "torch", "pandas"))
    if grows and receiver is not None:
        joined = any(_pure(script, value, is_held_out) for value in values) and not script.held_out(receiver)
        if joined and any(is_training(name) for name in script.source.within(receiver)):
            yield found("split", call, plain_text(call), LEAKS)
        return
    parts = [part for value in values for part in (value.elts if isinstance(value, ast.List | ast.Tuple) else [value])]
    held = [part for part in parts if _flows_held(script, part)]
    if held and len(held) < len(parts) and any(_is_input(part) or _is_label(part) for part in held):
        yield found("split", call, plain_text(call), LEAKS)


def _assigned(script: Script, node: ast.Assign, target: ast.expr, value: ast.expr) -> Iterator[Finding]:
    """Where held-out data is born, and where it is made less."""
    names = [dotted(part) for part in (target.elts if isinstance(target, ast.Tuple | ast.List) else [target])]
    held = [name for name in names if name and is_held_out(name.rpartition(".")[2])]
    if not held:
        return
    values = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(names) else [value] * len(names)
    for name, part in zip(names, values, strict=True):
        if name not in held:
            continue
        reads_held = script.held_out(part)
        if not reads_held and script.trains(part) and not _SPLITTERS.fullmatch(_name_of(script, part)):
            yield found("evaluation", node, f"{name} = {plain_text(part)}", "Training data stands in for held-out data.")
        elif not reads_held and not isinstance(part, ast.List | ast.Dict | ast.Constant) and not _predicts(script, part):
            yield found("split", node, f"held-out = {script.settled(part)}", CUT, lost=CUT)
        elif is_number(part):
            yield found("split", node, f"held-out = {plain_text(part)}", CUT, lost=CUT)


def _name_of(script: Script, node: ast.expr) -> str:
    return script.source.callee(node) if isinstance(node, ast.Call) else ""


def _predicts(script: Script, node: ast.expr) -> bool:
    return any(script.is_model_call(inner) for inner in ast.walk(node))


def _loop(script: Script, node: ast.For) -> Iterator[Finding]:
    """A loop over held-out data that trains, or that ends before its end."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
            if inner.func.attr in {"backward", "partial_fit", "train_on_batch"} or (inner.func.attr == "step" and not inner.args):
                yield found("split", inner, f"trains on held-out data: {plain_text(inner)}", LEAKS)
        elif isinstance(inner, ast.Break | ast.Continue):
            yield found("evaluation", script.source.statement_of(inner), f"{type(inner).__name__} in a loop over held-out data", FEWER)


def _subscript(script: Script, node: ast.Subscript) -> Iterator[Finding]:
    """Rows taken of held-out data."""
    if not _pure_data(script, node.value) or isinstance(node.slice, ast.Constant):
        return
    if _columns(node.slice) or _batch(script, node.slice):
        return
    yield found("evaluation", node, f"rows {script.settled(node.slice)}", FEWER)


def _columns(index: ast.expr) -> bool:
    """Whether an index takes columns, or adds an axis: the rows stay."""
    if isinstance(index, ast.Tuple) and index.elts:
        first = index.elts[0]
        whole = isinstance(first, ast.Slice) and first.lower is None and first.upper is None and first.step is None
        return whole or (isinstance(first, ast.Constant) and first.value in {None, Ellipsis})
    if isinstance(index, ast.Slice):
        reverses = index.step is not None and plain_text(index.step) == "-1"
        return index.lower is None and index.upper is None and (index.step is None or reverses)
    return False


def _batch(script: Script, index: ast.expr) -> bool:
    """Whether an index is a batch that moves through the data: `[i : i + size]`, or an order of a permutation's part."""
    if isinstance(index, ast.Slice):
        if index.lower is None or index.upper is None or index.step is not None:
            return False
        return any(isinstance(up, ast.Name) for up in ast.walk(index.lower)) and _in_loop(script, index)
    return isinstance(index, ast.Name) and _in_loop(script, index) and any(b.kind == "loop" for b in script.source.bound(index.id, index))


def _in_loop(script: Script, node: ast.AST) -> bool:
    return any(isinstance(up, ast.For | ast.While | ast.comprehension | ast.ListComp | ast.GeneratorExp) for up in script.source.ancestors(node))


def _pure_data(script: Script, node: ast.expr) -> bool:
    """Whether an expression is held-out data itself: its name, or that name in a container or after a conversion."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return is_held_out(name) and not is_training(name)
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
            return is_held_out(key) or _pure_data(script, value)
        case ast.Call(func=ast.Attribute(value=value), args=[]):
            return _pure_data(script, value)
        case ast.Call(func=ast.Name(id="list" | "sorted" | "zip" | "enumerate" | "iter"), args=args):
            return any(_pure_data(script, arg) for arg in args)
    return False


def _pure(script: Script, node: ast.expr, asks: "object") -> bool:
    """Whether an expression is data of a kind by its own name."""
    name = dotted(node).rpartition(".")[2]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"list", "tuple"} and node.args:
        return _pure(script, node.args[0], asks)
    return bool(name) and callable(asks) and bool(asks(name))


def _flows_held(script: Script, node: ast.expr) -> bool:
    """Whether held-out data flows into an expression: by name, or through one assignment of a plain name."""
    if isinstance(node, ast.Starred):
        node = node.value
    if _held_here(script, node):
        return True
    if isinstance(node, ast.Name) and not is_training(node.id):
        made = script.source.bound(node.id, node)
        return any(b.kind == "assign" and b.index is None and _joins(script, b.value) for b in made)
    return False


def _joins(script: Script, node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and bool(_JOINS.fullmatch(script.source.callee(node))) and _held_here(script, node)


def _held_here(script: Script, node: ast.expr) -> bool:
    return any(
        is_held_out(name) and not is_training(name) for inner in ast.walk(node) for name in [_own_name(inner)] if name
    )


def _own_name(node: ast.AST) -> str:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""


def _only_training(script: Script, node: ast.expr) -> bool:
    names = [name for inner in ast.walk(node) if (name := _own_name(inner))]
    return bool(names) and any(is_training(name) for name in names) and not any(is_held_out(name) for name in names)


def _unsplit(script: Script, node: ast.expr, call: ast.Call) -> bool:
    """Whether data is fitted on that the same function splits later."""
    name = dotted(node)
    if not name or is_training(name) or is_held_out(name):
        return False
    scope = script.source.scope_of(call)
    for other in script.source.calls:
        later = other.lineno > call.lineno and script.source.scope_of(other) is scope
        if later and re.fullmatch(r"(.*\.)?(train_test_split|random_split)", script.source.callee(other)):
            made = [dotted(arg) for arg in other.args]
            feeds = {n for arg in other.args for b in script.source.bound(dotted(arg), arg) for n in script.source.within(b.value)} if made else set()
            if name in made or name in feeds:
                return True
    return False


def _is_input(node: ast.expr) -> bool:
    """Whether an expression is held-out inputs, rather than labels, losses or predictions on them."""
    name = dotted(node).rpartition(".")[2]
    words = words_of(name)
    return bool(name) and is_held_out(name) and not is_training(name) and not {"n", "num", "y", "labels", "size"} & set(words)


def _is_label(node: ast.expr) -> bool:
    name = dotted(node).rpartition(".")[2]
    return bool(name) and is_held_out(name)


def _counts(target: ast.expr) -> bool:
    return not any(is_training(word) for word in words_of(dotted(target).rpartition(".")[2]))
