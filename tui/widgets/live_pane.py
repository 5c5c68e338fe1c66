"""What is being drawn right now, or the newest picture there is."""

import tempfile
from pathlib import Path

from textual import work

from tui.watch import Preview
from tui.widgets.image_pane import ImagePane

_NAMES = 4


class LivePane(ImagePane):
    """Shows previews while they come, and finished pictures else."""

    DELAY = 0.0

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._count = 0

    def show_preview(self, preview: Preview, caption: str) -> None:
        """Show what is being denoised."""
        self._keep(preview.picture, caption)

    @work(thread=True, exclusive=True, group="preview")
    def _keep(self, picture: bytes, caption: str) -> None:
        """Pictures are shown from files; a few names by turns, so that none is overwritten."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="promptsheet-")
        self._count += 1
        path = Path(self._folder.name) / f"{self._count % _NAMES}.jpg"
        path.write_bytes(picture)
        self.app.call_from_thread(self.show, path, caption)

    def on_unmount(self) -> None:
        """Previews are not kept."""
        if self._folder is not None:
            self._folder.cleanup()
