"""Hand-written improvements of the shipped starters: proof that their headroom is there for known techniques."""

from collections.abc import Sequence

Edit = tuple[str, str]

DIGITS_FASTER: Sequence[Edit] = [("LEARNING_RATE = 1e-3", "LEARNING_RATE = 1e-2")]

DIGITS_GRADIENTS: Sequence[Edit] = [
    (
        "    return x.reshape(len(x), -1) / 16.0\n",
        """    pixels = x / 16.0
    down, across = np.gradient(pixels, axis=(1, 2))
    turn = np.arctan2(down, across) / (2 * np.pi) * 8
    bins = [np.hypot(down, across) * np.maximum(0.0, 1.0 - np.abs((turn - k + 4) % 8 - 4)) for k in range(8)]
    cells = np.stack(bins, axis=-1).reshape(len(x), 4, 2, 4, 2, 8).sum(axis=(2, 4)).reshape(len(x), -1)
    cells /= np.linalg.norm(cells, axis=1, keepdims=True) + 1e-6
    return np.hstack([pixels.reshape(len(x), -1), 3.0 * cells])
""",
    )
]

DIGITS_SPREADING: Sequence[Edit] = [
    (
        "    weights, bias = train(features(images), labels, rng)\n",
        """    from sklearn.semi_supervised import LabelSpreading

    everything = features(np.concatenate([images, unlabelled]))
    spreading = LabelSpreading(kernel="knn", n_neighbors=7, alpha=0.2)
    spreading.fit(everything, np.concatenate([labels, np.full(len(unlabelled), -1)]))
    weights, bias = train(everything, spreading.transduction_, rng)
""",
    )
]

CHARLM_KNOBS: Sequence[Edit] = [("ORDER = 3", "ORDER = 4"), ("ADD_K = 1.0", "ADD_K = 0.1")]

CHARLM_WITTEN_BELL: Sequence[Edit] = [
    ("ORDER = 3", "ORDER = 5"),
    ("        self.contexts = Counter()\n", "        self.contexts = Counter()\n        self.kinds = Counter()\n"),
    (
        """        for end in range(self.order, len(text) + 1):
            ngram = text[end - self.order : end]
            self.ngrams[ngram] += 1
            self.contexts[ngram[:-1]] += 1
""",
        """        for end in range(1, len(text) + 1):
            for start in range(max(0, end - self.order), end):
                ngram = text[start:end]
                self.ngrams[ngram] += 1
                self.contexts[ngram[:-1]] += 1
                self.kinds[ngram[:-1]] += self.ngrams[ngram] == 1
""",
    ),
    (
        """        history = context[len(context) - self.order + 1 :]
        count = self.ngrams[history + char] + self.add_k
        total = self.contexts[history] + self.add_k * len(ALPHABET)
        return count / total
""",
        """        probability = 1.0 / len(ALPHABET)
        for length in range(self.order):
            history = context[len(context) - length :]
            if not (total := self.contexts[history]):
                break
            kinds = self.kinds[history]
            probability = (self.ngrams[history + char] + kinds * probability) / (total + kinds)
        return probability
""",
    ),
]

CHARLM_ONLINE: Sequence[Edit] = [
    *CHARLM_WITTEN_BELL,
    ("    def prob(self,", "    def observe(self, text):\n        self.update(text)\n\n    def prob(self,"),
]
