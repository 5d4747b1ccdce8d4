"""Names that a patch only renames, so that a rename is not read as a change of what the names stand for."""

import ast
import copy
from difflib import SequenceMatcher

_BLANK = "\N{MIDDLE DOT}"


def plain(tree: ast.Module) -> ast.Module:
    """The tree without docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = [item for item in node.body if not _is_string(item)]
            node.body = body or [ast.Pass()]
    return tree


def _is_string(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def renamed(before: ast.Module, after: ast.Module) -> ast.Module:
    """The tree `before` with every name that the patch only renames already called as afterwards.

    A name counts as renamed where the old one is gone, the new one was not there, and statements that are otherwise the
    same pair them alike throughout.
    """
    old, new = _identifiers(before), _identifiers(after)
    gone, came = (old - new) & _own(before), (new - old) & _own(after)
    if not gone or not came:
        return before
    left, right = list(_statements(before)), list(_statements(after))
    masked = [_masked(item, gone) for item in left], [_masked(item, came) for item in right]
    pairs: dict[str, set[str]] = {}
    for block in SequenceMatcher(None, *masked, autojunk=False).get_matching_blocks():
        for at in range(block.size):
            for a, b in zip(_ordered(left[block.a + at]), _ordered(right[block.b + at]), strict=True):
                if a != b:
                    pairs.setdefault(a, set()).add(b)
    names = {a: next(iter(b)) for a, b in pairs.items() if len(b) == 1}
    values = list(names.values())
    names = {a: b for a, b in names.items() if values.count(b) == 1}
    return _Renaming(names).visit(copy.deepcopy(before)) if names else before


def _statements(tree: ast.Module) -> list[ast.AST]:
    """Simple statements and the heads of compound ones, in the order of the text."""
    return [node for node in _walk(tree) if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case)]


def _walk(node: ast.AST) -> list[ast.AST]:
    found = []
    for child in ast.iter_child_nodes(node):
        found += [child, *_walk(child)]
    return found


def _head(node: ast.AST) -> list[ast.AST]:
    """The node and what belongs to it, without the statements of its blocks."""
    found = [node]
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            found += _head(child)
    return found


def _names(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.arg(arg=name):
            return [name]
        case ast.keyword(arg=str(name)):
            return [name]
        case ast.Attribute(attr=name):
            return [name]
    return []


def _ordered(statement: ast.AST) -> list[str]:
    return [name for node in _head(statement) for name in _names(node)]


def _identifiers(tree: ast.Module) -> set[str]:
    return {name for node in ast.walk(tree) for name in _names(node)}


def _own(tree: ast.Module) -> set[str]:
    """The names that the file itself gives out; what it imports keeps its meaning with its name."""
    return {
        name
        for node in ast.walk(tree)
        if not isinstance(node, ast.Name | ast.Attribute | ast.keyword)
        or isinstance(getattr(node, "ctx", None), ast.Store)
        for name in _names(node)
    }


def _masked(statement: ast.AST, names: set[str]) -> str:
    parts = []
    for node in _head(statement):
        called = _names(node)
        constant = repr(node.value) if isinstance(node, ast.Constant) else ""
        parts.append(f"{type(node).__name__}{constant}{''.join(_BLANK if name in names else name for name in called)}")
    return "|".join(parts)


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._new = names

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for name in ("id", "name", "arg", "attr"):
            value = getattr(node, name, None)
            if isinstance(value, str) and value in self._new:
                setattr(node, name, self._new[value])
        return node
