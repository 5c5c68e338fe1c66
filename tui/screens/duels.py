"""Duels that were begun: left and taken up for as long as the app is open."""

from collections.abc import Callable, Sequence

from textual.screen import Screen

from engine.api import ImageInfo
from tui.app_state import AppState
from tui.ranking import Ranking
from tui.screens.duel import DuelScreen
from tui.workers import is_gone

MOST = 200
"""Images of a duel; their order takes about 1,200 answers."""


class Duels:
    """Each is known by the images that it is over."""

    def __init__(self, node: Screen[None], app_state: AppState) -> None:
        self.node = node
        self._app_state = app_state
        self._begun: dict[frozenset[str], Ranking] = {}

    def begin(self, images: Sequence[ImageInfo], then: Callable[[], object]) -> None:
        """Put these against each other, or go on with that.

        Args:
            images: finished ones.
            then: is called when it is left.
        """
        if not 2 <= len(images) <= MOST:
            words = f"A duel needs 2 to {MOST} finished images; {len(images)} given."
            self.node.app.notify(words, severity="warning", markup=False)
            return
        which = frozenset(image.image for image in images)
        ranking = self._begun.setdefault(which, Ranking([image.image for image in images]))

        def left(_: None) -> None:
            if not is_gone(self.node):
                then()

        self.node.app.push_screen(DuelScreen(self._app_state, images, ranking), left)
