"""Character language model of Python source: n-gram counts smoothed by adding a constant."""

from collections import Counter
from itertools import pairwise

from evaluate import ALPHABET, development_bits, training_text, validation_bits

ORDER = 3
ADD_K = 1.0


class NgramModel:
    """Predicts a character from the `order - 1` characters before it."""

    def __init__(self, order=ORDER, add_k=ADD_K):
        self.order = order
        self.add_k = add_k
        self.ngrams = Counter()
        self.contexts = Counter()

    def update(self, text):
        """Count the n-grams of a text."""
        for end in range(self.order, len(text) + 1):
            ngram = text[end - self.order : end]
            self.ngrams[ngram] += 1
            self.contexts[ngram[:-1]] += 1

    def prob(self, context, char):
        """Probability that `char` follows `context`."""
        history = context[len(context) - self.order + 1 :]
        count = self.ngrams[history + char] + self.add_k
        total = self.contexts[history] + self.add_k * len(ALPHABET)
        return count / total


def parts(text, n):
    """Cut a text into n parts of about equal length."""
    bounds = [len(text) * i // n for i in range(n + 1)]
    return [text[start:end] for start, end in pairwise(bounds)]


def main():
    model = NgramModel()
    chunks = parts(training_text(), 10)
    for step, chunk in enumerate(chunks, start=1):
        model.update(chunk)
        print(f"step {step}/{len(chunks)} bits_per_char: {development_bits(model):.6f}")

    print(f"bits_per_char: {validation_bits(model):.6f}")


if __name__ == "__main__":
    main()
