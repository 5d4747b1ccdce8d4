"""Pre-train a character-level GPT; reports the validation loss after a fixed time of training."""

import math
import os
import time

import numpy as np
import torch
from gpt import GPT, GPTConfig

# -----------------------------------------------------------------------------
seed = int(os.environ.get("MLRCOPILOT_SEED", "0"))
eval_interval = 250
eval_iters = 200
max_iters = 5000
max_seconds = 600.0
batch_size = 64
block_size = 256
learning_rate = 1e-3
weight_decay = 0.1
dropout = 0.0
device = "cuda" if torch.cuda.is_available() else "cpu"
# -----------------------------------------------------------------------------

torch.manual_seed(1337 + seed)

train_data = np.memmap("data/train.bin", dtype=np.uint16, mode="r")
val_data = np.memmap("data/val.bin", dtype=np.uint16, mode="r")


def get_batch(split):
    data = train_data if split == "train" else val_data
    ix = torch.randint(len(data) - block_size, (batch_size,))
    x = torch.stack([torch.from_numpy(data[i : i + block_size].astype(np.int64)) for i in ix])
    y = torch.stack([torch.from_numpy(data[i + 1 : i + 1 + block_size].astype(np.int64)) for i in ix])
    return x.to(device), y.to(device)


model = GPT(GPTConfig(block_size=block_size, dropout=dropout)).to(device)
optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay)


@torch.no_grad()
def estimate_loss():
    out = {}
    model.eval()
    for split in ("train", "val"):
        losses = torch.zeros(eval_iters)
        for k in range(eval_iters):
            X, Y = get_batch(split)
            _, loss = model(X, Y)
            losses[k] = loss.item()
        out[split] = losses.mean().item()
    model.train()
    return out


t0 = time.time()
for iter_num in range(max_iters):
    if iter_num % eval_interval == 0:
        losses = estimate_loss()
        print(f"step {iter_num}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
    if time.time() - t0 > max_seconds:
        print(f"stopping at step {iter_num}: the time is up")
        break
    X, Y = get_batch("train")
    _, loss = model(X, Y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()

final = estimate_loss()
if math.isnan(final["val"]):
    raise SystemExit("training diverged")
print(f"val_loss: {final['val']:.4f}")
