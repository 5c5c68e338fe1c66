"""Review: a page of thumbnails, the one under the cursor large, its recipe below."""

from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from engine.api import ImageInfo, LibraryError, find_session, list_images
from tui.keys import bind
from tui.screens.area import Area
from tui.text import clean, count_text
from tui.watch import News
from tui.widgets.contact_sheet import ContactSheet
from tui.widgets.image_pane import ImagePane

_EMPTY = "No images yet. 1 is where they start, 4 lists past sessions."


class ReviewScreen(Area):
    """The images of the session in hand."""

    AREA = "review"
    AUTO_FOCUS = "ContactSheet"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("review.full", "enter", "full", "Full screen"),
        bind("review.latest", "end,G", "latest", "Newest"),
        bind("review.first", "home,g", "first", "First", show=False),
    ]
    DEFAULT_CSS = """
    ReviewScreen #review-title { height: 1; padding: 0 1; text-wrap: nowrap; }
    ReviewScreen #side { width: 2fr; min-width: 30; border-left: solid $panel; }
    ReviewScreen #large { height: 1fr; }
    ReviewScreen #recipe { height: auto; max-height: 8; padding: 0 1; border-top: solid $panel; }
    ReviewScreen ContactSheet { width: 3fr; }
    """

    images: tuple[ImageInfo, ...] = ()
    _session: str | None = None

    def compose_area(self) -> ComposeResult:
        """Title, thumbnails, the large one, its recipe."""
        yield Static(_EMPTY, id="review-title", markup=False)
        with Horizontal():
            yield ContactSheet()
            with Vertical(id="side"):
                yield ImagePane(id="large")
                yield Static("", id="recipe", markup=False)

    def on_mount(self) -> None:
        """Show the session in hand, or the last."""
        self.show_session(self.desk.memory.session)
        self.query_one(ContactSheet).focus()

    def show_session(self, session: str | None) -> None:
        """Take a session in hand."""
        self._session = session
        self._load(session, keep=False)

    @work(thread=True, exclusive=True, group="images")
    def _load(self, session: str | None, *, keep: bool) -> None:
        library = self.desk.library
        try:
            info = find_session(library, session or "last")
            images = tuple(i for i in list_images(library, info.session) if i.file)
        except LibraryError:
            return
        self.app.call_from_thread(self._show, info.session, info.name, info.images, images, keep)

    def _show(
        self, session: str, name: str, planned: int, images: tuple[ImageInfo, ...], keep: bool
    ) -> None:
        self._session, self.images = session, images
        self.query_one(ContactSheet).show(
            [self.desk.library / image.file for image in images if image.file], keep=keep
        )
        title = f"{clean(name)} · {len(images)} of {count_text(planned, 'image')}"
        self.query_one("#review-title", Static).update(Content(title))

    def tell(self, news: News) -> None:
        """New images join the page; what is looked at stays."""
        super().tell(news)
        if self._session in news.finished:
            self._load(self._session, keep=True)

    @on(ContactSheet.Highlighted)
    def _moved(self, event: ContactSheet.Highlighted) -> None:
        if event.index >= len(self.images):
            return
        image = self.images[event.index]
        self.query_one("#large", ImagePane).show(
            self.desk.library / str(image.file), f"row {image.row}, image {image.variation}"
        )
        self.query_one("#recipe", Static).update(Content(recipe_text(image)))

    @on(ContactSheet.Selected)
    def action_full(self) -> None:
        """The image under the cursor fills the screen."""
        if self.images:
            sheet = self.query_one(ContactSheet)
            paths = [self.desk.library / str(image.file) for image in self.images]
            self.app.push_screen(FullScreen(paths, list(self.images), sheet.cursor), sheet.go_to)

    def action_latest(self) -> None:
        """The newest image."""
        self.query_one(ContactSheet).go_to(len(self.images) - 1)

    def action_first(self) -> None:
        """The first image."""
        self.query_one(ContactSheet).go_to(0)


def recipe_text(image: ImageInfo) -> str:
    """The recipe in a few lines."""
    recipe = image.recipe
    lines = [clean(recipe["prompt"])]
    if recipe["negative_prompt"]:
        lines.append(f"not: {clean(recipe['negative_prompt'])}")
    lines.append(
        f"seed {image.seed} · {image.width}×{image.height} · {recipe['steps']} steps ·"
        f" guidance {recipe['guidance']:g} · {clean(recipe['model'])}"
    )
    departures = image.conditions["departures"] if image.conditions else []
    lines += [f"! {clean(change)}" for change in departures]
    return "\n".join(lines)


class FullScreen(ModalScreen[int]):
    """One image after the other; ends with the number of the last looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("full.next", "right,l,space,j,down", "step(1)", "Next"),
        bind("full.previous", "left,h,k,up", "step(-1)", "Previous"),
        bind("full.leave", "escape,enter,q", "leave", "Back"),
    ]
    DEFAULT_CSS = """
    FullScreen { background: $background; }
    FullScreen ImagePane { height: 1fr; }
    """

    def __init__(self, paths: list[Path], images: list[ImageInfo], index: int) -> None:
        super().__init__()
        self._paths = paths
        self._images = images
        self._index = index

    def compose(self) -> ComposeResult:
        """The image."""
        yield ImagePane()

    def on_mount(self) -> None:
        """Show it."""
        self.action_step(0)

    def action_step(self, step: int) -> None:
        """Another image; the ends hold."""
        self._index = max(0, min(len(self._paths) - 1, self._index + step))
        image = self._images[self._index]
        words = f"{self._index + 1}/{len(self._paths)} · row {image.row} · {image.recipe['prompt']}"
        self.query_one(ImagePane).show(self._paths[self._index], words)

    def action_leave(self) -> None:
        """Back to the page."""
        self.dismiss(self._index)
