"""Wraps or swaps scikit-learn estimators where all that the code does with them goes on working."""

import libcst as cst

from mlrcopilot_tui.agents.offline.calls import callee, with_keyword
from mlrcopilot_tui.agents.offline.catalogue.edits import Edit, parsed_call
from mlrcopilot_tui.agents.offline.catalogue.sklearn_shapes import (
    BAYES,
    CLASSIFIERS,
    LINEAR_CLASSIFIERS,
    LINEAR_REGRESSORS,
    PREDICTING,
    REGRESSORS,
    SCALED,
    SCALERS,
    estimators,
    sparse_text,
    wrappable,
)
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.source import SourceFile


def in_pipeline(
    kinds: frozenset[str], step: str, statement: str, absent: tuple[str, ...], *, scaled: bool = True
) -> Codemod:
    """A codemod that puts the transformer `step` in front of estimators, with standardisation where need be."""

    def apply(source: SourceFile) -> Change | None:
        edit = Edit(source)
        calls = [c for c in estimators(source, kinds) if wrappable(source, c)]
        if not calls or sparse_text(source) or not edit.free(*absent):
            return None
        steps = f"{_scaling(edit) if scaled else ''}{step}"
        edit.need(statement)
        edit.need("from sklearn.pipeline import make_pipeline")
        for call in calls:
            edit.rewrite_call(call, lambda node: _with_last(parsed_call(f"make_pipeline({steps})"), node))
        return edit.done(estimator=callee(calls[0]), line=str(source.line(calls[0])))

    return apply


def _scaling(edit: Edit) -> str:
    """The step that standardises, for the head of a pipeline; empty where the file scales its inputs already."""
    if edit.source.uses(*SCALERS):
        return ""
    edit.need("from sklearn.preprocessing import StandardScaler")
    return "StandardScaler(), "


def wrapped(kinds: frozenset[str], code: str, statement: str) -> Codemod:
    """A codemod that hands estimators of these classes to the meta-estimator `code` as its first argument."""

    def apply(source: SourceFile) -> Change | None:
        edit = Edit(source)
        calls = [c for c in estimators(source, kinds) if wrappable(source, c)]
        if not calls or not edit.free(code.partition("(")[0]):
            return None
        edit.need(statement)
        for call in calls:
            edit.rewrite_call(call, lambda node: _with_first(_keeping_state(parsed_call(code), node), node))
        return edit.done(estimator=callee(calls[0]), line=str(source.line(calls[0])))

    return apply


def swapped(kinds: frozenset[str], code: str, statement: str, *, scaled: bool = False) -> Codemod:
    """A codemod that puts the estimator `code` in the place of those of these classes, its random state kept."""

    def apply(source: SourceFile) -> Change | None:
        edit = Edit(source)
        new_name = code.partition("(")[0]
        calls = [c for c in estimators(source, kinds) if wrappable(source, c, _methods_of(new_name))]
        if len(calls) != 1 or not edit.free(new_name) or sparse_text(source):
            return None
        steps = _scaling(edit) if scaled else ""
        edit.need(statement)
        new = _keeping_state(parsed_call(code), calls[0])
        if steps:
            edit.need("from sklearn.pipeline import make_pipeline")
            new = _with_last(parsed_call(f"make_pipeline({steps})"), new)
        edit.rewrite_call(calls[0], lambda _: new)
        edit.unneeded(callee(calls[0]))
        return edit.done(estimator=callee(calls[0]), line=str(source.line(calls[0])))

    return apply


def renamed(names: dict[str, str]) -> Codemod:
    """A codemod that puts a class of scikit-learn's ensembles in the place of another that takes the same arguments."""

    def apply(source: SourceFile) -> Change | None:
        edit = Edit(source)
        calls = [c for c in estimators(source, frozenset(names)) if wrappable(source, c)]
        if not calls or not edit.free(*names.values()):
            return None
        for call in calls:
            new = names[callee(call)]
            edit.need(f"from sklearn.ensemble import {new}")
            edit.unneeded(callee(call))
            edit.replace(call.func, new)
        return edit.done(estimator=callee(calls[0]), line=str(source.line(calls[0])))

    return apply


def _methods_of(name: str) -> frozenset[str]:
    """What the code may call on an estimator of that class, as far as the ones swapped for each other differ."""
    return PREDICTING - {"predict_proba", "predict_log_proba"} if name in {"SVC", "SVR"} else PREDICTING


_WEIGHABLE = frozenset(
    {
        "LogisticRegression",
        "LinearSVC",
        "SVC",
        "SGDClassifier",
        "RidgeClassifier",
        "RandomForestClassifier",
        "ExtraTreesClassifier",
        "DecisionTreeClassifier",
        "HistGradientBoostingClassifier",
    }
)


def balanced(source: SourceFile) -> Change | None:
    """Weights classes by their rarity where the estimator can and the code does not yet."""
    edit = Edit(source)
    calls = list(estimators(source, _WEIGHABLE))
    if not calls or not edit.free("class_weight", "sample_weight") or any(arg.star for c in calls for arg in c.args):
        return None
    for call in calls:
        edit.rewrite_call(call, lambda node: with_keyword(node, "class_weight", cst.parse_expression('"balanced"')))
    return edit.done(estimator=callee(calls[0]), line=str(source.line(calls[0])))


def target_transformed(source: SourceFile) -> Change | None:
    """Trains regressors on a power transform of the target and transforms their predictions back."""
    edit = Edit(source)
    calls = [c for c in estimators(source, REGRESSORS) if wrappable(source, c)]
    if not calls or not edit.free("TransformedTargetRegressor", "PowerTransformer", "log1p", "log"):
        return None
    edit.need("from sklearn.compose import TransformedTargetRegressor")
    edit.need("from sklearn.preprocessing import PowerTransformer")
    outer = parsed_call("TransformedTargetRegressor(transformer=PowerTransformer())")
    for call in calls:
        edit.rewrite_call(call, lambda node: _with_first(outer, node))
    return edit.done(estimator=callee(calls[0]), line=str(source.line(calls[0])))


def tfidf(source: SourceFile) -> Change | None:
    """Counts words and pairs of words, weighted by how rare they are and damped, in the place of plain counts."""
    edit = Edit(source)
    calls = list(estimators(source, frozenset({"CountVectorizer"})))
    if not calls or not edit.free("TfidfVectorizer", "TfidfTransformer", "ngram_range", "binary"):
        return None
    edit.need("from sklearn.feature_extraction.text import TfidfVectorizer")
    for call in calls:
        edit.rewrite_call(call, _as_tfidf)
    edit.unneeded("CountVectorizer")
    return edit.done(estimator="CountVectorizer", line=str(source.line(calls[0])))


def _as_tfidf(node: cst.Call) -> cst.Call:
    renamed = node.with_changes(func=cst.Name("TfidfVectorizer"))
    with_tf = with_keyword(renamed, "sublinear_tf", cst.Name("True"))
    return with_keyword(with_tf, "ngram_range", cst.parse_expression("(1, 2)"))


def _with_first(outer: cst.Call, inner: cst.Call) -> cst.Call:
    """`outer` with `inner` in front of its arguments."""
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")) if outer.args else cst.MaybeSentinel.DEFAULT
    return outer.with_changes(args=[cst.Arg(value=inner, comma=comma), *outer.args])


def _with_last(outer: cst.Call, inner: cst.Call) -> cst.Call:
    """`outer` with `inner` behind its arguments."""
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return outer.with_changes(args=[*(arg.with_changes(comma=comma) for arg in outer.args), cst.Arg(value=inner)])


def _keeping_state(new: cst.Call, old: cst.Call) -> cst.Call:
    """`new` with the random state that `old` is given, where both take one."""
    given = {arg.keyword.value: arg.value for arg in old.args if arg.keyword is not None}
    args = [
        arg.with_changes(value=given.get("random_state", arg.value))
        if arg.keyword is not None and arg.keyword.value == "random_state"
        else arg
        for arg in new.args
    ]
    return new.with_changes(args=args)


CODEMODS: dict[str, Codemod] = {
    "standardise_pipeline": in_pipeline(
        SCALED,
        "StandardScaler()",
        "from sklearn.preprocessing import StandardScaler",
        SCALERS,
        scaled=False,
    ),
    "kernel_features": in_pipeline(
        LINEAR_CLASSIFIERS - {"Perceptron"},
        "Nystroem(n_components=100, random_state=0)",
        "from sklearn.kernel_approximation import Nystroem",
        ("Nystroem", "RBFSampler", "PolynomialFeatures"),
    ),
    "kernel_machine": swapped(
        LINEAR_CLASSIFIERS | BAYES | {"KNeighborsClassifier", "DecisionTreeClassifier"},
        "SVC(C=5.0)",
        "from sklearn.svm import SVC",
        scaled=True,
    ),
    "boosted_trees": swapped(
        LINEAR_REGRESSORS | {"DecisionTreeRegressor", "KNeighborsRegressor"},
        "HistGradientBoostingRegressor(random_state=0)",
        "from sklearn.ensemble import HistGradientBoostingRegressor",
    ),
    "boosted_classifier": swapped(
        LINEAR_CLASSIFIERS | BAYES | {"KNeighborsClassifier", "DecisionTreeClassifier"},
        "HistGradientBoostingClassifier(random_state=0)",
        "from sklearn.ensemble import HistGradientBoostingClassifier",
    ),
    "forest": swapped(
        frozenset({"DecisionTreeClassifier"}),
        "ExtraTreesClassifier(n_estimators=300, random_state=0)",
        "from sklearn.ensemble import ExtraTreesClassifier",
    ),
    "extra_trees": renamed(
        {"RandomForestClassifier": "ExtraTreesClassifier", "RandomForestRegressor": "ExtraTreesRegressor"}
    ),
    "bagging": wrapped(
        CLASSIFIERS - {"RandomForestClassifier", "ExtraTreesClassifier"},
        "BaggingClassifier(n_estimators=20, random_state=0)",
        "from sklearn.ensemble import BaggingClassifier",
    ),
    "balanced_classes": balanced,
    "polynomial_features": in_pipeline(
        LINEAR_REGRESSORS,
        "PolynomialFeatures(degree=2, include_bias=False)",
        "from sklearn.preprocessing import PolynomialFeatures",
        ("PolynomialFeatures", "SplineTransformer"),
    ),
    "target_transform": target_transformed,
    "tfidf": tfidf,
}
