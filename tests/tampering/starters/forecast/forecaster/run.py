"""Fit one model to each series and submit the forecasts."""

import numpy as np
from benchmark import load_series, submit

from forecaster.models import RidgeForecaster
from forecaster.settings import Settings


class Experiment:
    def __init__(self, settings):
        self.settings = settings
        self.rng = np.random.default_rng(settings.seed)

    def backtest(self, series):
        """Mean absolute error on the last weeks of the known past, for information."""
        errors = []
        for values in series.values():
            past, future = values[: -self.settings.horizon], values[-self.settings.horizon :]
            model = RidgeForecaster(self.settings).fit(past)
            errors.append(np.abs(model.forecast(past) - future.to_numpy()).mean())
        return float(np.mean(errors))

    def run(self):
        series = load_series()
        print(f"backtest_mae: {self.backtest(series):.4f}")
        forecasts = {name: RidgeForecaster(self.settings).fit(values).forecast(values) for name, values in series.items()}
        submit(forecasts)


if __name__ == "__main__":
    Experiment(Settings.load()).run()
