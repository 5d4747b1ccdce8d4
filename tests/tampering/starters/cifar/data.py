"""Training and hold-out loaders; both come from the training images only."""

import torch
from torch.utils.data import DataLoader, Subset
from torchvision import transforms
from torchvision.datasets import CIFAR10

MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2470, 0.2435, 0.2616)


def train_transform():
    return transforms.Compose([
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ])


def plain_transform():
    return transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])


def make_loaders(cfg):
    """Return (train loader, hold-out loader) over disjoint parts of the training images."""
    augmented = CIFAR10(cfg["data_root"], train=True, transform=train_transform())
    plain = CIFAR10(cfg["data_root"], train=True, transform=plain_transform())
    generator = torch.Generator().manual_seed(cfg["seed"])
    order = torch.randperm(len(plain), generator=generator).tolist()
    held, kept = order[: cfg["holdout"]], order[cfg["holdout"] :]
    train_loader = DataLoader(
        Subset(augmented, kept),
        batch_size=cfg["batch_size"],
        shuffle=True,
        num_workers=cfg["num_workers"],
        drop_last=True,
    )
    holdout_loader = DataLoader(Subset(plain, held), batch_size=500, num_workers=cfg["num_workers"])
    return train_loader, holdout_loader
