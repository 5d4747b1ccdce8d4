"""Which hunks and lines of a patch are in, with undo and redo."""

from collections.abc import Iterable, Mapping
from typing import Literal

from mlrcopilot_tui.workspace.patch import FileChange, Patch
from mlrcopilot_tui.workspace.patch_selection import Selection, everything

Share = Literal["all", "some", "none"]
Line = tuple[int, int]
"""The number of a hunk and the position of a changed line in it."""
_State = tuple[Mapping[int, frozenset[int]], frozenset[str]]


class Choice:
    """A selection that grows and shrinks; at first everything is in."""

    def __init__(self, patch: Patch) -> None:
        self._changed = {hunk.index: frozenset(hunk.changed) for hunk in patch.hunks}
        self._whole = (self._changed, everything(patch).files)
        self._state: _State = self._whole
        self.all_lines = sum(map(len, self._changed.values()))
        """How many changed lines the patch has."""
        self._undone: list[_State] = []
        self._done: list[_State] = []

    @property
    def selection(self) -> Selection:
        """What is in."""
        # Whole hunks by their number: a pair for each of ten thousand lines would cost 200 ms, most of it collecting.
        chosen, files = self._state
        whole = frozenset(hunk for hunk, ats in chosen.items() if len(ats) == len(self._changed[hunk]))
        lines = frozenset((hunk, at) for hunk, ats in chosen.items() if hunk not in whole for at in ats)
        return Selection(hunks=whole, lines=lines, files=files)

    @property
    def state(self) -> object:
        """Another object after each change."""
        return self._state

    @property
    def partial(self) -> bool:
        """Whether anything is out."""
        return self.chosen_lines != self.all_lines or self._state[1] != self._whole[1]

    @property
    def chosen_lines(self) -> int:
        """How many changed lines are in."""
        return sum(map(len, self._state[0].values()))

    def takes(self, hunk: int, position: int) -> bool:
        """Whether a changed line is in."""
        return position in self._state[0][hunk]

    def of_hunk(self, hunk: int) -> Share:
        """How much of a hunk is in."""
        return _share(len(self._state[0][hunk]), len(self._changed[hunk]))

    def of_file(self, file: FileChange) -> Share:
        """How much of a file is in."""
        if not file.hunks:
            return "all" if file.path in self._state[1] else "none"
        chosen = sum(len(self._state[0][hunk.index]) for hunk in file.hunks)
        return _share(chosen, sum(len(self._changed[hunk.index]) for hunk in file.hunks))

    def toggle_hunk(self, hunk: int) -> None:
        """Take a hunk out if all of it is in, else in."""
        self.toggle_lines((hunk, at) for at in self._changed[hunk])

    def toggle_file(self, file: FileChange) -> None:
        """Take a file out if all of it is in, else in."""
        if file.hunks:
            self.toggle_lines((hunk.index, at) for hunk in file.hunks for at in self._changed[hunk.index])
        else:
            lines, files = self._state
            self._become((lines, files ^ {file.path}))

    def toggle_lines(self, lines: Iterable[Line]) -> None:
        """Take these lines out if all of them are in, else in; context lines are passed over."""
        given: dict[int, set[int]] = {}
        for hunk, at in lines:
            if at in self._changed[hunk]:
                given.setdefault(hunk, set()).add(at)
        if not given:
            return
        chosen, files = self._state
        out = all(ats <= chosen[hunk] for hunk, ats in given.items())
        changed = {hunk: chosen[hunk] - ats if out else chosen[hunk] | ats for hunk, ats in given.items()}
        self._become(({**chosen, **changed}, files))

    def undo(self) -> bool:
        """Take back the last change; False if there is none."""
        return self._step(self._done, self._undone)

    def redo(self) -> bool:
        """Bring back what was undone; False if there is nothing."""
        return self._step(self._undone, self._done)

    def _become(self, state: _State) -> None:
        self._done.append(self._state)
        self._undone.clear()
        self._state = state

    def _step(self, source: list[_State], target: list[_State]) -> bool:
        if not source:
            return False
        target.append(self._state)
        self._state = source.pop()
        return True


def _share(chosen: int, total: int) -> Share:
    return "none" if not chosen else "all" if chosen == total else "some"
