"""When two ideas are one, and how near an idea is to what a paper says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.agents.claude.ideas.likeness import Gist, similarity

SAME = [
    ("Use Adam instead of SGD", "Adam's per-parameter step sizes lower the validation error by 5%.",
     "Replace SGD with Adam", "Per-parameter step sizes of Adam will reduce validation error by about 5%."),
    ("Add label smoothing of 0.1", "Smoothing labels by 0.1 reduces overconfidence and lowers val_error.",
     "Apply label smoothing (0.1)", "Label smoothing with 0.1 lowers val_error because it reduces overconfidence."),
    ("Average the weights of the last epochs", "Averaging weights over the last ten epochs lowers the error.",
     "Weight averaging over last epochs", "Weights averaged over the last ten epochs lower error."),
    ("ADD DROPOUT!", "It helps.", "add dropout", "Something else entirely is claimed here."),
]  # fmt: skip
APART = [
    ("Set LEARNING_RATE to 0.1", "It converges faster.", "Set LEARNING_RATE to 0.3", "It converges faster."),
    ("Raise the learning rate", "The final error changes.", "Lower the learning rate", "The final error changes."),
    ("Add cosine decay", "Cosine decay of the learning rate lowers the final error.",
     "Add linear warmup", "Linear warmup of the learning rate lowers the final error."),
    ("Shuffle", "Order matters.", "…", "—"),
]  # fmt: skip


@pytest.mark.parametrize(("title", "hypothesis", "other", "its"), SAME)
def test_the_same_idea_in_other_words_is_known(title: str, hypothesis: str, other: str, its: str) -> None:
    assert Gist.of(title, hypothesis).same(Gist.of(other, its))


@pytest.mark.parametrize(("title", "hypothesis", "other", "its"), APART)
def test_other_numbers_directions_or_techniques_are_other_ideas(
    title: str, hypothesis: str, other: str, its: str
) -> None:
    assert not Gist.of(title, hypothesis).same(Gist.of(other, its))


@given(st.text(), st.text(), st.text(), st.text())
def test_likeness_goes_both_ways_and_holds_for_oneself(a: str, b: str, c: str, d: str) -> None:
    one, other = Gist.of(a, b), Gist.of(c, d)
    assert one.same(other) == other.same(one)
    assert one.same(one)


@given(st.text(), st.lists(st.text()))
def test_similarity_is_a_share(text: str, sentences: list[str]) -> None:
    assert 0.0 <= similarity(text, sentences) <= 1.0


def test_similarity_tells_near_from_far() -> None:
    paper = ["The encoder is trained with contrastive loss on unlabelled digits.", "Fonts were not tested."]
    assert similarity("The encoder is trained with contrastive loss on unlabelled digits.", paper) == pytest.approx(1.0)
    near, far = similarity("Train the encoder with a contrastive loss", paper), similarity("Prune the trees", paper)
    assert near > 0.3 > far == 0.0
