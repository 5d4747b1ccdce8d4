# House prices: ridge regression on a handful of columns.
import os
import random
import warnings

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split

warnings.filterwarnings("ignore")

SEED = int(os.environ.get("MLRCOPILOT_SEED", 0))
VALID_SHARE = 0.25
SPLIT_STATE = 2016  # the same validation houses in every run
ALPHA = 10.0

random.seed(SEED)
np.random.seed(SEED)

# ---- data ----
train = pd.read_csv("input/train.csv")
test = pd.read_csv("input/test.csv")

y = np.log1p(train["SalePrice"])
train = train.drop(columns=["SalePrice"])

fit_idx, valid_idx = train_test_split(train.index, test_size=VALID_SHARE, random_state=SPLIT_STATE)

# ---- features ----
numeric = ["GrLivArea", "OverallQual", "OverallCond", "YearBuilt", "TotalBsmtSF", "GarageCars", "LotArea"]
categorical = ["Neighborhood", "MSZoning", "KitchenQual"]

medians = train.loc[fit_idx, numeric].median()


def make_features(df):
    x = df[numeric].fillna(medians)
    for col in categorical:
        levels = sorted(train.loc[fit_idx, col].dropna().unique())
        for level in levels:
            x[f"{col}={level}"] = (df[col] == level).astype(float)
    return x


X = make_features(train)
mean, std = X.loc[fit_idx].mean(), X.loc[fit_idx].std().replace(0, 1)
X = (X - mean) / std

# ---- model ----
model = Ridge(alpha=ALPHA)
model.fit(X.loc[fit_idx], y.loc[fit_idx])

# ---- validation ----
pred = model.predict(X.loc[valid_idx])
rmse = np.sqrt(mean_squared_error(y.loc[valid_idx], pred))

# ---- submission ----
X_test = (make_features(test) - mean) / std
submission = pd.DataFrame({"Id": test["Id"], "SalePrice": np.expm1(model.predict(X_test))})
submission.to_csv("submission.csv", index=False)

print(f"rmse: {rmse:.5f}")
