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
            title = Content(_title(action)) + self._key(action)
            yield DiscoveryHit(title, partial(self._perform, action), text=_title(action), help=action.help)

    async def search(self, query: str) -> Hits:
        """What matches the words typed."""
        matcher = self.matcher(query)
        for action in self._offered():
            title = _title(action)
            score = max(matcher.match(title), 0.8 * matcher.match(action.help))
            if score > 0:
                shown = matcher.highlight(title) + self._key(action)
                yield Hit(score, shown, partial(self._perform, action), text=title, help=action.help)

    def _offered(self) -> Iterator[Action]:
        screen = self.screen
        if not isinstance(screen, MainScreen):
            return
        focused = screen.deck.focused
        # What belongs to the pane in focus comes first, moving about last.
        places = {focused: 0, "everywhere": 1}
        for action in sorted(ACTIONS.values(), key=lambda action: (places.get(action.context, 2), action.rank is None)):
            pane = focused if action.context == "everywhere" else action.context
            if action.when(screen.desk.situation_in(pane)):
                yield action

    def _key(self, action: Action) -> Content:
        screen = self.screen
        key = key_name(action, screen.keymap if isinstance(screen, MainScreen) else {})
        return Content.styled(f"  {key}", "bold $footer-key-foreground") if key else Content()

    def _perform(self, action: Action) -> None:
        screen = self.screen
        if isinstance(screen, MainScreen):
            if action.context != "everywhere":
                screen.deck.focus_pane(action.context)
            screen.action_perform(action.id)


def _title(action: Action) -> str:
    subject = "" if action.context == "everywhere" else f"{action.context}: "
    return f"{subject}{action.label}"
