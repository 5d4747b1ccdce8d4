"""Finds what can be turned in the editable code, and turns it without touching another byte."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import libcst as cst
from libcst import matchers as m

from mlrcopilot_tui.agents.offline.estimators import CHOICES, DEFAULTS
from mlrcopilot_tui.agents.offline.literals import Setting, literal, value_of
from mlrcopilot_tui.agents.offline.roles import Role, forbidden, normalised, role_of
from mlrcopilot_tui.agents.offline.source import SourceFile, measures, parse

MAX_KNOBS = 60
"""A repository of generated settings would otherwise drown the few that matter."""


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
class _Site:
    knob: Knob
    node: cst.BaseExpression  # the literal; the call where the keyword is absent


def find_knobs(sources: Iterable[SourceFile], command: str = "") -> tuple[Knob, ...]:
    """The knobs of the code in the order of the text, without those that `command` itself sets."""
    knobs = [site.knob for source in sources for site in _sites(source) if not _set_by(command, site.knob)]
    return tuple(knobs[:MAX_KNOBS])


def set_knobs(source: SourceFile, values: Mapping[str, Setting]) -> str:
    """The text of `source` with the knobs of these ids set; ids that it does not have are passed over."""
    current: SourceFile | None = source
    for knob_id, value in values.items():
        if current is None:
            break
        site = next((site for site in _sites(current) if site.knob.id == knob_id), None)
        if site is not None and site.knob.value != value:
            text = replace_nodes(current.module, {site.node: _turned(site, value)}).code
            current = parse(source.path, text, source.others)
    return source.text if current is None else current.text


def _turned(site: _Site, value: Setting) -> cst.BaseExpression:
    if isinstance(site.node, cst.Call) and not site.knob.written:
        return with_keyword(site.node, site.knob.name, literal(value, ""))
    return literal(value, site.knob.written).with_changes(lpar=site.node.lpar, rpar=site.node.rpar)


def replace_nodes(module: cst.Module, replaced: Mapping[cst.CSTNode, cst.CSTNode]) -> cst.Module:
    """`module` with each key, found by identity, replaced by its value; keys may lie within one another."""
    return module.visit(_Replacer(replaced))


class _Replacer(cst.CSTTransformer):
    """Replaces by identity; what changed within a replaced node is lost, so the outer replacement must hold it."""

    def __init__(self, replaced: Mapping[cst.CSTNode, cst.CSTNode]) -> None:
        super().__init__()
        self._replaced = {id(old): new for old, new in replaced.items()}

    def on_leave(  # type: ignore[override]  # as narrow as its only use
        self, original_node: cst.CSTNodeT, updated_node: cst.CSTNodeT
    ) -> cst.CSTNode:
        new = self._replaced.get(id(original_node))
        return updated_node if new is None else new


def with_keyword(call: cst.Call, name: str, value: cst.BaseExpression) -> cst.Call:
    """`call` with one keyword more, behind the others and laid out as they are."""
    new = cst.Arg(
        value=value,
        keyword=cst.Name(name),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )
    if not call.args:
        return call.with_changes(args=[new])
    last = call.args[-1]
    parting = cst.Comma(whitespace_after=_gap_between(call))
    if isinstance(last.comma, cst.Comma):
        return call.with_changes(
            args=[*call.args[:-1], last.with_changes(comma=parting), new.with_changes(comma=last.comma)]
        )
    closing = last.whitespace_after_arg
    plain = last.with_changes(comma=parting, whitespace_after_arg=cst.SimpleWhitespace(""))
    return call.with_changes(args=[*call.args[:-1], plain, new.with_changes(whitespace_after_arg=closing)])


def _gap_between(call: cst.Call) -> cst.BaseParenthesizableWhitespace:
    """What parts two arguments of the call: a space, or the line break and indent that its layout has."""
    first = call.args[0]
    if len(call.args) > 1 and isinstance(first.comma, cst.Comma):
        return first.comma.whitespace_after
    before = call.whitespace_before_args
    return before if isinstance(before, cst.ParenthesizedWhitespace) else cst.SimpleWhitespace(" ")


def _set_by(command: str, knob: Knob) -> bool:
    return knob.name.startswith("-") and bool(re.search(rf"(^|\s){re.escape(knob.name)}(\s|=|$)", command))


@lru_cache(maxsize=32)
def _sites(source: SourceFile) -> tuple[_Site, ...]:
    """Every knob of the file once, numbered where several have the same name."""
    found = [*_constants(source), *_calls(source), *_parameters(source), *_entries(source)]
    sites: list[_Site] = []
    seen: dict[str, int] = {}
    for site in sorted(found, key=lambda site: site.knob.line):
        seen[site.knob.id] = seen.get(site.knob.id, 0) + 1
        knob = site.knob
        if (count := seen[knob.id]) > 1:
            knob = Knob(
                id=f"{knob.id}#{count}", name=knob.name, where=knob.where, path=knob.path, line=knob.line,
                value=knob.value, written=knob.written, role=knob.role, choices=knob.choices,
            )  # fmt: skip
        sites.append(_Site(knob, site.node))
    return tuple(sites)


def _site(source: SourceFile, label: str, name: str, node: cst.BaseExpression, role_needed: bool) -> _Site | None:
    """The site of a literal under a name, where the name allows it to be changed."""
    value = value_of(node)
    role = role_of(name)
    if value is None or isinstance(value, str) or forbidden(name) or (role is None and role_needed):
        return None
    if not isinstance(value, bool) and (value < 0 or abs(value) > 1e9):
        return None  # -1 and huge numbers are signals, not amounts
    if isinstance(value, bool) and role is not None:
        return None
    choices: tuple[Setting, ...] = (False, True) if isinstance(value, bool) else ()
    where = name if label == name else f"{name} of {label}"
    suffix = name if label == name else f"{label}({name})"
    return _Site(
        Knob(
            f"{source.path}:{suffix}",
            name,
            where,
            source.path,
            source.line(node),
            value,
            source.code(node),
            role,
            choices,
        ),
        node,
    )


def _measured_within(source: SourceFile, node: cst.CSTNode) -> bool:
    """Whether the node lies in a function or class that measures, or under `if __debug__`-like switches."""
    return any(
        measures(normalised(outer.name.value))
        for outer in source.ancestors(node)
        if isinstance(outer, cst.FunctionDef | cst.ClassDef)
    )


def _constants(source: SourceFile) -> Iterator[_Site]:
    """Names assigned a literal once: at module level, and the fields of dataclasses and config classes."""
    counts: dict[str, int] = {}
    for bound in source.nodes:
        if isinstance(bound, cst.AssignTarget | cst.AugAssign) and isinstance(bound.target, cst.Name):
            counts[bound.target.value] = counts.get(bound.target.value, 0) + 1
    for node, target, value in _assignments(source):
        holder = next(
            (a for a in source.ancestors(node) if isinstance(a, cst.FunctionDef | cst.ClassDef | cst.Lambda)), None
        )
        name = target.value
        if holder is None:
            site = _site(source, name, name, value, role_needed=not name.isupper())
            if counts.get(name, 1) == 1 and site is not None:
                yield site
        elif isinstance(holder, cst.ClassDef) and not _measured_within(source, node):
            site = _site(source, holder.name.value, name, value, role_needed=not isinstance(node, cst.AnnAssign))
            if site is not None:
                yield site


def _assignments(source: SourceFile) -> Iterator[tuple[cst.CSTNode, cst.Name, cst.BaseExpression]]:
    for node in source.nodes:
        if isinstance(node, cst.Assign) and len(node.targets) == 1 and isinstance(node.targets[0].target, cst.Name):
            yield node, node.targets[0].target, node.value
        elif isinstance(node, cst.AnnAssign) and isinstance(node.target, cst.Name) and node.value is not None:
            value = node.value
            if isinstance(value, cst.Call) and m.matches(
                value.func, m.Name("field") | m.Attribute(attr=m.Name("field"))
            ):
                default = next(
                    (arg.value for arg in value.args if m.matches(arg, m.Arg(keyword=m.Name("default")))), None
                )
                if default is None:
                    continue
                value = default
            yield node, node.target, value


_NO_MODELS = re.compile(
    r"(^|_)(make|load|fetch|read|open|print|split|train_test_split|plot|savefig|array|zeros|ones|arange|linspace|range|"
    r"sum|mean|std|max|min|argmax|round|sorted|format|log|warn|info|debug|save|dump|path|counter|defaultdict|"
    r"argumentparser|default_rng|normal|choice|permutation|shuffle)(_|$)"
)


def callee(call: cst.Call) -> str:
    """The last name of what is called: `SVC` for `svm.SVC(…)`; empty for anything without a name."""
    func = call.func
    if isinstance(func, cst.Attribute):
        return func.attr.value
    return func.value if isinstance(func, cst.Name) else ""


def _calls(source: SourceFile) -> Iterator[_Site]:
    for node in source.find(cst.Call):
        name = callee(node)
        plain = normalised(name)
        if not name or _measured_within(source, node):
            continue
        if name == "add_argument":
            yield from _arguments(source, node)
        elif not (_NO_MODELS.search(plain) or measures(plain)):
            yield from _keywords(source, node, name)


def _keywords(source: SourceFile, call: cst.Call, name: str) -> Iterator[_Site]:
    is_class = name[:1].isupper()
    given = set()
    for arg in call.args:
        if arg.keyword is None:
            continue
        keyword = arg.keyword.value
        given.add(keyword)
        choices = CHOICES.get(name, {}).get(keyword, ())
        value = value_of(arg.value)
        if choices and isinstance(value, str) and value in choices:
            yield _Site(_keyword_knob(source, call, keyword, value, source.code(arg.value), choices), arg.value)
        elif (is_class or role_of(keyword)) and keyword not in {"fit_intercept", "copy", "warm_start"}:
            site = _site(source, name, keyword, arg.value, role_needed=not is_class or isinstance(value, bool))
            if site is not None:
                yield site
    if any(arg.star or arg.keyword is None for arg in call.args):
        return  # a positional argument or a ** may set it already
    for keyword, default in DEFAULTS.get(name, {}).items():
        if keyword not in given:
            choices = CHOICES.get(name, {}).get(keyword, ())
            yield _Site(_keyword_knob(source, call, keyword, default, "", choices), call)


def _keyword_knob(
    source: SourceFile, call: cst.Call, keyword: str, value: Setting, written: str, choices: tuple[Setting, ...]
) -> Knob:
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
        choices=choices,
    )


def _arguments(source: SourceFile, call: cst.Call) -> Iterator[_Site]:
    """`parser.add_argument("--lr", type=float, default=0.1)`."""
    flags = [value for arg in call.args if arg.keyword is None and isinstance(value := value_of(arg.value), str)]
    flag = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else "")
    default = next((arg.value for arg in call.args if arg.keyword is not None and arg.keyword.value == "default"), None)
    if default is None or not flag.startswith("-") or not isinstance(value_of(default), int | float):
        return
    site = _site(source, flag, flag, default, role_needed=isinstance(value_of(default), bool))
    if site is not None:
        yield site


def _parameters(source: SourceFile) -> Iterator[_Site]:
    """Defaults of parameters, where the name tells a role and no call in the file overrides it."""
    overridden = {arg.keyword.value for call in source.find(cst.Call) for arg in call.args if arg.keyword is not None}
    for node in source.find(cst.FunctionDef):
        if measures(normalised(node.name.value)) or _measured_within(source, node):
            continue
        for param in (*node.params.params, *node.params.kwonly_params):
            if param.default is None or param.name.value in overridden:
                continue
            site = _site(source, node.name.value, param.name.value, param.default, role_needed=True)
            if site is not None:
                yield site


_SETTINGS = re.compile(
    r"(^|_)(params?|parameters|config|cfg|conf|hparams?|hyper\w*|settings|args|options|defaults|kwargs|opts?)(_|$)"
)


def _entries(source: SourceFile) -> Iterator[_Site]:
    """`config = {"lr": 0.1, "epochs": 20}`."""
    for node, target, value in _assignments(source):
        name = normalised(target.value)
        if not isinstance(value, cst.Dict) or forbidden(name) or _measured_within(source, node):
            continue
        for element in value.elements:
            if (
                isinstance(element, cst.DictElement)
                and isinstance(key := value_of(element.key), str)
                and key.isidentifier()
            ):
                site = _site(source, target.value, key, element.value, role_needed=not _SETTINGS.search(name))
                if site is not None:
                    yield site
