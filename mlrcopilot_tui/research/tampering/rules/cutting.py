"""The rule `split`, first half: how the data is cut into what is trained on and what is judged on."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from mlrcopilot_tui.research.tampering.findings import Finding, found
from mlrcopilot_tui.research.tampering.heldout import only_training
from mlrcopilot_tui.research.tampering.rules.reported import way_of
from mlrcopilot_tui.research.tampering.rules.storage import reads_file
from mlrcopilot_tui.research.tampering.script import Script, is_number, plain_text
from mlrcopilot_tui.research.tampering.source import dotted
from mlrcopilot_tui.research.tampering.vocabulary import is_held_out

_SPLITTERS: Final = re.compile(
    r"sklearn\.model_selection\.(train_test_split|\w*KFold|\w*ShuffleSplit|LeaveOneOut|LeavePOut|PredefinedSplit|"
    r"TimeSeriesSplit|cross_val_\w+|cross_validate|LeaveOneGroupOut)|torch\.utils\.data\.random_split|"
    r"(.*\.)?(train_test_split|random_split)|split_dataset"
)
_SETS: Final = re.compile(
    r"sklearn\.datasets\.load_\w+|torchvision\.datasets\.\w+|(.*\.)?keras\.datasets\..*|torchtext\.datasets\..*"
)

CUT: Final = "It changes how the data is cut into what is trained on and what is judged on."
OTHER: Final = "It loads a data set of its own, which may hold the examples that the run is judged on."
SWAPPED: Final = "Training data stands in for held-out data."


def cutting(script: Script) -> Iterator[Finding]:
    """Where training and held-out data part.

    A split within a script that is judged on other data, by a protected module or after the run, is its own business.
    """
    way = way_of(script)
    own = bool(script.facts.evaluate) or (bool(way.judges) and not way.held)
    for finding in _cuts(script):
        yield replace(finding, why="", lost="") if own and finding.why == CUT else finding


def _cuts(script: Script) -> Iterator[Finding]:
    source = script.source
    for call in source.calls:
        name = source.callee(call)
        if _SPLITTERS.fullmatch(name) and not _is_inner(script, call):
            yield found("split", call, script.settled(call), CUT, lost=CUT)
        elif _SETS.fullmatch(name):
            yield found("split", call, script.settled(call), OTHER)
    for node in source.nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _assigned(script, node, target, node.value)


def _is_inner(script: Script, call: ast.Call) -> bool:
    """Whether a split is one of training data alone, or makes folds that a search uses."""
    func = call.func
    method = isinstance(func, ast.Attribute) and not script.source.origin(func.value).startswith("sklearn")
    cut = [*call.args, func.value] if isinstance(func, ast.Attribute) and method else call.args
    trains = any(only_training(arg) for arg in cut) and not any(script.held_out(arg) for arg in cut)
    return trains or _handed_on(script, call)


def _handed_on(script: Script, call: ast.Call) -> bool:
    """Whether folds are made for a search to use, not used here."""
    if not isinstance(call.func, ast.Name) or not all(map(is_number, call.args)):
        return False
    statement = script.source.statement_of(call)
    if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
        return any(isinstance(up, ast.keyword) and up.arg == "cv" for up in script.source.ancestors(call))
    name = statement.targets[0].id
    return not any(
        isinstance(other.func, ast.Attribute) and other.func.attr == "split" and dotted(other.func.value) == name
        for other in script.source.calls
    )


def _assigned(script: Script, node: ast.Assign, target: ast.expr, value: ast.expr) -> Iterator[Finding]:
    """Where held-out data is born, and where it is made less."""
    names = [dotted(part) for part in (target.elts if isinstance(target, ast.Tuple | ast.List) else [target])]
    held = [name for name in names if name and is_held_out(name.rpartition(".")[2])]
    if not held:
        return
    values = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(names) else [value] * len(names)
    for name, part in zip(names, values, strict=True):
        if name not in held:
            continue
        reads_held = script.held_out(part)
        if not reads_held and script.trains(part) and not _SPLITTERS.fullmatch(_name_of(script, part)):
            yield found(
                "evaluation", node, f"{name} = {plain_text(part)}", "Training data stands in for held-out data."
            )
        elif reads_file(script, part):
            continue  # the rule of files names it
        elif (
            not reads_held and not isinstance(part, ast.List | ast.Dict | ast.Constant) and not _predicts(script, part)
        ):
            yield found("split", node, f"held-out = {script.settled(part)}", CUT)
        elif is_number(part):
            yield found("split", node, f"held-out = {plain_text(part)}", CUT, lost=CUT)


def _name_of(script: Script, node: ast.expr) -> str:
    return script.source.callee(node) if isinstance(node, ast.Call) else ""


def _predicts(script: Script, node: ast.expr) -> bool:
    return any(script.is_model_call(inner) for inner in ast.walk(node))
