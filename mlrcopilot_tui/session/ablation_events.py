"""What an ablation leaves in the journal: that it was asked for and begun, what each kept patch gives, and its end."""

from mlrcopilot_tui.session.events import Event
from mlrcopilot_tui.session.model import Value, Verdict


class LeftOut(Value, frozen=True, kw_only=True):
    """The champion without a kept patch.

    Attributes:
        idea: whose patch is left out; 0 for the starter, which is the champion without any.
        of: the commit at which that patch was kept.
        needing: the ideas whose patches are left out with it, because they overlap with it.
        commit: the champion without all these; empty where they cannot be taken out.
        refusal: why they cannot, as a sentence.
    """

    idea: int
    of: str = ""
    needing: tuple[int, ...] = ()
    commit: str = ""
    refusal: str = ""


class AblationAsked(Event, frozen=True, kw_only=True, tag="ablation.asked"):
    """The researcher wants to know what each kept patch gives; over so many `seeds`, or, with 0, the champion's."""

    by: str
    seeds: int = 0


class AblationStarted(Event, frozen=True, kw_only=True, tag="ablation.started"):
    """The champion is held against itself without each of its patches, over these seeds."""

    champion: str
    seeds: tuple[int, ...]
    parts: tuple[LeftOut, ...]


class AblationMeasured(Event, frozen=True, kw_only=True, tag="ablation.measured"):
    """One part of an ablation was measured.

    Attributes:
        idea: as in `LeftOut`.
        verdict: the champion (`values`) against itself without the part (`parent_values`), so that a positive effect
            is what the part gives; None where runs failed.
        failed: how they failed; `outcome` is how the run without the part ended, where it was that.
        runs: what it rests on, of both; `reused` is how many of the runs without the part were there before.
    """

    idea: int
    verdict: Verdict | None = None
    failed: str = ""
    outcome: str = ""
    runs: tuple[str, ...] = ()
    reused: int = 0


class AblationEnded(Event, frozen=True, kw_only=True, tag="ablation.ended"):
    """All its parts are measured, or, where there is a `reason`, not all of them will be."""

    reason: str = ""
