"""Wraps or swaps scikit-learn estimators where all that the code does with them goes on working."""

from collections.abc import Iterator

import libcst as cst

from mlrcopilot_tui.agents.offline.catalogue.edits import Edit, parsed_call
from mlrcopilot_tui.agents.offline.catalogue.technique import Change, Codemod
from mlrcopilot_tui.agents.offline.knobs import callee, with_keyword
from mlrcopilot_tui.agents.offline.source import SourceFile, measures

LINEAR_CLASSIFIERS = frozenset({"LogisticRegression", "LinearSVC", "RidgeClassifier", "Perceptron", "SGDClassifier"})
LINEAR_REGRESSORS = frozenset({"LinearRegression", "Ridge", "Lasso", "ElasticNet", "SGDRegressor", "LinearSVR"})
DISTANCE_BASED = frozenset(
    {"SVC", "SVR", "NuSVC", "NuSVR", "KNeighborsClassifier", "KNeighborsRegressor", "KernelRidge"}
)
NETWORKS = frozenset({"MLPClassifier", "MLPRegressor"})
TREES = frozenset(
    {
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "RandomForestClassifier",
        "RandomForestRegressor",
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
    }
)
_VECTORIZERS = frozenset({"CountVectorizer", "TfidfVectorizer", "HashingVectorizer"})
BAYES = frozenset({"GaussianNB", "NearestCentroid", "LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis"})
SCALED = LINEAR_CLASSIFIERS | LINEAR_REGRESSORS | DISTANCE_BASED | NETWORKS
CLASSIFIERS = (
    LINEAR_CLASSIFIERS | BAYES | {n for n in DISTANCE_BASED | NETWORKS | TREES if "Regress" not in n and n[-1] != "R"}
)
CLASSIFIERS -= {"KernelRidge"}
REGRESSORS = (
    LINEAR_REGRESSORS
    | {"SVR", "NuSVR", "KernelRidge"}
    | {n for n in NETWORKS | TREES | DISTANCE_BASED if "Regress" in n}
)

_KEPT_BY_PIPELINES = frozenset(
    {"fit", "predict", "predict_proba", "predict_log_proba", "decision_function", "score", "classes_", "fit_predict"}
)
_PIPELINE_MAKERS = frozenset({"make_pipeline", "Pipeline"})
_CROSS_VALIDATORS = frozenset({"cross_val_score", "cross_val_predict", "cross_validate"})
_OF_ONE_CLASS = frozenset(
    {
        "coef_",
        "intercept_",
        "feature_importances_",
        "estimators_",
        "support_",
        "support_vectors_",
        "n_iter_",
        "loss_curve_",
        "partial_fit",
        "staged_predict",
        "set_params",
        "sample_weight",
        "GridSearchCV",
        "RandomizedSearchCV",
        "HalvingGridSearchCV",
    }
)
"""Code that uses one of these relies on the very class of its estimator."""
SCALERS = (
    "StandardScaler",
    "MinMaxScaler",
    "RobustScaler",
    "MaxAbsScaler",
    "Normalizer",
    "QuantileTransformer",
    "scale",
)


def estimators(source: SourceFile, kinds: frozenset[str]) -> Iterator[cst.Call]:
    """The calls that construct scikit-learn estimators of these classes, outside of code that measures."""
    for node in source.find(cst.Call):
        if callee(node) not in kinds:
            continue
        if source.origin(node.func).startswith("sklearn.") and not _in_measuring(source, node):
            yield node


def sparse_text(source: SourceFile) -> bool:
    """Whether the file turns text into sparse counts, which cannot be centred."""
    return any(node.value in _VECTORIZERS for node in source.find(cst.Name))


def wrappable(source: SourceFile, call: cst.Call, methods: frozenset[str] = _KEPT_BY_PIPELINES) -> bool:
    """Whether all that the file does with what `call` makes works on a pipeline or another estimator too.

    The estimator may be assigned to a name, returned, passed on or used at once; what the file calls on names that may
    hold it must be among `methods`, without extra arguments.
    """
    if source.uses(*_OF_ONE_CLASS):
        return False
    parent = source.parent(call)
    if isinstance(parent, cst.Attribute):  # LogisticRegression().fit(…)
        return _use_is_safe(source, parent, methods)
    holder = _holder(source, call)
    if holder is None:
        return False
    names = _names_of(source, holder)
    uses = [use for use in source.find(cst.Attribute) if _last(use.value) in names]
    return all(_use_is_safe(source, use, methods) for use in uses)


def _holder(source: SourceFile, call: cst.Call) -> cst.CSTNode | None:
    """The assignment, return or call that takes the estimator, be it within a pipeline; None for anything else."""
    around = list(source.ancestors(call))
    in_steps = any(isinstance(outer, cst.Call) and callee(outer) in _PIPELINE_MAKERS for outer in around)
    for outer in around:
        if isinstance(outer, cst.Assign | cst.AnnAssign | cst.Return):
            return outer
        if isinstance(outer, cst.Call) and callee(outer) not in _PIPELINE_MAKERS:
            return outer if callee(outer) in _CROSS_VALIDATORS else None
        if isinstance(outer, cst.BaseStatement | cst.Lambda | cst.Dict):
            return None
        if isinstance(outer, cst.List | cst.Tuple) and not in_steps:
            return None
    return None


def _names_of(source: SourceFile, holder: cst.CSTNode) -> set[str]:
    """The names by which the file may know the estimator: those it is assigned to, or those of its maker's results."""
    if isinstance(holder, cst.Assign):
        return {_last(t.target) for t in holder.targets}
    if isinstance(holder, cst.AnnAssign):
        return {_last(holder.target)}
    if isinstance(holder, cst.Return):
        maker = next((a.name.value for a in source.ancestors(holder) if isinstance(a, cst.FunctionDef)), "")
        return {
            name
            for node in source.find(cst.Assign)
            if isinstance(node.value, cst.Call) and callee(node.value) == maker
            for name in (_last(t.target) for t in node.targets)
        }
    return set()


def _last(node: cst.CSTNode) -> str:
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else ""


def _use_is_safe(source: SourceFile, use: cst.Attribute, methods: frozenset[str]) -> bool:
    if use.attr.value not in methods:
        return False
    call = source.parent(use)
    if use.attr.value != "fit" or not isinstance(call, cst.Call):
        return True
    return len(call.args) <= 2 and not any(arg.keyword is not None or arg.star for arg in call.args)


def _in_measuring(source: SourceFile, node: cst.CSTNode) -> bool:
    return any(isinstance(a, cst.FunctionDef) and measures(a.name.value) for a in source.ancestors(node))


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
            edit.rewrite_call(call, lambda node: _with_first(parsed_call(code), node))
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
        state = next((a for a in calls[0].args if a.keyword is not None and a.keyword.value == "random_state"), None)
        new = _keeping_state(parsed_call(code), state)
        if steps:
            edit.need("from sklearn.pipeline import make_pipeline")
            new = _with_last(parsed_call(f"make_pipeline({steps})"), new)
        edit.rewrite_call(calls[0], lambda _: new)
        return edit.done(estimator=callee(calls[0]), line=str(source.line(calls[0])))

    return apply


def _methods_of(name: str) -> frozenset[str]:
    """What the code may call on an estimator of that class, as far as the ones swapped for each other differ."""
    return _KEPT_BY_PIPELINES - {"predict_proba", "predict_log_proba"} if name in {"SVC", "SVR"} else _KEPT_BY_PIPELINES


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


def _keeping_state(new: cst.Call, state: cst.Arg | None) -> cst.Call:
    if state is None or callee(new) in {"SVR", "KernelRidge", "KNeighborsClassifier"}:
        return new
    return with_keyword(new, "random_state", state.value)


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
        "HistGradientBoostingRegressor()",
        "from sklearn.ensemble import HistGradientBoostingRegressor",
    ),
    "forest": swapped(
        frozenset({"DecisionTreeClassifier", "RandomForestClassifier"}),
        "ExtraTreesClassifier(n_estimators=300)",
        "from sklearn.ensemble import ExtraTreesClassifier",
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
