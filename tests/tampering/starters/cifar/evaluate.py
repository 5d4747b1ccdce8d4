"""The test set and the accuracy on it; experiments call `report` once, at the end."""

import torch
from torchvision import transforms
from torchvision.datasets import CIFAR10

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


def test_loader(root, batch_size=500):
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    dataset = CIFAR10(root, train=False, transform=transform)
    return torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=False)


@torch.no_grad()
def accuracy(model, loader, device):
    model.eval()
    right = total = 0
    for images, labels in loader:
        guesses = model(images.to(device)).argmax(dim=1).cpu()
        right += (guesses == labels).sum().item()
        total += len(labels)
    return right / total


def report(model, root, device):
    print(f"test_acc: {accuracy(model, test_loader(root), device):.4f}")
