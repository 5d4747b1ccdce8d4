"""What the researcher set for this session: approvals and limits, journaled so that they can change on the way."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, Self

import msgspec

from mlrcopilot_tui.research.options import Options
from mlrcopilot_tui.session.state import SessionState
from mlrcopilot_tui.workspace.config import RunConfig, WorkspaceConfig

OF_RUNS: Final = ("timeout_minutes", "silence_minutes", "memory_gb")
"""The limits of runs that may change while a session goes on."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Approvals and limits; 0 means no limit.

    Attributes:
        ideas, patches: `auto` takes them without asking.
        auto: nobody is there: questions are answered by rule, and nothing is granted.
        seeds: the most seeds that one verdict may spend.
        repairs: how often a crashed attempt goes back to the agent.
        early_stop: what becomes of a run whose curve is hopeless beside its parent's.
        patience: after so many ideas in a row without a gain the session ends.
        gpu_minutes: minutes of work times GPUs that its runs may take.
        model, fast_model: what the agents ask; empty for the engine's own choice.
        timeout_minutes, silence_minutes, memory_gb: of each run from the next one on; None for what the contract says.
    """

    ideas: Literal["ask", "auto"] = "ask"
    patches: Literal["ask", "auto"] = "ask"
    auto: bool = False
    max_experiments: int = 0
    seeds: int = 5
    usd: float = 0.0
    minutes: float = 0.0
    gpu_minutes: float = 0.0
    repairs: int = 2
    early_stop: Literal["off", "suggest", "auto"] = "suggest"
    patience: int = 15
    model: str = ""
    fast_model: str = ""
    timeout_minutes: float | None = None
    silence_minutes: float | None = None
    memory_gb: float | None = None

    @classmethod
    def from_config(cls, config: WorkspaceConfig) -> Self:
        """The settings that a workspace's contract asks for."""
        return cls(
            ideas=config.approval.ideas,
            patches=config.approval.patches,
            seeds=config.verdict.seeds,
            early_stop=config.verdict.early_stop,
            usd=config.budget.usd,
            minutes=config.budget.minutes,
            gpu_minutes=config.budget.gpu_minutes,
            model=config.engine.model,
            fast_model=config.engine.fast_model,
        )

    @classmethod
    def of(cls, state: SessionState) -> Self:
        """The settings in force; names that a newer program wrote are passed over."""
        known = {name: value for name, value in state.settings.items() if name in cls.__slots__}
        return cls(**known)

    def chosen(self, options: Options, config: WorkspaceConfig) -> Self:
        """A copy as the researcher wants it now: what they name, and approvals by rule only if they say so.

        `--auto` holds for the run that it is said to: who resumes the session without it is asked again.
        """
        named: dict[str, Any] = {
            "max_experiments": options.max_experiments,
            "minutes": options.minutes,
            "gpu_minutes": options.gpu_minutes,
            "usd": options.usd,
            "seeds": options.seeds,
            "model": options.model,
        }
        return replace(
            self,
            ideas="auto" if options.auto else config.approval.ideas,
            patches="auto" if options.auto else config.approval.patches,
            auto=options.auto,
            **{name: value for name, value in named.items() if value is not None},
        )

    def as_values(self) -> dict[str, Any]:
        """The form that `settings.changed` carries; what the contract says is absent."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def of_runs(self, config: RunConfig) -> RunConfig:
        """How a run is started and bounded from now on: as the contract says, but for what the researcher changed."""
        changed = {name: value for name in OF_RUNS if (value := getattr(self, name)) is not None}
        return msgspec.structs.replace(config, **changed)
