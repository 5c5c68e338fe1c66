"""Redrawing what is larger than its model can draw: in tiles, one after the other."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from engine.picture.recipe import Recipe
from engine.plan.recipes import SEEDS
from engine.plan.sizes import OVERLAP
from engine.plan.tiles import Corner, corners_of
from engine.render.calls import AfterStep
from engine.render.drawing import DrawingMethod, Drawn
from engine.render.ready_sources import Pixels, ReadySource
from engine.render.scheduling import use_scheduler
from engine.render.tiles import made_of_tiles


def tiles_of(recipe: Recipe) -> list[Corner]:
    """The corners of a recipe's tiles; one where it is drawn whole."""
    if not recipe.tile:
        return [(0, 0)]
    return corners_of((recipe.width, recipe.height), recipe.tile, recipe.tile // OVERLAP)


def draw_in_tiles(
    way: DrawingMethod,
    pipeline: Any,
    recipes: Sequence[Recipe],
    step: AfterStep,
    sources: Sequence[ReadySource],
    taken: int,
) -> Drawn:
    """The pictures of one batch, height × width × 3 each, the same tile of all in one call.

    Args:
        way: how the pipeline draws.
        pipeline: the model's.
        recipes: of one shape.
        step: told of each step of each tile.
        sources: what each is drawn on, at its whole size.
        taken: steps that a tile takes.
    """
    first, corners = recipes[0], tiles_of(recipes[0])
    tiles: list[list[tuple[Corner, Pixels]]] = [[] for _ in recipes]
    for index, corner in enumerate(corners):

        def told(done: int, latents: torch.Tensor, scheduler: Any, before: int = index) -> None:
            step(before * taken + done, latents, scheduler)

        use_scheduler(pipeline, first.scheduler)
        cut = [_cut(source, corner, first.tile) for source in sources]
        # With one seed for all, the same noise would show in each.
        parts = [_part(recipe, (recipe.seed + index) % SEEDS) for recipe in recipes]
        for slot, drawn in enumerate(way.draw(pipeline, parts, told, cut)):
            tiles[slot].append((corner, drawn))
    for made in tiles:
        yield made_of_tiles((first.width, first.height), iter(made), first.tile // OVERLAP)


def _part(recipe: Recipe, seed: int) -> Recipe:
    wide, high = min(recipe.tile, recipe.width), min(recipe.tile, recipe.height)
    return replace(recipe, width=wide, height=high, seed=seed)


def _cut(source: ReadySource, corner: Corner, side: int) -> ReadySource:
    left, top = corner
    place = slice(top, top + side), slice(left, left + side)
    mask = None if source.mask is None else source.mask[place]
    return ReadySource(source.pixels[place], mask)
