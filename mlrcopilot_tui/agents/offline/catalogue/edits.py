"""Rewrites a file step by step while keeping its format: replacements, statements, constants, helpers, imports."""

import ast
from collections.abc import Callable, Sequence
from itertools import pairwise

import libcst as cst
from libcst import matchers as m

from mlrcopilot_tui.agents.offline.catalogue.head import Head
from mlrcopilot_tui.agents.offline.catalogue.soundness import sound
from mlrcopilot_tui.agents.offline.catalogue.technique import Change
from mlrcopilot_tui.agents.offline.source import SourceFile, nodes_in, syntax_of, within

Rewrite = Callable[[cst.CSTNode], cst.CSTNode]


class Edit:
    """Collects the changes to one file and makes its new text, or refuses where that would not be sound Python."""

    def __init__(self, source: SourceFile) -> None:
        self.source = source
        self._rewrites: dict[int, list[Rewrite]] = {}
        self._before: dict[int, list[str]] = {}
        self._after: dict[int, list[str]] = {}
        self._removed: set[int] = set()
        self._head = Head()
        self._line = 0

    def replace(self, node: cst.CSTNode, code: str) -> None:
        """Puts the expression `code` in the place of `node`."""
        self.rewrite(node, lambda _: cst.parse_expression(code, self.source.module.config_for_parsing))

    def rewrite(self, node: cst.CSTNode, how: Rewrite) -> None:
        """Puts what `how` makes of `node`, itself rewritten inside, in its place."""
        self._touch(node)
        self._rewrites.setdefault(id(node), []).append(how)

    def rewrite_call(self, call: cst.Call, how: Callable[[cst.Call], cst.Call]) -> None:
        """Puts what `how` makes of a call in its place."""
        self.rewrite(call, lambda node: how(node) if isinstance(node, cst.Call) else node)

    def rewrite_statement(self, node: cst.BaseSmallStatement, code: str) -> None:
        """Puts the simple statement `code` in the place of `node`, on its line and with its comments."""
        new = next(item for item in nodes_in(cst.parse_module(code)) if isinstance(item, cst.BaseSmallStatement))
        self.rewrite(node, lambda _: new)

    def replace_statement(self, statement: cst.BaseStatement, code: str) -> None:
        """Puts statements in the place of one."""
        self.before(statement, code)
        self.remove(statement)

    def remove(self, statement: cst.BaseStatement) -> None:
        """Takes a statement out, with the comments above it."""
        self._touch(statement)
        self._removed.add(id(statement))

    @property
    def indent(self) -> str:
        """One level of the file's indentation."""
        return self.source.module.default_indent

    def first_in(self, loop: cst.For | cst.While, code: str) -> None:
        """Inserts statements at the head of a loop's body."""
        first = loop.body.body[0]
        if isinstance(first, cst.BaseStatement):
            self.before(first, code)

    def last_in(self, loop: cst.For | cst.While, code: str) -> None:
        """Inserts statements at the end of a loop's body."""
        last = loop.body.body[-1]
        if isinstance(last, cst.BaseStatement):
            self.after(last, code)

    def before(self, statement: cst.BaseStatement, code: str) -> None:
        """Inserts statements in front of one."""
        self._touch(statement)
        self._before.setdefault(id(statement), []).append(code)

    def after(self, statement: cst.BaseStatement, code: str) -> None:
        """Inserts statements behind one."""
        self._touch(statement)
        self._after.setdefault(id(statement), []).append(code)

    def constant(self, name: str, value: str) -> None:
        """Adds a module constant behind the others; it becomes a knob like them."""
        self._head.constants.append(f"{name} = {value}")

    def helper(self, code: str) -> None:
        """Adds a function or class in front of the file's first."""
        self._head.helpers.append(code.strip("\n"))

    def need(self, statement: str) -> None:
        """Adds an import unless it stands at the top of the file already."""
        if statement not in self._head.imports:
            self._head.imports.append(statement)

    def unneeded(self, name: str) -> None:
        """Takes the import of a name out, unless something still reads it."""
        self._head.unneeded.append(name)

    def numpy(self) -> str:
        """The name under which the file knows numpy, importing it where it does not."""
        name = numpy_name(self.source)
        if name is None:
            self.need("import numpy as np")
        return name or "np"

    def done(self, **found: str) -> Change | None:
        """The change; None where nothing changed or the result is not sound."""
        module = self.source.module.visit(
            _Rewriter(self.source.module, self._rewrites, self._before, self._after, self._removed)
        )
        text = self._head.added_to(module).code
        if text == self.source.text or not sound(self.source.text, text, self.source.path):
            return None
        return Change(text, self._line or 1, found)

    def free(self, *names: str) -> bool:
        """Whether the file uses none of these names yet."""
        return not self.source.uses(*names)

    def _touch(self, node: cst.CSTNode) -> None:
        line = self.source.line(node)
        self._line = min(self._line, line) if self._line else line


class _Rewriter(cst.CSTTransformer):
    def __init__(
        self,
        module: cst.Module,
        rewrites: dict[int, list[Rewrite]],
        before: dict[int, list[str]],
        after: dict[int, list[str]],
        removed: set[int],
    ) -> None:
        super().__init__()
        self._config = module.config_for_parsing
        self._rewrites, self._before, self._after, self._removed = rewrites, before, after, removed

    def on_leave(  # type: ignore[override]  # as narrow as its only use
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> cst.CSTNode | cst.FlattenSentinel[cst.CSTNode] | cst.RemovalSentinel:
        node: cst.CSTNode = updated_node
        for how in self._rewrites.get(id(original_node), ()):
            node = how(node)
        front = self._statements(self._before.get(id(original_node), ()))
        back = self._statements(self._after.get(id(original_node), ()))
        gone = id(original_node) in self._removed
        if not front and not back:
            return cst.RemoveFromParent() if gone else node
        if front:
            front[0] = front[0].with_changes(leading_lines=getattr(node, "leading_lines", ()))
            node = node.with_changes(leading_lines=())
        return cst.FlattenSentinel([*front, *([] if gone else [node]), *back])

    def _statements(self, codes: Sequence[str]) -> list[cst.CSTNode]:
        items = [item for code in codes for item in cst.parse_module(code.strip("\n") + "\n", self._config).body]
        blank = [cst.EmptyLine(indent=False)]
        return [i.with_changes(leading_lines=blank) if isinstance(i, cst.FunctionDef) else i for i in items]


def parsed_call(code: str) -> cst.Call:
    """The call that `code` is."""
    node = cst.parse_expression(code)
    if not isinstance(node, cst.Call):
        raise TypeError(f"no call: {code}")
    return node


def quoted(codes: Sequence[str]) -> str:
    """Code in a sentence: "`w`, `v` and `b`"."""
    ticked = [f"`{code}`" for code in codes]
    return ticked[0] if len(ticked) == 1 else f"{', '.join(ticked[:-1])} and {ticked[-1]}"


def bare(code: str) -> str:
    """The expression as an argument: without parentheses around all of it."""
    node = cst.parse_expression(code)
    inner = node.with_changes(lpar=node.lpar[1:], rpar=node.rpar[1:]) if node.lpar else node
    return cst.Module(body=[]).code_for_node(inner)


def names_in(node: cst.CSTNode) -> set[str]:
    """Every identifier within `node`, attributes and keywords included."""
    return {found.value for found in within(node, cst.Name)}


def seed_name(source: SourceFile) -> str | None:
    """The name of the number that the file takes as the seed of its run, where it does so for all of the file.

    What a technique draws at random has to change with it: else equal draws in every run would pass for little noise.
    """
    for statement in syntax_of(source.text).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="int"), args=[given])):
                if "MLRCOPILOT_SEED" in ast.unparse(given):
                    return name
    return None


def numpy_name(source: SourceFile) -> str | None:
    """What the file calls numpy: `np` as a rule; None where it does not import it whole."""
    for node in source.find(cst.ImportAlias, m.ImportAlias(name=m.Name("numpy"))):
        return node.evaluated_alias or "numpy"
    return None


def statement_of(source: SourceFile, node: cst.CSTNode) -> cst.BaseStatement | None:
    """The statement that holds `node` and stands on lines of its own in a block or the module."""
    chain = [node, *source.ancestors(node)]
    for inner, outer in pairwise(chain):
        if isinstance(outer, cst.IndentedBlock | cst.Module) and isinstance(inner, cst.BaseStatement):
            return inner
    return None


def scope_of(source: SourceFile, node: cst.CSTNode) -> cst.FunctionDef | cst.Module:
    """The function, or else the module, whose names `node` sees first."""
    return next((outer for outer in source.ancestors(node) if isinstance(outer, cst.FunctionDef)), source.module)
