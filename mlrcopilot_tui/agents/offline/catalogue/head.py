"""Places what a rewritten file needs at its head: imports among the imports, constants and helpers below them."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

import libcst as cst
from libcst import matchers as m

from mlrcopilot_tui.agents.offline.source import syntax_of, within

Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


@dataclass(slots=True)
class Head:
    """What is to be added at the head of a module.

    Attributes:
        imports: import statements, left out where the module has them already.
        constants: assignments of module constants, placed behind the others.
        helpers: functions and classes, placed in front of the first.
        unneeded: imported names that go where nothing reads them any more.
    """

    imports: list[str] = field(default_factory=list)
    constants: list[str] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)
    unneeded: list[str] = field(default_factory=list)

    def added_to(self, module: cst.Module) -> cst.Module:
        """`module` with all of it."""
        body = _without_unneeded(list(module.body), self.unneeded)
        for code in self.imports:
            if not imported(code) <= imported(module.code):
                body = _with_import(body, _parsed(module, code)[0])
        if self.constants:
            body = _with_constants(body, _parsed(module, "\n".join(self.constants)))
        for code in self.helpers:
            body = _with_helper(body, _parsed(module, code)[0])
        return module.with_changes(body=body)


def _parsed(module: cst.Module, code: str) -> list[Statement]:
    return list(cst.parse_module(code + "\n", module.config_for_parsing).body)


def imported(text: str) -> set[tuple[str, str, str]]:
    """What the module-level imports of the text bind: (module, name in it, name here)."""
    found: set[tuple[str, str, str]] = set()
    for node in syntax_of(text).body:
        if isinstance(node, ast.Import):
            found |= {(alias.name, "", alias.asname or alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "", alias.name, alias.asname or alias.name) for alias in node.names}
    return found


def _with_import(body: list[Statement], new: Statement) -> list[Statement]:
    """`new` joined to an import from the same module, else in its place among those of its package, else behind all."""
    name = _module_of(new)
    for index, item in enumerate(body):
        joined = _joined(item, new) if name and _module_of(item) == name else None
        if joined is not None:
            return [*body[:index], joined, *body[index + 1 :]]
    package = name.partition(".")[0]
    kin = [index for index, item in enumerate(body) if package and _module_of(item).partition(".")[0] == package]
    after = [index for index in kin if _module_of(body[index]) < name]
    place = after[-1] + 1 if after else kin[0] if kin else _behind_imports(body)
    if kin and not after:  # the comments and empty lines above the first of its package go above the new first
        first = body[place]
        new = new.with_changes(leading_lines=first.leading_lines)
        return [*body[:place], new, first.with_changes(leading_lines=()), *body[place + 1 :]]
    return [*body[:place], new, *body[place:]]


def _module_of(item: cst.CSTNode) -> str:
    """The module that a top-level import names first; empty for anything else."""
    for node in within(item, cst.ImportFrom) if _is_import(item) else ():
        return cst.Module(body=[]).code_for_node(node.module) if node.module is not None and not node.relative else ""
    for plain in within(item, cst.Import) if _is_import(item) else ():
        return plain.names[0].evaluated_name
    return ""


def _joined(item: Statement, new: Statement) -> Statement | None:
    """`from a import b, c` from `from a import b` and `from a import c`."""
    old, more = next(within(item, cst.ImportFrom), None), next(within(new, cst.ImportFrom), None)
    if old is None or more is None or isinstance(old.names, cst.ImportStar) or isinstance(more.names, cst.ImportStar):
        return None
    last = old.names[-1]
    parting = old.names[0].comma if len(old.names) > 1 else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    alias = more.names[0].with_changes(comma=last.comma)
    names = [*old.names[:-1], last.with_changes(comma=parting), alias]
    changed = item.deep_replace(old, old.with_changes(names=names))
    return changed if isinstance(changed, cst.SimpleStatementLine) else None


def _without_unneeded(body: list[Statement], names: Sequence[str]) -> list[Statement]:
    """The body without imports of these names that nothing else in it uses."""
    for name in names:
        uses = sum(node.value == name for item in body for node in within(item, cst.Name))
        for index, item in enumerate(body):
            node = next(within(item, cst.ImportFrom), None) if _is_import(item) else None
            if uses != 1 or node is None or isinstance(node.names, cst.ImportStar):
                continue
            kept = [alias for alias in node.names if alias.evaluated_name != name]
            if len(kept) == len(node.names):
                continue
            if not kept:
                return _without_unneeded(_without(body, index), [other for other in names if other != name])
            kept[-1] = kept[-1].with_changes(comma=node.names[-1].comma)
            changed = item.deep_replace(node, node.with_changes(names=kept))
            body = (
                [*body[:index], changed, *body[index + 1 :]] if isinstance(changed, cst.SimpleStatementLine) else body
            )
    return body


def _without(body: list[Statement], index: int) -> list[Statement]:
    """The body without one statement; the lines above it stay above the next."""
    gone, rest = body[index], body[index + 1 :]
    if rest and not rest[0].leading_lines:
        rest = [rest[0].with_changes(leading_lines=gone.leading_lines), *rest[1:]]
    return [*body[:index], *rest]


def _with_constants(body: list[Statement], new: list[Statement]) -> list[Statement]:
    start = _behind_imports(body)
    names = {node.value for item in new for node in within(item, cst.Name)}
    place = _before_use(body, _behind_constants(body, start), names)
    if place == start:  # none stands there yet: part them from the imports
        new[0] = new[0].with_changes(leading_lines=[cst.EmptyLine(indent=False)])
    return [*body[:place], *new, *body[place:]]


def _with_helper(body: list[Statement], new: Statement) -> list[Statement]:
    place = _before_use(body, _first_definition(body), _defined(new))
    blank = cst.EmptyLine(indent=False)
    return [*body[:place], new.with_changes(leading_lines=[blank, blank]), *_parted(body[place:])]


def _is_import(item: cst.CSTNode) -> bool:
    return m.matches(item, m.SimpleStatementLine(body=[m.AtLeastN(m.Import() | m.ImportFrom(), n=1)]))


def _behind_imports(body: Sequence[cst.CSTNode]) -> int:
    place = 0
    for index, item in enumerate(body):
        if _is_import(item):
            place = index + 1
        elif isinstance(item, cst.FunctionDef | cst.ClassDef):
            break
    docstring = m.SimpleStatementLine(body=[m.Expr(value=m.SimpleString())])
    return place or int(bool(body) and m.matches(body[0], docstring))


def _behind_constants(body: Sequence[cst.CSTNode], start: int) -> int:
    """Behind the first run of plain constants after the imports."""
    place = start
    for index in range(start, len(body)):
        if m.matches(
            body[index],
            m.SimpleStatementLine(
                body=[m.Assign(value=m.Integer() | m.Float() | m.SimpleString() | m.Name() | m.UnaryOperation())]
            ),
        ):
            place = index + 1
        elif place > start or isinstance(body[index], cst.FunctionDef | cst.ClassDef):
            break
    return place


def _first_definition(body: Sequence[Statement]) -> int:
    """In front of the first function or class, or of the first statement that does something."""
    for index, item in enumerate(body):
        if isinstance(item, cst.FunctionDef | cst.ClassDef):
            return index
    return _behind_constants(body, _behind_imports(body))


def _defined(item: Statement) -> set[str]:
    return {item.name.value} if isinstance(item, cst.FunctionDef | cst.ClassDef) else set()


def _before_use(body: Sequence[Statement], place: int, names: set[str]) -> int:
    """`place`, or an earlier one where statements before it read one of the names already."""
    for index, item in enumerate(body[:place]):
        if not _is_import(item) and any(node.value in names for node in within(item, cst.Name)):
            return index
    return place


def _parted(rest: Sequence[Statement]) -> list[Statement]:
    """`rest` with two empty lines in front of its first statement."""
    if not rest:
        return []
    first = rest[0]
    lines = [line for line in getattr(first, "leading_lines", ()) if line.comment is not None]
    blank = cst.EmptyLine(indent=False)
    return [first.with_changes(leading_lines=[blank, blank, *lines]), *rest[1:]]
