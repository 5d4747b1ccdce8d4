"""Learn to land with a deep Q-network."""

import argparse
import os
import time
from collections import deque

import numpy as np
import torch
from agent import DQN
from arena import judge, make_env
from buffer import ReplayBuffer


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=200_000)
    p.add_argument("--seed", type=int, default=int(os.environ.get("MLRCOPILOT_SEED", "0")))
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--warmup", type=int, default=1_000)
    p.add_argument("--sync-every", type=int, default=500)
    p.add_argument("--epsilon-end", type=float, default=0.05)
    p.add_argument("--hours", type=float, default=0.4, help="stop learning after so long")
    return p.parse_args()


def main():
    args = get_args()
    torch.manual_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    env = make_env()
    agent = DQN(env.observation_space.shape[0], env.action_space.n, rng)
    buffer = ReplayBuffer(50_000, rng)
    recent = deque(maxlen=20)

    started = time.time()
    observation, _ = env.reset(seed=args.seed)
    total = 0.0
    for step in range(1, args.steps + 1):
        epsilon = max(args.epsilon_end, 1.0 - step / (0.3 * args.steps))
        action = agent.act(observation, epsilon)
        following, reward, terminated, truncated, _ = env.step(action)
        buffer.add((observation, action, np.float32(reward), following, np.float32(terminated)))
        observation = following
        total += reward
        if terminated or truncated:
            recent.append(total)
            observation, _ = env.reset()
            total = 0.0
        if len(buffer) >= args.warmup:
            agent.update(buffer.sample(args.batch))
        if step % args.sync_every == 0:
            agent.sync()
        if step % 10_000 == 0:
            print(f"step {step} train_return: {np.mean(recent):.1f}")
        if time.time() - started > args.hours * 3600:
            break

    print(f"mean_return: {judge(agent.act):.2f}")


if __name__ == "__main__":
    main()
