"""Better gradient steps for training loops written by hand: momentum, Adam, decaying rates, averaging, and more."""

from collections.abc import Sequence

import libcst as cst

from mlrcopilot_tui.agents.offline.catalogue.edits import (
    Edit,
    bare,
    names_in,
    numpy_name,
    quoted,
)
from mlrcopilot_tui.agents.offline.catalogue.loops import (
    Loop,
    Step,
    constant_in,
    gradient_steps,
    numpy_loop,
    training_loop,
)
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.source import SourceFile, within


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
    loop = numpy_loop(source)
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
    return edit.done(rate=source.code(loop.steps[0].rate), targets=_listed(loop.steps))


def adam(source: SourceFile) -> Change | None:
    loop = numpy_loop(source)
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
    return edit.done(rate=source.code(loop.steps[0].rate), targets=_listed(loop.steps))


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
    steps = gradient_steps(source)
    edit = Edit(source)
    if not steps or numpy_name(source) is None or not edit.free("clipped", "CLIP_NORM", "clip", "Adam"):
        return None
    edit.constant("CLIP_NORM", "1.0")
    edit.helper(_CLIPPED.format(np=numpy_name(source)))
    for step in steps:
        _step_along(edit, step, f"clipped({bare(step.gradient)})")
    return edit.done(rate=source.code(steps[0].rate), targets=_listed(steps))


_CLIPPED = '''
def clipped(gradient):
    """The gradient, shortened to CLIP_NORM where it is longer."""
    return gradient * min(1.0, CLIP_NORM / ({np}.linalg.norm(gradient) + 1e-12))
'''


def weight_decay(source: SourceFile) -> Change | None:
    steps = gradient_steps(source)
    edit = Edit(source)
    names = ("WEIGHT_DECAY", "weight_decay", "L2", "l2", "reg", "REG", "LAMBDA", "lam", "Adam")
    if numpy_name(source) is None or not edit.free(*names):
        return None
    decayed = [step for step in steps if not _is_bias(step.name) and _last_name(step) not in names_in(step.product)]
    if not decayed:
        return None
    edit.constant("WEIGHT_DECAY", "1e-3")
    for step in decayed:
        _step_along(edit, step, f"({bare(step.gradient)} + WEIGHT_DECAY * {step.code})")
    return edit.done(rate=source.code(steps[0].rate), targets=_listed(decayed))


def averaging(source: SourceFile) -> Change | None:
    """Keeps a running mean of each weight; all that reads a weight after the steps of an epoch reads the mean."""
    loop = numpy_loop(source)
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
    return edit.done(targets=_listed(loop.steps), loop=f"{source.path}:{source.line(loop.node)}")


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
    around = {last, loop.node, *source.ancestors(last)}
    behind = list(_behind(loop.node.body.body, around))
    for outer in source.ancestors(loop.node):
        if isinstance(outer, cst.IndentedBlock | cst.Module):
            behind += _behind(outer.body, around)
        if isinstance(outer, cst.FunctionDef):
            break
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


def _listed(steps: Sequence[Step]) -> str:
    return quoted([step.code for step in steps])


CODEMODS: dict[str, Codemod] = {
    "adam": adam,
    "momentum": momentum,
    "cosine_decay": cosine_decay,
    "weight_averaging": averaging,
    "gradient_clipping": clipping,
    "weight_decay": weight_decay,
}
