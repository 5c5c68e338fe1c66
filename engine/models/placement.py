"""How a model is made to fit into a device's memory: one table of ways, the first that fits.

A way hangs on the model's size, the largest picture, and all the memory that the device has, never
on what happens to be free: so it is the same each time, and on equal devices.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Self

import msgspec

from engine.machine import CPU, usual_dtype
from engine.models.weights import ModelSize, Role
from engine.picture.recipe import Conditions

Offload = Literal["none", "text", "model", "layers"]
"""What leaves the device while it is not computing: nothing; the text encoders take turns with all
else; all parts take turns; each layer comes when it is its turn."""
Decoding = Literal["whole", "tiled"]

TILE = 512
"""Pixels of a side of the tiles that pictures are decoded in."""
_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_ALONE = {CPU: 600 << 20, "": 700 << 20}
"""What a renderer takes before any model: torch and diffusers; on a GPU its context."""
_DENOISER_COPIES = 40
"""Values kept at a denoiser's highest resolution at a time, for each of its channels: skipped
connections, and the wide middle of its attention blocks."""
_DECODER_COPIES = 4
"""The same of the decoder's last block: in, out, normalised, and the convolution's own."""
_COUNTED_ON = 0.9
"""How much of a device's memory is counted on: others have windows there, and this estimates."""
_LAYERS_AT_ONCE = 0.1
"""How much of its largest part is there while layers come one by one: two layers, embeddings."""
_ON_GPUS: tuple[tuple[Offload, Decoding], ...] = (
    ("none", "whole"),
    ("text", "whole"),
    ("model", "whole"),
    ("none", "tiled"),
    ("text", "tiled"),
    ("model", "tiled"),
    ("layers", "whole"),
    ("layers", "tiled"),
)
"""The ways in the order of preference: those that change no pixels before those that do, and what
makes each step slower last."""


class Placement(msgspec.Struct, frozen=True):
    """How a model is held on a device."""

    dtype: str
    offload: Offload = "none"
    tiled: bool = False
    """Whether pictures are decoded in tiles: that changes pixels."""

    @classmethod
    def of(cls, conditions: Conditions) -> Self:
        """The one that conditions name."""
        return msgspec.convert(
            {
                "dtype": conditions.dtype,
                "offload": conditions.offload,
                "tiled": conditions.tiled,
            },
            cls,
        )


class PlacementWish(msgspec.Struct, frozen=True):
    """What a model's entry says of it; `auto`: as the device's memory asks for."""

    dtype: str = "auto"
    offload: Literal["auto", "none", "text", "model", "layers"] = "auto"
    decode: Literal["auto", "whole", "tiled"] = "auto"


@dataclass(frozen=True, slots=True)
class Placed:
    """A way that was chosen, and what it takes."""

    placement: Placement
    whole_bytes: int
    """What one picture takes where nothing is done about it; 0: not known."""
    bytes: int
    """What one takes in this way; 0: not known."""
    fits: bool
    """Whether that is there."""
    halves: bool = False
    """Whether it computes in half the bytes that it would compute in with more memory."""


def placed(
    size: ModelSize | None,
    pixels: int,
    device: str,
    device_bytes: int,
    wish: PlacementWish,
    kept: Placement | None = None,
) -> Placed:
    """The first way that fits, one image at a time; if none does, the one that takes least.

    Args:
        size: of the model; None: not known, then nothing is done that is not wished for.
        pixels: of the largest picture.
        device: torch's name of it.
        device_bytes: all of its memory.
        wish: what the entry says.
        kept: how a session began; it holds while it fits here, and its dtype in any case.
    """
    ways = list(_ways(device, wish, kept))
    if size is None:
        return Placed(ways[0], 0, 0, True)
    whole = need(
        size, pixels, device, msgspec.structs.replace(ways[0], offload="none", tiled=False)
    )
    needs = [need(size, pixels, device, way) for way in ways]
    room = int(device_bytes * _COUNTED_ON)
    for way, bytes_ in zip(ways, needs, strict=True):
        if bytes_ <= room:
            return Placed(way, whole, bytes_, True, way.dtype != ways[0].dtype)
    least = min(needs)
    way = ways[needs.index(least)]
    return Placed(way, whole, least, False, way.dtype != ways[0].dtype)


def _ways(device: str, wish: PlacementWish, kept: Placement | None) -> Iterator[Placement]:
    # All parts of a model on the CPU lie in the same memory, wherever they are put.
    on_cpu = device == CPU
    if kept is not None:
        yield msgspec.structs.replace(kept, offload="none") if on_cpu else kept
    usual = usual_dtype(device)
    dtypes = [usual] if wish.dtype == "auto" else [wish.dtype]
    if on_cpu and wish.dtype == "auto" and usual == "float32":
        dtypes.append("bfloat16")  # half the size, and slower where it has to be imitated
    for dtype in [kept.dtype] if kept else dtypes:
        for offload, decoding in _ON_GPUS:
            wished = "none" if on_cpu else wish.offload
            if wished in ("auto", offload) and wish.decode in ("auto", decoding):
                yield Placement(dtype, offload, decoding == "tiled")


def need(size: ModelSize, pixels: int, device: str, placement: Placement) -> int:
    """Bytes of the device's memory that one picture of so many pixels takes.

    An estimate, meant to tell 8 GB from 24 GB: activations are counted at the two places that
    need most, and never held together. A pipeline of Stable Diffusion 1.5's shape on the CPU in
    float32 took 6.4 GB at 512×512 and 7.4 GB at 768×768 at most; this says 5.8 and 7.2.
    """
    each = _BYTES.get(placement.dtype, 4)
    pixels = min(pixels, size.most_pixels or pixels)
    cells = pixels / size.denoiser_factor**2
    # Twice: with guidance the prompt and the negative prompt are computed side by side.
    denoising = 2 * cells * size.denoiser_width * _DENOISER_COPIES * each
    at_once = min(pixels, TILE**2) if placement.tiled else pixels
    decoding = at_once * size.decoder_width * _DECODER_COPIES * each
    texts = size.bytes_of(each, Role.TEXTS)
    denoiser, decoder = size.bytes_of(each, Role.DENOISE), size.bytes_of(each, Role.DECODE)
    match placement.offload:
        case "none":
            most = texts + denoiser + decoder + max(denoising, decoding)
        case "text":
            most = max(texts, denoiser + decoder + max(denoising, decoding))
        case "model":
            encoder = size.largest_bytes(each, Role.TEXTS)
            most = max(encoder, denoiser + denoising, decoder + decoding)
        case "layers":
            most = size.largest_bytes(each) * _LAYERS_AT_ONCE + max(denoising, decoder + decoding)
    return int(_ALONE[CPU if device == CPU else ""] + most)
