"""Recognises a training loop written by hand: a loop over epochs with gradient steps `w -= rate * gradient` in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from mlrcopilot_tui.agents.offline.calls import callee
from mlrcopilot_tui.agents.offline.catalogue.edits import names_in, numpy_name
from mlrcopilot_tui.agents.offline.roles import normalised, role_of
from mlrcopilot_tui.agents.offline.source import SourceFile, nodes_in, within


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One gradient step.

    Attributes:
        node: the augmented or plain assignment.
        statement: the line that holds it.
        target, code: what is updated, and its code: `weights`, `self.w`, `params["w"]`.
        name: a word for the target that can begin an identifier: `weights`.
        rate: the node that is the step size.
        product, gradient: what is taken from the target, and its code without the step size.
    """

    node: cst.AugAssign | cst.Assign
    statement: cst.SimpleStatementLine
    target: "Target"
    code: str
    name: str
    rate: cst.BaseExpression
    product: cst.BaseExpression
    gradient: str


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """The loop over epochs, or over steps where there is no other.

    Attributes:
        node: the outermost `for`.
        counter: the loop variable.
        progress: code that runs from 0 to almost 1 over the loop.
        steps: the gradient steps in it.
    """

    node: cst.For
    counter: str
    progress: str
    steps: tuple[Step, ...]


_EPOCHS = re.compile(r"e|ep|epochs?")
_STEPS = re.compile(r"i|it|iters?|iterations?|steps?|t|_+")


def training_loop(source: SourceFile) -> Loop | None:
    """The file's training loop; None where there is none, or more than one.

    A loop over epochs comes first, then one over steps; of those within one another the outermost.
    """
    loops = [loop for node in source.find(cst.For) if (loop := _loop(source, node))]
    over_epochs = [loop for loop in loops if _counts_epochs(loop)]
    found = over_epochs or loops
    nodes = {loop.node for loop in found}
    outermost = [loop for loop in found if nodes.isdisjoint(source.ancestors(loop.node))]
    return outermost[0] if len(outermost) == 1 else None


def numpy_loop(source: SourceFile) -> Loop | None:
    """The training loop of a file that computes with numpy, where each parameter has one step and a plain name."""
    loop = training_loop(source)
    if loop is None or numpy_name(source) is None:
        return None
    names = [step.name for step in loop.steps]
    plain = all(isinstance(step.target, cst.Name | cst.Attribute) for step in loop.steps)
    return loop if plain and len(set(names)) == len(names) else None


def gradient_steps(source: SourceFile) -> tuple[Step, ...]:
    """Every gradient step of the file, in a loop or in a method that a loop elsewhere calls."""
    return tuple(_steps(source, source.module))


def _counts_epochs(loop: Loop) -> bool:
    if _EPOCHS.fullmatch(normalised(loop.counter)):
        return True
    roles = [role_of(name) for name in names_in(loop.node.iter)]
    return any(role is not None and role.id == "epochs" for role in roles)


def _loop(source: SourceFile, node: cst.For) -> Loop | None:
    if not isinstance(node.target, cst.Name):
        return None
    counter = normalised(node.target.value) or "_"
    if not (_EPOCHS.fullmatch(counter) or _STEPS.fullmatch(counter)):
        return None
    if not isinstance(node.body, cst.IndentedBlock):
        return None
    progress = _progress(source, node, node.target.value)
    steps = tuple(_steps(source, node))
    return Loop(node, node.target.value, progress, steps) if progress and steps else None


def _progress(source: SourceFile, node: cst.For, counter: str) -> str:
    """How far the loop is, as code over its counter; empty where its length cannot be told."""
    iterated = node.iter
    while isinstance(iterated, cst.Call) and callee(iterated) in {"tqdm", "track"} and iterated.args:
        iterated = iterated.args[0].value
    if (
        not isinstance(iterated, cst.Call)
        or callee(iterated) not in {"range", "trange"}
        or any(a.keyword for a in iterated.args)
    ):
        return ""
    bounds = [source.code(arg.value) for arg in iterated.args]
    if not 1 <= len(bounds) <= 2:
        return ""
    if len(bounds) == 1 or bounds[0] == "0":
        return f"{counter} / {_factor(bounds[-1])}"
    length = re.fullmatch(r"(\w+) \+ 1", bounds[1]) if bounds[0] == "1" else None
    return f"({counter} - {_factor(bounds[0])}) / {length[1] if length else f'({bounds[1]} - {_factor(bounds[0])})'}"


def _factor(code: str) -> str:
    return code if re.fullmatch(r"[\w.]+", code) else f"({code})"


def _steps(source: SourceFile, where: cst.CSTNode) -> Iterator[Step]:
    for statement in within(where, cst.SimpleStatementLine):
        for small in statement.body:
            step = _step(source, statement, small)
            if step is not None:
                yield step


def _step(source: SourceFile, statement: cst.SimpleStatementLine, small: cst.BaseSmallStatement) -> Step | None:
    if not isinstance(small, cst.AugAssign | cst.Assign) or len(statement.body) != 1:
        return None
    parts = _target_and_product(source, small)
    factored = _without_rate(source, parts[1]) if parts is not None else None
    if parts is None or factored is None:
        return None
    target, product = parts
    code = source.code(target)
    name = re.sub(r"\W+", "_", code.removeprefix("self.")).strip("_").lower()
    return Step(small, statement, target, code, name, factored[0], product, factored[1])


Target = cst.Name | cst.Attribute | cst.Subscript


def _target_and_product(
    source: SourceFile, small: cst.AugAssign | cst.Assign
) -> tuple[Target, cst.BaseExpression] | None:
    """`w` and `rate * gradient` in `w -= rate * gradient` and `w = w - rate * gradient`."""
    if isinstance(small, cst.AugAssign):
        target, product = small.target, small.value
        fits = isinstance(small.operator, cst.SubtractAssign)
    else:
        difference = small.value
        if len(small.targets) != 1 or not isinstance(difference, cst.BinaryOperation):
            return None
        target, product = small.targets[0].target, difference.right
        fits = isinstance(difference.operator, cst.Subtract) and source.code(difference.left) == source.code(target)
    return (target, product) if fits and isinstance(target, cst.Name | cst.Attribute | cst.Subscript) else None


def _without_rate(source: SourceFile, product: cst.BaseExpression) -> tuple[cst.BaseExpression, str] | None:
    """The step size in a chain of products and quotients, and the code of the chain without it."""
    if isinstance(product, cst.BinaryOperation) and isinstance(product.operator, cst.Multiply):
        for rate, other in ((product.left, product.right), (product.right, product.left)):
            if is_rate(rate) or _is_literal_rate(rate, source.code(other)):
                return rate, source.code(other)
    if isinstance(product, cst.BinaryOperation) and isinstance(
        product.operator, cst.Multiply | cst.Divide | cst.MatrixMultiply
    ):
        inner = _without_rate(source, product.left)
        if inner is not None:
            rest = source.code(product.with_changes(left=cst.Name("_"), lpar=(), rpar=()))[1:]
            return inner[0], f"{inner[1]}{rest}"
    return None


def _is_literal_rate(node: cst.BaseExpression, rest: str) -> bool:
    """Whether a small number stands where a step size would, in front of what looks like a gradient."""
    small = isinstance(node, cst.Float) and 0 < node.evaluated_value < 1
    return small and bool(re.search(r"\.T\b|grad|\bd[A-Z]\w*|\bd_?[wb]\d?\b|\bg\w?\d?\b", rest))


def is_rate(node: cst.BaseExpression) -> bool:
    """Whether the expression is a step size by its name: `lr`, `self.learning_rate`, `args.lr`, `config["lr"]`."""
    if isinstance(node, cst.Subscript) and len(node.slice) == 1:
        index = node.slice[0].slice
        key = index.value if isinstance(index, cst.Index) else None
        name = key.evaluated_value if isinstance(key, cst.SimpleString) else ""
    elif isinstance(node, cst.Attribute):
        name = node.attr.value
    else:
        name = node.value if isinstance(node, cst.Name) else ""
    role = role_of(str(name))
    return role is not None and role.id == "learning_rate"


def constant_in(loop: Loop, node: cst.BaseExpression) -> bool:
    """Whether nothing in the loop binds a name that `node` reads."""
    bound = {
        name
        for target in nodes_in(loop.node)
        if isinstance(target, cst.AssignTarget | cst.AugAssign | cst.For)
        for name in names_in(target.target)
        if isinstance(target.target, cst.Name | cst.Tuple)
    }
    return not bound & names_in(node)
