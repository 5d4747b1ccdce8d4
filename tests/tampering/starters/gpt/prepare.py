"""Cuts the corpus into training and validation tokens; runs once, before any experiment."""

from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent / "data"


def main():
    text = (DATA / "corpus.txt").read_text(encoding="utf-8")
    alphabet = sorted(set(text))
    code = {char: number for number, char in enumerate(alphabet)}
    tokens = np.array([code[char] for char in text], dtype=np.uint16)
    border = int(0.9 * len(tokens))
    tokens[:border].tofile(DATA / "train.bin")
    tokens[border:].tofile(DATA / "val.bin")


if __name__ == "__main__":
    main()
