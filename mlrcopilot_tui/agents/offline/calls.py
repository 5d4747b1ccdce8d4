"""Reads and extends calls: what is called, and one keyword more in the layout that the call has."""

import libcst as cst


def callee(call: cst.Call) -> str:
    """The last name of what is called: `SVC` for `svm.SVC(...)`; empty for anything without a name."""
    func = call.func
    if isinstance(func, cst.Attribute):
        return func.attr.value
    return func.value if isinstance(func, cst.Name) else ""


def with_keyword(call: cst.Call, name: str, value: cst.BaseExpression) -> cst.Call:
    """`call` with one keyword more, behind the others and laid out as they are."""
    none = cst.SimpleWhitespace("")
    new = cst.Arg(value=value, keyword=cst.Name(name), equal=cst.AssignEqual(none, none))
    if not call.args:
        return call.with_changes(args=[new])
    last = call.args[-1]
    parting = cst.Comma(whitespace_after=_gap_between(call))
    if isinstance(last.comma, cst.Comma):
        args = [*call.args[:-1], last.with_changes(comma=parting), new.with_changes(comma=last.comma)]
        return call.with_changes(args=args)
    closing = last.whitespace_after_arg
    plain = last.with_changes(comma=parting, whitespace_after_arg=none)
    return call.with_changes(args=[*call.args[:-1], plain, new.with_changes(whitespace_after_arg=closing)])


def _gap_between(call: cst.Call) -> cst.BaseParenthesizableWhitespace:
    """What parts two arguments of the call: a space, or the line break and indent that its layout has."""
    first = call.args[0]
    if len(call.args) > 1 and isinstance(first.comma, cst.Comma):
        return first.comma.whitespace_after
    before = call.whitespace_before_args
    return before if isinstance(before, cst.ParenthesizedWhitespace) else cst.SimpleWhitespace(" ")
