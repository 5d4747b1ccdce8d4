"""Likeness of texts to a query in words."""

from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.likeness import likeness, words


def test_rare_words_tell_more_than_common_ones() -> None:
    texts = ["training loss", "training momentum", "training batch", "nothing"]
    scores = likeness("momentum in training", texts)
    assert max(range(4), key=scores.__getitem__) == 1
    assert scores[3] == 0


def test_plural_and_case_do_not_matter() -> None:
    assert words("The Sentences of a class") == ["sentence", "class"]


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=8))
def test_any_text_gets_a_score(query: str, texts: list[str]) -> None:
    scores = likeness(query, texts)
    assert len(scores) == len(texts)
    assert all(score >= 0 for score in scores)
