"""Enlarging pictures by an upscaler: in tiles that overlap, one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from engine.models.families import UPSCALER, family_of
from engine.models.family import Family
from engine.models.upscaler_files import TILE
from engine.picture.recipe import Conditions, Lora, Recipe
from engine.plan.tiles import Corner, corners_of
from engine.render.calls import AfterStep
from engine.render.drawing import NoPictureError
from engine.render.ready_sources import Pixels, ReadySource
from engine.render.reasons import memory_reason
from engine.render.recolour import recolour
from engine.render.tiles import made_of_tiles
from engine.render.upscaler_nets import load_upscaler

OVERLAP = 32
"""Pixels of a side that a tile shares with the next; where they meet, one fades into the other."""
_SMALLEST = 64

Depart = Callable[[str], None]
"""Told of each condition that could not be kept."""


class LoadedUpscaler:
    """One upscaler, ready to enlarge in several threads; as `LoadedModel`."""

    def __init__(self, path: Path, device: str, offered: Conditions, takes: int = 0) -> None:
        """Args: path: its weights file. offered: the conditions on offer. takes: as `LoadedModel`.

        Raises as `load_upscaler`.
        """
        self._network, shape = load_upscaler(path, device)
        self._factor = shape.factor
        self._device = device
        self.offered = offered
        self.takes = takes

    @property
    def family(self) -> Family:
        """What upscalers have in common."""
        return family_of(UPSCALER)

    def put_on(self, loras: Sequence[Lora], files: Mapping[str, Path]) -> None:
        """An upscaler takes no LoRA, and none is asked of it."""

    def prepare(self, recipes: Sequence[Recipe]) -> None:
        """Nothing can be done ahead."""

    def preview(self, latents: Any, scheduler: Any, slot: int, recipe: Recipe) -> None:
        """There is none: each tile is finished, or is not there."""

    def steps_of(self, recipe: Recipe) -> int:
        """How many tiles a picture takes."""
        return sum(len(tiles) for tiles in self._passes(recipe, TILE))

    def _passes(self, recipe: Recipe, side: int) -> list[list[Corner]]:
        """The corners of the tiles of each time that a picture is put through the network."""
        wide, high = recipe.source_size
        passes, factor = [], 1
        while factor < recipe.upscale:
            size = wide * factor, high * factor
            passes.append(corners_of(size, side, OVERLAP))
            factor *= self._factor
        return passes

    def draw(
        self,
        recipes: Sequence[Recipe],
        step: AfterStep,
        sources: Sequence[ReadySource] = (),
        depart: Depart = lambda _: None,
    ) -> Iterator[Pixels]:
        """The pictures of one batch, one after the other, height × width × 3 each.

        Args:
            recipes: what to make.
            step: told of each tile; what it raises ends it.
            sources: what each is made of, at its own size.
            depart: told if memory held smaller tiles alone.

        Raises:
            NoPictureError: pixels that are not numbers.
            torch.OutOfMemoryError: memory does not hold the smallest tile.
        """
        for recipe, source in zip(recipes, sources, strict=True):
            yield recolour(self._enlarged(recipe, source.pixels, step, depart), recipe.palette)

    def _enlarged(self, recipe: Recipe, pixels: Pixels, step: AfterStep, depart: Depart) -> Pixels:
        side = TILE
        while True:
            try:
                return self._in_tiles(recipe, pixels, side, step)
            except Exception as error:
                if not memory_reason(error) or side <= _SMALLEST:
                    raise
            side //= 2
            depart(f"tiles: {TILE} → {side} pixels (out of memory)")
            if self._device.startswith("cuda"):
                torch.cuda.empty_cache()

    def _in_tiles(self, recipe: Recipe, pixels: Pixels, side: int, step: AfterStep) -> Pixels:
        passes = self._passes(recipe, side)
        count, told, done = sum(map(len, passes)), self.steps_of(recipe), 0
        nothing = torch.zeros(1)

        def enlarged(pixels: Pixels, corners: list[Corner]) -> Iterator[tuple[Corner, Pixels]]:
            nonlocal done
            for left, top in corners:
                tile = self._tile(pixels[top : top + side, left : left + side])
                done += 1
                step(max(1, told * done // count), nothing, None)
                yield (left * self._factor, top * self._factor), tile

        for corners in passes:
            size = pixels.shape[1] * self._factor, pixels.shape[0] * self._factor
            overlap = OVERLAP * self._factor
            pixels = made_of_tiles(size, enlarged(pixels, corners), overlap)
        size = recipe.width, recipe.height
        if (pixels.shape[1], pixels.shape[0]) == size:
            return pixels
        return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))

    def _tile(self, pixels: Pixels) -> Pixels:
        given = torch.from_numpy(np.ascontiguousarray(pixels)).to(self._device)
        with torch.inference_mode():
            made = self._network(given.permute(2, 0, 1).unsqueeze(0).float() / 255)[0]
            if not torch.isfinite(made).all():
                raise NoPictureError("the upscaler computed invalid values (not numbers)")
            levels = (made * 255).round().clamp(0, 255).to(torch.uint8)
        found: Pixels = levels.permute(1, 2, 0).cpu().numpy()
        return found
