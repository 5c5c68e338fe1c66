"""What is said of models, on screens and on the command line."""

import time
from collections.abc import Iterable, Iterator, Sequence

from engine.api import FoundModel, ModelInfo, NeedsModel, RemovedModel
from tui.cost_words import is_made_to_fit, way_words
from tui.text import clean, count_text, shorten, size_text

_LABEL, _FAMILY, _LICENCE = 20, 26, 20


def model_lines(models: Iterable[ModelInfo]) -> Iterator[str]:
    """A table of models; those that cannot be used with the reason."""
    yield (
        f"{'label':{_LABEL}} {'family':{_FAMILY}} {'on disk':>8} {'memory':>18} {'last used':10}"
        f"  {'licence':{_LICENCE}}  abilities"
    )
    for info in models:
        label = shorten(info.label, _LABEL)
        if info.fault:
            yield f"{label:{_LABEL}} ✗ {clean(info.fault)}"
            continue
        yield (
            f"{label:{_LABEL}} {shorten(info.family, _FAMILY):{_FAMILY}}"
            f" {size_text(info.bytes):>8} {memory_text(info):>18} {used_text(info):10}"
            f"  {shorten(info.licence or 'unknown', _LICENCE):{_LICENCE}}"
            f"  {', '.join(info.abilities)}"
        )


def found_lines(info: ModelInfo, found: FoundModel) -> Iterator[str]:
    """What was found out about a model, before it is added."""
    yield found_head(found)
    yield from (f"  {name:12} {clean(text)}" for name, text in facts(info))
    if remark := found_remark(found):
        yield f"  {remark}"


def found_head(found: FoundModel) -> str:
    """What it is, in a sentence: `pretty.safetensors is a LoRA` and so on."""
    what = found.kind.words if found.kind else "a folder in diffusers' format"
    return clean(f"{found.path.name} is {what}.")


def found_remark(found: FoundModel) -> str:
    """What else is to be said of it; empty: nothing."""
    if found.kind and found.kind.family == "sd2" and not found.kind.prediction:
        return (
            "The file does not say what it predicts, so velocity is assumed. If every image"
            ' comes out as noise, set prediction = "epsilon" in its entry.'
        )
    return ""


def facts(info: ModelInfo) -> list[tuple[str, str]]:
    """What is known of a model that can be used: a name and a text each."""
    draws = "upscale" not in info.abilities
    said = [
        ("family", f"{info.family} ({info.pipeline})"),
        ("image size", f"{info.base_resolution} × {info.base_resolution} pixels at 1:1" * draws),
        ("abilities", ", ".join((*(("text to image",) * draws), *info.abilities))),
        ("renderings", renderings_text(info) * draws),
        ("on disk", size_text(info.bytes)),
        ("memory", memory_words(info)),
        ("quantised", info.quantised),
        ("step cache", info.step_cache),
        ("licence", info.licence or "none given in its files"),
        ("files", info.source),
        ("the rest", info.base),
    ]
    return [(name, text) for name, text in said if text]


def renderings_text(info: ModelInfo) -> str:
    """`turbo 6, default 12, quality 24 steps, guidance 4`."""
    each = info.renderings or {}
    guidances = {rendering.guidance for rendering in each.values()}
    if len(guidances) == 1:
        steps = ", ".join(f"{word} {rendering.steps}" for word, rendering in each.items())
        return f"{steps} steps, guidance {guidances.pop():g}"
    return "; ".join(
        f"{word} {rendering.steps} steps, guidance {rendering.guidance:g}"
        for word, rendering in each.items()
    )


def found_line(found: FoundModel, labels: Sequence[str]) -> str:
    """One of the things in a folder full: what it is, and whether it is in the list already."""
    if found.fault:
        return f"✗ {clean(found.fault)}"
    what = found.kind.words if found.kind else "a model's folder"
    already = f"; already in your list as {', '.join(labels)}" if labels else ""
    return clean(f"✓ {found.path.name} is {what}{already}")


def added_words(labels: Sequence[str]) -> str:
    """What was added, a few by their labels, so that it is a line or two."""
    more = f" and {len(labels) - _TOLD:,} more" if len(labels) > _TOLD else ""
    return clean(f"Added: {', '.join(labels[:_TOLD])}{more}.")


_TOLD = 5


def removed_words(removed: RemovedModel) -> str:
    """What became of a model that was taken out of the list."""
    return f"{removed.label} was removed from your list; its files stay in {removed.source}."


def needed_words(needed_by: Sequence[NeedsModel]) -> str:
    """Which sessions a model that was taken out leaves waiting; empty: none."""
    if not needed_by:
        return ""
    first = needed_by[0]
    more = len(needed_by) - 1
    others = f" (and {count_text(more, 'other session')})" if more else ""
    images = count_text(sum(each.images for each in needed_by), "image")
    return (
        f"{first.name} ({first.session}){others} still has {images} to draw with it, which wait"
        " until it is back"
    )


def memory_text(info: ModelInfo) -> str:
    """`! 9.4 GB of 8.0 GB`: what a model needs of the device's memory, marked if it won't fit.

    A `~` marks that something is done to make it fit.
    """
    need = info.memory
    if need is None:
        return "unknown"
    mark = ("~ " if is_made_to_fit(need) else "") if need.fits else "! "
    return f"{mark}{size_text(need.bytes)} of {size_text(need.device_bytes)}"


def memory_words(info: ModelInfo) -> str:
    """What a model needs of the device's memory, beside what there is and what is free now."""
    need = info.memory
    if need is None:
        return "unknown: its files do not say"
    words = (
        f"about {size_text(need.bytes)}; {need.device} has {size_text(need.device_bytes)},"
        f" {size_text(info.free_bytes)} of it free now"
    )
    return words if need.fits and not is_made_to_fit(need) else f"{words}: {way_words(need)}"


def used_text(info: ModelInfo) -> str:
    """The day a model was last used."""
    if info.last_used is None:
        return "never"
    return time.strftime("%Y-%m-%d", time.localtime(info.last_used))
