"""Ideas as values: which scores decide about the order, and that journals of older programs can be read."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mlrcopilot_tui.session.model import Idea, PlanDesign

SEARCH = st.dictionaries(st.sampled_from(["novelty", "feasibility", "effectiveness"]), st.floats(1, 10), min_size=1)
INFORMING = st.dictionaries(
    st.sampled_from(["hypothesis.clarity", "plan.robustness", "paper.similarity"]), st.floats(0, 10)
)


@given(SEARCH, INFORMING)
def test_what_only_informs_does_not_change_the_order(search: dict[str, float], informing: dict[str, float]) -> None:
    plain = Idea(number=1, title="t", hypothesis="h", scores=search)
    judged = Idea(number=1, title="t", hypothesis="h", scores=informing | search)
    assert judged.priority == plain.priority == sum(search.values()) / len(search)


def test_an_idea_without_scores_of_the_search_stands_in_the_middle() -> None:
    assert Idea(number=1, title="t", hypothesis="h").priority == 5.0
    assert Idea(number=1, title="t", hypothesis="h", scores={"paper.similarity": 0.1}).priority == 5.0


def test_an_idea_of_an_older_journal_has_no_design() -> None:
    old = b'{"number": 3, "title": "t", "hypothesis": "h", "scores": {"effectiveness": 7.0}, "plan": ["a"]}'
    idea = msgspec.json.decode(old, type=Idea)
    assert (idea.design, idea.priority) == (None, 7.0)
    assert b"design" not in msgspec.json.encode(idea)


def test_a_budget_reads_as_words() -> None:
    assert PlanDesign(runs=1, minutes=2).budget == "1 run of 2 minutes"
    assert PlanDesign(runs=3).budget == "3 runs"
    assert PlanDesign(minutes=1).budget == "1 minute"
    assert PlanDesign().budget == ""
