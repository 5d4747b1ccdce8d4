"""Hashing of categorical columns."""

import zlib

import numpy as np
import pandas as pd

COLUMNS = ["site", "app", "device", "banner", "hour"]


def encode(table: pd.DataFrame, bits: int) -> np.ndarray:
    """Hashed columns as integers below 2**bits, shape (rows, columns)."""
    out = np.empty((len(table), len(COLUMNS)), dtype=np.int32)
    for at, column in enumerate(COLUMNS):
        codes, values = pd.factorize(table[column])
        hashed = np.array([zlib.crc32(f"{column}={value}".encode()) % (1 << bits) for value in values])
        out[:, at] = hashed[codes]
    return out
