"""Small real trainings that report a metric as they go: what the recorded curves of `early_stop` come from.

One hidden layer in numpy, so that a thousand trainings take minutes. Learning rate, schedule, width, regularisation,
batch and optimiser vary, and with them how a curve goes: some begin worse and end better, as with a warm-up, a high
rate that falls at the end, or dropout.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

Array = NDArray[np.float64]
Task = Literal["digits", "diabetes", "cancer", "text"]

CONTEXT = 3
LETTERS = 40


class Recipe(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a network is trained; `noise` is the share of labels that are drawn by lot."""

    lr: float = 0.1
    schedule: Literal["constant", "cosine", "step", "late", "warmup", "cycle"] = "constant"
    optimizer: Literal["sgd", "momentum", "adam"] = "sgd"
    width: int = 32
    batch: int = 32
    epochs: int = 40
    l2: float = 0.0
    dropout: float = 0.0
    noise: float = 0.0
    init: float = 1.0


class Data(NamedTuple):
    """Features and targets (one column each class, or the one value) to train and to validate on."""

    x: Array
    y: Array
    x_valid: Array
    y_valid: Array


class Report(NamedTuple):
    """What is validated after an epoch; the error is NaN for a regression."""

    epoch: int
    loss: float
    error: float


def load(task: Task, text: str = "") -> Data:
    """The data of a task, the same split each time; `text` is what the task of that name reads."""
    if task == "text":
        return _characters(text)
    if task == "diabetes":
        x, y = load_diabetes(return_X_y=True)
        y = ((y - y.mean()) / y.std())[:, None]
        train = 300
    else:
        x, labels = (load_digits if task == "digits" else load_breast_cancer)(return_X_y=True)
        y = np.eye(int(labels.max()) + 1)[labels]
        train = 500 if task == "digits" else 150
    x = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)
    order = np.random.default_rng(len(x)).permutation(len(x))
    x, y = x[order], y[order]
    return Data(x[:train], y[:train], x[train:], y[train:])


def train(data: Data, recipe: Recipe, seed: int) -> Iterator[Report]:
    """One training, epoch by epoch."""
    rng = np.random.default_rng(seed)
    regression = data.y.shape[1] == 1
    targets = data.y if regression else _mislabelled(data.y, recipe.noise, rng)
    shapes = ((data.x.shape[1], recipe.width), (recipe.width, data.y.shape[1]))
    weights = [rng.normal(0, recipe.init / np.sqrt(shape[0]), shape) for shape in shapes]
    weights += [np.zeros(shape[1]) for shape in shapes]
    memory = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]
    updates = 0
    for epoch in range(1, recipe.epochs + 1):
        order = rng.permutation(len(data.x))
        for start in range(0, len(order), recipe.batch):
            chosen = order[start : start + recipe.batch]
            gradients = _gradients(weights, data.x[chosen], targets[chosen], recipe, rng)
            updates += 1
            rate = recipe.lr * _share(recipe.schedule, (epoch - 1 + start / len(order)) / recipe.epochs)
            for weight, gradient, past in zip(weights, gradients, memory, strict=True):
                weight[...] -= rate * _direction(gradient, past, recipe.optimizer, updates)
        yield Report(epoch, *_validated(weights, data, regression=regression))


def _gradients(weights: list[Array], x: Array, y: Array, recipe: Recipe, rng: np.random.Generator) -> list[Array]:
    first, second, bias, bias2 = weights
    hidden = np.maximum(x @ first + bias, 0)
    mask = (rng.random(hidden.shape) >= recipe.dropout) / (1 - recipe.dropout)
    hidden = hidden * mask
    scores = hidden @ second + bias2
    residual = (scores - y if y.shape[1] == 1 else _softmax(scores) - y) / len(x)
    back = (residual @ second.T) * (hidden > 0) * mask
    decay = (recipe.l2 * first, recipe.l2 * second)
    return [x.T @ back + decay[0], hidden.T @ residual + decay[1], back.sum(axis=0), residual.sum(axis=0)]


def _direction(gradient: Array, past: tuple[Array, Array], optimizer: str, updates: int) -> Array:
    first, second = past
    if optimizer == "momentum":
        first *= 0.9
        first += gradient
        return first
    if optimizer == "adam":
        first += 0.1 * (gradient - first)
        second += 0.001 * (gradient**2 - second)
        scaled: Array = (first / (1 - 0.9**updates)) / (np.sqrt(second / (1 - 0.999**updates)) + 1e-8)
        return scaled
    return gradient


def _share(schedule: str, done: float) -> float:
    """The share of the learning rate that is in force when so much of the training is done."""
    cosine = float(0.5 + 0.5 * np.cos(np.pi * done))
    return {
        "constant": 1.0,
        "cosine": cosine,
        "step": 1.0 if done < 0.6 else 0.1,
        "late": 1.0 if done < 0.8 else 0.05,
        "warmup": min(1.0, done / 0.3),
        "cycle": done / 0.4 if done < 0.4 else float(0.5 + 0.5 * np.cos(np.pi * (done - 0.4) / 0.6)),
    }[schedule]


def _validated(weights: list[Array], data: Data, *, regression: bool) -> tuple[float, float]:
    first, second, bias, bias2 = weights
    scores = np.maximum(data.x_valid @ first + bias, 0) @ second + bias2
    if regression:
        return float(np.mean((scores - data.y_valid) ** 2)), float("nan")
    truth = data.y_valid.argmax(axis=1)
    loss = -np.log(_softmax(scores)[np.arange(len(truth)), truth] + 1e-12).mean()
    return float(loss), float(np.mean(scores.argmax(axis=1) != truth))


def _softmax(scores: Array) -> Array:
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Array = scores / scores.sum(axis=1, keepdims=True)
    return shares


def _mislabelled(y: Array, share: float, rng: np.random.Generator) -> Array:
    wrong = rng.random(len(y)) < share
    y = y.copy()
    y[wrong] = np.eye(y.shape[1])[rng.integers(y.shape[1], size=int(wrong.sum()))]
    return y


def _characters(text: str) -> Data:
    """The next character of a text by the three before it; characters beyond the commonest are one."""
    found, counts = np.unique(np.array(list(text)), return_counts=True)
    letters = {str(letter): place for place, letter in enumerate(found[np.argsort(-counts)][: LETTERS - 1])}
    codes = np.array([letters.get(letter, LETTERS - 1) for letter in text])
    one_hot = np.eye(LETTERS)
    x = np.concatenate([one_hot[codes[at : len(codes) - CONTEXT + at]] for at in range(CONTEXT)], axis=1)
    y = one_hot[codes[CONTEXT:]]
    half = len(x) // 2
    return Data(x[:half], y[:half], x[half:], y[half:])
