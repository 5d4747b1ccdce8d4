"""Makes more of numeric columns: equal scales, products, and cosines that stand for a kernel."""

from mlrcopilot_tui.agents.offline.catalogue.arrays import can_grow, inputs, is_scaled
from mlrcopilot_tui.agents.offline.catalogue.edits import Edit, numpy_name, quoted, seed_name
from mlrcopilot_tui.agents.offline.catalogue.image_shapes import flattened_images, with_scaling
from mlrcopilot_tui.agents.offline.catalogue.sklearn_shapes import SCALERS
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.source import SourceFile


def standardised_arrays(source: SourceFile) -> Change | None:
    """Fits mean and deviation on the training array and applies them to it and its siblings, once all are bound."""
    np, arrays = numpy_name(source), inputs(source)
    edit = Edit(source)
    taken = is_scaled(source, arrays.train) if arrays is not None else True
    if np is None or arrays is None or taken or not edit.free(*SCALERS, "torch", "tensorflow"):
        return None
    edit.helper(_STANDARDISED.format(np=np))
    edit.after(arrays.last, f"{arrays.names} = standardised({arrays.names})")
    return edit.done(train=arrays.train, others=quoted(arrays.others), line=str(source.line(arrays.last)))


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
    flats = list(flattened_images(source))
    edit.constant("FOURIER_FEATURES", "256")
    edit.constant("KERNEL_WIDTH", "1.0")
    edit.helper(_FOURIER.format(np=np, seed=seed_name(source) or "0"))
    if len(flats) == 1:
        whole = with_scaling(source, flats[0][0])
        edit.replace(whole, f"fourier_features({source.code(whole)})")
        return edit.done(inputs=source.code(whole), line=str(source.line(whole)))
    scaled = source.uses(*SCALERS) or (arrays is not None and is_scaled(source, arrays.train))
    if arrays is None or not scaled or not can_grow(source, arrays):
        return None
    calls = ", ".join(f"fourier_features({name})" for name in (arrays.train, *arrays.others))
    edit.after(arrays.last, f"{arrays.names} = {calls}")
    return edit.done(inputs=arrays.train, line=str(source.line(arrays.last)))


_FOURIER = '''
def fourier_features(rows):
    """The rows, and random cosines whose products approximate an RBF kernel (Rahimi and Recht, 2007)."""
    rng = {np}.random.default_rng({seed})
    directions = rng.normal(0.0, KERNEL_WIDTH / {np}.sqrt(rows.shape[1]), (rows.shape[1], FOURIER_FEATURES))
    waves = {np}.cos(rows @ directions + rng.uniform(0.0, 2.0 * {np}.pi, FOURIER_FEATURES))
    return {np}.hstack([rows, {np}.sqrt(2.0 / FOURIER_FEATURES) * waves])
'''


def product_features(source: SourceFile) -> Change | None:
    """Adds the products of every two columns to standardised inputs."""
    np, arrays = numpy_name(source), inputs(source)
    edit = Edit(source)
    if (
        np is None
        or arrays is None
        or not can_grow(source, arrays)
        or not edit.free("with_products", "PolynomialFeatures", "fourier_features")
    ):
        return None
    if not (source.uses(*SCALERS) or is_scaled(source, arrays.train)):
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


CODEMODS: dict[str, Codemod] = {
    "standardise_arrays": standardised_arrays,
    "product_features": product_features,
    "fourier_features": random_features,
}
