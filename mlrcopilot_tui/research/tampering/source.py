"""A Python file as the rules read it: its tree, where its names come from, and what binds them."""

import ast
import builtins
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module
Function = ast.FunctionDef | ast.AsyncFunctionDef

_BUILTINS: Final = frozenset(dir(builtins))
_GROWS: Final = frozenset({"append", "extend", "insert", "add", "update", "appendleft"})
_DEEP: Final = 12


@dataclass(frozen=True, slots=True)
class Binding:
    """What gives a name its value.

    Attributes:
        value: the expression; for a loop what it runs over.
        node: the statement.
        index: the position in the value where that is unpacked; None for all of it.
        kind: how it gets there.
    """

    value: ast.expr
    node: ast.AST
    index: int | None = None
    kind: str = "assign"  # assign, grow, loop, with


@dataclass(slots=True)
class Source:
    """One version of one file."""

    path: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...] = ()
    """Those of the tree, as `ast.walk` gives them: the rules go over them so often that walking took half the time."""
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    functions: dict[str, list[Function]] = field(default_factory=lambda: defaultdict(list))
    bindings: dict[tuple[Scope, str], list[Binding]] = field(default_factory=lambda: defaultdict(list))
    calls: list[ast.Call] = field(default_factory=list)

    @classmethod
    def of(cls, path: str, text: str) -> "Source":
        """Reads a file; SyntaxError or ValueError where it is no Python."""
        return cls.of_tree(path, ast.parse(text))

    @classmethod
    def of_tree(cls, path: str, tree: ast.Module) -> "Source":
        """A file that is parsed already."""
        source = cls(path, tree, tuple(ast.walk(tree)))
        for node in source.nodes:
            for child in ast.iter_child_nodes(node):
                source.parents[child] = node
        for node in source.nodes:
            source._take(node)
        source._take_aliases()
        return source

    def _take(self, node: ast.AST) -> None:
        match node:
            case ast.Import(names=names):
                for name in names:
                    self.origins[name.asname or name.name.split(".")[0]] = (
                        name.name if name.asname else name.name.split(".")[0]
                    )
            case ast.ImportFrom(module=module, names=names, level=level):
                whole = "." * level + (module or "")
                for name in names:
                    self.origins[name.asname or name.name] = f"{whole}.{name.name}"
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.functions[node.name].append(node)
            case ast.Call():
                self.calls.append(node)
                self._take_growth(node)
            case _:
                for target, value, kind in _bound(node):
                    self._bind(target, value, node, kind)

    def _take_growth(self, call: ast.Call) -> None:
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in _GROWS and call.args:
            name = dotted(func.value)
            if name:
                self.bindings[self.scope_of(call, name), name].append(Binding(call.args[-1], call, None, "grow"))

    def _bind(self, target: ast.expr, value: ast.expr, node: ast.AST, kind: str) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            parallel = isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) and kind == "assign"
            for at, part in enumerate(target.elts):
                if isinstance(part, ast.Starred):
                    self._bind(part.value, value, node, kind)
                elif parallel and isinstance(value, ast.Tuple):
                    self._bind(part, value.elts[at], node, kind)
                else:
                    self._bind_one(part, value, node, kind, at if kind == "assign" else None)
        else:
            self._bind_one(target, value, node, kind, None)

    def _bind_one(self, target: ast.expr, value: ast.expr, node: ast.AST, kind: str, index: int | None) -> None:
        if isinstance(target, ast.Tuple | ast.List):
            self._bind(target, value, node, kind)
            return
        name = dotted(target.value if isinstance(target, ast.Subscript) else target)
        if name:
            self.bindings[self.scope_of(node, name), name].append(Binding(value, node, index, kind))

    def _take_aliases(self) -> None:
        """Names that are another name for something imported or built in: `f = time.sleep`, `run = eval`."""
        for _ in range(3):
            for (_scope, name), made in self.bindings.items():
                if len(made) == 1 and made[0].index is None and made[0].kind == "assign" and name not in self.origins:
                    origin = self.origin(made[0].value)
                    if (origin and (origin.split(".")[0] in set(self.origins.values()) or "." in origin)) or (
                        origin in _BUILTINS and callable(getattr(builtins, origin))
                    ):
                        self.origins[name] = origin

    def scope_of(self, node: ast.AST, name: str = "") -> Scope:
        """The function in which a node stands, or the module; the module also for an attribute's pseudo-name."""
        if "." in name:
            return self.tree
        at: ast.AST | None = node
        while at is not None:
            at = self.parents.get(at)
            if isinstance(at, ast.FunctionDef | ast.AsyncFunctionDef):
                return at
        return self.tree

    def function_of(self, node: ast.AST) -> Function | None:
        """The function in which a node stands; None at the top."""
        scope = self.scope_of(node)
        return scope if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) else None

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """What holds the node, from the inside."""
        at = self.parents.get(node)
        while at is not None:
            yield at
            at = self.parents.get(at)

    def statement_of(self, node: ast.AST) -> ast.stmt:
        """The statement in which the node stands."""
        at = node
        while not isinstance(at, ast.stmt):
            at = self.parents[at]
        return at

    def bound(self, name: str, at: ast.AST) -> list[Binding]:
        """What binds a name where it is read: in its function, else in those around it, else in the module."""
        scope: Scope = self.scope_of(at, name)
        while True:
            made = self.bindings.get((scope, name))
            if made or scope is self.tree:
                return made or []
            scope = self.scope_of(scope)

    def home(self, name: str, at: ast.AST) -> Scope:
        """The scope to which a name belongs where it is read."""
        scope: Scope = self.scope_of(at, name)
        while scope is not self.tree:
            taken = isinstance(scope, Function) and any(arg.arg == name for arg in _parameters(scope))
            if taken or (scope, name) in self.bindings:
                return scope
            scope = self.scope_of(scope)
        return self.tree

    def origin(self, node: ast.AST) -> str:
        """What a name or attribute is, from its import on: `np.random.seed` is numpy.random.seed; empty: unknown.

        Also sees through `__import__("os")`, `importlib.import_module("os")` and `getattr(os, "system")`.
        """
        match node:
            case ast.Name(id=name):
                return self.origins.get(name, name)
            case ast.Attribute(value=value, attr=attr):
                base = self.origin(value)
                return f"{base}.{attr}" if base else ""
            case ast.Call(func=func, args=[first, *_]) if self.origin(func) in {
                "__import__", "importlib.import_module", "builtins.__import__",
            }:  # fmt: skip
                return self.text(first) or ""
            case ast.Call(func=ast.Name(id="getattr"), args=[value, key, *_]):
                base, attr = self.origin(value), self.text(key) or ""
                return f"{base}.{attr}" if base and attr else ""
        return ""

    def callee(self, call: ast.Call) -> str:
        """What a call calls, from its import on."""
        return self.origin(call.func)

    def text(self, node: ast.AST, depth: int = 0) -> str | None:
        """The string that an expression is known to be; a part that is not known is a NUL; None for no string."""
        match node:
            case ast.Constant(value=str(value)):
                return value
            case ast.JoinedStr(values=values):
                return "".join(self._piece(value, depth) for value in values)
            case ast.Subscript(value=ast.Constant(value=str(value)), slice=ast.Slice(step=ast.UnaryOp())):
                return value[::-1]
            case ast.Name(id=name) if depth < _DEEP:
                made = self.bound(name, node)
                plain = len(made) == 1 and made[0].index is None and made[0].kind == "assign"
                return self.text(made[0].value, depth + 1) if plain else None
        return self._joined(node, depth + 1) if depth < _DEEP else None

    def _joined(self, node: ast.AST, depth: int) -> str | None:
        """The string that an operation on strings gives."""
        match node:
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                parts = self.text(left, depth), self.text(right, depth)
                known = ("\0" if part is None else part for part in parts)
                return None if parts == (None, None) else "".join(known)
            case ast.BinOp(left=value, op=ast.Mod()) | ast.Call(func=ast.Attribute(value=value, attr="format")):
                return self.text(value, depth)
            case ast.Call(
                func=ast.Attribute(value=value, attr="join"), args=[ast.List(elts=items) | ast.Tuple(elts=items)]
            ):
                glue = self.text(value, depth)
                return None if glue is None else glue.join(self.text(item, depth) or "\0" for item in items)
        return None

    def _piece(self, node: ast.expr, depth: int) -> str:
        if isinstance(node, ast.FormattedValue):
            return self.text(node.value, depth + 1) or "\0"
        return self.text(node, depth + 1) or "\0"

    def within(self, node: ast.AST) -> Iterator[str]:
        """Every name and attribute read or written in a node."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                yield inner.id
            elif isinstance(inner, ast.Attribute):
                yield inner.attr

    def reaches(
        self, node: ast.AST, wanted: Callable[[ast.AST], bool], *, deep: int = 6, seen: frozenset[str] = frozenset()
    ) -> bool:
        """Whether an expression, or what binds the names in it, holds a node of which `wanted` is true."""
        for inner in ast.walk(node):
            if wanted(inner):
                return True
            if isinstance(inner, ast.Name) and deep and inner.id not in seen and isinstance(inner.ctx, ast.Load):
                further = seen | {inner.id}
                for binding in self.bound(inner.id, inner):
                    if binding.value is not node and self.reaches(binding.value, wanted, deep=deep - 1, seen=further):
                        return True
        return False


def _parameters(function: Function) -> list[ast.arg]:
    args = function.args
    return [*args.posonlyargs, *args.args, *args.kwonlyargs, *(arg for arg in (args.vararg, args.kwarg) if arg)]


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a chain of attributes on a name; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def _bound(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr, str]]:
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield target, value, "assign"
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
            yield target, value, "assign"
        case ast.AugAssign(target=target):
            operation = ast.BinOp(left=ast.Constant(value=None), op=node.op, right=node.value)
            yield target, ast.copy_location(operation, node), "grow"
        case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
            yield target, value, "loop"
        case ast.comprehension(target=target, iter=value):
            yield target, value, "loop"
        case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
            yield target, value, "with"
