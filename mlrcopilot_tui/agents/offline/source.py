"""Gives the engine its view of the code: the editable Python files that the run reaches, parsed, with positions."""

import ast
import re
import shlex
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TypeVar

import libcst as cst
from libcst import matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider

from mlrcopilot_tui.agents.base import SourceTree
from mlrcopilot_tui.errors import CopilotError

MAX_CHARACTERS = 200_000
"""Longer files are left alone: they are data or generated, and resolving names in them takes seconds."""
MAX_FILES = 30

N = TypeVar("N", bound=cst.CSTNode)

_MEASURES = re.compile(
    r"(^|_)(eval\w*|metrics?|scor(e|es|ing|er)|test|tests|conftest|setup|splits?|grad(e|er|ing))(_|$)"
)


@dataclass(frozen=True, slots=True, eq=False)
class SourceFile:
    """One parsed file.

    Attributes:
        path: relative to the workspace.
        text: what was parsed.
        wrapper: its tree, with positions and names once they are asked for.
        nodes: every node of the tree, outer before inner, in the order of the text.
        names: every identifier in it.
        imports: what each imported name stands for: `{"np": "numpy", "SVC": "sklearn.svm.SVC"}`.
        others: the texts of the other Python files that the run reaches and nobody may edit.
        parents: what holds each node; the module is not in it.
    """

    path: str
    text: str
    wrapper: MetadataWrapper
    nodes: tuple[cst.CSTNode, ...]
    names: frozenset[str]
    imports: Mapping[str, str]
    others: tuple[str, ...]
    parents: Mapping[cst.CSTNode, cst.CSTNode]

    @property
    def module(self) -> cst.Module:
        """The tree whose nodes the metadata knows."""
        return self.wrapper.module

    def line(self, node: cst.CSTNode) -> int:
        """The line on which `node` begins, counted from 1."""
        return self.wrapper.resolve(PositionProvider)[node].start.line

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node that holds `node`; None for the module."""
        return self.parents.get(node)

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The nodes around `node`, innermost first."""
        current = self.parents.get(node)
        while current is not None:
            yield current
            current = self.parents.get(current)

    def origin(self, node: cst.BaseExpression) -> str:
        """The dotted name that `node` stands for by the file's imports: `sklearn.svm.SVC`; its code where by none."""
        first, dot, rest = self.code(node).partition(".")
        return f"{self.imports.get(first, first)}{dot}{rest}"

    def find(self, kind: type[N], matcher: m.BaseMatcherNode | None = None) -> Iterator[N]:
        """Every node of this kind that matches, in the order of the text."""
        return (n for n in self.nodes if isinstance(n, kind) and (matcher is None or m.matches(n, matcher)))

    def uses(self, *names: str) -> bool:
        """Whether any of these identifiers occurs in the file, as an attribute or a keyword too."""
        return not self.names.isdisjoint(names)

    def code(self, node: cst.CSTNode) -> str:
        """The text of `node`."""
        return self.module.code_for_node(node)


@lru_cache(maxsize=32)
def parse(path: str, text: str, others: tuple[str, ...] = ()) -> SourceFile | None:
    """The parsed file; None where it is no Python that parses or too large to be source. Kept for the next question."""
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        imports = _origins(syntax_of(text))
        module = cst.parse_module(text)
    except (SyntaxError, ValueError, RecursionError, cst.ParserSyntaxError, cst.CSTValidationError):
        return None
    nodes = tuple(nodes_in(module))
    parents = {child: node for node in nodes for child in _children(node)}
    names = frozenset(node.value for node in nodes if isinstance(node, cst.Name))
    return SourceFile(
        path, text, MetadataWrapper(module, unsafe_skip_copy=True), nodes, names, imports, others, parents
    )


def syntax_of(text: str) -> ast.Module:
    """The syntax tree of the text; warnings about it are its author's business.

    Raises:
        SyntaxError, ValueError, RecursionError: it is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _origins(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module or ''}.{alias.name}" for alias in node.names}
    return found


def within(root: cst.CSTNode, kind: type[N]) -> Iterator[N]:
    """Every node of this kind in `root`, itself included, in the order of the text."""
    return (node for node in nodes_in(root) if isinstance(node, kind))


def nodes_in(root: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Every node in `root` but layout, itself first, outer before inner, in the order of the text."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(_children(node)))


def _children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """Far faster than `CSTNode.children`, which walks by a visitor and brings every blank along."""
    found: list[cst.CSTNode] = []
    for name in _fields_of(type(node)):
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += [item for item in value if isinstance(item, cst.CSTNode)]
    return found


@cache
def _fields_of(kind: type[cst.CSTNode]) -> tuple[str, ...]:
    layout = ("whitespace", "leading_lines", "lines_after", "trailing", "header", "footer", "lpar", "rpar", "comma")
    return tuple(field.name for field in fields(kind) if not field.name.startswith(layout))


def load_sources(tree: SourceTree, command: str) -> tuple[SourceFile, ...]:
    """The editable files that `command` reaches through imports, its script first.

    Where the command names no Python file of the tree, all editable files count. Files that measure (evaluation,
    metrics, splits, tests) are left out even where they are editable: what judges an experiment is not its to change.
    """
    paths = {path.as_posix(): path for path in tree.files() if path.suffix == ".py"}
    script = script_of(command, paths)
    names = _reachable(tree, paths, script)
    mine = [n for n in names if tree.editable(paths[n]) and (n == script or not measures(paths[n].stem))]
    others = tuple(_read(tree, paths[name]) for name in names if name not in mine)
    sources = (parse(name, _read(tree, paths[name]), others) for name in mine[:MAX_FILES])
    return tuple(source for source in sources if source is not None)


def measures(name: str) -> bool:
    """Whether a file or function of this name is there to measure rather than to be improved."""
    return bool(_MEASURES.search(name.lower()))


def script_of(command: str, names: Iterable[str]) -> str | None:
    """The Python file or module among `names` that the run command starts."""
    known = set(names)
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    for before, word in pairwise(["", *words]):
        candidates = [PurePosixPath(word).as_posix()]
        if before == "-m":
            module = word.replace(".", "/")
            candidates = [f"{module}.py", f"{module}/__main__.py"]
        for candidate in candidates:
            if candidate in known:
                return candidate
    return None


def _read(tree: SourceTree, path: PurePosixPath) -> str:
    try:
        return tree.read(path)
    except CopilotError:
        return ""


def _reachable(tree: SourceTree, paths: dict[str, PurePosixPath], script: str | None) -> list[str]:
    if script is None:
        return sorted(paths)
    order, queue = [script], [script]
    while queue and len(order) < 4 * MAX_FILES:
        name = queue.pop(0)
        for target in _imported(name, _read(tree, paths[name])):
            if target in paths and target not in order:
                order.append(target)
                queue.append(target)
    return order


_IMPORT = re.compile(r"^\s*(?:from\s+(\.*)([\w.]*)\s+import\s+([\w ,(]*)|import\s+([\w., ]+))", re.MULTILINE)


def _imported(name: str, text: str) -> Iterator[str]:
    """The files that the imports of `name` may mean, beside it or from the workspace's root."""
    here = PurePosixPath(name).parent
    for dots, base, names, plain in _IMPORT.findall(text):
        modules = [part.split(" as ")[0].strip() for part in plain.split(",")] if plain else [base]
        folder = here
        for _ in range(len(dots) - 1):
            folder = folder.parent
        inner = [part.split(" as ")[0].strip(" (") for part in names.split(",")]
        for module in modules:
            stem = PurePosixPath(module.replace(".", "/")) if module else PurePosixPath()
            for root in (folder,) if dots else (folder, PurePosixPath()):
                yield (root / stem).as_posix() + ".py"
                yield (root / stem / "__init__.py").as_posix()
                yield from ((root / stem / part).as_posix() + ".py" for part in inner if part)
