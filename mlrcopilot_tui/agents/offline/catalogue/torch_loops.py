"""Better training for PyTorch code: optimizers, schedules, clipping, and smoothed targets."""

from dataclasses import dataclass

import libcst as cst
from libcst import matchers as m

from mlrcopilot_tui.agents.offline.calls import callee, with_keyword
from mlrcopilot_tui.agents.offline.catalogue.edits import Edit, scope_of, statement_of
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.source import SourceFile, within


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """One optimizer and the loop over epochs in which it steps.

    Attributes:
        made: the call that makes the optimizer.
        optimizer, parameters: its name, and the code of what it trains.
        steps: the statements `optimizer.step()`.
        loop: the outermost loop around them within their function.
        length: the code of how many times it runs; empty where that cannot be told.
    """

    made: cst.Call
    optimizer: str
    parameters: str
    steps: tuple[cst.BaseStatement, ...]
    loop: cst.For
    length: str


def training(source: SourceFile) -> Training | None:
    """The file's training; None where it has no optimizer of `torch.optim`, or more than one."""
    made = [
        (node, node.value, node.targets[0].target.value)
        for node in source.find(cst.Assign)
        if isinstance(node.value, cst.Call)
        and isinstance(node.targets[0].target, cst.Name)
        and source.origin(node.value.func).startswith("torch.optim.")
        and "lr_scheduler" not in source.origin(node.value.func)
    ]
    if len(made) != 1 or not made[0][1].args:
        return None
    _, call, name = made[0]
    stepping = m.Call(func=m.Attribute(value=m.Name(name), attr=m.Name("step")), args=[])
    steps = [s for node in source.find(cst.Call, stepping) if (s := statement_of(source, node)) is not None]
    loops = {id(loop): loop for step in steps if (loop := _outermost_loop(source, step)) is not None}
    if len(loops) != 1 or not steps:
        return None
    loop = next(iter(loops.values()))
    return Training(call, name, source.code(call.args[0].value), tuple(steps), loop, _length(source, loop))


def _outermost_loop(source: SourceFile, step: cst.BaseStatement) -> cst.For | None:
    outer = None
    for node in source.ancestors(step):
        if isinstance(node, cst.FunctionDef):
            break
        outer = node if isinstance(node, cst.For) else outer
    return outer


def _length(source: SourceFile, loop: cst.For) -> str:
    if not isinstance(loop.iter, cst.Call) or callee(loop.iter) not in {"range", "trange"} or loop.orelse is not None:
        return ""
    bounds = [source.code(arg.value) for arg in loop.iter.args if arg.keyword is None]
    if len(bounds) == 1:
        return bounds[0]
    if len(bounds) == 2 and bounds[0] == "1" and bounds[1].endswith(" + 1"):
        return bounds[1].removesuffix(" + 1")
    return ""


def cosine_schedule(source: SourceFile) -> Change | None:
    found = training(source)
    edit = Edit(source)
    if found is None or not found.length or not edit.free("scheduler", "lr_scheduler", "sched", "param_groups"):
        return None
    if scope_of(source, found.loop) is not scope_of(source, found.made) or any(within(found.loop, cst.Continue)):
        return None
    edit.need("import torch")
    edit.before(
        found.loop,
        f"scheduler = torch.optim.lr_scheduler.CosineAnnealingLR({found.optimizer}, T_max={found.length})",
    )
    edit.last_in(found.loop, "scheduler.step()")
    return edit.done(optimizer=callee(found.made), line=str(source.line(found.loop)))


def adamw(source: SourceFile) -> Change | None:
    found = training(source)
    edit = Edit(source)
    if found is None or callee(found.made) != "SGD" or not edit.free("AdamW", "ADAM_RATE", "OneCycleLR"):
        return None
    func = found.made.func
    if isinstance(func, cst.Name):
        edit.need("from torch.optim import AdamW")
    edit.constant("ADAM_RATE", "1e-3")
    prefix = source.code(func.value) + "." if isinstance(func, cst.Attribute) else ""
    edit.replace(found.made, f"{prefix}AdamW({found.parameters}, lr=ADAM_RATE)")
    return edit.done(optimizer=callee(found.made), line=str(source.line(found.made)))


def nesterov(source: SourceFile) -> Change | None:
    found = training(source)
    edit = Edit(source)
    if found is None or callee(found.made) != "SGD" or not edit.free("momentum", "nesterov"):
        return None
    edit.rewrite_call(
        found.made,
        lambda call: with_keyword(with_keyword(call, "momentum", cst.Float("0.9")), "nesterov", cst.Name("True")),
    )
    return edit.done(optimizer=callee(found.made), line=str(source.line(found.made)))


def clipped_norm(source: SourceFile) -> Change | None:
    found = training(source)
    edit = Edit(source)
    if found is None or not edit.free("clip_grad_norm_", "clip_grad_value_", "CLIP_NORM", "GradScaler", "scaler"):
        return None
    if any(scope_of(source, step) is not scope_of(source, found.made) for step in found.steps):
        return None
    edit.need("import torch")
    edit.constant("CLIP_NORM", "1.0")
    for step in found.steps:
        edit.before(step, f"torch.nn.utils.clip_grad_norm_({found.parameters}, CLIP_NORM)")
    return edit.done(optimizer=callee(found.made), line=str(source.line(found.steps[0])))


def smoothed_targets(source: SourceFile) -> Change | None:
    """Only where the loss is for training alone: a loss that is reported on held-out data would change its meaning."""
    edit = Edit(source)
    losses = [
        c
        for c in source.find(cst.Call)
        if source.origin(c.func) in {"torch.nn.CrossEntropyLoss", "nn.CrossEntropyLoss"}
    ]
    if len(losses) != 1 or not edit.free("label_smoothing", "LABEL_SMOOTHING"):
        return None
    holder = source.parent(losses[0])
    if not isinstance(holder, cst.Assign) or not isinstance(holder.targets[0].target, cst.Name):
        return None
    name = holder.targets[0].target.value
    no_grad = m.With(
        items=[m.WithItem(item=m.Call(func=m.Attribute(attr=m.Name("no_grad") | m.Name("inference_mode"))))]
    )
    if any(used.value == name for block in source.find(cst.With, no_grad) for used in within(block, cst.Name)):
        return None
    edit.constant("LABEL_SMOOTHING", "0.1")
    edit.rewrite_call(losses[0], lambda call: with_keyword(call, "label_smoothing", cst.Name("LABEL_SMOOTHING")))
    return edit.done(loss=name, line=str(source.line(losses[0])))


CODEMODS: dict[str, Codemod] = {
    "torch_adamw": adamw,
    "torch_momentum": nesterov,
    "torch_cosine": cosine_schedule,
    "torch_clipping": clipped_norm,
    "torch_label_smoothing": smoothed_targets,
}
