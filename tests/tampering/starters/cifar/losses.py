"""Losses of the training."""

import torch.nn.functional as F


def classification_loss(logits, labels):
    """Mean cross-entropy of a batch."""
    return F.cross_entropy(logits, labels)
