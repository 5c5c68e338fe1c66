"""How much of a device's memory a model will need, from its size and the pictures asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.machine import CPU, usual_dtype
from engine.models.catalog import Model
from engine.models.upscaler_files import TILE
from engine.models.weights import ModelSize
from engine.plan.sizes import row_size
from engine.sheet.rows import RowValues

_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_ALONE = {CPU: 600 << 20, "": 700 << 20}
"""What a renderer takes before any model: torch and diffusers; on a GPU its context."""
_DENOISER_COPIES = 40
"""Values kept at a denoiser's highest resolution at a time, for each of its channels: skipped
connections, and the wide middle of its attention blocks."""
_MOST_ENLARGED = (4 * TILE) ** 2
"""Pixels that an upscaler makes at a time."""
_DECODER_COPIES = 4
"""The same of the decoder's last block: in, out, normalised, and the convolution's own."""


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """What one model needs, one image at a time; larger batches are halved until they fit."""

    model: str
    bytes: int
    device: str
    """The roomiest of those that would render it."""
    device_bytes: int
    """All of its memory."""
    fits: bool


def memory_needs(
    rows: Iterable[RowValues],
    models: Mapping[str, Model],
    sizes: Mapping[str, ModelSize | None],
    devices: Mapping[str, int],
) -> tuple[MemoryNeed, ...]:
    """For each model of the rows what its largest picture needs; none where nothing is known.

    An estimate, meant to tell 8 GB from 24 GB: activations are counted at the two places that
    need most, and never held together. A pipeline of Stable Diffusion 1.5's shape on the CPU in
    float32 took 6.4 GB at 512×512 and 7.4 GB at 768×768 at most; this says 5.8 and 7.2.

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
        width, height, tile = row_size(row, models[row.model])
        drawn = tile**2 or width * height
        pixels[row.model] = max(drawn, pixels.get(row.model, 0))
    needs = []
    for label, most in pixels.items():
        if (size := sizes.get(label)) is not None:
            need = memory_need(size, models[label], most, device)
            needs.append(MemoryNeed(label, need, device, devices[device], need <= devices[device]))
    return tuple(needs)


def memory_need(size: ModelSize, model: Model, pixels: int, device: str) -> int:
    """Bytes that a model needs for one image of so many pixels on a device, as `memory_needs`."""
    on_cpu = device == CPU
    if model.kind.upscales:
        pixels = min(pixels, _MOST_ENLARGED)
    each = _BYTES.get(usual_dtype(device) if model.dtype == "auto" else model.dtype, 4)
    cells = pixels / size.denoiser_factor**2
    # Twice: with guidance the prompt and the negative prompt are computed side by side.
    denoising = 2 * cells * size.denoiser_width * _DENOISER_COPIES * each
    decoding = pixels * size.decoder_width * _DECODER_COPIES * each
    weights = size.bytes_of_weights(each)
    return int(_ALONE[CPU if on_cpu else ""] + weights + max(denoising, decoding))
