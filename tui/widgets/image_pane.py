"""A picture with a caption: the one under the cursor, large."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from textual.app import ComposeResult
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui.graphics.prepare import PictureFault, PicturePart, drawn
from tui.graphics.view import PictureView
from tui.graphics.with_source import SourceView
from tui.text import clean
from tui.workers import work

_NOTHING = "◌\n\nNo picture"
_LOADING = "◌\n\nLoading …"
_BROKEN = "✕\n\n"


@dataclass(frozen=True, slots=True)
class _ShownWish:
    path: Path
    caption: str
    part: PicturePart | None
    most: tuple[int, int] | None
    rough: bool
    source_view: SourceView | None


class ImagePane(Widget):
    """Shows one picture file as large as it can, and a caption below.

    The picture on the screen stays until the next is ready. While the wish changes quickly, as
    under a moving cursor, only the last one is prepared.
    """

    DEFAULT_CSS = """
    ImagePane {
        layout: vertical;
        width: 1fr;
        height: 1fr;
        & > PictureView { display: none; }
        & > #words { height: 1fr; content-align: center middle; text-align: center;
                     color: $text-muted; padding: 0 1; }
        & > #caption { height: 1; text-align: center; text-wrap: nowrap; text-overflow: ellipsis; }
        &.-showing > PictureView { display: block; }
        &.-showing > #words { display: none; }
    }
    """

    DELAY = 0.06
    """Seconds for which the wish must hold before the work begins: more than a held key's beat."""

    @dataclass
    class Shown(Message):
        """A picture is on the screen."""

        pane: "ImagePane"
        path: Path

        @property
        def control(self) -> "ImagePane":
            """The pane that shows it."""
            return self.pane

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._wish: _ShownWish | None = None
        self.shown: Path | None = None
        """The file whose picture is on the screen, or what is wrong with it."""

    def compose(self) -> ComposeResult:
        """The picture, the words in its place, the caption."""
        yield PictureView(large=True)
        yield Static(_NOTHING, id="words", markup=False)
        yield Static("", id="caption", markup=False)

    def show(
        self,
        path: Path | None,
        caption: str = "",
        *,
        part: PicturePart | None = None,
        most: tuple[int, int] | None = None,
        words: str = _NOTHING,
        rough: bool = False,
        source_view: SourceView | None = None,
    ) -> None:
        """Show the picture in a file, with a caption.

        Args:
            path: the file; None shows that there is none.
            caption: below it.
            part: of the picture, in its own pixels; None for all of it.
            most: columns and rows it may fill; None for all there are.
            words: what to say where there is no file.
            rough: in less than half the bytes.
            source_view: what it was drawn on, to be shown with it.
        """
        wish = None if path is None else _ShownWish(path, caption, part, most, rough, source_view)
        self._leave_off(wish)
        self._wish = wish
        if path is None and self.is_mounted:
            self.shown = None
            self.workers.cancel_node(self)
            self._say(words, caption)
        self._load_soon()

    @property
    def is_coming(self) -> bool:
        """Whether a part of the picture has still to reach the terminal."""
        return self.is_mounted and self.query_one(PictureView).is_coming

    def _leave_off(self, wish: _ShownWish | None) -> None:
        """Stop sending a picture that another one is about to replace."""
        before = None if self._wish is None else self._wish.path
        if self.is_coming and (wish is None or wish.path != before):
            self.query_one(PictureView).draw(None)

    def on_resize(self) -> None:
        """The picture is made again for the new size."""
        self._load_soon()

    def remake_pictures(self) -> None:
        """The same picture: the terminal takes others now."""
        self._load_soon()

    def _load_soon(self) -> None:
        if self._wish is None or not self.is_mounted:
            return
        if not self.has_class("-showing"):
            self._say(_LOADING, self._wish.caption)
        self._load(self._wish)

    @work(exclusive=True, group="picture")
    async def _load(self, wish: _ShownWish) -> None:
        await asyncio.sleep(self.DELAY)
        width, height = self.content_size.width, self.content_size.height - 1
        path, caption, most = wish.path, wish.caption, wish.most
        box = (width, height) if most is None else (min(width, most[0]), min(height, most[1]))
        if min(box) < 1:
            return
        drawing = await drawn(
            path, box, self.app.console, wish.part, rough=wish.rough, source_view=wish.source_view
        )
        if isinstance(drawing, PictureFault):
            self._say(f"{_BROKEN}{clean(path.name)}\n{drawing.reason}", caption)
            self.shown = path
            return
        self.query_one(PictureView).draw(drawing)
        caption += f" · {drawing.said}" if drawing.said else ""
        self.query_one("#caption", Static).update(Content(clean(caption)), layout=False)
        self.add_class("-showing")
        self.shown = path
        self.post_message(self.Shown(self, path))

    def _say(self, words: str, caption: str) -> None:
        self.remove_class("-showing")
        self.query_one(PictureView).draw(None)
        said = Content("\n".join(map(clean, words.split("\n"))))
        self.query_one("#words", Static).update(said, layout=False)
        self.query_one("#caption", Static).update(Content(clean(caption)), layout=False)
