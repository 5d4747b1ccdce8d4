"""Few-label digits: a linear softmax classifier on raw pixels, trained by stochastic gradient descent."""

import os
from functools import partial

import numpy as np
from evaluate import CLASSES, few_labels, validation_error

EPOCHS = 400
LEARNING_RATE = 1e-3
BATCH_SIZE = 5
L2 = 1e-4
INIT_SCALE = 0.01

SEED = int(os.environ.get("MLRCOPILOT_SEED", "0"))


def features(x):
    """Turn images (n, 8, 8) with values from 0 to 16 into feature vectors (n, 64) with values from 0 to 1."""
    return x.reshape(len(x), -1) / 16.0


def softmax(scores):
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return scores / scores.sum(axis=1, keepdims=True)


def predict(weights, bias, images):
    return np.argmax(features(images) @ weights + bias, axis=1)


def train(x, y, rng):
    """Fit weights (features, classes) and bias (classes,) to feature vectors x and labels y."""
    weights = rng.normal(0.0, INIT_SCALE, size=(x.shape[1], CLASSES))
    bias = np.zeros(CLASSES)
    targets = np.eye(CLASSES)[y]

    for epoch in range(1, EPOCHS + 1):
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH_SIZE):
            batch = order[start : start + BATCH_SIZE]
            residual = softmax(x[batch] @ weights + bias) - targets[batch]
            weights -= LEARNING_RATE * (x[batch].T @ residual / len(batch) + L2 * weights)
            bias -= LEARNING_RATE * residual.mean(axis=0)

        if epoch % 5 == 0:
            error = validation_error(partial(predict, weights, bias))
            print(f"epoch {epoch}/{EPOCHS} val_error: {error:.6f}")

    return weights, bias


def main():
    rng = np.random.default_rng(SEED)
    images, labels, unlabelled = few_labels(SEED)
    print(f"seed {SEED}: {len(images)} labelled images, {len(unlabelled)} unlabelled and not used")

    weights, bias = train(features(images), labels, rng)
    error = validation_error(partial(predict, weights, bias))
    print(f"val_error: {error:.6f}")


if __name__ == "__main__":
    main()
