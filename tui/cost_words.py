"""What rendering would take, in words: images, time, disk, memory."""

from collections.abc import Iterator, Sequence

from engine.api import BlankCount, Estimate
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
            f"! these images need about {size_text(need.bytes)} of disk; there is room for"
            f" {size_text(need.room)} beside the reserve and the work that waits: rendering will"
            " pause until there is more"
        )


def memory_words(estimate: Estimate) -> Iterator[str]:
    """What the neediest model takes of the device; or a warning of each that will not fit."""
    lacking = [need for need in estimate.memory if not need.fits]
    for need in lacking:
        yield (
            f"! {clean(need.model)} needs about {size_text(need.bytes)} of memory for one image;"
            f" {need.device} has {size_text(need.device_bytes)}: it will not fit"
        )
    if estimate.memory and not lacking:
        need = max(estimate.memory, key=lambda need: need.bytes)
        whose = f" ({clean(need.model)})" if len(estimate.memory) > 1 else ""
        yield f"memory {size_text(need.bytes)} of {size_text(need.device_bytes)}{whose}"
