"""The rule `seed`: where the run's seed is read, set, put aside or chosen."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mlrcopilot_tui.research.tampering.findings import Finding, found
from mlrcopilot_tui.research.tampering.script import SEED_VARIABLE, Script, is_number, plain_text
from mlrcopilot_tui.research.tampering.vocabulary import is_seed

_WHOLE: Final = re.compile(
    r"(random|numpy\.random|np\.random|torch(\.(cuda|mps|xpu))?|tensorflow\.random|torch\.random)\.(seed|manual_seed|"
    r"manual_seed_all|set_seed|setstate|set_state|set_rng_state)|(.*\.)?(seed_everything|set_seed|set_random_seed|fix_seed|"
    r"seed_all|enable_full_determinism)"
)
_MAKERS: Final = re.compile(
    r"numpy\.random\.(default_rng|RandomState|SeedSequence|PCG64|MT19937|Philox|SFC64)|random\.Random|random\.SystemRandom|"
    r"jax\.random\.(PRNGKey|key)|torch\.seed|secrets\..*|os\.urandom|uuid\.uuid4"
)
_KEYWORDS: Final = frozenset({"seed", "random_state", "random_seed", "rng", "data_seed", "shuffle_seed"})
_DERIVES: Final = (ast.Add, ast.Mult, ast.BitXor, ast.BitOr, ast.LShift)

FIXED: Final = "It fixes a random choice to a number of its own, so that the run's seed no longer decides it."
CHANGED: Final = "It changes where the seed comes from or how it is used."
UNSEEDED: Final = "It draws random numbers that no seed repeats."
CHOSEN: Final = "It tries several seeds, so that the best of them can be reported as one."
GONE: Final = "It takes out what set the seed."


def seed(script: Script) -> Iterator[Finding]:
    """Where the seed is read, set or chosen."""
    yield from once(_seed(script))


def _seed(script: Script) -> Iterator[Finding]:
    source = script.source
    for call in source.calls:
        name = source.callee(call)
        given = _seeds_given(script, call, name)
        for its in given:
            yield from _judge(script, call, its, whole=bool(_WHOLE.fullmatch(name) or _MAKERS.fullmatch(name)))
        yield from _other_arguments(script, call, name, given)
        if _MAKERS.fullmatch(name) and not call.args and not call.keywords:
            yield found("seed", call, f"unseeded {name}", UNSEEDED)
    for node, name, value in script.settings():
        if is_seed(name) or name == SEED_VARIABLE:
            yield from _assigned(script, node, value)
    for node in source.nodes:
        match node:
            case ast.AugAssign(target=target) if _named(target):
                yield found("seed", node, plain_text(node), CHANGED, lost=CHANGED)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                if any(map(_named, parts)) and not _drawn(script, value):
                    yield found("seed", value, f"for seed in {script.settled(value)}", CHOSEN)
            case ast.Constant(value=str(text)) if SEED_VARIABLE in text:
                whole = _whole_expression(script, node)
                yield found("seed", whole, f"reads {script.settled(whole)}", CHANGED, lost=CHANGED)
    yield from _best_of_draws(script)


def _other_arguments(script: Script, call: ast.Call, name: str, given: list[ast.expr]) -> Iterator[Finding]:
    """The seed where no parameter is named after it: folded onto a few, or given to what is protected."""
    for value in call.args:
        if value in given:
            continue
        if _folds(value):
            yield found("seed", call, script.settled(value), CHANGED)
        if script.guards(name) and any(map(is_seed, script.source.within(value))):
            yield found("seed", call, f"{name} by the seed", "", lost=CHANGED)


def once(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Each key once: a second use of what the file does already is no news."""
    known: set[str] = set()
    for finding in findings:
        if finding.key not in known:
            known.add(finding.key)
            yield finding


def _attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _named(target: ast.expr) -> bool:
    match target:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return is_seed(name)
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return is_seed(key) or key == SEED_VARIABLE
    return False


def _seeds_given(script: Script, call: ast.Call, name: str) -> list[ast.expr]:
    """The arguments of a call that are seeds."""
    given = [word.value for word in call.keywords if word.arg in _KEYWORDS or (word.arg and is_seed(word.arg))]
    methods = {"seed", "manual_seed", "manual_seed_all"}
    if call.args and (_WHOLE.fullmatch(name) or _MAKERS.fullmatch(name) or _attribute(call) in methods):
        given.append(call.args[0])
    else:
        local = script.local(call)
        names = [arg.arg for arg in local.args.args] if local else []
        if names[:1] == ["self"]:
            names = names[1:]
        given += [value for value, name in zip(call.args, names, strict=False) if is_seed(name)]
    return given


def _judge(script: Script, call: ast.Call, value: ast.expr, *, whole: bool) -> Iterator[Finding]:
    """A seed that is given to a call: one of its own is told, one that comes of the run's only where it is lost."""
    code = plain_text(value)
    if isinstance(value, ast.Constant) and value.value is None:
        yield found("seed", call, "no seed", UNSEEDED)
    elif is_number(value):
        if code != "0" or _seeded_by_run(script):
            yield found("seed", call, f"constant {code}", FIXED)
    elif script.seeded(value):
        if not _derived(value):
            yield found("seed", call, script.settled(value), CHANGED)
        library = _library(script.source.callee(call)) if whole else ""
        if library:
            yield found("seed", call, f"seeds {library}", "", lost=GONE)
    elif not isinstance(value, ast.Call):
        yield found("seed", call, f"given {script.settled(value)}", CHANGED)


def _seeded_by_run(script: Script) -> bool:
    """Whether the file takes a seed at all; where it does not, a zero takes nothing from one."""
    return any(is_seed(name) for name in script.source.within(script.source.tree)) or any(
        isinstance(node, ast.Constant) and isinstance(node.value, str) and SEED_VARIABLE in node.value
        for node in script.source.nodes
    )


def _drawn(script: Script, value: ast.expr) -> bool:
    """Whether seeds are drawn by a generator that comes of the run's seed."""
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and script.seeded(value.func.value)


def _folds(value: ast.expr) -> bool:
    """Whether an argument makes one of several seeds out of one."""
    for node in ast.walk(value):
        match node:
            case ast.BinOp(left=left, op=ast.Mod() | ast.FloorDiv() | ast.BitAnd() | ast.RShift(), right=right):
                large = isinstance(right, ast.BinOp) and isinstance(right.op, ast.Pow)
                if not large and any(isinstance(part, ast.Name) and is_seed(part.id) for part in ast.walk(left)):
                    return True
            case ast.Subscript(slice=ast.Name(id=name)) if is_seed(name):
                return True
    return False


def _library(name: str) -> str:
    """Whose generators a call seeds, where nothing else would: the standard library's serve few scripts."""
    first = name.split(".", maxsplit=1)[0]
    return "" if first == "random" else first if first in {"numpy", "torch", "tensorflow", "jax"} else "all"


def _derived(value: ast.expr) -> bool:
    """Whether each seed gives another value: a sum, a product, a list with the seed in it."""
    match value:
        case ast.BinOp(left=left, op=ast.Mod(), right=ast.BinOp(op=ast.Pow())):  # into the range that a library takes
            return _derived(left)
        case ast.BinOp(left=left, op=op, right=right):
            zeroed = isinstance(op, ast.Mult) and any(plain_text(side) == "0" for side in (left, right))
            return isinstance(op, _DERIVES) and not zeroed and _derived(left) and _derived(right)
        case ast.BoolOp() | ast.IfExp() | ast.Compare():
            return False
        case ast.Call(func=ast.Name(id="min" | "max" | "round" | "abs" | "hash" | "bool" | "len")):
            return False
        case ast.Call(func=ast.Name(id="int" | "str"), args=args):
            return all(_derived(arg) for arg in args)
    return True


def _assigned(script: Script, node: ast.AST, value: ast.expr) -> Iterator[Finding]:
    """A name of the seed that is given a value other than the run's seed."""
    if any(SEED_VARIABLE in (script.source.text(inner) or "") for inner in ast.walk(value)):
        return
    if not (script.seeded(value) and _derived(value)) and not _is_reading(script, value):
        yield found("seed", node, f"seed = {script.settled(value)}", CHANGED, lost=CHANGED)


def _is_reading(script: Script, value: ast.expr) -> bool:
    """Whether a value is what a function of the file makes of the run's seed."""
    made = script.local(value) if isinstance(value, ast.Call) else None
    returned = [node.value for node in ast.walk(made) if isinstance(node, ast.Return) and node.value] if made else []
    return bool(returned) and all(script.seeded(part) and _derived(part) for part in returned)


def _whole_expression(script: Script, node: ast.AST) -> ast.AST:
    """The largest expression that a node is part of, but for a function without a name."""
    whole = node
    while isinstance(up := script.source.parents[whole], ast.expr) and not isinstance(up, ast.Lambda | ast.Dict):
        if isinstance(up, ast.Call) and not _converts(up):
            break
        whole = up
    return whole


def _converts(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) or (
        isinstance(call.func, ast.Name) and call.func.id in {"int", "str", "min", "max", "abs", "hash"}
    )


def _best_of_draws(script: Script) -> Iterator[Finding]:
    """A loop that makes a generator of its own numbers, with constants or the loop's counter alone."""
    source = script.source
    for call in source.calls:
        name = source.callee(call)
        if not (_MAKERS.fullmatch(name) or _WHOLE.fullmatch(name)) or not call.args:
            continue
        value = call.args[0]
        loops = [up for up in source.ancestors(call) if isinstance(up, ast.For) and isinstance(up.target, ast.Name)]
        counters = {loop.target.id for loop in loops if isinstance(loop.target, ast.Name)}
        if isinstance(value, ast.Name) and value.id in counters and not is_seed(value.id):
            yield found("seed", call, f"seeded by a counter: {name}", CHOSEN)
