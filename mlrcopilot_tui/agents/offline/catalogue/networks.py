"""Changes what training starts from: softer targets, and first weights that fit the size of a layer."""

import re

import libcst as cst

from mlrcopilot_tui.agents.offline.catalogue.edits import Edit, numpy_name, scope_of
from mlrcopilot_tui.agents.offline.catalogue.loops import gradient_steps, numpy_loop
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.source import SourceFile, within


def smoothed_targets(source: SourceFile) -> Change | None:
    """Softens one-hot targets that the training loop alone reads."""
    loop = numpy_loop(source)
    edit = Edit(source)
    if loop is None or not edit.free("LABEL_SMOOTHING", "label_smoothing"):
        return None
    scope = scope_of(source, loop.node)
    for node in within(scope, cst.Assign):
        one_hot = re.fullmatch(r"\w+\.eye\((?P<classes>[\w.()]+)\)\[\w+\]", source.code(node.value))
        target = node.targets[0].target
        if one_hot is None or not isinstance(target, cst.Name):
            continue
        everywhere = [name for name in within(scope, cst.Name) if name.value == target.value]
        trained_on = [name for name in within(loop.node, cst.Name) if name.value == target.value]
        if len(everywhere) == len(trained_on) + 1 and not re.search(r"test|val|dev", target.value.lower()):
            edit.constant("LABEL_SMOOTHING", "0.1")
            softened = f"(1.0 - LABEL_SMOOTHING) * {source.code(node.value)} + LABEL_SMOOTHING / {one_hot['classes']}"
            edit.replace(node.value, softened)
            return edit.done(targets=target.value, line=str(source.line(node)))
    return None


def fan_in_scale(source: SourceFile) -> Change | None:
    """Scales random first weights of a network by the number of their inputs in the place of a constant."""
    np = numpy_name(source)
    edit = Edit(source)
    trained = {step.code.rpartition(".")[2] for step in gradient_steps(source)}
    if np is None:
        return None
    matrices = [
        found for node in source.find(cst.Assign) if (found := _random_matrix(source, node, trained)) is not None
    ]
    if len(matrices) < 2:  # one layer is convex: where it begins matters little
        return None
    gain = "2.0" if re.search(r"maximum\(|relu", source.text) else "1.0"
    for node, draw, fan_in in matrices:
        edit.replace(node, f"{draw} * {np}.sqrt({gain} / {fan_in})")
    return edit.done(line=str(source.line(matrices[0][0])), count=str(len(matrices)))


def _random_matrix(
    source: SourceFile, node: cst.Assign, trained: set[str]
) -> tuple[cst.BaseExpression, str, str] | None:
    """(value, the draw, its number of inputs) of `w1 = rng.randn(a, b) * 0.01` for a trained `w1`."""
    value = node.value
    if source.code(node.targets[0].target).rpartition(".")[2] not in trained or not isinstance(
        value, cst.BinaryOperation
    ):
        return None
    if not isinstance(value.operator, cst.Multiply):
        return None
    for draw, scale in ((value.left, value.right), (value.right, value.left)):
        drawn = re.fullmatch(
            r"[\w.]+\.(randn|standard_normal|normal)\((?:size=)?\(?(?P<fan_in>[\w.]+)(, [\w.]+)?\)?\)",
            source.code(draw),
        )
        if drawn is not None and isinstance(scale, cst.Float):
            return value, source.code(draw), drawn["fan_in"]
    return None


CODEMODS: dict[str, Codemod] = {
    "label_smoothing": smoothed_targets,
    "fan_in_scale": fan_in_scale,
}
