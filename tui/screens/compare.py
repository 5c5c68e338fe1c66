"""Two to four images side by side, and what made them different."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from engine.api import ImageInfo, source_path
from tui.keys import bind
from tui.screens.dialog import Overlay
from tui.screens.gallery_filter import lora_words, place_words
from tui.text import clean, rating_sign
from tui.widgets.image_pane import ImagePane
from tui.widgets.key_line import KeyLine

MOST = 4
_WORDS = {"model_hash": "model files", "negative_prompt": "negative", "batch_size": "batch"}


def differences(images: Sequence[ImageInfo]) -> dict[str, list[str]]:
    """Setting → its value for each image, for settings that are not the same for all."""
    every = [_settings(image) for image in images]
    names = list(dict.fromkeys(name for settings in every for name in settings))
    values = {name: [_shown(settings.get(name)) for settings in every] for name in names}
    return {name: shown for name, shown in values.items() if len(set(shown)) > 1}


def _settings(image: ImageInfo) -> dict[str, Any]:
    """All that determines it, the recipe before the conditions."""
    conditions = image.conditions.to_json() if image.conditions else {}
    versions = conditions.pop("versions", {})
    conditions["batch_size"] = image.batch_size
    recipe = image.recipe.to_json()
    if words := lora_words(image):
        recipe["loras"] = words
    recipe["size"] = f"{recipe.pop('width')}×{recipe.pop('height')}"
    return recipe | conditions | {f"{name} version": v for name, v in versions.items()}


def _shown(value: object) -> str:
    if value is None or value == "":
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


class CompareScreen(Overlay[None]):
    """Ends when it is left."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("compare.compare", "leave", "Back", show=False)]
    DEFAULT_CSS = """
    CompareScreen { background: $background; }
    CompareScreen > Horizontal { height: 1fr; }
    CompareScreen Vertical { width: 1fr; border-left: solid $panel; }
    CompareScreen Vertical:first-of-type { border-left: none; }
    CompareScreen ImagePane { height: 1fr; }
    CompareScreen .settings { height: auto; max-height: 12; padding: 0 1; }
    CompareScreen #differ { height: auto; max-height: 2; padding: 0 1; color: $text-muted; }
    """

    def __init__(self, images: Sequence[ImageInfo], library: Path) -> None:
        super().__init__()
        self._images = list(images)[:MOST]
        self._library = library
        digests = {image.recipe.image for image in self._images} - {""}
        self._source = source_path(library, digests.pop()) if len(digests) == 1 else None
        """What they are drawn on, where that is one picture."""

    def compose(self) -> ComposeResult:
        """What differs, the images, each one's settings."""
        differing = differences(self._images)
        names = ", ".join(_WORDS.get(name, name) for name in differing) or "nothing we can see"
        yield Static(Content(f"They differ in: {clean(names)}"), id="differ", markup=False)
        with Horizontal():
            if self._source is not None:
                with Vertical():
                    yield ImagePane(id="source")
                    yield Static("their source pictures", classes="settings", markup=False)
            for number in range(len(self._images)):
                lines = [
                    f"{_WORDS.get(name, name)}: {clean(values[number])}"
                    for name, values in differing.items()
                ]
                with Vertical():
                    yield ImagePane()
                    yield Static(Content("\n".join(lines)), classes="settings", markup=False)
        yield KeyLine()

    def _caption(self, image: ImageInfo) -> str:
        several = len({image.session for image in self._images}) > 1
        words = place_words(image)
        return f"{words} · {clean(image.session_name)}" if several else words

    def on_mount(self) -> None:
        """Show the images."""
        panes = list(self.query(ImagePane))
        if self._source is not None:
            panes.pop(0).show(self._source, "source")
        for image, pane in zip(self._images, panes, strict=True):
            star = rating_sign(image.rating, favourite=image.favourite)
            caption = f"{star} {self._caption(image)}".strip()
            pane.show(self._library / image.file if image.file else None, caption)
