"""How near a palette's colours a picture comes, and whether it stays the same picture.

40 pictures of the built-in model, five prompts by the eight palettes, each drawn without and with
its palette: the mean OKLab distance of all pixels to the palette's nearest colour, and how well the
edges of both agree (the correlation of OKLab gradients; 1: the same shapes).
"""

from dataclasses import replace
from typing import Any

import numpy as np

from engine.models.catalog import load_models
from engine.models.placement import Placement
from engine.picture.oklab import Floats, to_oklab
from engine.picture.recipe import Recipe
from engine.plan.palettes import weighted
from engine.plan.words import load_words
from engine.sheet.columns import PALETTES

_WANTED = 0.35
_SAME_SHAPES = 0.7
_BATCH = 8
_PROMPTS = (
    "a red boat on a calm sea at sunset",
    "green trees in a meadow on a sunny day",
    "rolling hills at sunset with mountains",
    "a large yellow circle on a purple background",
    "a city skyline at night",
)


def main() -> int:
    """Measure; 1 if a palette moves too little, or a picture too much."""
    from engine.render.loaded import LoadedModel
    from engine.render.pipelines import load_pipeline

    model = load_models()["builtin"]
    loaded = LoadedModel(
        load_pipeline(model.source, "float32", "cpu"), Placement("float32"), "cpu", 2
    )
    palettes = load_words().palettes
    rendering = model.rendering["default"]
    plain = [
        Recipe(
            prompt=prompt,
            negative_prompt="",
            seed=100 + 7 * number + at,
            width=128,
            height=128,
            steps=rendering.steps,
            guidance=rendering.guidance,
            scheduler=model.scheduler,
            model=model.label,
            model_hash="",
        )
        for number, prompt in enumerate(_PROMPTS)
        for at in range(len(PALETTES))
    ]
    steered = [
        replace(recipe, palette=palettes[PALETTES[number % len(PALETTES)]])
        for number, recipe in enumerate(plain)
    ]
    before, after = _drawn(loaded, plain), _drawn(loaded, steered)
    off = [
        (_distance(one, recipe.palette), _distance(other, recipe.palette))
        for one, other, recipe in zip(before, after, steered, strict=True)
    ]
    shapes = [_agreement(one, other) for one, other in zip(before, after, strict=True)]
    without, with_palette = np.mean(off, 0)
    nearer = 1 - with_palette / without
    print(f"{len(plain)} images, distance to the palette: {without:.3f} → {with_palette:.3f}")
    print(f"nearer by {nearer:.0%} (wanted: {_WANTED:.0%} or more)")
    print(f"edges agree: {np.mean(shapes):.2f} on average, {min(shapes):.2f} at worst")
    return int(nearer < _WANTED or np.mean(shapes) < _SAME_SHAPES)


def _drawn(loaded: Any, recipes: list[Recipe]) -> list[Floats]:
    """Each picture in OKLab, height × width × 3."""
    pictures: list[Floats] = []
    for start in range(0, len(recipes), _BATCH):
        drawn = loaded.draw(recipes[start : start + _BATCH], lambda *_: None)
        pictures += [to_oklab(p.reshape(-1, 3) / 255).reshape(p.shape) for p in drawn]
    return pictures


def _distance(picture: Floats, palette: tuple[str, ...]) -> float:
    colours = to_oklab(np.array([colour for colour, _ in weighted(palette)]) / 255)
    apart = ((picture.reshape(-1, 1, 3) - colours[None]) ** 2).sum(-1) ** 0.5
    return float(apart.min(1).mean())


def _agreement(one: Floats, other: Floats) -> float:
    return float(np.corrcoef(_edges(one).ravel(), _edges(other).ravel())[0, 1])


def _edges(picture: Floats) -> Floats:
    across, down = np.diff(picture, axis=1)[:-1], np.diff(picture, axis=0)[:, :-1]
    edges: Floats = np.sqrt((across**2).sum(-1) + (down**2).sum(-1))
    return edges


if __name__ == "__main__":
    raise SystemExit(main())
