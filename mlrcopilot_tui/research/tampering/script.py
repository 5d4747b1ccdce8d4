"""One version of a file with the contract beside it: the questions that several rules ask."""

import ast
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from mlrcopilot_tui.research.tampering.facts import Facts
from mlrcopilot_tui.research.tampering.source import Function, Source, dotted
from mlrcopilot_tui.research.tampering.vocabulary import is_held_out, is_model, is_seed, is_training, is_truth
from mlrcopilot_tui.workspace.globs import Matcher

Setting = tuple[ast.AST, str, ast.expr]

SEED_VARIABLE = "MLRCOPILOT_SEED"
_PREDICTS = frozenset(
    [
        "predict",
        "predict_proba",
        "predict_log_proba",
        "decision_function",
        "forward",
        "generate",
        "predict_step",
        "infer",
        "prob",
        "transform",
    ]
)


@dataclass(frozen=True, eq=False)
class Script:
    """A file's source, and what the workspace's contract says."""

    source: Source
    facts: Facts

    @cached_property
    def _guarded(self) -> Matcher:
        words = shlex.split(self.facts.evaluate, posix=True) if self.facts.evaluate else []
        return Matcher((*self.facts.protected, *(word for word in words if word.endswith(".py"))))

    @cached_property
    def word(self) -> re.Pattern[str]:
        """The metric's name as a whole word, with what a report has behind it."""
        name = re.escape(self.facts.metric)
        return re.compile(
            rf"(?<![\w./%@-]){name}(?=[\"'`*]{{0,3}}(?:[ ]?[(\[][^()\[\]\n]{{1,12}}[)\]])?\s*[:=]|\Z|\s*\0|[\"'])"
        )

    def guards(self, origin: str) -> str:
        """The protected module from which a dotted name comes; empty for none."""
        parts = origin.lstrip(".").split(".")
        folder = self.source.path.rpartition("/")[0]
        roots = dict.fromkeys(("", f"{folder}/" if folder else "", "src/"))
        for end in range(len(parts), 0, -1):
            path = "/".join(parts[:end])
            if any(self._guarded(f"{root}{path}{tail}") for root in roots for tail in (".py", "/__init__.py")):
                return ".".join(parts[:end])
        return ""

    def local(self, call: ast.Call) -> Function | None:
        """The function of this file that a call calls, by its name or as a method."""
        name = call.func.attr if isinstance(call.func, ast.Attribute) else dotted(call.func)
        made = self.source.functions.get(name, [])
        return made[0] if len(made) == 1 else None

    def is_model_call(self, node: ast.AST) -> bool:
        """Whether a node is a call that looks like a model's prediction."""
        if not isinstance(node, ast.Call):
            return False
        if isinstance(node.func, ast.Attribute) and node.func.attr in _PREDICTS:
            return True
        return is_model(dotted(node.func).rpartition(".")[2])

    def is_prediction(self, node: ast.AST) -> bool:
        """Whether a node is a model's call that is not given the labels: given them, a model returns its loss."""
        return isinstance(node, ast.Call) and self.is_model_call(node) and not any(map(self.truths, node.args))

    def held_out(self, node: ast.AST) -> bool:
        """Whether an expression reads data on which the model is judged, by its own names."""
        return any(is_held_out(name) for name in self.source.within(node))

    def trains(self, node: ast.AST) -> bool:
        """Whether an expression reads training data, by its own names."""
        return any(is_training(name) for name in self.source.within(node))

    def truths(self, node: ast.AST) -> bool:
        """Whether an expression reads labels, by its own names."""
        return any(is_truth(name) for name in self.source.within(node))

    def seeded(self, node: ast.AST) -> bool:
        """Whether an expression comes of the seed."""
        return self.source.reaches(node, self._reads_seed)

    def _reads_seed(self, node: ast.AST) -> bool:
        match node:
            case ast.Constant(value=str(value)):
                return SEED_VARIABLE in value
            case ast.Name(id=name) | ast.Attribute(attr=name):
                return is_seed(name) or name in {"rng", "generator", "random_state"}
        return False

    def settled(self, node: ast.AST) -> str:
        """The node as code, with what the constants in it are, and whatever the seed is called."""
        names = sorted({inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)})
        values = [
            f"{name} = {plain_text(made[0].value)}"
            for name in names
            if len(made := self.source.bound(name, node)) == 1 and is_number(made[0].value)
        ]
        return re.sub(r"(?<![\"'\w])\w+", _without_seed, "; ".join((plain_text(node), *values)))

    def settings(self) -> Iterator[Setting]:
        """Each name that is given a value: by assignment, in a table, as a default or on the command line."""
        for node in self.source.nodes:
            match node:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        yield from _named(node, target, value)
                case (
                    ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value)
                ):
                    yield from _named(node, target, value)
                case ast.Dict(keys=keys, values=values):
                    pairs = zip(keys, values, strict=True)
                    yield from ((key, str(key.value), value) for key, value in pairs if isinstance(key, ast.Constant))
                case ast.arguments():
                    yield from _defaults(node)
                case ast.Call(func=ast.Name(id="dict"), keywords=keywords):
                    yield from ((word, word.arg, word.value) for word in keywords if word.arg)
                case ast.Call(func=ast.Attribute(attr="add_argument"), args=[*_, flag], keywords=keywords):
                    name = (self.source.text(flag) or "").lstrip("-").replace("-", "_")
                    yield from ((word, name, word.value) for word in keywords if word.arg in {"default", "const"})


def plain_text(node: ast.AST) -> str:
    """The node as code, without layout."""
    return ast.unparse(node)


def own_name(node: ast.AST) -> str:
    """The name that a node reads: a name, or an attribute of one; empty for any other node."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""


def is_number(node: ast.AST) -> bool:
    """Whether an expression is arithmetic on literal numbers."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.UnaryOp(operand=operand):
            return is_number(operand)
        case ast.BinOp(left=left, right=right):
            return is_number(left) and is_number(right)
    return False


def _named(node: ast.AST, target: ast.expr, value: ast.expr) -> Iterator[Setting]:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            yield node, name, value
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            parallel = isinstance(value, ast.Tuple) and len(value.elts) == len(targets)
            values = value.elts if isinstance(value, ast.Tuple) and parallel else [value] * len(targets)
            for one, its in zip(targets, values, strict=True):
                yield from _named(node, one, its)


def _defaults(node: ast.arguments) -> Iterator[Setting]:
    args = [*node.posonlyargs, *node.args]
    defaults = [*zip(args[len(args) - len(node.defaults) :], node.defaults, strict=True)]
    for arg, default in (*defaults, *zip(node.kwonlyargs, node.kw_defaults, strict=True)):
        if default is not None:
            yield default, arg.arg, default


def _without_seed(word: re.Match[str]) -> str:
    return "seed" if is_seed(word[0]) else word[0]
