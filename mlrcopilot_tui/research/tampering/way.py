"""The way from the data and the model to the reported number, as a set of operations.

It is a backward slice from each report of the metric: through assignments and the functions of the file that compute
it, up to the model's predictions, the labels, and calls into protected modules. What lies on the way is taken as a set
of operations without names, so that moving or renaming code is no change, and another operation is.
"""

import ast
import re
from dataclasses import dataclass, field
from typing import Final

from mlrcopilot_tui.research.tampering.findings import Finding, found
from mlrcopilot_tui.research.tampering.script import Script, is_number, plain_text
from mlrcopilot_tui.research.tampering.source import Binding, Function, dotted
from mlrcopilot_tui.research.tampering.vocabulary import (
    GUESS,
    TRUTH,
    is_held_out,
    is_metric,
    is_model,
    is_seed,
    is_training,
    is_truth,
    word_set,
    words_of,
)
from mlrcopilot_tui.session.model import TagRule

_NEUTRAL: Final = word_set(
    "float item cpu numpy detach tolist asarray array to str format double float64 float32 long squeeze "
    "contiguous cuda tensor as_tensor from_numpy list tuple compute ravel flatten reshape view copy clone "
    "type astype zip enumerate len size numel range inference_mode no_grad isfinite pin_memory"
)
_ASIDE: Final = frozenset({"axis", "dim", "keepdims", "metric_key_prefix", "verbose", "desc"})
_DEEP: Final = 14

SET_BY_NAME: Final = "set to "
COMPUTED: Final = "It changes how the reported metric is computed."
SHOWN: Final = "It changes what is reported as the metric, or when."
SUBSET: Final = "It changes on which examples the metric is computed."
CONSTANT: Final = "It reports a number that is written in the code, not measured."


@dataclass(slots=True)
class Way:
    """The operations on the way to the reported number, and the calls into protected modules that end it."""

    script: Script
    atoms: dict[str, Finding] = field(default_factory=dict)
    seen: set[tuple[int, str]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    judges: set[str] = field(default_factory=set)
    held: bool = False
    judged: bool = False
    passing: bool = False

    def add(self, node: ast.AST, key: str, why: str = COMPUTED, rule: TagRule = "metric") -> None:
        """Takes an operation in; its first place stands for all. One on the curve alone may go."""
        self.atoms.setdefault(f"{rule}:{key}", found(rule, node, key, why, lost="" if self.passing else why))

    # Expressions

    def walk(self, node: ast.AST | None, depth: int = 0, *, top: bool = False) -> None:
        """Follows an expression; `top` where its value is the metric itself."""
        if node is None or depth > _DEEP:
            return
        if not isinstance(node, ast.Name) and self._is_guess(node):
            self._guess(node)
            return
        match node:
            case ast.Name(id=name):
                self._name(node, name, depth, top=top)
            case ast.Attribute(value=value):
                self._attribute(node, value, depth, top=top)
            case ast.Call():
                self._call(node, depth, top=top)
            case ast.Subscript(value=value, slice=index):
                self._index(node, index)
                self.walk(value, depth + 1, top=top)
            case ast.BinOp(left=left, op=op, right=right):
                sides = [plain_text(side) for side in (left, right) if is_number(side)]
                self.add(node, f"{type(op).__name__} {' '.join(sides)}")
                self.walk(left, depth + 1)
                self.walk(right, depth + 1)
            case ast.Constant(value=value):
                if isinstance(value, int | float) and not isinstance(value, bool) and value not in {0, 1}:
                    self.add(node, f"constant {value}", CONSTANT if top else COMPUTED)
            case ast.Compare(left=left, ops=ops, comparators=others):
                self.add(node, f"compares {' '.join(type(op).__name__ for op in ops)}")
                for part in (left, *others):
                    self.walk(part, depth + 1)
            case _:
                self._other(node, depth, top=top)

    def _other(self, node: ast.AST, depth: int, *, top: bool) -> None:
        match node:
            case ast.UnaryOp(op=op):
                self.add(node, type(op).__name__)
            case ast.IfExp() | ast.BoolOp():
                self.add(node, f"{type(node).__name__}")
            case ast.comprehension(ifs=ifs) if ifs:
                self.add(ifs[0], f"filters {plain_text(ifs[0])}", SUBSET, "evaluation")
            case ast.FormattedValue(format_spec=ast.JoinedStr() as form):
                self._form(node, form)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr | ast.comprehension | ast.keyword) and not (
                isinstance(node, ast.FormattedValue) and child is node.format_spec
            ):
                self.walk(child, depth + 1, top=top and isinstance(node, ast.FormattedValue | ast.Tuple | ast.IfExp))

    def _form(self, node: ast.AST, form: ast.JoinedStr) -> None:
        """A format that keeps few digits rounds the number."""
        digits = re.search(r"\.(\d+)([fge%])?", self.script.source.text(form) or "")
        if digits and int(digits[1]) < 4:
            self.add(node, f"rounds to {digits[0]}", SHOWN)

    def _name(self, node: ast.Name, name: str, depth: int, *, top: bool) -> None:
        source = self.script.source
        if is_seed(name) or is_model(name):
            return  # another rule's business, or nobody's
        if is_held_out(name):
            self.held = self.judged = True
            return
        if is_training(name):
            self.add(node, "training data", "The metric is computed on training data.", "evaluation")
            return
        mark = (id(source.scope_of(node)), name)
        if mark in self.seen:
            return
        self.seen.add(mark)
        self.judged = self.judged or is_truth(name)
        bindings = source.bound(name, node)
        if bindings:
            self.names.add(name)
        for binding in bindings:
            if self._is_guess(binding.value):
                self._guess(binding.value)
            elif binding.kind == "assign" and is_number(binding.value) and source.home(name, node) is source.tree:
                self.add(binding.node, f"{SET_BY_NAME}{plain_text(binding.value)}")
            else:
                self._binding(binding, depth, top=top)
        if not bindings and top:
            self._argument(node, name, depth)

    def _binding(self, binding: Binding, depth: int, *, top: bool) -> None:
        if binding.index is not None and isinstance(binding.value, ast.Call):
            local = self.script.local(binding.value)
            if local is not None:
                self.returns(local, depth, binding.index)
                return
        self.conditions(binding.node)
        self.walk(binding.value, depth + 1, top=top and binding.kind == "assign")

    def _argument(self, node: ast.AST, name: str, depth: int) -> None:
        """A parameter that is reported: what its callers give."""
        source = self.script.source
        function = source.function_of(node)
        if function is None:
            return
        names = [arg.arg for arg in function.args.args]
        if name not in names:
            return
        at = names.index(name) - (names[0] in {"self", "cls"})
        for call in source.calls:
            if self.script.local(call) is function:
                values = [word.value for word in call.keywords if word.arg == name] or call.args[at : at + 1]
                for value in values:
                    self.walk(value, depth + 1, top=True)

    def _attribute(self, node: ast.Attribute, value: ast.expr, depth: int, *, top: bool) -> None:
        name = dotted(node)
        if name.startswith("self.") and (made := self.script.source.bound(name, node)) and (0, name) not in self.seen:
            self.seen.add((0, name))
            for binding in made:
                self._binding(binding, depth, top=top)
        elif not name.startswith("self."):
            self.walk(value, depth + 1, top=top)

    def _index(self, node: ast.AST, index: ast.expr) -> None:
        if isinstance(index, ast.Slice) or not isinstance(index, ast.Constant | ast.Name | ast.Tuple | ast.Attribute):
            self.add(node, f"index {self.script.settled(index)}", SUBSET, "evaluation")
        elif isinstance(index, ast.Name) and not any(
            b.kind == "loop" for b in self.script.source.bound(index.id, index)
        ):
            self.add(node, "index by a name", SUBSET, "evaluation")
        elif isinstance(index, ast.Constant) and isinstance(index.value, int):
            self.add(node, f"index {index.value}")

    # Calls

    def _call(self, node: ast.Call, depth: int, *, top: bool) -> None:
        script = self.script
        name = script.source.callee(node)
        last = name.rpartition(".")[2] or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
        guarded = script.guards(name)
        local = None if guarded else script.local(node)
        self.judged = self.judged or bool(guarded) or is_metric(last, script.facts.metric)
        if guarded:
            self._protected(node, last)
            return
        if local is not None and (top or is_metric(local.name, script.facts.metric)):
            self.returns(local, depth, None)
        elif last not in _NEUTRAL:
            words = sorted(
                plain_text(word) for word in node.keywords if word.arg not in _ASIDE and not script.held_out(word.value)
            )
            self.add(node, f"calls {last} {' '.join(words)}".rstrip())
        for value in (*node.args, *(word.value for word in node.keywords)):
            self.walk(value, depth + 1)
        imported = dotted(node.func).split(".")[0] in script.source.origins
        if isinstance(node.func, ast.Attribute) and not imported and not is_metric(last, script.facts.metric):
            self.walk(node.func.value, depth + 1)

    def _protected(self, node: ast.Call, last: str) -> None:
        """A call of the workspace's own evaluation: which, with how many arguments, on what part of the data."""
        if not self.passing:
            self.judges.add(last)
        words = sorted(word.arg or "**" for word in node.keywords)
        self.add(node, f"protected {last} {len(node.args)} {' '.join(words)}".rstrip(), SUBSET, "evaluation")
        for value in (*node.args, *(word.value for word in node.keywords)):
            if is_number(value) or isinstance(value, ast.Subscript | ast.BinOp | ast.Constant):
                self.add(value, f"given {self.script.settled(value)}", SUBSET, "evaluation")
            if isinstance(value, ast.Name) and is_training(value.id):
                self.add(value, "given training data", SUBSET, "evaluation")
            self.held = self.held or self.script.held_out(value)
            self._parts(value)

    def _parts(self, value: ast.expr, deep: int = 2) -> None:
        """Rows taken of the labels or predictions that the evaluation is given."""
        for inner in ast.walk(value):
            if isinstance(inner, ast.Subscript):
                words = words_of(dotted(inner.value).rpartition(".")[2])
                if TRUTH & set(words) or GUESS & set(words):
                    self._index(inner, inner.slice)
            elif isinstance(inner, ast.Name) and deep:
                for binding in self.script.source.bound(inner.id, inner):
                    if not self.script.source.reaches(binding.value, self.script.is_model_call, deep=1):
                        self._parts(binding.value, deep - 1)

    def returns(self, function: Function, depth: int, index: int | None) -> None:
        mark = (id(function), f"return {index}")
        if mark in self.seen:
            return
        self.seen.add(mark)
        script = self.script
        own = is_metric(function.name, script.facts.metric)
        for node in ast.walk(function):
            inside = script.source.function_of(node) is function
            if isinstance(node, ast.Return | ast.Yield) and inside and node.value is not None:
                value = node.value
                if index is not None and isinstance(value, ast.Tuple) and index < len(value.elts):
                    value = value.elts[index]
                if own:
                    self.conditions(node)
                self.walk(value, depth + 1, top=True)
            elif own and isinstance(node, ast.Break | ast.Continue) and inside:
                self.add(script.source.parents[node], f"{type(node).__name__}", SUBSET, "evaluation")

    def conditions(self, node: ast.AST) -> None:
        """The conditions under which a value on the way is computed, where they ask for such values or the data."""
        script = self.script
        function = script.source.function_of(node)
        own = function is not None and is_metric(function.name, script.facts.metric)
        for up in script.source.ancestors(node):
            if up is function:
                return
            if isinstance(up, ast.If):
                asked = set(script.source.within(up.test))
                measured = any(is_metric(name, script.facts.metric) for name in asked)
                if own or measured or asked & self.names or script.truths(up.test):
                    test = type(up.test.ops[0]).__name__ if isinstance(up.test, ast.Compare) else type(up.test).__name__
                    self.add(up, f"only if {test}", SUBSET if own else SHOWN, "evaluation" if own else "metric")

    # Predictions

    def _is_guess(self, node: ast.AST) -> bool:
        """Whether an expression is a prediction: it comes of a model and of no label."""
        script = self.script
        if not script.source.reaches(node, script.is_prediction, deep=4):
            return False
        return not self._sees_truth(node)

    def _sees_truth(self, node: ast.AST) -> bool:
        script = self.script

        def judged(inner: ast.AST) -> bool:
            match inner:
                case ast.Call():
                    origin = script.source.callee(inner)
                    last = origin.rpartition(".")[2] or dotted(inner.func).rpartition(".")[2]
                    last = last or (inner.func.attr if isinstance(inner.func, ast.Attribute) else "")
                    return bool(script.guards(origin)) or is_metric(last, script.facts.metric)
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    return script.truths(inner) and not {"train"} & set(words_of(name))
            return False

        for inner in ast.walk(node):
            if judged(inner):
                return True
        return script.source.reaches(node, lambda inner: isinstance(inner, ast.Call) and judged(inner), deep=2)

    def _guess(self, node: ast.AST) -> None:
        """Of a prediction only on what data it is made."""
        self.judged = True
        script = self.script
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call) and script.is_model_call(inner):
                for value in inner.args:
                    if any(is_training(name) for name in script.source.within(value) if name) and not script.held_out(
                        value
                    ):
                        self.add(
                            inner, "predicts training data", "The metric is computed on training data.", "evaluation"
                        )
