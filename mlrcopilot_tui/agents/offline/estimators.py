"""What is worth knowing about scikit-learn's estimators: their main settings, defaults and known choices.

Defaults are those documented for scikit-learn 1.5 to 1.9; one that is absent from the code counts as a knob too.
"""

from mlrcopilot_tui.agents.offline.literals import Setting

DEFAULTS: dict[str, dict[str, Setting]] = {
    "LogisticRegression": {"C": 1.0},
    "LinearSVC": {"C": 1.0},
    "SVC": {"C": 1.0},
    "NuSVC": {"nu": 0.5},
    "SVR": {"C": 1.0, "epsilon": 0.1},
    "Ridge": {"alpha": 1.0},
    "RidgeClassifier": {"alpha": 1.0},
    "Lasso": {"alpha": 1.0},
    "ElasticNet": {"alpha": 1.0, "l1_ratio": 0.5},
    "KernelRidge": {"alpha": 1.0},
    "SGDClassifier": {"alpha": 1e-4},
    "SGDRegressor": {"alpha": 1e-4, "eta0": 0.01},
    "KNeighborsClassifier": {"n_neighbors": 5, "weights": "uniform"},
    "KNeighborsRegressor": {"n_neighbors": 5, "weights": "uniform"},
    "DecisionTreeClassifier": {"min_samples_leaf": 1},
    "DecisionTreeRegressor": {"min_samples_leaf": 1},
    "RandomForestClassifier": {"n_estimators": 100, "min_samples_leaf": 1},
    "RandomForestRegressor": {"n_estimators": 100, "min_samples_leaf": 1},
    "ExtraTreesClassifier": {"n_estimators": 100, "min_samples_leaf": 1},
    "ExtraTreesRegressor": {"n_estimators": 100, "min_samples_leaf": 1},
    "GradientBoostingClassifier": {"learning_rate": 0.1, "n_estimators": 100, "max_depth": 3},
    "GradientBoostingRegressor": {"learning_rate": 0.1, "n_estimators": 100, "max_depth": 3},
    "HistGradientBoostingClassifier": {"learning_rate": 0.1, "max_iter": 100, "max_leaf_nodes": 31},
    "HistGradientBoostingRegressor": {"learning_rate": 0.1, "max_iter": 100, "max_leaf_nodes": 31},
    "AdaBoostClassifier": {"n_estimators": 50, "learning_rate": 1.0},
    "AdaBoostRegressor": {"n_estimators": 50, "learning_rate": 1.0},
    "MLPClassifier": {"alpha": 1e-4, "learning_rate_init": 1e-3, "max_iter": 200},
    "MLPRegressor": {"alpha": 1e-4, "learning_rate_init": 1e-3, "max_iter": 200},
    "MultinomialNB": {"alpha": 1.0},
    "ComplementNB": {"alpha": 1.0},
    "BernoulliNB": {"alpha": 1.0},
    "GaussianNB": {"var_smoothing": 1e-9},
    "LabelSpreading": {"gamma": 20.0, "n_neighbors": 7},
    "LabelPropagation": {"gamma": 20.0, "n_neighbors": 7},
}
"""Numeric settings worth tuning, with the default that holds where the code does not name them."""

CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    "SVC": {"kernel": ("linear", "rbf", "poly")},
    "SVR": {"kernel": ("linear", "rbf", "poly")},
    "KNeighborsClassifier": {"weights": ("uniform", "distance"), "metric": ("minkowski", "manhattan", "cosine")},
    "KNeighborsRegressor": {"weights": ("uniform", "distance"), "metric": ("minkowski", "manhattan", "cosine")},
    "DecisionTreeClassifier": {"criterion": ("gini", "entropy")},
    "RandomForestClassifier": {"criterion": ("gini", "entropy"), "max_features": ("sqrt", "log2")},
    "ExtraTreesClassifier": {"criterion": ("gini", "entropy"), "max_features": ("sqrt", "log2")},
    "SGDClassifier": {"loss": ("hinge", "log_loss", "modified_huber")},
    "MLPClassifier": {"activation": ("relu", "tanh", "logistic"), "solver": ("adam", "lbfgs")},
    "MLPRegressor": {"activation": ("relu", "tanh", "logistic"), "solver": ("adam", "lbfgs")},
    "LabelSpreading": {"kernel": ("rbf", "knn")},
    "LabelPropagation": {"kernel": ("rbf", "knn")},
    "GradientBoostingRegressor": {"loss": ("squared_error", "huber")},
}
"""Settings with few known values, by class and keyword."""
