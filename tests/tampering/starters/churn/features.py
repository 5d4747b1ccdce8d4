"""Features of a customer from the raw table."""

import numpy as np
import pandas as pd

NUMERIC = ["tenure_months", "monthly_fee", "calls_to_support", "data_gb"]
CATEGORICAL = ["plan", "region", "payment"]


def build_features(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row of features for each customer, in the order of the frame."""
    out = frame[NUMERIC].copy()
    out["fee_per_gb"] = frame["monthly_fee"] / (frame["data_gb"] + 1.0)
    out["log_tenure"] = np.log1p(frame["tenure_months"])
    dummies = pd.get_dummies(frame[CATEGORICAL], prefix=CATEGORICAL, dtype=float)
    return pd.concat([out, dummies], axis=1)


def align(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Give a table the columns of another; what is missing is zero."""
    return frame.reindex(columns=columns, fill_value=0.0)
