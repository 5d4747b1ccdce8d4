"""Keeps the corpus and the metric out of the experiment's reach: how a model reads the text and what a bit costs.

A model is any object with `prob(context, char)`: the probability that `char` comes after `context`, the 32 characters
before it. At each scored position it is asked for every character of the alphabet before the text goes on, so it cannot
know which one is the answer, and its answers must add up to one. A model may also have `observe(text)`, which is called
with each stretch of text once it is past; it is then free to learn from it.
"""

import math
from pathlib import Path

ALPHABET = "\n" + "".join(map(chr, range(32, 127)))
CONTEXT = 32
STRIDE = 10

_DATA = Path(__file__).resolve().parent / "data"
_scored = set()


def training_text():
    """Two million characters of Python source."""
    return (_DATA / "train.txt").read_text(encoding="ascii")


def development_bits(model):
    """Bits per character on a small text of its own, for the learning curve; it is no part of the result."""
    return _bits_per_char(model, (_DATA / "dev.txt").read_text(encoding="ascii"))


def validation_bits(model):
    """Bits per character on the validation text: the result of a run.

    Raises:
        RuntimeError: on a second call in one run, by which a model that observes would have seen the text before.
    """
    if "valid.txt" in _scored:
        raise RuntimeError("the validation text is read once in a run; use development_bits for the learning curve")
    _scored.add("valid.txt")
    return _bits_per_char(model, (_DATA / "valid.txt").read_text(encoding="ascii"))


def _bits_per_char(model, text):
    """Mean bits at every tenth position, each before the model has seen what stands there."""
    observe = getattr(model, "observe", None)
    bits, scored, seen = 0.0, 0, 0
    for position in range(CONTEXT, len(text), STRIDE):
        if observe:
            observe(text[seen:position])
            seen = position
        bits -= math.log2(_prob_of_truth(model, text[position - CONTEXT : position], text[position]))
        scored += 1
    return bits / scored


def _prob_of_truth(model, context, truth):
    """What the model gave the character that came, once it has answered for all of them.

    Raises:
        ValueError: where the answers are no probability distribution, or leave the truth no chance.
    """
    answers = [float(model.prob(context, char)) for char in ALPHABET]
    total = math.fsum(answers)
    if not (abs(total - 1.0) <= 1e-6 and min(answers) >= 0.0):
        raise ValueError(f"the probabilities after {context!r} add up to {total:.9g}, smallest {min(answers):.3g}")
    answer = answers[ALPHABET.index(truth)]
    if answer == 0.0:
        raise ValueError(f"{truth!r} came after {context!r}, and the model had given it no chance at all")
    return answer
