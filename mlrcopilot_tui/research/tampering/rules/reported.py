"""The rules `metric` and `evaluation` on code: what is reported, and what lies on the way to it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from mlrcopilot_tui.research.tampering.findings import Finding
from mlrcopilot_tui.research.tampering.script import Script, is_number
from mlrcopilot_tui.research.tampering.vocabulary import is_metric, words_of
from mlrcopilot_tui.research.tampering.way import CONSTANT, SET_BY_NAME, SHOWN, Way

_PICKS: Final = re.compile(r"min|max|sorted|argmin|argmax|nanmin|nanmax|argsort|nsmallest|nlargest|sort")
_NO_REPORTS: Final = frozenset({"add_argument", "ArgumentParser", "get", "getenv"})

CHOSEN: Final = "It chooses by the number that is reported, so that the best of several is what counts."


def reported(script: Script) -> Iterator[Finding]:
    """What lies on the way to the reported metric.

    Where nothing on it is held against any truth, what the script names and sets to a number is not the yardstick, but
    what is measured: its parameters.
    """
    way = way_of(script)
    for finding in way.atoms.values():
        parameter = finding.key.startswith(SET_BY_NAME) and not way.judged
        yield replace(finding, why="", lost="") if parameter else finding


def way_of(script: Script) -> Way:
    """The way to the reported metric: the last report's first, then those of the curve."""
    way = Way(script)
    reports = sorted(_reports(script), key=lambda report: _on_curve(script, report[0]))
    final = bool(reports) and not _on_curve(script, reports[0][0])
    for node, values in reports:
        way.passing = final and _on_curve(script, node)
        for value in values:
            if is_number(value):
                way.add(node, "reports a constant", CONSTANT)
            way.walk(value, top=True)
        _report(way, node, values)
    way.passing = False
    if not reports and not script.facts.evaluate:
        for name, made in script.source.functions.items():
            if is_metric(name, script.facts.metric) and "loss" not in words_of(name):
                for function in made:
                    way.returns(function, 0, None)
    _decisions(way)
    return way


def _on_curve(script: Script, node: ast.AST) -> bool:
    """Whether a report stands in a loop, as those of a learning curve do."""
    for up in script.source.ancestors(node):
        if isinstance(up, ast.For | ast.While):
            return True
        if isinstance(up, ast.FunctionDef):
            return False
    return False


def _decisions(way: Way) -> None:
    """Where the script chooses by the very number that it reports."""
    source = way.script.source

    def judged(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and source.callee(node).rpartition(".")[2] in way.judges

    for node in source.nodes:
        picks = isinstance(node, ast.Call) and _PICKS.fullmatch(source.callee(node).rpartition(".")[2] or "-")
        if way.judges and (picks or isinstance(node, ast.Compare)) and source.reaches(node, judged, deep=3):
            way.add(node, "decides by the metric", CHOSEN)


def _report(way: Way, node: ast.AST, values: list[ast.expr]) -> None:
    script = way.script
    statement = script.source.statement_of(node)
    if not values:
        text = script.source.text(node) or ""
        if re.search(script.facts.metric + r"\W{1,4}[-+.\d]", text):
            way.add(node, f"reports {text}", CONSTANT)
    way.add(node, "reports the metric", SHOWN)
    way.conditions(statement)


def _reports(script: Script) -> Iterator[tuple[ast.AST, list[ast.expr]]]:
    """Each place that names the metric with a value: (place, values)."""
    source = script.source
    for node in source.nodes:
        match node:
            case ast.Call() if source.callee(node).rpartition(".")[2] not in {
                "add_argument",
                "ArgumentParser",
                "get",
                "getenv",
            }:
                for at, arg in enumerate(node.args):
                    text = source.text(arg)
                    if text is not None and script.word.search(text) and not isinstance(arg, ast.Name):
                        yield arg, _values(script, arg, node.args[at + 1 :])
                for word in node.keywords:
                    if word.arg == script.facts.metric:
                        yield node, [word.value]
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if key is not None and source.text(key) == script.facts.metric:
                        yield node, [value]
            case ast.Assign(targets=[ast.Subscript(slice=key)], value=value) if source.text(key) == script.facts.metric:
                yield node, [value]


def _values(script: Script, node: ast.expr, following: list[ast.expr]) -> list[ast.expr]:
    """The values that a text holds behind the metric's name."""
    pieces = list(_pieces(node))
    named = False
    for piece in pieces:
        if named and isinstance(piece, ast.FormattedValue):
            return [piece]
        text = (
            script.source.text(piece) if not isinstance(piece, ast.FormattedValue) else script.source.text(piece.value)
        )
        if text and script.word.search(text + ("" if text.rstrip().endswith((":", "=")) else "\0")):
            named = True
            if re.search(re.escape(script.facts.metric) + r"\W{1,4}[-+]?\.?\d", text):
                return []
    rest = [piece for piece in pieces if not isinstance(piece, ast.Constant | ast.FormattedValue)]
    return [*rest, *following] if named else rest or following


def _pieces(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.JoinedStr(values=values):
            yield from values
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _pieces(left)
            yield from _pieces(right)
        case ast.BinOp(left=left, op=ast.Mod(), right=right):
            yield from _pieces(left)
            yield from right.elts if isinstance(right, ast.Tuple) else [right]
        case ast.Call(func=ast.Attribute(value=value, attr="format"), args=args, keywords=keywords):
            yield from _pieces(value)
            yield from args
            yield from (word.value for word in keywords)
        case _:
            yield node
