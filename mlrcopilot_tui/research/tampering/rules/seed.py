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
    r"jax\.random\.(PRNGKey|key)|torch\.(seed|initial_seed)|secrets\..*|os\.urandom|uuid\.uuid4"
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
        for value in given:
            yield from _judge(script, call, value, whole=bool(_WHOLE.fullmatch(name)))
        if _MAKERS.fullmatch(name) and not call.args and not call.keywords:
            yield found("seed", call, f"unseeded {name}", UNSEEDED)
        if _attribute(call) == "add_argument" and call.args and is_seed((source.text(call.args[0]) or "").lstrip("-")):
            yield found("seed", call, plain_text(call), CHANGED, lost=CHANGED)
    for node in ast.walk(source.tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    yield from _assigned(script, node, target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                yield from _assigned(script, node, target, value)
            case ast.AugAssign(target=target, value=value) if _named(target):
                yield found("seed", node, plain_text(node), CHANGED, lost=CHANGED)
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                if _named(target) or (isinstance(target, ast.Tuple) and any(_named(part) for part in target.elts)):
                    yield found("seed", value, f"for seed in {script.settled(value)}", CHOSEN)
            case ast.arguments():
                yield from _defaults(node)
    yield from _best_of_draws(script)


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
    """A seed that is given to a call: one of its own is told, one that comes of the run's seed only where it is lost."""
    code = plain_text(value)
    if isinstance(value, ast.Constant) and value.value is None:
        yield found("seed", call, "no seed", UNSEEDED)
    elif is_number(value):
        yield found("seed", call, f"constant {code}", FIXED)
    elif script.seeded(value):
        if not _derived(value):
            yield found("seed", call, script.settled(value), CHANGED)
        if whole:
            yield found("seed", call, "seeds the run", CHANGED, lost=GONE)
    elif not isinstance(value, ast.Call):
        yield found("seed", call, f"given {script.settled(value)}", CHANGED)


def _derived(value: ast.expr) -> bool:
    """Whether each seed gives another value: a sum, a product, a list with the seed in it."""
    match value:
        case ast.BinOp(left=left, op=op, right=right):
            zeroed = any(isinstance(side, ast.Constant) and side.value == 0 and isinstance(op, ast.Mult) for side in (left, right))
            return isinstance(op, _DERIVES) and not zeroed and _derived(left) and _derived(right)
        case ast.BoolOp() | ast.IfExp() | ast.Compare():
            return False
        case ast.Call(func=ast.Name(id="min" | "max" | "round" | "abs" | "hash" | "bool" | "len")):
            return False
        case ast.Call(func=ast.Name(id="int" | "str"), args=args):
            return all(_derived(arg) for arg in args)
    return True


def _assigned(script: Script, node: ast.AST, target: ast.expr, value: ast.expr) -> Iterator[Finding]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _assigned(script, node, one, its)
    elif _named(target):
        derived = script.seeded(value) and _derived(value) and not _reads_environment(script, value)
        same = isinstance(value, ast.Name | ast.Attribute) and derived
        if not same:
            yield found("seed", node, f"seed = {script.settled(value)}", CHANGED, lost="" if derived else CHANGED)


def _reads_environment(script: Script, value: ast.expr) -> bool:
    return any(SEED_VARIABLE in (script.source.text(inner) or "") for inner in ast.walk(value))


def _defaults(node: ast.arguments) -> Iterator[Finding]:
    args = [*node.posonlyargs, *node.args]
    pairs = [
        *zip(args[len(args) - len(node.defaults) :], node.defaults, strict=True),
        *zip(node.kwonlyargs, node.kw_defaults, strict=True),
    ]
    for arg, default in pairs:
        if default is not None and is_seed(arg.arg) and is_number(default):
            yield found("seed", default, f"default {plain_text(default)}", FIXED)


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
