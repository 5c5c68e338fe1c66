"""What Review says of the images it shows, and of the one under the cursor."""

from engine.api import Gallery, ImageInfo, SessionInfo
from tui.keys import key_of
from tui.screens.gallery_filter import lora_words, source_words
from tui.text import clean, count_text
from tui.widgets.caption_view import prompt_lines

_ORDER_WORDS = {"sheet": "", "newest": "newest first", "rating": "best rated first"}
_ORDERS_OF_ALL = {**_ORDER_WORDS, "sheet": "session by session"}


def no_images_text() -> str:
    """In place of images, what leads to some."""
    starts, lists = key_of("app.sheet"), key_of("app.sessions")
    return f"No images yet. Press {starts} to start a session, {lists} to see past sessions."


def title_text(
    info: SessionInfo | None, gallery: Gallery, typed: str, *, following: bool = False
) -> str:
    """Whose images are shown, how many, by which filter and in which order.

    Args:
        info: of the session; None: they are of all.
        gallery: the images.
        typed: into the filter.
        following: whether the newest is shown as soon as it is there.
    """
    wanted, count = gallery.wanted, len(gallery)
    order = (_ORDERS_OF_ALL if info is None else _ORDER_WORDS)[wanted.order]
    if info is None:
        more = " and more" if gallery.has_more else ""
        parts = ["all sessions", f"{count_text(count, 'image')}{more}"]
    elif wanted.is_narrow or wanted.states == ("failed",):
        parts = [clean(info.name), f"{count:,} of {count_text(info.images, 'image')}"]
    else:
        parts = [clean(info.name), f"{info.done:,} of {count_text(info.images, 'image')}"]
    parts += [f"★ {info.favourites:,}"] if info and info.favourites else []
    parts += ["favourites only"] if wanted.favourites else []
    parts += ["failed only"] if wanted.states == ("failed",) else []
    parts += [f"/{clean(typed)}"] if typed else []
    parts += [order] if order else []
    parts += ["following the newest"] if following else []
    return " · ".join(parts)


def recipe_text(image: ImageInfo, source: str = "") -> str:
    """The recipe in a few lines; `source` is what the picture was called that it is drawn on."""
    recipe = image.recipe
    first, *rest = prompt_lines(recipe.prompt)
    lines = [first]
    if recipe.negative_prompt:
        lines.append(f"not: {clean(recipe.negative_prompt)}")
    lines.append(
        f"seed {image.seed} · {image.width}×{image.height} ·"
        f" {count_text(recipe.steps, 'step')} · guidance {recipe.guidance:g} ·"
        f" {clean(recipe.model)}"
    )
    lines += [f"LoRA {clean(words)}"] if (words := lora_words(image)) else []
    lines += [clean(words)] if (words := source_words(image, source)) else []
    lines += [f"✗ {clean(image.error)}"] if image.error else []
    lines += [f"! {clean(change)}" for change in image.departures]
    lines += rest
    return "\n".join(lines)
