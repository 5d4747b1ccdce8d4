"""Recognises the arrays of a numpy script: what is trained on, what goes along with it, and where training starts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from mlrcopilot_tui.agents.offline.calls import callee
from mlrcopilot_tui.agents.offline.catalogue.edits import scope_of, statement_of
from mlrcopilot_tui.agents.offline.roles import normalised
from mlrcopilot_tui.agents.offline.source import SourceFile, within

_TRAIN = re.compile(
    r"(x|inputs?|data|features|images|feats?)_?(train|training|tr|trn|fit|labell?ed)|(train|training|tr|labell?ed)_?(x|inputs?|data|features|images|feats?)"
)
_OTHER = re.compile(
    r"(x|inputs?|data|features|images|feats?)_?(valid|validation|val|va|test|te|tst|dev|eval|heldout|holdout|unlabell?ed|pool)|"
    r"(valid|validation|val|va|test|te|dev|eval|heldout|holdout)_?(x|inputs?|data|features|images|feats?)"
)
_NO_ROWS = re.compile(r"model|net\b|loader|optim|args|config|cfg|rng|device|epoch|loss|criterion")
_FIT = re.compile(r"(.*_)?(fit|train|train_model|fit_model|learn|build_model|run_training)(_.*)?")


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The input arrays of one scope: those to train on, those that are treated the same way, and the last binding."""

    train: str
    others: tuple[str, ...]
    last: cst.BaseStatement

    @property
    def names(self) -> str:
        """All of them, as a tuple's code."""
        return ", ".join([self.train, *self.others])


def inputs(source: SourceFile) -> Inputs | None:
    """The file's training inputs and their siblings, where one block binds them all and each once."""
    for scope in scopes(source):
        here = bound(source, scope)
        train = [name for name in here if _TRAIN.fullmatch(normalised(name))]
        others = [name for name in here if _OTHER.fullmatch(normalised(name))]
        if len(train) != 1 or not others:
            continue
        places = [here[name] for name in (*train, *others)]
        if all(source.parent(place) is source.parent(places[0]) for place in places):
            return Inputs(train[0], tuple(others), max(places, key=source.line))
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Fitting:
    """A call that trains on rows `x` with targets `y`: the names, their code in the call and the statement."""

    statement: cst.BaseStatement
    x: str
    y: str
    scope: cst.CSTNode


def fittings(source: SourceFile) -> Iterator[Fitting]:
    """Calls like `train(features(images), labels, rng)` and `model.fit(x, y)` on plain names."""
    for node in source.find(cst.Call):
        if not _FIT.fullmatch(normalised(callee(node))) or len(node.args) < 2:
            continue
        first, second = node.args[0], node.args[1]
        if first.keyword or second.keyword or not isinstance(second.value, cst.Name):
            continue
        value = first.value
        while isinstance(value, cst.Call) and len(value.args) == 1:
            value = value.args[0].value
        statement = statement_of(source, node)
        if not isinstance(value, cst.Name) or _NO_ROWS.search(f"{value.value} {second.value.value}".lower()):
            continue
        if statement is not None and value.value != second.value.value:
            yield Fitting(statement, value.value, second.value.value, scope_of(source, node))


def scopes(source: SourceFile) -> Iterator[cst.CSTNode]:
    yield source.module
    yield from source.find(cst.FunctionDef)


def bound(source: SourceFile, scope: cst.CSTNode) -> dict[str, cst.BaseStatement]:
    """The names that statements of this very scope bind, each with its last binding; parameters are not among them."""
    found: dict[str, cst.BaseStatement] = {}
    for target in source.find(cst.AssignTarget):
        if scope_of(source, target) is not scope:
            continue
        statement = statement_of(source, target)
        for name in within(target.target, cst.Name):
            plain = target.target is name or isinstance(target.target, cst.Tuple | cst.List)
            if statement is not None and plain:
                found[name.value] = statement
    return found


def can_grow(source: SourceFile, arrays: Inputs) -> bool:
    """Whether columns may be added: nothing in the arrays' scope takes their number from elsewhere."""
    scope = scope_of(source, arrays.last)
    nodes = [node for node in within(scope, cst.Call) if scope_of(source, node) is scope]
    sized = [node for node in nodes if callee(node) in {"zeros", "ones", "randn", "normal", "rand", "empty", "uniform"}]
    taken = {name for node in sized for name in re.findall(r"(\w+)\.shape\b", source.code(node))}
    literal = any(isinstance(arg.value, cst.Integer) for node in sized for arg in node.args[:1])
    return taken <= {arrays.train, *arrays.others} and not literal


def is_scaled(source: SourceFile, name: str) -> bool:
    """Whether the code already centres or scales the array: `x_train - x_train.mean(axis=0)`."""
    return bool(re.search(rf"\b{re.escape(name)}\.(mean|std|min|max)\(", source.text))


def rebindable(source: SourceFile, fitting: Fitting) -> bool:
    """Whether the rows and the targets are bound in the scope of the call, so that they can be bound anew there."""
    here = bound(source, fitting.scope)
    return fitting.x in here and fitting.y in here
