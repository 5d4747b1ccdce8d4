"""Keeps the split and the metric out of the experiment's reach: which images have labels, and how errors are counted.

The images are scikit-learn's bundled copy of the test part of "Optical Recognition of Handwritten Digits" (UCI):
1,797 grey-scale images of 8x8 pixels with values from 0 to 16.
"""

from functools import cache

import numpy as np
from sklearn.datasets import load_digits

CLASSES = 10
LABELS_PER_CLASS = 10
POOL_SIZE = 1000


@cache
def _split():
    """The same split in every run: images and labels of the training pool, then of the validation set."""
    digits = load_digits()
    order = np.random.default_rng(1797).permutation(len(digits.target))
    pool, validation = order[:POOL_SIZE], order[POOL_SIZE:]
    return digits.images[pool], digits.target[pool], digits.images[validation], digits.target[validation]


def few_labels(seed):
    """Draw ten labelled images a class from the pool; the rest of the pool comes without labels.

    Returns (images, labels, unlabelled): shapes (100, 8, 8), (100,) and (900, 8, 8), pixel values from 0 to 16.
    """
    images, labels, _, _ = _split()
    rng = np.random.default_rng(seed)
    by_class = [rng.choice(np.flatnonzero(labels == k), LABELS_PER_CLASS, replace=False) for k in range(CLASSES)]
    drawn = np.concatenate(by_class)
    unlabelled = np.setdiff1d(np.arange(len(images)), drawn)
    return images[drawn].copy(), labels[drawn].copy(), images[unlabelled].copy()


def validation_error(predict):
    """Share of the 797 validation images that predict(images) -> labels gets wrong, between 0 and 1."""
    _, _, images, labels = _split()
    predicted = np.asarray(predict(images.copy()))
    if predicted.shape != labels.shape:
        raise ValueError(f"predict returned shape {predicted.shape} for {len(labels)} images, not ({len(labels)},)")
    return float(np.mean(predicted != labels))
