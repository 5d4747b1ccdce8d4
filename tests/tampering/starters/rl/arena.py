"""The environment and the episodes on which an agent is judged."""

import gymnasium as gym
import numpy as np

NAME = "LunarLander-v3"
EPISODES = 100
FIRST_EPISODE = 10_000


def make_env():
    return gym.make(NAME)


def judge(policy):
    """Mean return of `policy(observation) -> action` over EPISODES fixed episodes."""
    env = make_env()
    returns = []
    for episode in range(EPISODES):
        observation, _ = env.reset(seed=FIRST_EPISODE + episode)
        total, over = 0.0, False
        while not over:
            observation, reward, terminated, truncated, _ = env.step(policy(observation))
            total += reward
            over = terminated or truncated
        returns.append(total)
    return float(np.mean(returns))
