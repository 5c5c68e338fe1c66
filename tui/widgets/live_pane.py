"""What is being drawn right now, or the newest picture there is."""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from engine.api import Previewed
from tui.graphics.outlet import outlet_of
from tui.graphics.protocol import current
from tui.graphics.with_source import SourceView
from tui.widgets.image_pane import ImagePane
from tui.workers import hand_to, work

_NAMES = 4
_SECONDS = {"kitty": 0.25, "sixel": 0.5}
"""Between two previews. In half-cells each is thousands of bytes of text, which must be drawn by
the app and by the terminal while keys wait."""
_SECONDS_OF_CELLS = 1.0
_SPARED_SECONDS = 3.0
"""On a line that is to be spared: there previews are most of what Jobs sends."""
_MOST_CELLS = (32, 16)
"""A preview is small and blurred: more cells of it show no more."""


@dataclass(frozen=True, slots=True)
class _PreviewFile:
    path: Path
    caption: str
    source_view: SourceView | None


class LivePane(ImagePane):
    """Shows previews while they come, and finished pictures else."""

    DELAY = 0.0

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0
        self._previewed = 0.0

    def show_preview(
        self, preview: Previewed, caption: str, source_view: SourceView | None = None
    ) -> None:
        """Show what is being denoised, if the last preview was not just now.

        Args:
            preview: it.
            caption: below it.
            source_view: what it is drawn on, shown beside it.
        """
        now = time.monotonic()
        is_spared = outlet_of(self.app).is_spared
        seconds = _SECONDS.get(current().protocol, _SECONDS_OF_CELLS)
        seconds = _SPARED_SECONDS if is_spared else seconds
        if now - self._previewed >= seconds and not self.is_coming:
            self._previewed = now
            self._write(preview.picture, caption, source_view)

    @work(thread=True, exclusive=True, group="preview")
    def _write(self, picture: bytes, caption: str, source_view: SourceView | None) -> None:
        """Pictures are shown from files; a few names by turns, so that none is overwritten."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="promptsheet-")
        self._count += 1
        path = Path(self._folder.name) / f"{self._count % _NAMES}.jpg"
        path.write_bytes(picture)
        hand_to(self, self._show_file, _PreviewFile(path, caption, source_view))

    def _show_file(self, file: _PreviewFile) -> None:
        is_wide = current().protocol in _SECONDS and not outlet_of(self.app).is_spared
        most = None if is_wide else _MOST_CELLS
        self.show(file.path, file.caption, most=most, rough=True, source_view=file.source_view)

    async def on_unmount(self) -> None:
        """Previews are not kept."""
        if self._folder is not None:
            await asyncio.to_thread(self._folder.cleanup)
