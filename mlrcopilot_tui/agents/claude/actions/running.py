"""The actions that execute code: a script of the workspace, or a program of the agent's own, never in our process."""

from typing import Annotated, Final

import msgspec

from mlrcopilot_tui.agents.claude.actions.action import Action, Observation, Workbench
from mlrcopilot_tui.agents.claude.actions.paths import visible_path
from mlrcopilot_tui.agents.claude.fences import fenced
from mlrcopilot_tui.agents.host import Execution
from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.runs.metric_lines import metric_pattern, parse_line
from mlrcopilot_tui.text import one_line, printable

MOST_SECONDS: Final = 600
OUTPUT_LIMIT: Final = 4_800
MOST_METRIC_LINES: Final = 12
_TIMES: Final = (2, 5, 10, 20, 30, 60, 120, 300, 600)
INTERPRETERS: Final = {".py": "python", ".sh": "sh"}

Seconds = Annotated[
    int, msgspec.Meta(ge=1, le=MOST_SECONDS, description="Seconds after which it is ended; keep trials short.")
]


class ExecuteScript(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A script with its arguments."""

    script: Annotated[str, msgspec.Meta(description="A .py or .sh file of the workspace, relative to it.")]
    arguments: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=1000)]],
        msgspec.Meta(max_length=50, description="What the script is called with, one item a word; no shell reads it."),
    ] = []
    limit_s: Seconds = 120


class RunPython(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A program."""

    code: Annotated[
        str, msgspec.Meta(min_length=1, max_length=60_000, description="Python; print what you want to see.")
    ]
    limit_s: Seconds = 60


async def execute_script(bench: Workbench, asked: ExecuteScript) -> Observation:
    """Executes a script of the workspace, as it stands, in a copy of the tree."""
    path = visible_path(bench.brief, asked.script)
    if path.suffix not in INTERPRETERS:
        raise InputError(f"{path} is no script that can be executed here.", "Name a .py or .sh file.")
    if odd := next((word for word in asked.arguments if printable(word) != word), None):
        raise InputError(f"The argument {one_line(odd, 60)!r} has control characters.", "Leave them out.")
    own = str(path) in {str(edit.path) for edit in bench.edits.edits}
    program = "\n".join([*asked.arguments, bench.brief.tree.read(path) if own else ""])
    argv = (INTERPRETERS[path.suffix], str(path), *asked.arguments)
    done = await bench.brief.host.execute(argv, limit_s=asked.limit_s)
    return _observed(bench, done, program)


async def run_python(bench: Workbench, asked: RunPython) -> Observation:
    """Executes the agent's own program with the workspace's interpreter, in a copy of the tree."""
    done = await bench.brief.host.execute(("python", "-"), limit_s=asked.limit_s, stdin=asked.code)
    return _observed(bench, done, asked.code)


def _observed(bench: Workbench, done: Execution, program: str) -> Observation:
    bench.numbers.measured(done.output, program)
    status = "none" if done.exit_code is None else str(done.exit_code)
    parts = [f"Outcome: {done.outcome}. {done.reason} Exit status: {status}; it took {_roughly(done.wall_s)}."]
    if metric := _metric_lines(bench.brief.metric, done.output):
        parts.append(fenced(f"lines that report {bench.brief.metric}", "\n".join(metric), 1_000))
    if not done.output.strip():
        parts.append("It printed nothing.")
    else:
        parts.append(fenced("output", done.output, OUTPUT_LIMIT, keep="ends"))
    if len(done.output) > OUTPUT_LIMIT:
        parts.append("To see what was left out, let it print less, or only what matters.")
    text = "\n".join(parts)
    refused = done.outcome in {"not_started", "lost"}
    return Observation(f"ERROR: {text}" if refused else text, failed=refused)


def _roughly(seconds: float) -> str:
    """How long it took, so coarse that the same again tells the same: a resumed attempt finds its turns by that."""
    return next((f"under {bound} s" for bound in _TIMES if seconds < bound), f"over {_TIMES[-1]} s")


def _metric_lines(metric: str, output: str) -> list[str]:
    pattern = metric_pattern(metric)
    lines = [line for line in output.split("\n") if metric in line and len(line) < 2_000]
    return [line for line in lines if parse_line(line, metric, pattern)][-MOST_METRIC_LINES:]


ACTIONS: tuple[Action, ...] = (
    Action(
        "execute_script",
        "Executes a script of the workspace as it stands, in a fresh copy without network; what it writes is gone "
        "afterwards. For a short trial: the runs that judge the patch come after the final answer.",
        ExecuteScript,
        execute_script,
    ),
    Action(
        "run_python",
        "Executes a Python program of yours in a fresh copy of the workspace without network, to look at data or "
        "shapes, or to try one function. Nothing is kept between programs.",
        RunPython,
        run_python,
    ),
)
