"""Joins each claim of `techniques.toml` with the codemod of the same id."""

import tomllib
from functools import lru_cache
from importlib.resources import files

import msgspec

from mlrcopilot_tui.agents.offline.catalogue import (
    features,
    images,
    language_models,
    networks,
    optimizers,
    torch_loops,
    unlabelled,
)
from mlrcopilot_tui.agents.offline.catalogue import sklearn_models as sk
from mlrcopilot_tui.agents.offline.catalogue.technique import Claim, Codemod, Technique

CODEMODS: dict[str, Codemod] = {
    **features.CODEMODS,
    **images.CODEMODS,
    **unlabelled.CODEMODS,
    **sk.CODEMODS,
    **optimizers.CODEMODS,
    **networks.CODEMODS,
    **language_models.CODEMODS,
    **torch_loops.CODEMODS,
}


def read_claims() -> tuple[Claim, ...]:
    """The claims in the order of the table."""
    table = tomllib.loads(files(__package__).joinpath("techniques.toml").read_text(encoding="utf-8"))
    return tuple(msgspec.convert({"id": name, **entry}, Claim) for name, entry in table.items())


TECHNIQUES = tuple(Technique(claim, lru_cache(maxsize=8)(CODEMODS[claim.id])) for claim in read_claims())
"""All of them; what a codemod made of a file is kept for the next question about the same file."""
