"""Train a small residual network on CIFAR-10 within a time box."""

import random
import time

import numpy as np
import torch
from config import CONFIG
from data import make_loaders
from evaluate import accuracy, report
from losses import classification_loss
from model import SmallResNet


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def train_epoch(model, loader, optimizer, device, deadline):
    model.train()
    total = 0.0
    for images, labels in loader:
        if time.monotonic() > deadline:
            break
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = classification_loss(model(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def main(cfg=CONFIG):
    set_seed(cfg["seed"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train_loader, holdout_loader = make_loaders(cfg)
    model = SmallResNet(width=cfg["width"]).to(device)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=cfg["lr"],
        momentum=cfg["momentum"],
        weight_decay=cfg["weight_decay"],
    )

    deadline = time.monotonic() + cfg["train_seconds"]
    for epoch in range(1, cfg["epochs"] + 1):
        loss = train_epoch(model, train_loader, optimizer, device, deadline)
        holdout = accuracy(model, holdout_loader, device)
        print(f"epoch {epoch} loss: {loss:.4f} holdout_acc: {holdout:.4f}")
        if time.monotonic() > deadline:
            break

    report(model, cfg["data_root"], device)


if __name__ == "__main__":
    main()
