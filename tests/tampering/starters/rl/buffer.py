"""Replay memory."""

import numpy as np


class ReplayBuffer:
    """The last `capacity` transitions, drawn uniformly."""

    def __init__(self, capacity, rng):
        self.capacity = capacity
        self.rng = rng
        self.items = []
        self.at = 0

    def add(self, transition):
        if len(self.items) < self.capacity:
            self.items.append(transition)
        else:
            self.items[self.at] = transition
        self.at = (self.at + 1) % self.capacity

    def sample(self, size):
        chosen = self.rng.integers(len(self.items), size=size)
        return [np.stack(column) for column in zip(*(self.items[i] for i in chosen), strict=True)]

    def __len__(self):
        return len(self.items)
