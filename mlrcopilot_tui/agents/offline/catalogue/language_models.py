"""Better smoothing and learning on the fly for language models that count."""

import re
from collections.abc import Iterator

import libcst as cst
from libcst import matchers as m

from mlrcopilot_tui.agents.offline.catalogue.counts import Counting, Scoring, counting, scoring
from mlrcopilot_tui.agents.offline.catalogue.edits import Edit, names_in, scope_of, statement_of
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.source import SourceFile, within


def interpolated(source: SourceFile) -> Change | None:
    """Shares the mass of unseen events out as the next shorter context predicts, in the place of evenly."""
    counted = counting(source)
    scored = scoring(source, counted.tables) if counted is not None else None
    if counted is None or scored is None or not (counted.gram or counted.history).isidentifier():
        return None
    edit = Edit(source)
    here = names_in(scope_of(source, counted.joint)) | names_in(scope_of(source, scored.quotient))
    if here & {"shorter", "start", "mass", "probability"} or not edit.free("backoff", "interpolate", "lower_order"):
        return None
    _count_suffixes(edit, counted)
    _score_suffixes(edit, scored)
    return edit.done(table=counted.tables[0], added=scored.added, line=str(source.line(scored.quotient)))


def _count_suffixes(edit: Edit, counted: Counting) -> None:
    """Counts each shorter context with the longest."""
    lines = [line for line in (counted.joint, counted.single) if line is not None]
    codes = [_shortened(edit.source, line, counted) for line in lines]
    span = f"len({counted.gram})" if counted.gram else f"len({counted.history}) + 1"
    body = "\n".join(f"{edit.indent}{code}" for code in codes)
    edit.replace_statement(lines[0], f"for start in range({span}):\n{body}")
    for line in lines[1:]:
        edit.remove(line)


def _shortened(source: SourceFile, line: cst.SimpleStatementLine, counted: Counting) -> str:
    code = source.code(line).strip()
    if counted.gram:
        code = re.sub(rf"\b{counted.gram}\[0?:(?:len\({counted.gram}\) ?- ?1|-1)\]", f"{counted.gram}[start:-1]", code)
        return re.sub(rf"\[{counted.gram}\]", f"[{counted.gram}[start:]]", code)
    return re.sub(rf"\b{counted.history}\b", f"{counted.history}[start:]", code, count=1)


def _score_suffixes(edit: Edit, scored: Scoring) -> None:
    """Works the probability out from the shortest context to the longest."""
    h = scored.history
    seen, total = (re.sub(rf"\b{h}\b", "shorter", code) for code in (scored.seen, scored.total))
    spread = _share(scored)
    edit.before(
        scored.statement,
        f"probability = {spread}\n"
        f"mass = {scored.mass}\n"
        f"for start in range(len({h}), -1, -1):\n"
        f"{edit.indent}shorter = {h}[start:]\n"
        f"{edit.indent}probability = ({seen} + mass * probability) / ({total} + mass)",
    )
    for line in scored.inlined:
        edit.remove(line)
    edit.replace(scored.quotient, "probability")


def _share(scored: Scoring) -> str:
    """What one event gets of the added mass: `1.0 / size` for `k` of `k * size`."""
    for pattern in (rf"{re.escape(scored.added)} ?\* ?(.+)", rf"(.+?) ?\* ?{re.escape(scored.added)}"):
        if match := re.fullmatch(pattern, scored.mass):
            return f"1.0 / {match[1]}"
    return f"({scored.added}) / ({scored.mass})"


_MIXED = m.Assign(
    targets=[m.AssignTarget(target=m.Name())],
    value=m.BinaryOperation(
        left=m.BinaryOperation(
            left=m.Subscript() | m.Call(),
            operator=m.Add(),
            right=m.BinaryOperation(left=m.Name(), operator=m.Multiply(), right=m.Name()),
        ),
        operator=m.Divide(),
        right=m.BinaryOperation(left=m.Subscript() | m.Call(), operator=m.Add(), right=m.Name()),
    ),
)
"""`p = (joint[…] + mass * p) / (single[…] + mass)`: one step of an interpolation with a constant mass."""


def absolute_discounting(source: SourceFile) -> Change | None:
    """Gives shorter contexts a share that grows with how many different events followed the longer one."""
    counted, mixed = counting(source), list(source.find(cst.Assign, _MIXED))
    edit = Edit(source)
    if counted is None or len(mixed) != 1 or not counted.tables[1] or not edit.free("DISCOUNT", "followers", "kinds"):
        return None
    here = names_in(scope_of(source, mixed[0]))
    step = _mixture(source, mixed[0], counted) if not here & {"total", "rest"} else None
    made = _made(source, counted.tables[1])
    statement = statement_of(source, mixed[0])
    if step is None or made is None or counted.single is None or statement is None:
        return None
    target, seen, total, key, mass = step
    kinds = re.sub(r"\w+$", "followers", counted.tables[1])
    edit.constant("DISCOUNT", "0.75")
    edit.after(made[0], f"{kinds} = {source.code(made[1])}")
    event = source.code(next(within(counted.joint, cst.Subscript)))
    context = source.code(next(within(counted.single, cst.Subscript))).removeprefix(counted.tables[1])
    edit.before(counted.joint, f"if not {event}:\n{edit.indent}{kinds}{context} += 1")
    edit.replace_statement(
        statement,
        f"total = {total}\n"
        f"if total:\n"
        f"{edit.indent}rest = DISCOUNT * {kinds}[{key}] * {target}\n"
        f"{edit.indent}{target} = (max({seen} - DISCOUNT, 0.0) + rest) / total",
    )
    for line in _only_for(source, mass, statement):
        edit.remove(line)
    return edit.done(table=counted.tables[0], mass=mass, line=str(source.line(mixed[0])))


def _mixture(source: SourceFile, node: cst.Assign, counted: Counting) -> tuple[str, str, str, str, str] | None:
    """(target, seen, total, context, mass) of an interpolation step over these tables."""
    quotient = node.value
    target = node.targets[0].target
    if not isinstance(quotient, cst.BinaryOperation) or not isinstance(target, cst.Name):
        return None
    above, below = quotient.left, quotient.right
    if not isinstance(above, cst.BinaryOperation) or not isinstance(below, cst.BinaryOperation):
        return None
    product = above.right
    if not isinstance(product, cst.BinaryOperation):
        return None
    mass = source.code(below.right)
    seen, total = source.code(above.left), source.code(below.left)
    key = re.fullmatch(rf"{re.escape(counted.tables[1])}\[(\w+)\]", total)
    fits = {source.code(product.left), source.code(product.right)} == {mass, target.value}
    return (target.value, seen, total, key[1], mass) if key and fits and seen.startswith(counted.tables[0]) else None


def _made(source: SourceFile, table: str) -> tuple[cst.BaseStatement, cst.BaseExpression] | None:
    """The statement that makes the table, and what it makes it from: `Counter()`, `defaultdict(int)`."""
    for node in source.find(cst.Assign):
        plain = len(node.targets) == 1 and source.code(node.targets[0].target) == table
        statement = statement_of(source, node)
        if plain and statement is not None and source.code(node.value) in {"Counter()", "defaultdict(int)"}:
            return statement, node.value
    return None


def _only_for(source: SourceFile, name: str, statement: cst.BaseStatement) -> Iterator[cst.SimpleStatementLine]:
    """The assignment of `name`, where nothing but `statement` reads it."""
    inside = sum(node.value == name for node in within(statement, cst.Name))
    for node in source.find(cst.Assign):
        line = source.parent(node)
        everywhere = sum(found.value == name for found in source.find(cst.Name))
        if (
            isinstance(line, cst.SimpleStatementLine)
            and source.code(node.targets[0].target) == name
            and everywhere == inside + 1
        ):
            yield line


def online(source: SourceFile) -> Change | None:
    """Lets the model count what it has just read, where the protocol offers it the text that is past."""
    counted = counting(source)
    edit = Edit(source)
    if counted is None:
        return None
    method = next((a for a in source.ancestors(counted.joint) if isinstance(a, cst.FunctionDef)), None)
    holder = next((a for a in source.ancestors(counted.joint) if isinstance(a, cst.ClassDef)), None)
    hook = next(iter(optional_hooks(source)), "")
    if method is None or holder is None or not hook or not edit.free(hook, "_seen"):
        return None
    length = _gram_length(source, method, counted)
    if not length or len(method.params.params) != 2:
        return None
    edit.after(
        method,
        f"def {hook}(self, text):\n"
        f'{edit.indent}"""Count what is past, as if it had been training text."""\n'
        f'{edit.indent}seen = getattr(self, "_seen", "") + text\n'
        f"{edit.indent}self.{method.name.value}(seen)\n"
        f"{edit.indent}self._seen = seen[max(len(seen) - {length}, 0) :]",
    )
    return edit.done(hook=hook, method=method.name.value, line=str(source.line(method)))


def optional_hooks(source: SourceFile) -> list[str]:
    """Methods that files which cannot be edited call where a model has them: `getattr(model, "observe", None)`."""
    pattern = re.compile(
        r"""\b(?:getattr|hasattr)\(\s*\w+\s*,\s*["'](observe|update|adapt|learn|feed|see|advance)["']"""
    )
    return [name for text in source.others for name in pattern.findall(text)]


def _gram_length(source: SourceFile, method: cst.FunctionDef, counted: Counting) -> str:
    """How many characters before a new one the counting needs, as code; empty where that cannot be told."""
    name = (counted.gram or counted.history).partition("[")[0]
    for node in within(method, cst.Assign):
        if source.code(node.targets[0].target) != name or not isinstance(node.value, cst.Subscript):
            continue
        cut = node.value.slice[0].slice
        if not isinstance(cut, cst.Slice) or not isinstance(cut.lower, cst.BinaryOperation) or cut.upper is None:
            continue
        if not isinstance(cut.lower.operator, cst.Subtract) or source.code(cut.lower.left) != source.code(cut.upper):
            continue
        length = source.code(cut.lower.right)
        local = {param.name.value for param in method.params.params[1:]} & names_in(cut.lower.right)
        if not local:
            return f"({length} - 1)" if counted.gram else length
    return ""


CODEMODS: dict[str, Codemod] = {
    "interpolation": interpolated,
    "absolute_discounting": absolute_discounting,
    "online_counts": online,
}
