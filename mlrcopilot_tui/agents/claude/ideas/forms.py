"""Ideas as a model fills them in."""

from typing import Annotated, Literal

import msgspec

_Score = Annotated[float, msgspec.Meta(description="1 (poor) to 10 (excellent)")]


class EvidenceForm(msgspec.Struct, kw_only=True):
    """Why the idea is worth a run."""

    kind: Annotated[
        Literal["gap", "code", "result", "knowledge"],
        msgspec.Meta(description="a gap of the paper, a place in the code, a result so far, or the field's knowledge"),
    ]
    ref: Annotated[
        str, msgspec.Meta(description="g2, or train.py:41 or train.py:41-48, or idea 3; empty for knowledge")
    ]
    text: Annotated[str, msgspec.Meta(description="what it shows, in one sentence")] = ""


class PlanForm(msgspec.Struct, kw_only=True):
    """The experiment that tests the hypothesis."""

    dataset: Annotated[str, msgspec.Meta(description="the data that it trains and measures on")] = ""
    metric: Annotated[str, msgspec.Meta(description="what is measured, and how")] = ""
    baseline: Annotated[str, msgspec.Meta(description="what the result is compared with")] = ""
    runs: Annotated[int, msgspec.Meta(description="how many runs it takes")] = 0
    minutes_per_run: Annotated[float, msgspec.Meta(description="how long one run takes")] = 0.0
    prediction: Annotated[
        str,
        msgspec.Meta(
            description="a falsifiable prediction with a number, and what it would mean if it does not come true"
        ),
    ]
    steps: Annotated[
        list[str], msgspec.Meta(description="what is to be changed and where, then what is run; one sentence a step")
    ]


class HypothesisScores(msgspec.Struct, kw_only=True):
    """The hypothesis, judged as a strict reviewer would."""

    clarity: _Score
    validity: _Score
    rigor: _Score
    innovativeness: _Score
    generalizability: _Score


class PlanScores(msgspec.Struct, kw_only=True):
    """The plan, judged as a strict reviewer would."""

    clarity: _Score
    validity: _Score
    robustness: _Score
    feasibility: _Score
    reproducibility: _Score


class SearchScores(msgspec.Struct, kw_only=True):
    """What decides which idea is tried first."""

    novelty: Annotated[float, msgspec.Meta(description="1 to 10: how far it goes beyond the paper and what was tried")]
    feasibility: Annotated[float, msgspec.Meta(description="1 to 10: how surely one patch and these runs do it")]
    effectiveness: Annotated[float, msgspec.Meta(description="1 to 10: how likely the metric gains measurably")]


class IdeaForm(msgspec.Struct, kw_only=True):
    """One idea."""

    title: Annotated[
        str, msgspec.Meta(description="what is done, in the imperative, as a commit's subject: at most 72 characters")
    ]
    hypothesis: str
    rationale: str = ""
    plan: PlanForm
    evidence: list[EvidenceForm] = []
    scores: SearchScores
    hypothesis_scores: HypothesisScores | None = None
    plan_scores: PlanScores | None = None


class IdeasForm(msgspec.Struct, kw_only=True):
    """Ideas, or none."""

    thought: Annotated[
        str, msgspec.Meta(description="what led to them, or why there is none, in one to three sentences")
    ] = ""
    ideas: list[IdeaForm]
