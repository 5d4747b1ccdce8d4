"""Uses what flattened images lose: contrast, the directions of strokes, and that a shift keeps the class."""

from mlrcopilot_tui.agents.offline.catalogue.arrays import fittings, rebindable
from mlrcopilot_tui.agents.offline.catalogue.edits import Edit, numpy_name
from mlrcopilot_tui.agents.offline.catalogue.image_shapes import flattened_images, with_scaling
from mlrcopilot_tui.agents.offline.catalogue.sklearn_shapes import SCALERS
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.source import SourceFile


def contrast(source: SourceFile) -> Change | None:
    """Takes brightness and contrast out of each flattened image."""
    np = numpy_name(source)
    edit = Edit(source)
    flats = list(flattened_images(source))
    if np is None or len(flats) != 1 or not edit.free("even_contrast", "standardised", *SCALERS):
        return None
    whole = with_scaling(source, flats[0][0])
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
    flats = list(flattened_images(source))
    if len(flats) != 1:
        return None
    node, images = flats[0]
    whole = with_scaling(source, node)
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


def shifted_copies(source: SourceFile) -> Change | None:
    """Trains on each image and on copies shifted by a pixel."""
    np = numpy_name(source)
    edit = Edit(source)
    if (
        np is None
        or not edit.free("with_shifts", "augment", "augmented", "SHIFTS")
        or not any(flattened_images(source))
    ):
        return None
    for fitting in fittings(source):
        if not rebindable(source, fitting):
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
    return {np}.concatenate(copies), {np}.concatenate([labels] * len(copies))
'''


CODEMODS: dict[str, Codemod] = {
    "even_contrast": contrast,
    "gradient_histograms": shape_features,
    "shifted_copies": shifted_copies,
}
