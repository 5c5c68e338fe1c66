"""The pictures of a page: those that stay are not sent again, the others come as they get ready."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from tui.graphics.prepare import Drawing, PictureFault
from tui.graphics.view import PictureView
from tui.widgets.tiles import Tile

EMPTY = "-empty"
"""Class of a view without a tile: dozens of blank ones cost 50 kB of cursor moves."""
_PATIENCE = 0.08
"""Seconds in which pictures may come together, before places are emptied for those to come."""


class PagePictures:
    """Which view shows which file."""

    def __init__(self) -> None:
        self._paths: dict[PictureView, Path] = {}

    def forget(self, view: PictureView) -> None:
        """It shows nothing any more."""
        self._paths.pop(view, None)

    async def show(
        self,
        places: Iterable[tuple[PictureView, Tile | None]],
        drawn: Callable[[Path], Awaitable[Drawing | PictureFault]],
    ) -> None:
        """Have each view show its tile; returns once all do.

        Args:
            places: the views and what belongs there.
            drawn: makes a file's picture for a view of this page.
        """
        coming: dict[asyncio.Future[Drawing | PictureFault], tuple[PictureView, Path]] = {}
        for view, tile in places:
            view.set_class(tile is None, EMPTY)
            path = tile.path if tile else None
            if path is None:
                self.forget(view)
                view.say(tile.words if tile else "")
            elif self._paths.get(view) != path:
                self.forget(view)
                coming[asyncio.ensure_future(drawn(path))] = (view, path)
        try:
            await self._put(coming)
        finally:
            for task in coming:
                task.cancel()

    async def _put(
        self, coming: dict[asyncio.Future[Drawing | PictureFault], tuple[PictureView, Path]]
    ) -> None:
        waiting, patience = set(coming), _PATIENCE
        while waiting:
            done, waiting = await asyncio.wait(
                waiting, timeout=patience or None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                view, path = coming[task]
                drawing = task.result()
                if isinstance(drawing, PictureFault):
                    view.say(drawing.reason)
                else:
                    view.draw(drawing)
                    self._paths[view] = path
            if patience and not done:
                for task in waiting:
                    coming[task][0].draw(None)
                patience = 0.0
