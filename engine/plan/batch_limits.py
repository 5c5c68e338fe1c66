"""How many images one call may hold: by fixed rules, from the memory an earlier call took."""

from engine.plan.batches import power_of_two_within

FIRST_ON_GPU = 4
"""Images of one call of a model that was never measured, where nobody says otherwise."""
MOST_ON_GPU = 16
"""Published figures rise until about there (SDXL turbo 512², Qwen-Image 512²)."""
_MEASURED_MOST = 256
_SHARE = 0.8
"""Of the memory there is: other programs, and what does not grow evenly, have the rest."""


def images_held(size: int, taken: int, room: int) -> int:
    """The largest batch that memory holds, a power of two.

    Args:
        size: images of a call that was measured.
        taken: bytes it took at its peak, beyond what was there before.
        room: bytes there are for a call.
    """
    each = max(1, taken // size)
    return power_of_two_within(min(_MEASURED_MOST, int(_SHARE * room) // each))


def largest_batch(asked: int, held: int | None, *, gpu: bool) -> int:
    """The largest batch to plan on one device, a power of two.

    Args:
        asked: what the settings or the model list say; 0: nothing.
        held: what memory there was found to hold; None: not known yet.
        gpu: whether the device is one. A CPU gains little by large calls.
    """
    usual = min(held or FIRST_ON_GPU, MOST_ON_GPU) if gpu else 1
    wanted = asked or usual
    return power_of_two_within(wanted if held is None else min(wanted, held))
