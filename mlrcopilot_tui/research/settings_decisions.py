"""Changing limits and models while a session goes on; what an agent asks next already heeds it."""

import difflib
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

import msgspec

from mlrcopilot_tui.errors import InputError
from mlrcopilot_tui.research.bench import Bench
from mlrcopilot_tui.research.effects import Effect, Handler
from mlrcopilot_tui.research.settings import Settings
from mlrcopilot_tui.session.events import SettingsChanged
from mlrcopilot_tui.session.model import Decision

Amount = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
ModelId = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{0,200}$")]

CHANGEABLE: Final[dict[str, tuple[Any, str]]] = {
    "usd": (Amount, "dollars, 0 for no limit"),
    "minutes": (Amount, "minutes, 0 for no limit"),
    "gpu_minutes": (Amount, "minutes times GPUs, 0 for no limit"),
    "max_experiments": (Count, "a whole number, 0 for no limit"),
    "seeds": (Annotated[int, msgspec.Meta(ge=1)], "a whole number of at least 1"),
    "early_stop": (Literal["off", "suggest", "auto"], "off, suggest or auto"),
    "timeout_minutes": (Annotated[float, msgspec.Meta(gt=0)], "minutes, more than 0"),
    "silence_minutes": (Amount, "minutes, 0 for no limit"),
    "memory_gb": (Amount, "GiB, 0 for what the machine can spare"),
    "model": (ModelId, "a model's id, or nothing for the engine's own choice"),
    "fast_model": (ModelId, "a model's id, or nothing for the engine's own choice"),
}
"""What may be changed on the way: its type, and that type in words."""


class SettingsDecisions:
    """Works out what a change of settings does."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def handlers(self) -> dict[str, Handler]:
        """By kind of decision."""
        return {"settings": self._change}

    async def _change(self, decision: Decision) -> Effect:
        settings = changed(self._bench.settings, decision.draft)
        told = ", ".join(f"{name} {getattr(settings, name) or 'none'}" for name in decision.draft)
        event = SettingsChanged(values=settings.as_values(), by=decision.by)
        return Effect(f"From now on: {told}.", (event,))


def changed(settings: Settings, draft: dict[str, Any]) -> Settings:
    """The settings with the values of `draft`.

    Raises:
        InputError: it is empty, names a setting that there is not, or has a value that cannot be.
    """
    if not draft:
        raise InputError("Nothing is to be set.", f"Name one of {', '.join(CHANGEABLE)}.")
    values = {}
    for name, value in draft.items():
        if name not in CHANGEABLE:
            near = difflib.get_close_matches(name, CHANGEABLE, n=1, cutoff=0.0)
            raise InputError(f"There is no setting {name[:40]!r}.", f"Did you mean `{near[0]}`?")
        kind, wanted = CHANGEABLE[name]
        try:
            values[name] = msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            raise InputError(f"{name} cannot be {str(value)[:40]!r}.", f"It wants {wanted}.") from error
    return replace(settings, **values)
