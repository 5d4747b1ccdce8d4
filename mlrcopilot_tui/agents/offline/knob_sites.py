"""Finds the places of one file where a setting stands as a literal: constants, keywords, defaults, entries, loops."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import libcst as cst
from libcst import matchers as m

from mlrcopilot_tui.agents.offline.calls import callee
from mlrcopilot_tui.agents.offline.estimators import CHOICES, DEFAULTS
from mlrcopilot_tui.agents.offline.literals import Setting, value_of
from mlrcopilot_tui.agents.offline.roles import Role, forbidden, normalised, role_of
from mlrcopilot_tui.agents.offline.source import SourceFile, measures, nodes_in, within


@dataclass(frozen=True, slots=True)
class Knob:
    """One value of the code that can be set to another.

    Attributes:
        id: stays the same while the code around it changes: "train.py:LEARNING_RATE", "train.py:SVC(C)#2".
        name: as it stands in the code: `LEARNING_RATE`, `C`, `--lr`.
        where: what it belongs to, for people: "LEARNING_RATE", "C of SVC".
        line: counted from 1.
        value: what it is set to now.
        written: the literal as it stands; empty where a keyword would have to be added.
        role: what its name tells; None where it tells nothing.
        choices: the known values of one that is no number.
    """

    id: str
    name: str
    where: str
    path: str
    line: int
    value: Setting
    written: str
    role: Role | None
    choices: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A knob with its node: the literal, or the call where the keyword is absent."""

    knob: Knob
    node: cst.BaseExpression


@lru_cache(maxsize=32)
def sites(source: SourceFile) -> tuple[Site, ...]:
    """Every knob of the file once, in the order of the text, numbered where several have the same name."""
    found = [*_assigned(source), *_calls(source), *_parameters(source), *_entries(source), *_loops(source)]
    numbered: list[Site] = []
    seen: Counter[str] = Counter()
    for site in sorted(found, key=lambda site: site.knob.line):
        seen[site.knob.id] += 1
        count = seen[site.knob.id]
        again = replace(site.knob, id=f"{site.knob.id}#{count}") if count > 1 else site.knob
        numbered.append(Site(again, site.node))
    return tuple(numbered)


def _site(
    source: SourceFile, node: cst.BaseExpression, name: str, holder: str = "", *, role_needed: bool = False
) -> Iterator[Site]:
    """The site of a literal under a name, where the name allows it to be changed; none otherwise."""
    value, role = value_of(node), role_of(name)
    if value is None or isinstance(value, str) or forbidden(name) or (role is None and role_needed):
        return
    if isinstance(value, bool):
        if role is not None:
            return
    elif value < 0 or value > 1e9:
        return  # -1 and huge numbers are signals, not amounts
    knob_id = f"{source.path}:{holder}({name})" if holder else f"{source.path}:{name}"
    where = f"{name} of {holder}" if holder else name
    choices: tuple[Setting, ...] = (False, True) if isinstance(value, bool) else ()
    yield Site(
        Knob(knob_id, name, where, source.path, source.line(node), value, source.code(node), role, choices), node
    )


def _in_measuring(source: SourceFile, node: cst.CSTNode) -> bool:
    """Whether the node lies in a function or class that measures."""
    return any(
        measures(normalised(outer.name.value))
        for outer in source.ancestors(node)
        if isinstance(outer, cst.FunctionDef | cst.ClassDef)
    )


def _assigned(source: SourceFile) -> Iterator[Site]:
    """Names assigned a literal once: in the module, in a class that declares settings, or in a function."""
    overridden = _keywords_used(source)
    counts: dict[cst.CSTNode, Counter[str]] = {}
    for node, target, value in _assignments(source):
        if value_of(value) is None:
            continue
        holder = next((a for a in source.ancestors(node) if isinstance(a, cst.FunctionDef | cst.ClassDef)), None)
        name, scope = target.value, holder or source.module
        if scope not in counts:
            counts[scope] = _bindings(scope)
        if holder is None:
            if counts[scope][name] == 1:
                yield from _site(source, value, name, role_needed=not name.isupper())
        elif _in_measuring(source, node) or measures(normalised(holder.name.value)):
            continue
        elif isinstance(holder, cst.FunctionDef):
            if counts[scope][name] == 1:
                yield from _site(source, value, name, _called(source, holder), role_needed=True)
        elif name not in overridden:
            declared = isinstance(node, cst.AnnAssign)
            yield from _site(source, value, name, holder.name.value, role_needed=not declared)


def _bindings(scope: cst.CSTNode) -> Counter[str]:
    """How often the scope binds each name, by assignment, in place or as a loop variable."""
    kinds = cst.AssignTarget | cst.AugAssign | cst.AnnAssign | cst.For
    bound = [node for node in nodes_in(scope) if isinstance(node, kinds)]
    return Counter(inner.value for node in bound for inner in within(node.target, cst.Name))


def _assignments(source: SourceFile) -> Iterator[tuple[cst.CSTNode, cst.Name, cst.BaseExpression]]:
    """(statement, name, value) of each assignment to a name; of a dataclass field its default."""
    for node in source.nodes:
        if isinstance(node, cst.Assign) and len(node.targets) == 1 and isinstance(node.targets[0].target, cst.Name):
            yield node, node.targets[0].target, node.value
        elif isinstance(node, cst.AnnAssign) and isinstance(node.target, cst.Name) and node.value is not None:
            field = isinstance(node.value, cst.Call) and callee(node.value) == "field"
            default = _argument(node.value, "default") if field and isinstance(node.value, cst.Call) else node.value
            if default is not None:
                yield node, node.target, default


def _argument(call: cst.Call, keyword: str) -> cst.BaseExpression | None:
    return next((a.value for a in call.args if a.keyword is not None and a.keyword.value == keyword), None)


def _keywords_used(source: SourceFile) -> set[str]:
    """Every keyword that a call of the file gives."""
    return {arg.keyword.value for call in source.find(cst.Call) for arg in call.args if arg.keyword is not None}


_NO_MODELS = re.compile(
    r"(^|_)(make|load|fetch|read|open|print|split|train_test_split|plot|savefig|array|zeros|ones|arange|linspace|range|"
    r"sum|mean|std|max|min|argmax|round|sorted|format|log|warn|info|debug|save|dump|path|counter|defaultdict|"
    r"argumentparser|default_rng|normal|choice|permutation|shuffle)(_|$)"
)


def _calls(source: SourceFile) -> Iterator[Site]:
    for call in source.find(cst.Call):
        name = callee(call)
        plain = normalised(name)
        if not name or _in_measuring(source, call):
            continue
        if name == "add_argument":
            yield from _flags(source, call)
        elif not (_NO_MODELS.search(plain) or measures(plain)):
            yield from _keywords(source, call, name)


def _keywords(source: SourceFile, call: cst.Call, name: str) -> Iterator[Site]:
    """`SVC(C=1.0, kernel="rbf")`, and what a known estimator leaves at its default."""
    is_class = name[:1].isupper()
    given = set()
    for arg in call.args:
        if arg.keyword is None:
            continue
        keyword = arg.keyword.value
        given.add(keyword)
        choices, value = CHOICES.get(name, {}).get(keyword, ()), value_of(arg.value)
        if choices and value in choices:
            yield Site(_of_estimator(source, call, keyword, value, source.code(arg.value)), arg.value)
        elif is_class or role_of(keyword):
            yield from _site(source, arg.value, keyword, name, role_needed=not is_class or isinstance(value, bool))
    if any(arg.star or arg.keyword is None for arg in call.args):
        return  # a positional argument or a ** may set it already
    for keyword, default in DEFAULTS.get(name, {}).items():
        if keyword not in given:
            yield Site(_of_estimator(source, call, keyword, default, ""), call)


def _of_estimator(source: SourceFile, call: cst.Call, keyword: str, value: Setting, written: str) -> Knob:
    name = callee(call)
    return Knob(
        id=f"{source.path}:{name}({keyword})",
        name=keyword,
        where=f"{keyword} of {name}",
        path=source.path,
        line=source.line(call),
        value=value,
        written=written,
        role=role_of(keyword),
        choices=CHOICES.get(name, {}).get(keyword, ()),
    )


def _flags(source: SourceFile, call: cst.Call) -> Iterator[Site]:
    """`parser.add_argument("--lr", type=float, default=0.1)`."""
    flags = [value for arg in call.args if arg.keyword is None and isinstance(value := value_of(arg.value), str)]
    flag = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else "")
    default = _argument(call, "default")
    if default is not None and flag.startswith("-") and not isinstance(value_of(default), bool):
        yield from _site(source, default, flag)


def _parameters(source: SourceFile) -> Iterator[Site]:
    """Defaults of parameters, where the name tells a role and no call in the file gives another value."""
    overridden = _keywords_used(source)
    positional: Counter[str] = Counter()
    for call in source.find(cst.Call):
        given = sum(arg.keyword is None for arg in call.args)
        positional[callee(call)] = max(positional[callee(call)], given)
    for node in source.find(cst.FunctionDef):
        if measures(normalised(node.name.value)) or _in_measuring(source, node):
            continue
        is_method = bool(node.params.params) and node.params.params[0].name.value == "self"
        for index, param in enumerate((*node.params.params, *node.params.kwonly_params)):
            given = index < positional[_called(source, node)] + is_method and param in node.params.params
            if param.default is not None and param.name.value not in overridden and not given:
                yield from _site(source, param.default, param.name.value, _called(source, node), role_needed=True)


def _called(source: SourceFile, function: cst.FunctionDef) -> str:
    """The name by which code calls the function: of `__init__` that of its class."""
    if function.name.value != "__init__":
        return function.name.value
    holder = next((outer for outer in source.ancestors(function) if isinstance(outer, cst.ClassDef)), None)
    return holder.name.value if holder is not None else "__init__"


_SETTINGS = re.compile(
    r"(^|_)(params?|parameters|config|cfg|conf|hparams?|hyper\w*|settings|args|options|defaults|kwargs|opts?)(_|$)"
)


def _entries(source: SourceFile) -> Iterator[Site]:
    """`config = {"lr": 0.1, "epochs": 20}`."""
    for node, target, value in _assignments(source):
        name = normalised(target.value)
        if not isinstance(value, cst.Dict) or forbidden(name) or _in_measuring(source, node):
            continue
        for element in value.elements:
            key = value_of(element.key) if isinstance(element, cst.DictElement) else None
            if isinstance(key, str) and key.isidentifier():
                role_needed = not _SETTINGS.search(name)
                yield from _site(source, element.value, key, target.value, role_needed=role_needed)


_EPOCHS = re.compile(r"e|ep|epochs?|it|iters?|iterations?|step")


def _loops(source: SourceFile) -> Iterator[Site]:
    """`for epoch in range(50)`."""
    counted = m.Call(func=m.Name("range") | m.Name("trange"), args=[m.Arg(value=m.Integer(), keyword=None)])
    for loop in source.find(cst.For):
        if not isinstance(loop.target, cst.Name) or not _EPOCHS.fullmatch(normalised(loop.target.value)):
            continue
        if isinstance(loop.iter, cst.Call) and m.matches(loop.iter, counted) and not _in_measuring(source, loop):
            yield from _site(source, loop.iter.args[0].value, "epochs", f"the loop over {loop.target.value}")
