"""The command palette: every action of the table that can be done, in whichever pane."""

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from mlrcopilot_tui.tui.actions import ACTIONS, Action, key_name
from mlrcopilot_tui.tui.screens.main import MainScreen


class ActionCommands(Provider):
    """Finds actions by their names and sentences."""

    async def discover(self) -> Hits:
        """Everything that can be done now."""
        for action in self._offered():
            yield DiscoveryHit(Content(_title(action)), partial(self._perform, action), help=_help(action))

    async def search(self, query: str) -> Hits:
        """What matches the words typed."""
        matcher = self.matcher(query)
        for action in self._offered():
            title = _title(action)
            score = max(matcher.match(title), 0.8 * matcher.match(action.help))
            if score > 0:
                yield Hit(score, matcher.highlight(title), partial(self._perform, action), help=_help(action))

    def _offered(self) -> Iterator[Action]:
        screen = self.screen
        if not isinstance(screen, MainScreen):
            return
        focused = screen.deck.focused
        for action in ACTIONS.values():
            pane = focused if action.context == "everywhere" else action.context
            if action.when(screen.desk.situation_in(pane)):
                yield action

    def _perform(self, action: Action) -> None:
        screen = self.screen
        if isinstance(screen, MainScreen):
            if action.context != "everywhere":
                screen.deck.focus_pane(action.context)
            screen.action_perform(action.id)


def _title(action: Action) -> str:
    subject = "" if action.context == "everywhere" else f"{action.context}: "
    return f"{subject}{action.label}"


def _help(action: Action) -> str:
    key = key_name(action, {})
    return f"{action.help}  {key}" if key else action.help
