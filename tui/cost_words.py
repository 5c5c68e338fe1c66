"""What rendering would take, in words: images, time, disk, memory."""

from collections.abc import Iterator, Sequence

from engine.api import BlankCount, Estimate, MemoryNeed
from tui.text import clean, size_text, time_text


def blank_words(counts: Sequence[BlankCount]) -> str:
    """`default images per row: 4, 1 with a source`, of rows that leave it blank; empty: none."""
    words = [f"{each.num_images:,}{' with a source' * each.on_a_picture}" for each in counts]
    return f"default images per row: {', '.join(words)}" if words else ""


def cost_words(estimate: Estimate) -> list[str]:
    """`about 41 min`, `1.9 GB`; what is known of them."""
    words = [time_text(estimate.seconds)] if estimate.seconds is not None else []
    return words + ([size_text(estimate.bytes)] if estimate.bytes is not None else [])


def disk_words(estimate: Estimate) -> Iterator[str]:
    """A warning if the disk has no room for the images."""
    need = estimate.disk
    if need is not None and not need.fits:
        room = f"room for only {size_text(need.room)} of that" if need.room else "no room for that"
        yield (
            f"! the disk has {room}, after the reserve and work already waiting: rendering will"
            " pause"
        )


_OFFLOADS = {
    "text": "text encoders leave the GPU after encoding the prompts",
    "model": "its parts take turns on the GPU (slower)",
    "layers": "its layers go to the GPU one at a time (slow)",
}


def memory_words(estimate: Estimate) -> Iterator[str]:
    """What the neediest model takes of the device; or of each that does not fit what is done."""
    special = [need for need in estimate.memory if is_made_to_fit(need) or not need.fits]
    for need in special:
        mark = "" if need.fits else "! "
        yield (
            f"{mark}{clean(need.model)} needs about {size_text(need.bytes)} of memory per image;"
            f" {need.device} has {size_text(need.device_bytes)}: {way_words(need)}"
        )
    if estimate.memory and not special:
        need = max(estimate.memory, key=lambda need: need.bytes)
        whose = f" ({clean(need.model)})" if len(estimate.memory) > 1 else ""
        where = "RAM" if need.device == "cpu" else f"on {need.device}"
        whole = size_text(need.device_bytes)
        yield f"needs about {size_text(need.bytes)} of {whole} {where}{whose}"


def is_made_to_fit(need: MemoryNeed) -> bool:
    """Whether anything is done so that a model takes less memory."""
    return need.placed_bytes < need.bytes


def way_words(need: MemoryNeed) -> str:
    """What is done so that a model fits, and what it takes then."""
    ways = [_OFFLOADS[need.offload]] if need.offload in _OFFLOADS else []
    if need.tiled:
        ways.append("images are decoded in tiles")
    if need.halves:
        ways.append(f"computing in {need.dtype}")
    if need.fits:
        return f"{' and '.join(ways)} (about {size_text(need.placed_bytes)})"
    return "it won't fit" + (f", even if {' and '.join(ways)}" if ways else "")
