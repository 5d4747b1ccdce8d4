"""Recognises where images are flattened into rows."""

import re
from collections.abc import Iterator

import libcst as cst
from libcst import matchers as m

from mlrcopilot_tui.agents.offline.catalogue.edits import scope_of
from mlrcopilot_tui.agents.offline.source import SourceFile


def flattened_images(source: SourceFile) -> Iterator[tuple[cst.Call, str]]:
    """`x.reshape(len(x), -1)` and its kin on something the code calls images, and the code of that something."""
    for node in source.find(cst.Call):
        if not isinstance(node.func, cst.Attribute) or node.func.attr.value != "reshape":
            continue
        base = source.code(node.func.value)
        args = [source.code(arg.value).replace(" ", "") for arg in node.args]
        if len(args) == 1 and args[0].startswith("("):
            args = args[0].strip("()").split(",")
        rows = {f"len({base})", f"{base}.shape[0]"}
        if len(args) == 2 and args[0] in rows and args[1] == "-1" and _are_images(source, node, base):
            yield node, base


def _are_images(source: SourceFile, node: cst.CSTNode, base: str) -> bool:
    if re.search(r"imag|img|digit|pixel|picture|frame", base.lower()):
        return True
    scope = scope_of(source, node)
    text = source.code(scope).lower()
    return isinstance(scope, cst.FunctionDef) and bool(re.search(r"imag|pixel|picture|\bn, \w+, \w+\)", text))


def with_scaling(source: SourceFile, node: cst.BaseExpression) -> cst.BaseExpression:
    """The expression with the scaling by a number that stands around `node`: `x.reshape(len(x), -1) / 16.0`."""
    parent = source.parent(node)
    while isinstance(parent, cst.BinaryOperation) and m.matches(parent.right, m.Integer() | m.Float()):
        node, parent = parent, source.parent(parent)
    return node
