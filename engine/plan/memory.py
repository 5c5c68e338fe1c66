"""How much of a device's memory a model will need, and how it is made to fit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.models.catalog import Model
from engine.models.placement import placed
from engine.models.weights import ModelSize
from engine.plan.sizes import enlarged_from, row_size
from engine.sheet.rows import RowValues


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """What one model needs, one image at a time; larger batches are halved until they fit."""

    model: str
    bytes: int
    """Where nothing is done to make it fit."""
    placed_bytes: int
    """In the way it will be drawn."""
    device: str
    """The roomiest of those that would render it."""
    device_bytes: int
    """All of its memory."""
    dtype: str
    """What it will compute in."""
    offload: str
    """What of it leaves the device while it is not computing."""
    tiled: bool
    """Whether its pictures are decoded in tiles."""
    halves: bool
    """Whether that has half the bytes of what it would compute in with more memory."""
    fits: bool
    """Whether it does in that way."""


def memory_needs(
    rows: Iterable[RowValues],
    models: Mapping[str, Model],
    sizes: Mapping[str, ModelSize | None],
    devices: Mapping[str, int],
) -> tuple[MemoryNeed, ...]:
    """For each model of the rows what its largest picture needs; none where nothing is known.

    Args:
        rows: checked rows.
        models: the model list.
        sizes: label → its size.
        devices: those that would be rendered on → bytes of their memory.
    """
    if not devices:
        return ()
    device = max(devices, key=devices.__getitem__)
    pixels: dict[str, int] = {}
    for row in rows:
        model = models[row.model]
        made = [(row.model, row_size(row, model))]
        if row.enlarges:
            label = row.upscaler or row.model
            made.append((label, enlarged_from(row, model, models[label])))
        for label, (width, height, tile) in made:
            pixels[label] = max(tile**2 or width * height, pixels.get(label, 0))
    return tuple(
        memory_need(size, models[label], most, device, devices[device])
        for label, most in pixels.items()
        if (size := sizes.get(label)) is not None
    )


def memory_need(
    size: ModelSize, model: Model, pixels: int, device: str, device_bytes: int
) -> MemoryNeed:
    """What a model needs for one image of so many pixels on a device, as `memory_needs`."""
    way = placed(size, pixels, device, device_bytes, model.placement)
    return MemoryNeed(
        model=model.label,
        bytes=way.whole_bytes,
        placed_bytes=way.bytes,
        device=device,
        device_bytes=device_bytes,
        dtype=way.placement.dtype,
        offload=way.placement.offload,
        tiled=way.placement.tiled,
        halves=way.halves,
        fits=way.fits,
    )
