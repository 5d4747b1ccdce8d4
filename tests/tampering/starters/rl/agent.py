"""A deep Q-network."""

import copy

import torch
from torch import nn


class DQN:
    def __init__(self, inputs, actions, rng, *, lr=1e-3, gamma=0.99, hidden=64):
        self.rng = rng
        self.actions = actions
        self.gamma = gamma
        self.net = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, actions))
        self.target = copy.deepcopy(self.net)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=lr)

    @torch.no_grad()
    def act(self, observation, epsilon=0.0):
        if self.rng.random() < epsilon:
            return int(self.rng.integers(self.actions))
        return int(self.net(torch.as_tensor(observation)).argmax())

    def update(self, batch):
        states, actions, rewards, nexts, ended = (torch.as_tensor(part) for part in batch)
        values = self.net(states).gather(1, actions[:, None]).squeeze(1)
        with torch.no_grad():
            best = self.target(nexts).max(dim=1).values
            goals = rewards + self.gamma * best * (1 - ended)
        loss = nn.functional.mse_loss(values, goals)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def sync(self):
        self.target.load_state_dict(self.net.state_dict())
