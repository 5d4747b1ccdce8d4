"""The rules `sleep` and `time-limit`: waiting that computes nothing, and guards on how long a run may take."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from mlrcopilot_tui.research.tampering.findings import Finding, found
from mlrcopilot_tui.research.tampering.script import Script, is_number, plain_text
from mlrcopilot_tui.research.tampering.source import dotted
from mlrcopilot_tui.research.tampering.vocabulary import word_set, words_of

_SLEEPS: Final = re.compile(
    r"time\.sleep|asyncio\.sleep|signal\.(pause|sigwait|sigtimedwait)|trio\.sleep|anyio\.sleep|gevent\.sleep|os\.wait"
)
_CLOCKS: Final = re.compile(
    r"time\.(time|monotonic|perf_counter|process_time|thread_time|clock_gettime)(_ns)?|timeit\.default_timer|"
    r"datetime\.(datetime\.)?(now|utcnow|today)|os\.times|torch\.cuda\.Event"
)
_LIMITS: Final = re.compile(
    r"signal\.(alarm|setitimer|signal|siginterrupt)|resource\.setrlimit|faulthandler\.dump_traceback_later|threading\.Timer|"
    r"sched\..*|timeout_decorator\..*|func_timeout\..*|wrapt_timeout_decorator\..*|asyncio\.(timeout|wait_for)|os\.nice|"
    r"os\.sched_setaffinity"
)
_TIME_WORDS: Final = word_set(
    "time timeout seconds secs minutes mins hours deadline wall walltime clock duration elapsed"
)
_BOUND_WORDS: Final = frozenset(
    ["max", "limit", "budget", "timeout", "deadline", "allowed", "remaining", "left", "stop"]
)

WAITS = "It waits without computing: time that a limit or a comparison of runs counts."
BOUNDS = "It changes how long the run may take, or what stops it."


def clock(script: Script) -> Iterator[Finding]:
    """Waiting, and limits of time."""
    source = script.source
    for call in source.calls:
        name = source.callee(call)
        if _SLEEPS.fullmatch(name) or _waits_on_nothing(script, call):
            yield found("sleep", call, plain_text(call), WAITS)
        elif _LIMITS.fullmatch(name):
            yield found("time-limit", call, plain_text(call), BOUNDS, lost=BOUNDS)
        for keyword in call.keywords:
            if keyword.arg and _is_limit(keyword.arg):
                yield found("time-limit", keyword, f"{name} {plain_text(keyword)}", BOUNDS, lost=BOUNDS)
    yield from _guards(script)
    yield from _given(script)
    for node, name, value in script.settings():
        if _is_limit(name) or (_is_span(name) and is_number(value)):
            yield found("time-limit", node, f"{name} = {plain_text(value)}", BOUNDS, lost=BOUNDS)


def _guards(script: Script) -> Iterator[Finding]:
    """Comparisons with the clock, and loops that do nothing."""
    source = script.source
    for node in source.nodes:
        match node:
            case ast.Compare() if _on_clock(script, node):
                loop = next((up for up in source.ancestors(node) if isinstance(up, ast.While)), None)
                if loop is not None and loop.test in {node, *source.ancestors(node)} and _idle(loop):
                    yield found("sleep", loop, plain_text(loop), WAITS)
                else:
                    yield found("time-limit", node, script.settled(_whole_test(script, node)), BOUNDS, lost=BOUNDS)
            case ast.While(test=ast.Constant(value=True)) if _idle(node):
                yield found("sleep", node, plain_text(node), WAITS)
            case ast.For() if _idle(node):
                yield found("sleep", node, plain_text(node), WAITS)


def _whole_test(script: Script, node: ast.AST) -> ast.AST:
    """The condition of which a comparison is a part."""
    while isinstance(up := script.source.parents[node], ast.BoolOp | ast.UnaryOp):
        node = up
    return node


def _given(script: Script) -> Iterator[Finding]:
    """Limits that functions of the file are given as arguments."""
    for call in script.source.calls:
        function = script.local(call)
        names = [arg.arg for arg in function.args.args] if function is not None else []
        names = names[1:] if names[:1] == ["self"] else names
        for name, value in zip(names, call.args, strict=False):
            if _is_limit(name) or _is_span(name):
                yield found("time-limit", call, f"{name} given {script.settled(value)}", BOUNDS)


def _is_limit(name: str) -> bool:
    words = set(words_of(name))
    return "timeout" in words or "deadline" in words or bool(words & _TIME_WORDS and words & _BOUND_WORDS)


def _is_span(name: str) -> bool:
    """Whether a name is a stretch of time, as `train_seconds`."""
    return bool(set(words_of(name)) & {"seconds", "secs", "minutes", "mins", "hours"})


def _on_clock(script: Script, node: ast.Compare) -> bool:
    """Whether a comparison asks how late it is."""

    def told(inner: ast.AST) -> bool:
        return isinstance(inner, ast.Call) and bool(_CLOCKS.fullmatch(script.source.callee(inner)))

    return script.source.reaches(node, told, deep=3)


def _idle(loop: ast.While | ast.For) -> bool:
    """Whether a loop does nothing but turn."""
    return all(
        isinstance(item, ast.Pass | ast.Continue)
        or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
        for item in loop.body
    )


def _waits_on_nothing(script: Script, call: ast.Call) -> bool:
    """`Event().wait(5)`, `select.select([], [], [], 5)` and their kin."""
    name = script.source.callee(call)
    if name == "select.select":
        return True
    if not (isinstance(call.func, ast.Attribute) and call.func.attr == "wait"):
        return False
    waited = call.func.value
    made = [binding.value for binding in script.source.bound(dotted(waited), waited)] if dotted(waited) else []
    return any(
        isinstance(node, ast.Call) and script.source.callee(node) in {"threading.Event", "threading.Condition"}
        for node in (waited, *made)
    )
