"""Learns from rows without labels."""

import re

from mlrcopilot_tui.agents.offline.catalogue.arrays import bound, fittings, rebindable
from mlrcopilot_tui.agents.offline.catalogue.edits import Edit, numpy_name
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.roles import normalised
from mlrcopilot_tui.agents.offline.source import SourceFile

_POOL = re.compile(r"(.*_)?(unlabell?ed|pool|unsup|unsupervised|u)(_(x|images|data|inputs|features))?")
_CLASSIFIES = re.compile(r"argmax|accuracy|softmax|classif|classes|\.eye\(|error rate|bincount|labels", re.IGNORECASE)


def spread_labels(source: SourceFile) -> Change | None:
    """Gives the rows of an unlabelled pool the labels that spread to them over a graph of neighbours."""
    np = numpy_name(source)
    edit = Edit(source)
    names = ("spread_labels", "LabelSpreading", "LabelPropagation", "SelfTrainingClassifier", "pseudo_labels")
    if np is None or not edit.free(*names, "guessed") or not _CLASSIFIES.search(source.text):
        return None
    for fitting in fittings(source):
        here = bound(source, fitting.scope)
        pools = [name for name in here if _POOL.fullmatch(normalised(name)) and name not in {fitting.x, fitting.y}]
        if len(pools) != 1 or not rebindable(source, fitting):
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


CODEMODS: dict[str, Codemod] = {
    "label_spreading": spread_labels,
}
