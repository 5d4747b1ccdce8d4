"""Batches of sentences as tensors."""

from dataclasses import dataclass

import torch


@dataclass
class PaddingCollator:
    """Pads the sentences of a batch to the longest of them."""

    tokenizer: object
    max_length: int = 64

    def __call__(self, rows):
        batch = self.tokenizer(
            [row["sentence"] for row in rows],
            padding=True,
            truncation=True,
            max_length=self.max_length,
            return_tensors="pt",
        )
        batch["labels"] = torch.tensor([row["label"] for row in rows])
        return batch
