"""Which expressions are held-out data: by their names, and by what the script cuts its data into."""

import ast
import re
from functools import lru_cache

from mlrcopilot_tui.research.tampering.script import Script, own_name
from mlrcopilot_tui.research.tampering.source import dotted
from mlrcopilot_tui.research.tampering.vocabulary import is_held_out, is_training, words_of

SPLITS = re.compile(r"(.*\.)?(train_test_split|random_split)")


def is_data(node: ast.expr) -> bool:
    """Whether an expression is held-out data itself: its name, or that name in a container or after a conversion."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return is_held_out(name) and not is_training(name)
        case ast.Subscript(value=value, slice=ast.Constant(value=str(key))):
            return is_held_out(key) or is_data(value)
        case ast.Call(func=ast.Attribute(value=value), args=[]):
            return is_data(value)
        case ast.Call(func=ast.Name(id="list" | "sorted" | "zip" | "enumerate" | "iter"), args=args):
            return any(is_data(arg) for arg in args)
    return False


def data_name(node: ast.expr) -> str:
    """The last name of an expression that is a name, or a list of what bears that name; empty for any other."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"list", "tuple"}
        and node.args
    ):
        return data_name(node.args[0])
    return dotted(node).rpartition(".")[2]


def reads_held_out(node: ast.AST) -> bool:
    """Whether held-out data is read somewhere in an expression."""
    names = [name for inner in ast.walk(node) if (name := own_name(inner))]
    return any(is_held_out(name) and not is_training(name) for name in names)


def only_training(node: ast.expr) -> bool:
    """Whether an expression reads training data and no held-out data."""
    names = [name for inner in ast.walk(node) if (name := own_name(inner))]
    return any(is_training(name) for name in names) and not any(is_held_out(name) for name in names)


def is_input(node: ast.expr) -> bool:
    """Whether an expression is held-out inputs, rather than labels or counts of them."""
    name = data_name(node)
    plain = not {"n", "num", "y", "labels", "size"} & set(words_of(name))
    return bool(name) and is_held_out(name) and not is_training(name) and plain


def takes_columns(index: ast.expr) -> bool:
    """Whether an index takes columns, adds an axis or turns the order: the rows stay."""
    if isinstance(index, ast.Tuple) and index.elts:
        first = index.elts[0]
        whole = isinstance(first, ast.Slice) and first.lower is None and first.upper is None and first.step is None
        return whole or (isinstance(first, ast.Constant) and first.value in {None, Ellipsis})
    if isinstance(index, ast.Slice):
        turns = index.step is None or ast.unparse(index.step) == "-1"
        return index.lower is None and index.upper is None and turns
    return False


@lru_cache(maxsize=8)
def cut_names(script: Script) -> frozenset[tuple[ast.AST, str]]:
    """The names, with their scopes, of what the script cuts into training and held-out rows."""
    source = script.source
    cut: list[tuple[ast.AST, str]] = []
    for call in source.calls:
        if SPLITS.fullmatch(source.callee(call)):
            cut += [(call, dotted(arg).removesuffix(".index")) for arg in call.args]
    for node in source.nodes:
        if isinstance(node, ast.Subscript) and script.held_out(node.slice) and not script.held_out(node.value):
            cut.append((node, dotted(node.value).removesuffix(".loc").removesuffix(".iloc")))
    return frozenset((source.home(name, node), name) for node, name in cut if name)


def is_cut(script: Script, name: str, at: ast.AST) -> bool:
    """Whether a name is data that the script cuts into training and held-out rows."""
    return bool(name) and (script.source.home(name, at), name) in cut_names(script)
