"""Reads how an attempt failed, and what would mend it."""

import re
from dataclasses import dataclass
from typing import Literal

from mlrcopilot_tui.agents.base import Failure

FailureKind = Literal["diverged", "memory", "timeout", "import", "package", "shape", "other"]

IMPORTS = {
    "np": "import numpy as np",
    "math": "import math",
    "random": "import random",
    "os": "import os",
    "re": "import re",
    "json": "import json",
    "sys": "import sys",
    "time": "import time",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "torch": "import torch",
    "nn": "from torch import nn",
    "F": "import torch.nn.functional as F",
    "Counter": "from collections import Counter",
    "defaultdict": "from collections import defaultdict",
    "deque": "from collections import deque",
    "Path": "from pathlib import Path",
    "partial": "from functools import partial",
    "StandardScaler": "from sklearn.preprocessing import StandardScaler",
    "make_pipeline": "from sklearn.pipeline import make_pipeline",
}
"""What a name that nothing defines usually is."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What went wrong; `detail` is the missing name or package, or the last line of the traceback."""

    kind: FailureKind
    detail: str


_NAN = re.compile(r"\b(nan|inf|overflow|diverg\w*|not finite|infs?)\b", re.IGNORECASE)
_MEMORY = re.compile(r"out of memory|MemoryError|Unable to allocate|bad_alloc|OutOfMemoryError|Killed$", re.IGNORECASE)
_SHAPE = re.compile(
    r"could not be broadcast|shapes? .*(not aligned|mismatch)|mismatch in its core dimension|size of tensor|"
    r"dimension|expecting \d+ features|inconsistent numbers of samples|cannot reshape|must match|mat1 and mat2",
    re.IGNORECASE,
)


def diagnose(failure: Failure) -> Diagnosis:
    """The kind of the failure, from its outcome and the end of its output, the most telling sign first."""
    text = f"{failure.reason}\n{failure.log_tail}"
    last = next(
        (
            line
            for line in reversed(failure.log_tail.splitlines())
            if re.match(r"\w*(Error|Exception|Interrupt)\b", line)
        ),
        "",
    )
    if failure.outcome in {"timeout", "silent"}:
        return Diagnosis("timeout", failure.reason)
    if failure.outcome == "memory" or _MEMORY.search(text):
        return Diagnosis("memory", last or failure.reason)
    if name := re.search(r"NameError: name '(\w+)' is not defined", text):
        return Diagnosis("import", name[1])
    if package := re.search(
        r"(?:ModuleNotFoundError: No module named|ImportError: cannot import name) '([\w.]+)'", text
    ):
        return Diagnosis("package", package[1])
    if failure.outcome == "diverged" or (_NAN.search(last) or (not last and _NAN.search(text))):
        return Diagnosis("diverged", last or failure.reason)
    if _SHAPE.search(last):
        return Diagnosis("shape", last)
    return Diagnosis("other", last or failure.reason)
