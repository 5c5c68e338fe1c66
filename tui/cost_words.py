"""What rendering would take, in words: images, time, disk, memory."""

from collections.abc import Iterator, Sequence

from engine.api import BlankCount, Estimate, MemoryNeed
from tui.text import clean, size_text, time_text


def blank_words(counts: Sequence[BlankCount]) -> str:
    """`blank num_images: 4, and 1 on a picture`, of the rows that leave it blank; empty: none."""
    words = [f"{each.num_images:,}{' on a picture' * each.on_a_picture}" for each in counts]
    return f"blank num_images: {', and '.join(words)}" if words else ""


def cost_words(estimate: Estimate) -> list[str]:
    """`about 41 min`, `1.9 GB`; what is known of them."""
    words = [time_text(estimate.seconds)] if estimate.seconds is not None else []
    return words + ([size_text(estimate.bytes)] if estimate.bytes is not None else [])


def disk_words(estimate: Estimate) -> Iterator[str]:
    """A warning if the disk has no room for the images."""
    need = estimate.disk
    if need is not None and not need.fits:
        yield (
            f"! the disk has room for {size_text(need.room)} of that, after the reserve and what"
            " waits: rendering will pause"
        )


_OFFLOADS = {
    "text": "its text encoders leave the GPU once the texts are encoded",
    "model": "its parts take turns on the GPU",
    "layers": "its layers come to the GPU one by one, which is slow",
}


def memory_words(estimate: Estimate) -> Iterator[str]:
    """What the neediest model takes of the device; or of each that does not fit what is done."""
    special = [need for need in estimate.memory if is_made_to_fit(need) or not need.fits]
    for need in special:
        mark = "" if need.fits else "! "
        yield (
            f"{mark}{clean(need.model)} needs about {size_text(need.bytes)} of memory for one"
            f" image; {need.device} has {size_text(need.device_bytes)}: {way_words(need)}"
        )
    if estimate.memory and not special:
        need = max(estimate.memory, key=lambda need: need.bytes)
        whose = f" ({clean(need.model)})" if len(estimate.memory) > 1 else ""
        yield f"memory {size_text(need.bytes)} of {size_text(need.device_bytes)}{whose}"


def is_made_to_fit(need: MemoryNeed) -> bool:
    """Whether anything is done so that a model takes less memory."""
    return need.placed_bytes < need.bytes


def way_words(need: MemoryNeed) -> str:
    """What is done so that a model fits, and what it takes then."""
    ways = [_OFFLOADS[need.offload]] if need.offload in _OFFLOADS else []
    if need.tiled:
        ways.append("its pictures are decoded in tiles")
    if need.halves:
        ways.append(f"it computes in {need.dtype}")
    if need.fits:
        return f"{' and '.join(ways)} (about {size_text(need.placed_bytes)})"
    return "it will not fit" + (f", even if {' and '.join(ways)}" if ways else "")
