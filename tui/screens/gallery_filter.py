"""What is typed into Review's filter, understood; and images as tiles of a contact sheet."""

import logging
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.api import BEST_RATING, Gallery, ImageInfo, LibraryError, Wanted
from tui.text import clean
from tui.widgets.picture_grid import Tile, tile_of

log = logging.getLogger(__name__)

_NUMBER = r"\d{1,7}"
_ROW = re.compile(rf"row:({_NUMBER})(?:-({_NUMBER}))?$")
_MOST = 1000
_DIGITS = 8
FILTER_HELP = "words of the prompt · row:4 or row:4-9 · rating:>=3 · is:favourite · is:failed"
FILTER_HELP_ALL = "names, tags, all prompts · session:NAME · rating:>=3 · is:favourite · is:failed"
_RATING = re.compile(r"rating:(>=|<=|>|<|=)?(none|[0-9])$")
_WORDS = re.compile(r'session:"[^"]*"?|\S+')
_SESSION = "session:"


def wanted_by(text: str, wanted: Wanted) -> Wanted:
    """What a typed filter asks for.

    Args:
        text: `row:4`, `row:4-9`, `session:evening`, `session:"two words"`, `rating:>=3`,
            `rating:4`, `rating:<2`, `rating:none`, `is:favourite` and `is:failed` in any order; the
            rest is looked for in prompts.
        wanted: whose order and states hold where the text does not say.
    """
    words = []
    rows, favourites, states, session = None, wanted.favourites, wanted.states, ""
    ratings = None
    for word in _WORDS.findall(text):
        if row := _ROW.match(word):
            first = int(row[1])
            rows = (first, int(row[2] or first))
        elif word in ("is:favourite", "is:favorite", "is:fav"):
            favourites = True
        elif rating := _RATING.match(word):
            low, high = _ratings(rating[1] or "=", 0 if rating[2] == "none" else int(rating[2]))
            ratings = (
                max(low, ratings[0] if ratings else 0),
                min(high, ratings[1] if ratings else 9),
            )
        elif word == "is:failed":
            states = ("failed",)
        elif word.startswith(_SESSION):
            session = word.removeprefix(_SESSION).strip('"')
        else:
            words.append(word)
    return Wanted(" ".join(words), rows, favourites, states, wanted.order, ratings, session)


def _ratings(sign: str, rating: int) -> tuple[int, int]:
    """The lowest and the highest rating that one stands to so."""
    spans = {">=": (rating, BEST_RATING), ">": (rating + 1, BEST_RATING), "=": (rating, rating)}
    return (spans | {"<=": (0, rating), "<": (0, rating - 1)})[sign]


def row_number(text: str) -> int | None:
    """The number of a row that was typed; None if no sheet has such a one."""
    return int(text) if re.fullmatch(_NUMBER, text) else None


def place_words(image: ImageInfo) -> str:
    """Of which row it is, and which of that row's images."""
    return f"row {image.row}, image {image.variation}"


def source_words(image: ImageInfo, name: str) -> str:
    """What an image is drawn on, and how; empty: on nothing.

    Args:
        image: the image.
        name: what the user called its source.
    """
    recipe = image.recipe
    if not recipe.image:
        return ""
    words = f"source {Path(name).name or 'picture'} ({recipe.image[:_DIGITS]})"
    if recipe.strength is not None:
        words += f", strength {recipe.strength:g}"
    if recipe.upscale:
        return f"{words}, upscaled {recipe.upscale}×"
    return f"{words}, {recipe.fit}" + (", masked" if recipe.mask else "")


def lora_words(image: ImageInfo) -> str:
    """The LoRAs that an image is drawn with, as a cell names them; empty: none."""
    return ", ".join(f"{lora.name}:{lora.weight:g}" for lora in image.recipe.loras)


class GalleryTiles:
    """A gallery as a contact sheet asks for it; remembers the images it was asked for last."""

    def __init__(self, gallery: Gallery, library: Path, *, of_all: bool = False) -> None:
        self.gallery = gallery
        self.of_all = of_all
        """Whether they are the images of all sessions."""
        self._library = library
        self._images: dict[str, ImageInfo] = {}
        self._sources: dict[str, str] = {}
        """Image → what its source was called."""

    def __len__(self) -> int:
        return len(self.gallery)

    def tiles(self, start: int, stop: int) -> Sequence[Tile]:
        """Images as tiles."""
        return [self.tile(image) for image in self.read(start, stop)]

    def tile(self, image: ImageInfo) -> Tile:
        """An image as it is shown among these."""
        return tile_of(image, self._library, of_all=self.of_all)

    def caption(self, image: ImageInfo) -> str:
        """Which image it is, among these."""
        words = place_words(image)
        return f"{words} · {clean(image.session_name)}" if self.of_all else words

    def read(self, start: int, stop: int) -> Sequence[ImageInfo]:
        """Images, with what they are drawn on; remembered. None where they cannot be read."""
        try:
            images = self.gallery.page(start, stop)
            drawn_on = [image.image for image in images if image.recipe.image]
            names = self.gallery.source_names(drawn_on) if drawn_on else {}
        except LibraryError as error:  # the top line says what has become of the library
            log.warning("images %d to %d cannot be read: %s", start, stop, error)
            return ()
        if len(self._images) > _MOST:
            self._images.clear()
            self._sources.clear()
        self._sources |= names
        self.remember(images)
        return images

    def source_name(self, key: str) -> str:
        """What the picture was called that an image is drawn on; empty: drawn on none."""
        return self._sources.get(key, "")

    def remember(self, images: Iterable[ImageInfo]) -> None:
        """These are as they are now."""
        self._images |= {image.image: image for image in images}

    def seems_of_grid(self, image: ImageInfo | None) -> bool:
        """Whether an image's row is probably a grid, by what was read lately of its images.

        Those of a plain row have one seed after the other; those of a grid mostly the same.
        """
        return image is not None and any(
            other.seed - other.variation != image.seed - image.variation
            for other in self._images.values()
            if (other.session, other.row) == (image.session, image.row) and not other.recipe.upscale
        )

    def keys(self, start: int, stop: int) -> Sequence[str]:
        """Ids of images."""
        return self.gallery.keys(start, stop)

    def image(self, key: str) -> ImageInfo | None:
        """An image that was asked for lately."""
        return self._images.get(key)
