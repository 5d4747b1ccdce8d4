"""Models that forecast one day and are rolled forward."""

import numpy as np

from forecaster.windows import Windows


class RidgeForecaster:
    """Linear regression on lags with a ridge penalty."""

    def __init__(self, settings):
        self.settings = settings
        self.coef = None
        self.centre = 0.0

    def fit(self, values):
        windows = Windows(values, self.settings.lags, self.settings.season)
        x, y = windows.table()
        self.centre = y.mean()
        gram = x.T @ x + self.settings.ridge * np.eye(x.shape[1])
        self.coef = np.linalg.solve(gram, x.T @ (y - self.centre))
        return self

    def forecast(self, values):
        history = np.asarray(values, dtype=float)
        windows = Windows(history, self.settings.lags, self.settings.season)
        for _ in range(self.settings.horizon):
            step = windows.row(history) @ self.coef + self.centre
            history = np.append(history, max(step, 0.0))
        return history[-self.settings.horizon :]
