"""Rules for what is no Python: the words of added lines, modestly read."""

import re
from collections.abc import Iterator
from typing import Final

from mlrcopilot_tui.research.tampering.facts import Facts
from mlrcopilot_tui.research.tampering.findings import Finding
from mlrcopilot_tui.session.model import TagRule

_COMMENT: Final = re.compile(r"^\s*(#|//|;|--|<!--|\*|rem\b)", re.IGNORECASE)
_RULES: Final[dict[TagRule, str]] = {
    "seed": r"seed|random_state",
    "network": r"(https?|ftp|s3|gs|ssh)://|\b(curl|wget|scp|rsync|ssh|nc)\b|pip3? install|download",
    "sleep": r"\bsleep\b",
    "time-limit": r"time_?out|time_?limit|deadline|max_?(seconds|minutes|hours|time)|wall_?time",
    "subprocess": r"\b(eval|exec|subprocess|nohup|crontab|bash -c|sh -c|python3? -c)\b|os\.system",
    "split": (
        r"(train|valid|val|test|dev|hold_?out)[\w-]*_?(size|frac\w*|ratio|split|percent\w*|file|path|data|set)\b|"
        r"\b(split|folds?|n_splits|stratify)\b"
    ),
    "evaluation": (
        r"(eval|valid|val|test)[\w-]*(limit|max|samples|subset|steps|batches|examples)|"
        r"(max|limit|num|n)[\w-]*(eval|valid|val|test)\b[\w-]*|drop_last"
    ),
    "cache": r"\bcache|pickle|checkpoint|resume|pretrained",
    "protected": r"MLRCOPILOT|PYTHONPATH|PYTHONSTARTUP|LD_PRELOAD|sitecustomize|sys\.modules",
}
_WHY: Final[dict[TagRule, str]] = {
    "seed": "It changes a seed.",
    "network": "It uses the network.",
    "sleep": "It waits without computing.",
    "time-limit": "It changes a limit of time.",
    "subprocess": "It starts other programs.",
    "split": "It changes how the data is cut.",
    "evaluation": "It changes on what the metric is computed.",
    "cache": "It keeps or loads results, weights or predictions.",
    "protected": "It steers how a run is measured.",
    "metric": "It names the metric.",
}


def textual(path: str, text: str, facts: Facts) -> Iterator[Finding]:
    """What the lines of a file of settings or a shell script touch."""
    if path.lower().endswith((".md", ".rst", ".txt")) and not path.lower().endswith("requirements.txt"):
        return
    rules: dict[TagRule, str] = {**_RULES, "metric": rf"(?<!\w){re.escape(facts.metric)}(?!\w)|\bmetric\b"}
    for number, line in enumerate(text.splitlines(), start=1):
        if _COMMENT.match(line):
            continue
        for rule, pattern in rules.items():
            own = rule == "split" and facts.evaluate and not re.search("test", line, re.IGNORECASE)
            if not own and re.search(pattern, line, re.IGNORECASE):
                yield Finding(rule, " ".join(line.split()), number, number, _WHY[rule], _WHY[rule])
