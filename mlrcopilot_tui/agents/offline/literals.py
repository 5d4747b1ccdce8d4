"""Reads and writes the literals that knobs are made of, in the style in which they stand."""

import math

import libcst as cst

Setting = float | int | bool | str
"""What a knob can be set to."""


def value_of(node: cst.BaseExpression) -> Setting | None:
    """The value of a number, boolean or string literal; None for anything else."""
    if isinstance(node, cst.Name):
        return {"True": True, "False": False}.get(node.value)
    if isinstance(node, cst.Integer | cst.Float):
        number: int | float = node.evaluated_value
        return number if math.isfinite(number) else None
    if isinstance(node, cst.SimpleString):
        text = node.evaluated_value
        return text if isinstance(text, str) else None
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
        inner = value_of(node.expression)
        return -inner if isinstance(inner, int | float) and not isinstance(inner, bool) else None
    return None


def literal(value: Setting, like: str) -> cst.BaseExpression:
    """A literal for `value`, written as `like`, the code that it replaces, is written: `1e-3`, `10_000`, `'rbf'`."""
    if isinstance(value, bool):
        return cst.Name(str(value))
    if isinstance(value, str):
        quote = "'" if like.startswith("'") else '"'
        return cst.SimpleString(f"{quote}{value}{quote}")
    return cst.parse_expression(f"{value:_}" if isinstance(value, int) and "_" in like else _number(value, like))


def shown(value: Setting, like: str = "") -> str:
    """`value` as a person writes it, in the style of `like`."""
    return str(value) if isinstance(value, bool | str) else _number(value, like)


def tidy(value: float, digits: int = 2) -> float:
    """`value` with so many significant digits: what a person would have typed."""
    return float(f"{value:.{digits - 1}e}") if value else 0.0


def _number(value: float, like: str) -> str:
    if isinstance(value, int):
        return str(value)
    if "e" in like.lower() and "x" not in like.lower() and value:
        mantissa, exponent = f"{value:e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    text = repr(value)
    if "e" in text and 1e-7 < abs(value) < 1e15:
        text = f"{value:.12f}".rstrip("0")
        text = text + "0" if text.endswith(".") else text
    return text
