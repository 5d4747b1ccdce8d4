"""Windows of a series as rows for a regression."""

import numpy as np


class Windows:
    """Rows of lagged values and the value that follows them."""

    def __init__(self, values, lags, season):
        self.values = np.asarray(values, dtype=float)
        self.lags = lags
        self.season = season

    def row(self, history):
        """Features for the day after `history`."""
        recent = history[-self.lags :]
        return np.concatenate([recent, [recent.mean(), history[-self.season]]])

    def table(self):
        """All rows and targets of the series."""
        spots = range(max(self.lags, self.season), len(self.values))
        rows = [self.row(self.values[:at]) for at in spots]
        return np.stack(rows), np.array([self.values[at] for at in spots])

    def split(self, days):
        """Tables of all but the last `days` days and of these days, for choosing settings."""
        x, y = self.table()
        return (x[:-days], y[:-days]), (x[-days:], y[-days:])
