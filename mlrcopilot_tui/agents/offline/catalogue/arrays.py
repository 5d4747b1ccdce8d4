"""Prepares arrays before training: standardised inputs, shifted copies, shape features, labels spread to a pool."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst
from libcst import matchers as m

from mlrcopilot_tui.agents.offline.catalogue.edits import Edit, numpy_name, scope_of, statement_of
from mlrcopilot_tui.agents.offline.catalogue.sklearn_models import SCALERS
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.knobs import callee
from mlrcopilot_tui.agents.offline.roles import normalised
from mlrcopilot_tui.agents.offline.source import SourceFile, within

_TRAIN = re.compile(
    r"(x|inputs?|data|features|images|feats?)_?(train|training|tr|trn|fit|labell?ed)|(train|training|tr|labell?ed)_?(x|inputs?|data|features|images|feats?)"
)
_OTHER = re.compile(
    r"(x|inputs?|data|features|images|feats?)_?(valid|validation|val|va|test|te|tst|dev|eval|heldout|holdout|unlabell?ed|pool)|"
    r"(valid|validation|val|va|test|te|dev|eval|heldout|holdout)_?(x|inputs?|data|features|images|feats?)"
)
_POOL = re.compile(r"(.*_)?(unlabell?ed|pool|unsup|unsupervised|u)(_(x|images|data|inputs|features))?")
_FIT = re.compile(r"(.*_)?(fit|train|train_model|fit_model|learn|build_model|run_training)(_.*)?")


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The input arrays of one scope: those to train on, those that are treated the same way, and the last binding."""

    train: str
    others: tuple[str, ...]
    last: cst.BaseStatement

    @property
    def names(self) -> str:
        """All of them, as a tuple's code."""
        return ", ".join([self.train, *self.others])


def inputs(source: SourceFile) -> Inputs | None:
    """The file's training inputs and their siblings, where one block binds them all and each once."""
    for scope in _scopes(source):
        bound = _bound(source, scope)
        train = [name for name in bound if _TRAIN.fullmatch(normalised(name))]
        others = [name for name in bound if _OTHER.fullmatch(normalised(name))]
        if len(train) != 1 or not others:
            continue
        places = [bound[name] for name in (*train, *others)]
        if all(source.parent(place) is source.parent(places[0]) for place in places):
            return Inputs(train[0], tuple(others), max(places, key=source.line))
    return None


def standardised_arrays(source: SourceFile) -> Change | None:
    """Fits mean and deviation on the training array and applies them to it and its siblings, once all are bound."""
    np, arrays = numpy_name(source), inputs(source)
    edit = Edit(source)
    if np is None or arrays is None or _is_scaled(source, arrays.train) or not edit.free(*SCALERS, "standardised"):
        return None
    edit.helper(_STANDARDISED.format(np=np))
    edit.after(arrays.last, f"{arrays.names} = standardised({arrays.names})")
    others = ", ".join(arrays.others)
    return edit.done(train=arrays.train, others=others, line=str(source.line(arrays.last)))


_STANDARDISED = '''
def standardised(train, *others):
    """The arrays, each column shifted and scaled to mean 0 and deviation 1 on the training rows."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    deviation = {np}.where(deviation > 0, deviation, 1.0)
    return tuple((array - mean) / deviation for array in (train, *others))
'''


def random_features(source: SourceFile) -> Change | None:
    """Puts cosines of random projections beside the inputs: a linear model on them is one with an RBF kernel."""
    np, arrays = numpy_name(source), inputs(source)
    edit = Edit(source)
    if np is None or not edit.free("fourier_features", "RBFSampler", "Nystroem", "SVC", "KERNEL_WIDTH"):
        return None
    flats = list(_flattened_images(source))
    edit.constant("FOURIER_FEATURES", "256")
    edit.constant("KERNEL_WIDTH", "1.0")
    edit.helper(_FOURIER.format(np=np))
    if len(flats) == 1:
        whole = _scaled(source, flats[0][0])
        edit.replace(whole, f"fourier_features({source.code(whole)})")
        return edit.done(inputs=source.code(whole), line=str(source.line(whole)))
    scaled = source.uses("standardised", *SCALERS) or (arrays is not None and _is_scaled(source, arrays.train))
    if arrays is None or not scaled:
        return None
    calls = ", ".join(f"fourier_features({name})" for name in (arrays.train, *arrays.others))
    edit.after(arrays.last, f"{arrays.names} = {calls}")
    return edit.done(inputs=arrays.train, line=str(source.line(arrays.last)))


_FOURIER = '''
def fourier_features(rows):
    """The rows, and random cosines whose products approximate an RBF kernel (Rahimi and Recht, 2007)."""
    rng = {np}.random.default_rng(0)
    directions = rng.normal(0.0, KERNEL_WIDTH / {np}.sqrt(rows.shape[1]), (rows.shape[1], FOURIER_FEATURES))
    waves = {np}.cos(rows @ directions + rng.uniform(0.0, 2.0 * {np}.pi, FOURIER_FEATURES))
    return {np}.hstack([rows, {np}.sqrt(2.0 / FOURIER_FEATURES) * waves])
'''


def product_features(source: SourceFile) -> Change | None:
    """Adds the products of every two columns to standardised inputs."""
    np, arrays = numpy_name(source), inputs(source)
    edit = Edit(source)
    if np is None or arrays is None or not edit.free("with_products", "PolynomialFeatures", "fourier_features"):
        return None
    if not (source.uses("standardised", *SCALERS) or _is_scaled(source, arrays.train)):
        return None
    edit.helper(_PRODUCTS.format(np=np))
    calls = ", ".join(f"with_products({name})" for name in (arrays.train, *arrays.others))
    edit.after(arrays.last, f"{arrays.names} = {calls}")
    return edit.done(train=arrays.train, line=str(source.line(arrays.last)))


_PRODUCTS = '''
def with_products(rows):
    """The rows with the product of every two of their columns."""
    left, right = {np}.triu_indices(rows.shape[1])
    return {np}.hstack([rows, rows[:, left] * rows[:, right]])
'''


def contrast(source: SourceFile) -> Change | None:
    """Takes brightness and contrast out of each flattened image."""
    np = numpy_name(source)
    edit = Edit(source)
    flats = list(_flattened_images(source))
    if np is None or len(flats) != 1 or not edit.free("even_contrast", "standardised", *SCALERS):
        return None
    whole = _scaled(source, flats[0][0])
    edit.helper(_CONTRAST)
    edit.replace(whole, f"even_contrast({source.code(whole)})")
    return edit.done(flat=source.code(flats[0][0]), line=str(source.line(whole)))


_CONTRAST = '''
def even_contrast(rows):
    """Each row shifted and scaled to mean 0 and deviation 1."""
    spread = rows.std(axis=1, keepdims=True)
    return (rows - rows.mean(axis=1, keepdims=True)) / (spread + 1e-8)
'''


def shape_features(source: SourceFile) -> Change | None:
    """Puts histograms of gradient directions beside the flattened pixels of images."""
    np = numpy_name(source)
    edit = Edit(source)
    if np is None or not edit.free("gradient_histograms", "hog", "sobel"):
        return None
    flats = list(_flattened_images(source))
    if len(flats) != 1:
        return None
    node, images = flats[0]
    whole = _scaled(source, node)
    edit.constant("ORIENTATIONS", "8")
    edit.constant("CELLS", "4")
    edit.helper(_HISTOGRAMS.format(np=np))
    edit.replace(whole, f"{np}.hstack([{source.code(whole)}, gradient_histograms({images})])")
    return edit.done(flat=source.code(node), line=str(source.line(node)))


_HISTOGRAMS = '''
def gradient_histograms(images):
    """How much ink runs in which direction in each of CELLS x CELLS parts of images (n, height, width), unit length."""
    down, right = {np}.gradient({np}.asarray(images, dtype=float), axis=(1, 2))
    strength, angle = {np}.hypot(down, right), {np}.arctan2(down, right) % (2 * {np}.pi)
    place = angle * ORIENTATIONS / (2 * {np}.pi)
    directions = {np}.arange(ORIENTATIONS)
    offset = {np}.abs(place[..., None] - directions)
    share = {np}.maximum(0.0, 1.0 - {np}.minimum(offset, ORIENTATIONS - offset)) * strength[..., None]
    rows = {np}.array_split({np}.arange(images.shape[1]), min(CELLS, images.shape[1]))
    columns = {np}.array_split({np}.arange(images.shape[2]), min(CELLS, images.shape[2]))
    cells = [share[:, r[0] : r[-1] + 1, c[0] : c[-1] + 1].sum(axis=(1, 2)) for r in rows for c in columns]
    histograms = {np}.hstack(cells)
    return histograms / ({np}.linalg.norm(histograms, axis=1, keepdims=True) + 1e-8)
'''


def _flattened_images(source: SourceFile) -> Iterator[tuple[cst.Call, str]]:
    """`x.reshape(len(x), -1)` and its kin on something the code calls images, and the code of that something."""
    for node in source.find(cst.Call):
        if not isinstance(node.func, cst.Attribute) or node.func.attr.value != "reshape":
            continue
        base = source.code(node.func.value)
        args = [source.code(arg.value).replace(" ", "") for arg in node.args]
        if len(args) == 1 and args[0].startswith("("):
            args = args[0].strip("()").split(",")
        rows = {f"len({base})", f"{base}.shape[0]"}
        if len(args) == 2 and args[0] in rows and args[1] == "-1" and _are_images(source, node, base):
            yield node, base


def _are_images(source: SourceFile, node: cst.CSTNode, base: str) -> bool:
    if re.search(r"imag|img|digit|pixel|picture|frame", base.lower()):
        return True
    scope = scope_of(source, node)
    text = source.code(scope).lower()
    return isinstance(scope, cst.FunctionDef) and bool(re.search(r"imag|pixel|picture|\bn, \w+, \w+\)", text))


def _scaled(source: SourceFile, node: cst.BaseExpression) -> cst.BaseExpression:
    """The expression with the scaling by a number that stands around `node`: `x.reshape(len(x), -1) / 16.0`."""
    parent = source.parent(node)
    while isinstance(parent, cst.BinaryOperation) and m.matches(parent.right, m.Integer() | m.Float()):
        node, parent = parent, source.parent(parent)
    return node


@dataclass(frozen=True, slots=True, eq=False)
class Fitting:
    """A call that trains on rows `x` with targets `y`: the names, their code in the call and the statement."""

    statement: cst.BaseStatement
    x: str
    y: str
    scope: cst.CSTNode


def fittings(source: SourceFile) -> Iterator[Fitting]:
    """Calls like `train(features(images), labels, rng)` and `model.fit(x, y)` on plain names."""
    for node in source.find(cst.Call):
        if not _FIT.fullmatch(normalised(callee(node))) or len(node.args) < 2:
            continue
        first, second = node.args[0], node.args[1]
        if first.keyword or second.keyword or not isinstance(second.value, cst.Name):
            continue
        value = first.value
        while isinstance(value, cst.Call) and len(value.args) == 1:
            value = value.args[0].value
        statement = statement_of(source, node)
        if isinstance(value, cst.Name) and statement is not None and value.value != second.value.value:
            yield Fitting(statement, value.value, second.value.value, scope_of(source, node))


def shifted_copies(source: SourceFile) -> Change | None:
    """Trains on each image and on copies shifted by a pixel."""
    np = numpy_name(source)
    edit = Edit(source)
    if np is None or not edit.free("with_shifts", "augment", "augmented", "SHIFTS") or not _has_image_rows(source):
        return None
    for fitting in fittings(source):
        if not _local(source, fitting, fitting.x):
            continue
        edit.helper(_SHIFTS.format(np=np))
        edit.before(fitting.statement, f"{fitting.x}, {fitting.y} = with_shifts({fitting.x}, {fitting.y})")
        return edit.done(images=fitting.x, labels=fitting.y, line=str(source.line(fitting.statement)))
    return None


_SHIFTS = '''
def with_shifts(images, labels):
    """The images (n, height, width) and four copies of each, shifted by one pixel, with their labels."""
    copies = [images]
    for axis in (1, 2):
        for step in (1, -1):
            moved = {np}.roll(images, step, axis=axis)
            edge = 0 if step == 1 else -1
            moved[(slice(None),) * axis + (edge,)] = 0
            copies.append(moved)
    return {np}.concatenate(copies), {np}.tile(labels, len(copies))
'''


def spread_labels(source: SourceFile) -> Change | None:
    """Gives the rows of an unlabelled pool the labels that spread to them over a graph of neighbours."""
    np = numpy_name(source)
    edit = Edit(source)
    if np is None or not edit.free(
        "spread_labels", "LabelSpreading", "LabelPropagation", "SelfTrainingClassifier", "pseudo_labels"
    ):
        return None
    for fitting in fittings(source):
        bound = _bound(source, fitting.scope)
        pools = [name for name in bound if _POOL.fullmatch(normalised(name)) and name not in {fitting.x, fitting.y}]
        pools = [name for name in pools if not _used_in_fit(source, name)]
        if len(pools) != 1 or not _local(source, fitting, fitting.x):
            continue
        pool = pools[0]
        edit.constant("NEIGHBOURS", "10")
        edit.helper(_SPREAD.format(np=np))
        edit.before(
            fitting.statement,
            f"guessed = spread_labels({fitting.x}, {fitting.y}, {pool})\n"
            f"{fitting.x} = {np}.concatenate([{fitting.x}, {pool}])\n"
            f"{fitting.y} = {np}.concatenate([{fitting.y}, guessed])",
        )
        return edit.done(pool=pool, images=fitting.x, labels=fitting.y, line=str(source.line(fitting.statement)))
    return None


_SPREAD = '''
def spread_labels(labelled, labels, unlabelled, pull=0.9):
    """Labels for the unlabelled rows, spread over a graph of NEIGHBOURS nearest rows (Zhou et al., 2004)."""
    rows = {np}.concatenate([labelled, unlabelled]).reshape(len(labelled) + len(unlabelled), -1).astype(float)
    squares = (rows**2).sum(axis=1)
    distance = squares[:, None] - 2.0 * rows @ rows.T + squares[None, :]
    {np}.fill_diagonal(distance, {np}.inf)
    nearest = {np}.argsort(distance, axis=1)[:, :NEIGHBOURS]
    graph = {np}.zeros_like(distance)
    {np}.put_along_axis(graph, nearest, 1.0, axis=1)
    graph = {np}.maximum(graph, graph.T)
    root = {np}.sqrt(graph.sum(axis=1))
    classes, index = {np}.unique(labels, return_inverse=True)
    start = {np}.zeros((len(rows), len(classes)))
    start[{np}.arange(len(labelled)), index] = 1.0
    spread = {np}.linalg.solve({np}.eye(len(rows)) - pull * graph / root[:, None] / root[None, :], start)
    return classes[{np}.argmax(spread[len(labelled) :], axis=1)]
'''


def _scopes(source: SourceFile) -> Iterator[cst.CSTNode]:
    yield source.module
    yield from source.find(cst.FunctionDef)


def _bound(source: SourceFile, scope: cst.CSTNode) -> dict[str, cst.BaseStatement]:
    """The names that statements of this very scope bind, each with its last binding; parameters are not among them."""
    bound: dict[str, cst.BaseStatement] = {}
    for target in source.find(cst.AssignTarget):
        if scope_of(source, target) is not scope:
            continue
        statement = statement_of(source, target)
        for name in within(target.target, cst.Name):
            plain = target.target is name or isinstance(target.target, cst.Tuple | cst.List)
            if statement is not None and plain:
                bound[name.value] = statement
    return bound


def _is_scaled(source: SourceFile, name: str) -> bool:
    """Whether the code already centres or scales the array: `x_train - x_train.mean(axis=0)`."""
    return bool(re.search(rf"\b{re.escape(name)}\.(mean|std|min|max)\(", source.text))


def _has_image_rows(source: SourceFile) -> bool:
    return any(True for _ in _flattened_images(source))


def _local(source: SourceFile, fitting: Fitting, name: str) -> bool:
    """Whether the name is bound in the scope of the call, so that it can be bound anew there."""
    return name in _bound(source, fitting.scope) and fitting.y in _bound(source, fitting.scope)


def _used_in_fit(source: SourceFile, name: str) -> bool:
    return any(fitting.x == name for fitting in fittings(source))


CODEMODS: dict[str, Codemod] = {
    "standardise_arrays": standardised_arrays,
    "even_contrast": contrast,
    "product_features": product_features,
    "fourier_features": random_features,
    "gradient_histograms": shape_features,
    "shifted_copies": shifted_copies,
    "label_spreading": spread_labels,
}
