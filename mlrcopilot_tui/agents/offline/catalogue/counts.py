"""Recognises a count-based language model written by hand: tables of counts, and a smoothed quotient of two of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from libcst import matchers as m

from mlrcopilot_tui.agents.offline.catalogue.edits import scope_of, statement_of
from mlrcopilot_tui.agents.offline.source import SourceFile, within


@dataclass(frozen=True, slots=True, eq=False)
class Counting:
    """Where n-grams are counted, all in one block.

    Attributes:
        joint, single: the statements `joint[…] += 1` and `single[…] += 1`; the second is None where totals are summed.
        tables: the code of the two tables; of the first alone where totals are summed.
        gram: the code of the n-gram where the first table is keyed by it, else empty.
        history: the name of the context; empty where it is the n-gram without its end.
        char: the code of what follows the context; empty where the n-gram is the key.
        nested: whether the key of the first table is `[history][char]`.
    """

    joint: cst.SimpleStatementLine
    single: cst.SimpleStatementLine | None
    tables: tuple[str, str]
    gram: str
    history: str
    char: str
    nested: bool


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """Where the probability is worked out: `(joint[history, char] + mass_1) / (single[history] + mass)`.

    Attributes:
        quotient: the division.
        statement: the line that holds it.
        seen, total: the code of the two counts, as functions of the context's name.
        history: the name of the context.
        added: the code of what the numerator adds.
        mass: the code of what the denominator adds.
        inlined: assignments that serve the quotient alone and go with it.
    """

    quotient: cst.BinaryOperation
    statement: cst.BaseStatement
    seen: str
    total: str
    history: str
    added: str
    mass: str
    inlined: tuple[cst.SimpleStatementLine, ...]


def counting(source: SourceFile) -> Counting | None:
    """The file's one place where n-grams are counted."""
    found = [made for block in source.find(cst.IndentedBlock) if (made := _counting_in(source, block)) is not None]
    return found[0] if len(found) == 1 else None


def scoring(source: SourceFile, tables: tuple[str, str]) -> Scoring | None:
    """The file's one quotient of counts in these tables, smoothed by an added constant."""
    found = [
        made for node in source.find(cst.BinaryOperation) if (made := _scoring_at(source, node, tables)) is not None
    ]
    return found[0] if len(found) == 1 else None


def _counting_in(source: SourceFile, block: cst.IndentedBlock) -> Counting | None:
    """The first line of the block that counts events, with the line that counts their contexts."""
    increments = list(_increments(block))
    for line, table, key in increments:
        if isinstance(table, cst.Subscript):  # counts[history][char] += 1
            history, outer = _key(table), source.code(table.value)
            if not isinstance(history, cst.Name):
                continue
            gram, context, char = "", history.value, source.code(key)
        elif isinstance(key, cst.Name | cst.Subscript):  # grams[gram] += 1
            outer, gram, context, char = source.code(table), source.code(key), "", ""
        elif isinstance(key, cst.BinaryOperation) and m.matches(key, m.BinaryOperation(m.Name(), m.Add())):
            outer, gram, context, char = source.code(table), "", source.code(key.left), source.code(key.right)
        else:
            continue
        wanted = {context} if context else _without_end(gram)
        single = next(
            (i for i in increments if i[0] is not line and source.code(i[2]).replace(" ", "") in wanted), None
        )
        nested = isinstance(table, cst.Subscript)
        if single is not None or nested:
            tables = (outer, source.code(single[1]) if single else "")
            return Counting(line, single[0] if single else None, tables, gram, context, char, nested)
    return None


def _without_end(gram: str) -> set[str]:
    """How code may write an n-gram without its last character."""
    plain = gram.replace(" ", "")
    if plain.endswith(":]"):
        return {f"{plain[:-1]}-1]"}
    return {f"{plain}[:-1]", f"{plain}[0:-1]", f"{plain}[:len({plain})-1]"}


_Increment = tuple[cst.SimpleStatementLine, cst.BaseExpression, cst.BaseExpression]


def _increments(block: cst.IndentedBlock) -> Iterator[_Increment]:
    """Each line `table[key] += 1` of the block itself: (line, table, key)."""
    counted = m.SimpleStatementLine(
        body=[m.AugAssign(target=m.Subscript(), operator=m.AddAssign(), value=m.Integer("1"))]
    )
    for line in block.body:
        if isinstance(line, cst.SimpleStatementLine) and m.matches(line, counted):
            target = next(within(line, cst.Subscript))
            key = _key(target)
            if key is not None:
                yield line, target.value, key


def _key(node: cst.Subscript) -> cst.BaseExpression | None:
    index = node.slice[0].slice if len(node.slice) == 1 else None
    return index.value if isinstance(index, cst.Index) and index.star is None else None


def _scoring_at(source: SourceFile, node: cst.BinaryOperation, tables: tuple[str, str]) -> Scoring | None:
    if not isinstance(node.operator, cst.Divide):
        return None
    inlined: list[cst.SimpleStatementLine] = []
    upper, lower = (_unfolded(source, side, inlined) for side in (node.left, node.right))
    statement = statement_of(source, node)
    above, below = _sum(source, upper, tables[0]), _sum(source, lower, tables[1] or tables[0])
    if statement is None or above is None or below is None:
        return None
    (seen, added), (total, mass) = above, below
    history = _history(source.code(seen), tables[0])
    if not history or not re.search(rf"\b{history}\b", source.code(total)):
        return None
    if added not in mass:  # `k` above and `k * size` below: what is added must be one share of what is added in all
        return None
    return Scoring(node, statement, source.code(seen), source.code(total), history, added, mass, tuple(inlined))


def _unfolded(
    source: SourceFile, node: cst.BaseExpression, inlined: list[cst.SimpleStatementLine]
) -> cst.BaseExpression:
    """What a name stands for where its one assignment in the function serves this use alone."""
    if not isinstance(node, cst.Name):
        return node
    scope = scope_of(source, node)
    uses = [name for name in within(scope, cst.Name) if name.value == node.value]
    made = [
        a
        for a in within(scope, cst.Assign)
        if len(a.targets) == 1 and m.matches(a.targets[0].target, m.Name(node.value))
    ]
    line = source.parent(made[0]) if len(made) == 1 and len(uses) == 2 else None
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return node
    inlined.append(line)
    return made[0].value


def _sum(source: SourceFile, node: cst.BaseExpression, table: str) -> tuple[cst.BaseExpression, str] | None:
    """The part of a sum that reads the table, and the code of the other part."""
    if not isinstance(node, cst.BinaryOperation) or not isinstance(node.operator, cst.Add):
        return None
    for read, other in ((node.left, node.right), (node.right, node.left)):
        code = source.code(read)
        if re.match(rf"(sum\()?{re.escape(table)}(\[|\.get\()", code) and table not in source.code(other):
            return read, source.code(other.with_changes(lpar=(), rpar=()))
    return None


def _history(seen: str, table: str) -> str:
    """The name of the context in `table[history + char]`, `table[history][char]` and their kin with `get`."""
    match = re.match(r"(?:\[|\.get\()\(?(\w+)(?:\]| ?\+|, )", seen.removeprefix(table))
    return match[1] if match else ""
