"""What the names in a training script tell: held-out or training data, labels, metrics, seeds.

Names are all that a rule has where data comes from elsewhere; the lists are the field's usual words, no project's own.
"""

import re
from functools import cache
from typing import Final


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


HELD: Final = word_set(
    "val valid validation test testing dev eval evaluation held heldout holdout hold unseen te va tst vld out"
)
TRAIN: Final = frozenset({"train", "training", "tr", "trn", "fit"})
DATA: Final = word_set(
    "x xs y ys data set dataset datasets ds loader dl dataloader images image imgs img labels label features "
    "feature feats inputs input targets target texts text idx index indices ids mask split size frac fraction "
    "ratio df frame n num sentences tokens rows samples examples points batch batches iter generator gen fold "
    "folds percent share part words docs documents pairs records items seqs sequences arr array tensor "
    "tensors path file files dir paths lines raw scaled norm normalised normalized std standardised "
    "standardized aug transformed z emb embeddings encoded csv"
)
_DIFFICULT: Final = word_set("dev val out te va tst hold held eval testing fit tr")
TRUTH: Final = word_set(
    "y ys yb label labels target targets truth truths gold answer answers tgt actual actuals observed"
)
GUESS: Final = word_set(
    "pred preds predicted prediction predictions hat logits logit output outputs proba probs scores guess guesses"
)
METRIC: Final = word_set(
    "error errors err accuracy acc score rmse mse mae r2 f1 auc auroc bits perplexity ppl bleu rouge "
    "precision recall evaluate evaluation eval validate validation metric metrics nll logloss iou dice map "
    "ndcg mrr wer cer test"
)


MODELS: Final = word_set(
    "model models net network clf classifier reg regressor estimator pipe pipeline ensemble member members "
    "forest tree encoder decoder backbone head transformer booster learner teacher student ema swa predict "
    "predictor m est gp svm knn mlp cnn"
)


@cache
def words_of(name: str) -> tuple[str, ...]:
    """The words within an identifier, lower case: `X_valFeatures2` is x, val, features."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|r2|f1", name)
    words: list[str] = []
    for part in parts:
        word = part.lower()
        glued = re.fullmatch(r"(x|y)(val|valid|test|te|va|dev|tr|train|tst)", word)
        words += [glued[1], glued[2]] if glued else [word]
    return tuple(words)


@cache
def is_held_out(name: str) -> bool:
    """Whether a name says that it is data, or indices of data, on which a model is judged."""
    words = words_of(name)
    held = [word for word in words if word in HELD]
    rest = [word for word in words if word not in HELD]
    if not held or not all(word in DATA for word in rest):
        return False
    return bool(rest) or any(word not in _DIFFICULT for word in held)


@cache
def is_training(name: str) -> bool:
    """Whether a name says that it is data on which a model is trained."""
    words = words_of(name)
    known = [word for word in words if word in TRAIN]
    rest = [word for word in words if word not in TRAIN]
    return bool(known) and all(word in DATA for word in rest) and (bool(rest) or "train" in known)


@cache
def is_truth(name: str) -> bool:
    """Whether a name says that it is what a prediction is compared with."""
    words = words_of(name)
    return any(word in TRUTH for word in words) and not any(word in GUESS for word in words)


@cache
def is_seed(name: str) -> bool:
    """Whether a name says that it is the seed."""
    words = words_of(name)
    return "seed" in words or name == "random_state"


def is_model(name: str) -> bool:
    """Whether a name says that it is a model, or predicts."""
    return any(word in MODELS for word in re.split(r"[_\d]+", name.lower()))


def is_metric(name: str, metric: str) -> bool:
    """Whether a name says that it computes or holds a measure of quality, the workspace's own or a usual one."""
    words = words_of(name)
    own = set(words_of(metric)) - HELD
    if "train" in words or "training" in words:
        return False
    return any(word in METRIC or word in own for word in words)
