"""What an action is, and the predicates that several of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from textual.binding import Binding

from mlrcopilot_tui.tui.desk import Desk
from mlrcopilot_tui.tui.projector.focus import AGREEING
from mlrcopilot_tui.tui.projector.situation import Situation

Context = Literal["everywhere", "paper", "ideas", "patch", "run"]
CONTEXTS: tuple[Context, ...] = get_args(Context)


def always(_: Situation) -> bool:
    """No condition."""
    return True


def started(situation: Situation) -> bool:
    """There is a session."""
    return situation.started


def answering(situation: Situation) -> str:
    """The word for what an agent waits for; empty where none does."""
    question = situation.question
    return "" if question is None else "consent" if question.kind in AGREEING else "answer"


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the researcher can do.

    Attributes:
        id: names it in key maps and documentation; its first part is its subject.
        context: the pane in which its keys work.
        keys: by Textual's names, the first being the one that is shown; without keys it is in the palette only.
        label: the word in the footer.
        help: the sentence in help and palette.
        do: what it does.
        when: whether it can be done now; else its key does nothing and it is not offered.
        rank: its place in the footer, lowest first; None keeps it out of there.
        naming: a better word for the footer, where it depends on the situation; empty keeps it out of there.
        shown: what the footer shows instead of the key, where it speaks for its opposite too: `[ ]`.
        foremost: whether it is what one comes for in this situation, so that it stands before all others.
    """

    id: str
    context: Context
    keys: tuple[str, ...]
    label: str
    help: str
    do: Callable[[Desk], None]
    when: Callable[[Situation], bool] = always
    rank: int | None = None
    shown: str = ""
    naming: Callable[[Situation], str] | None = None
    foremost: Callable[[Situation], bool] = lambda _: False

    def name(self, situation: Situation) -> str:
        """The word in the footer."""
        return self.naming(situation) if self.naming is not None else self.label

    @property
    def binding(self) -> Binding:
        """The binding that performs it, on whichever screen has the panes."""
        return Binding(",".join(self.keys), f"screen.perform('{self.id}')", self.label, show=False, id=self.id)
