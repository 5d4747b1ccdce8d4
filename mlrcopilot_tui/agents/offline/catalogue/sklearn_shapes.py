"""Recognises scikit-learn estimators in code, and whether the code around them would work with others."""

from collections.abc import Iterator

import libcst as cst

from mlrcopilot_tui.agents.offline.calls import callee
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

PREDICTING = frozenset(
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
    "PowerTransformer",
    "scale",
    "standardised",
    "even_contrast",
)
"""Names which say that inputs are scaled already."""


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


def wrappable(source: SourceFile, call: cst.Call, methods: frozenset[str] = PREDICTING) -> bool:
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
