"""Better gradient steps for training loops written by hand: momentum, Adam, decaying rates, averaging, and more."""

import re
from collections.abc import Sequence

import libcst as cst

from mlrcopilot_tui.agents.offline.catalogue.edits import (
    Edit,
    bare,
    names_in,
    numpy_name,
    quoted,
    scope_of,
)
from mlrcopilot_tui.agents.offline.catalogue.loops import Loop, Step, constant_in, training_loop
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.source import SourceFile, within


def _in_numpy(source: SourceFile) -> Loop | None:
    """The training loop of a file that computes with numpy, where each parameter has one step and a plain name."""
    loop = training_loop(source)
    if loop is None or numpy_name(source) is None:
        return None
    names = [step.name for step in loop.steps]
    plain = all(isinstance(step.target, cst.Name | cst.Attribute) for step in loop.steps)
    return loop if plain and len(set(names)) == len(names) else None


def cosine_decay(source: SourceFile) -> Change | None:
    loop = training_loop(source)
    edit = Edit(source)
    if loop is None or not edit.free("step_size", "cosine", "scheduler") or loop.counter in {"_", "__"}:
        return None
    rate = source.code(loop.steps[0].rate)
    if any(source.code(step.rate) != rate or not constant_in(loop, step.rate) for step in loop.steps):
        return None
    np = numpy_name(source)
    library = np or "math"
    if np is None:
        edit.need("import math")
    edit.first_in(loop.node, f"step_size = {rate} * 0.5 * (1.0 + {library}.cos({library}.pi * {loop.progress}))")
    for step in loop.steps:
        edit.replace(step.rate, "step_size")
    return edit.done(rate=rate, loop=f"{source.path}:{source.line(loop.node)}")


def momentum(source: SourceFile) -> Change | None:
    loop = _in_numpy(source)
    edit = Edit(source)
    if loop is None or not edit.free("MOMENTUM", "velocity", "momentum", "Adam"):
        return None
    names = [f"{step.name}_velocity" for step in loop.steps]
    if not edit.free(*names):
        return None
    edit.constant("MOMENTUM", "0.9")
    for step, name in zip(loop.steps, names, strict=True):
        edit.before(loop.node, f"{name} = 0.0")
        edit.before(step.statement, f"{name} = MOMENTUM * {name} + {bare(step.gradient)}")
        _step_along(edit, step, name)
    return edit.done(rate=source.code(loop.steps[0].rate), targets=_listed(loop))


def adam(source: SourceFile) -> Change | None:
    loop = _in_numpy(source)
    edit = Edit(source)
    if loop is None or not edit.free("Adam", "ADAM_RATE", "velocity", "MOMENTUM", "optimizer"):
        return None
    if any(not constant_in(loop, step.rate) for step in loop.steps):
        return None
    np = edit.numpy()
    edit.constant("ADAM_RATE", "0.01")
    edit.helper(_ADAM.format(np=np))
    for step in loop.steps:
        name = f"{step.name}_adam"
        if not edit.free(name):
            return None
        edit.before(loop.node, f"{name} = Adam(ADAM_RATE)")
        _take(edit, step, f"{name}.step({bare(step.gradient)})")
    return edit.done(rate=source.code(loop.steps[0].rate), targets=_listed(loop))


_ADAM = '''
class Adam:
    """A step size for each weight, from running means of its gradient and its square (Kingma and Ba, 2015)."""

    def __init__(self, rate, decay=0.9, square_decay=0.999):
        self.rate, self.decay, self.square_decay = rate, decay, square_decay
        self.mean, self.square, self.count = 0.0, 0.0, 0

    def step(self, gradient):
        """What to take from the weights."""
        self.count += 1
        self.mean = self.decay * self.mean + (1.0 - self.decay) * gradient
        self.square = self.square_decay * self.square + (1.0 - self.square_decay) * gradient**2
        mean = self.mean / (1.0 - self.decay**self.count)
        square = self.square / (1.0 - self.square_decay**self.count)
        return self.rate * mean / ({np}.sqrt(square) + 1e-8)
'''


def clipping(source: SourceFile) -> Change | None:
    loop = _in_numpy(source)
    edit = Edit(source)
    if loop is None or not edit.free("clipped", "CLIP_NORM", "clip") or source.uses("Adam"):
        return None
    np = edit.numpy()
    edit.constant("CLIP_NORM", "1.0")
    edit.helper(_CLIPPED.format(np=np))
    for step in loop.steps:
        _step_along(edit, step, f"clipped({bare(step.gradient)})")
    return edit.done(rate=source.code(loop.steps[0].rate), targets=_listed(loop))


_CLIPPED = '''
def clipped(gradient):
    """The gradient, shortened to CLIP_NORM where it is longer."""
    return gradient * min(1.0, CLIP_NORM / ({np}.linalg.norm(gradient) + 1e-12))
'''


def weight_decay(source: SourceFile) -> Change | None:
    loop = _in_numpy(source)
    edit = Edit(source)
    if loop is None or not edit.free("WEIGHT_DECAY", "weight_decay", "L2", "l2", "reg", "REG", "LAMBDA", "lam"):
        return None
    decayed = [
        step for step in loop.steps if not _is_bias(step.name) and _last_name(step) not in names_in(step.product)
    ]
    if not decayed:
        return None
    edit.constant("WEIGHT_DECAY", "1e-3")
    for step in decayed:
        _step_along(edit, step, f"({bare(step.gradient)} + WEIGHT_DECAY * {step.code})")
    return edit.done(rate=source.code(loop.steps[0].rate), targets=quoted([step.code for step in decayed]))


def averaging(source: SourceFile) -> Change | None:
    """Keeps a running mean of each weight; all that reads a weight after the steps of an epoch reads the mean."""
    loop = _in_numpy(source)
    edit = Edit(source)
    if loop is None or not edit.free("AVERAGE_DECAY", "Average", "averaged", "ema", "average"):
        return None
    if any(not isinstance(step.target, cst.Name) for step in loop.steps):
        return None
    names = {step.code: f"{step.name}_average" for step in loop.steps}
    readers = _readers_after(source, loop, set(names))
    if not readers or not edit.free(*names.values()):
        return None
    edit.constant("AVERAGE_DECAY", "0.99")
    edit.helper(_AVERAGE)
    last = loop.steps[-1].statement
    for target, name in names.items():
        edit.before(loop.node, f"{name} = Average()")
        edit.after(last, f"{name}.add({target})")
    for reader in readers:
        edit.replace(reader, f"{names[reader.value]}.value")
    return edit.done(targets=_listed(loop), loop=f"{source.path}:{source.line(loop.node)}")


_AVERAGE = '''
class Average:
    """A mean that forgets by AVERAGE_DECAY a step; a plain mean while it has seen little."""

    def __init__(self):
        self.count, self.value = 0, 0.0

    def add(self, new):
        """Takes one more value in."""
        self.count += 1
        self.value = self.value + max(1.0 - AVERAGE_DECAY, 1.0 / self.count) * (new - self.value)
'''


def _readers_after(source: SourceFile, loop: Loop, targets: set[str]) -> list[cst.Name]:
    """Where the weights are read once an epoch's steps are done: in the rest of its body and behind the loop.

    None where something there binds one of the names anew, so that it may stand for something else.
    """
    last = loop.steps[-1].statement
    scope = scope_of(source, loop.node)
    outer = scope.body.body if isinstance(scope, cst.FunctionDef) else scope.body
    behind = [*_behind(loop.node.body.body, {last, *source.ancestors(last)}), *_behind(outer, {loop.node})]
    uses = [name for item in behind for name in within(item, cst.Name) if name.value in targets]
    if any(_binds(source, name) for name in uses):
        return []
    return [name for name in uses if _is_read(source, name)]


def _behind(body: Sequence[cst.CSTNode], marks: set[cst.CSTNode]) -> Sequence[cst.CSTNode]:
    """The statements of a body behind the one among `marks`; none where it holds none."""
    places = [index for index, item in enumerate(body) if item in marks]
    return body[places[-1] + 1 :] if places else ()


def _is_read(source: SourceFile, name: cst.Name) -> bool:
    """Whether the name is a variable here, and not the name of a keyword or an attribute."""
    parent = source.parent(name)
    named = (isinstance(parent, cst.Arg) and parent.keyword is name) or (
        isinstance(parent, cst.Attribute) and parent.attr is name
    )
    return not named


def _binds(source: SourceFile, name: cst.Name) -> bool:
    parent = source.parent(name)
    if isinstance(parent, cst.Element | cst.Tuple | cst.List):
        parent = next(
            (a for a in source.ancestors(name) if not isinstance(a, cst.Element | cst.Tuple | cst.List)), None
        )
    return isinstance(parent, cst.AssignTarget | cst.AugAssign | cst.AnnAssign | cst.Param | cst.CompFor) or (
        isinstance(parent, cst.For) and name in within(parent.target, cst.Name)
    )


def _step_along(edit: Edit, step: Step, direction: str) -> None:
    """Steps along `direction` in the place of the gradient."""
    _take(edit, step, f"{edit.source.code(step.rate)} * {direction}")


def _take(edit: Edit, step: Step, amount: str) -> None:
    """Takes `amount` from the target in the form in which the step stands: in place or as a new value."""
    in_place = isinstance(step.node, cst.AugAssign)
    edit.rewrite_statement(
        step.node, f"{step.code} -= {amount}" if in_place else f"{step.code} = {step.code} - {amount}"
    )


def _last_name(step: Step) -> str:
    return step.code.rpartition(".")[2]


def _is_bias(name: str) -> bool:
    return (
        name in {"b", "bias", "intercept", "b0", "b1", "b2", "b3", "c"}
        or name.startswith("bias")
        or name.endswith("bias")
    )


def _listed(loop: Loop) -> str:
    return quoted([step.code for step in loop.steps])


def smoothed_targets(source: SourceFile) -> Change | None:
    """Softens one-hot targets that the training loop alone reads."""
    loop = _in_numpy(source)
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
    loop = training_loop(source)
    np = numpy_name(source)
    edit = Edit(source)
    if loop is None or np is None:
        return None
    trained = {step.code.rpartition(".")[2] for step in loop.steps}
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
    "adam": adam,
    "momentum": momentum,
    "cosine_decay": cosine_decay,
    "weight_averaging": averaging,
    "gradient_clipping": clipping,
    "weight_decay": weight_decay,
    "label_smoothing": smoothed_targets,
    "fan_in_scale": fan_in_scale,
}
