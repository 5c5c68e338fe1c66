"""What was opened on a screen for a while: a filter, a range, help. The last opened is left first.

One rule for all screens: while anything is open the key of leaving closes that, and does what else
it is for after that.
"""

from collections.abc import Callable
from weakref import WeakKeyDictionary

from textual.dom import DOMNode
from textual.screen import Screen


class Passing:
    """What is open on one screen."""

    def __init__(self, changed: Callable[[], object]) -> None:
        """`changed` is told when something else would be left."""
        self._changed = changed
        self._open: dict[str, Callable[[], object]] = {}
        """What leaving it is called → how it is left; the last opened last."""

    @property
    def words(self) -> str:
        """What leaving would do now, for the key line; empty: nothing is open."""
        return next(reversed(self._open), "")

    def begin(self, words: str, leave: Callable[[], object]) -> None:
        """Something is open from now on; if it is already, it is the last opened now.

        Args:
            words: what leaving it is called; no two things on a screen have the same.
            leave: leaves it.
        """
        self._open.pop(words, None)
        self._open[words] = leave
        self._changed()

    def end(self, words: str) -> None:
        """It is not open any more, if it was."""
        if self._open.pop(words, None) is not None:
            self._changed()

    def note(self, words: str, leave: Callable[[], object], *, is_open: bool) -> None:
        """It is open now, or not; what was open before keeps its turn."""
        if not is_open:
            self.end(words)
        elif words not in self._open:
            self.begin(words, leave)

    def leave(self) -> None:
        """Close what was opened last."""
        if self._open:
            _, leave = self._open.popitem()
            self._changed()
            leave()


_OF: WeakKeyDictionary[Screen[object], Passing] = WeakKeyDictionary()


def passing(node: DOMNode) -> Passing:
    """What is open on the screen that a node is on, or is."""
    screen = node.screen
    if screen not in _OF:
        _OF[screen] = Passing(screen.refresh_bindings)
    return _OF[screen]
