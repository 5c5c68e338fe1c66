"""Stage 5: how well the model obeys, on combinations it has never seen, by the judge's word."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline
from PIL import Image, ImageDraw

from assets.train.autoencoder import any_picture, as_tensor
from assets.train.captions import caption, plural
from assets.train.glyphs import COLOURS, KINDS, apart
from assets.train.judge import KindJudge, biggest, look, sky, soft, strong_steps
from assets.train.world import GROUNDS, SKIES, draw, held_out

_BATCH = 16
_NUMBERS = ("", "a", "two", "three")
CONTACT_SHEET = (
    "a red circle on a blue background",
    "three green stars on a white background",
    "a large yellow heart on a purple background",
    "a blue square and a red triangle on a gray background",
    "two orange cats on a teal background",
    "a white rabbit on a green background",
    "a purple fish above a yellow star on a black background",
    "a pink flower on the left on a blue background",
    "a red house on green hills at sunset",
    "a white boat on the sea at night with a full moon",
    "two trees in a meadow on a sunny day",
    "a lighthouse by the sea in a storm",
    "a yellow balloon over a city at night",
    "a cactus in the desert at dawn",
    "a snowman in a snowy field by day with mountains",
    "a black cat on a hill under a blue sky",
    "purple balloon, sunset, dunes",
    "three pink flowers in the grass on a sunny day",
    "an orange fish in the ocean, dawn",
    "two pine trees in the snow at night, crescent moon",
    "a blue car in a city at sunset",
    "three mushrooms in a meadow in the morning",
    "the sea at sunset with a sun and two mountains",
    "a house and a tree on rolling hills on a clear day with clouds",
)
"""Prompts of the contact sheet."""


def draw_all(
    pipeline: Any,
    prompts: Sequence[str],
    *,
    seed: int,
    steps: int = 12,
    guidance: float = 4.0,
    negative: str | None = None,
    size: tuple[int, int] = (128, 128),
) -> list[Image.Image]:
    """One image a prompt, seeds counting up from `seed`."""
    images: list[Image.Image] = []
    for at in range(0, len(prompts), _BATCH):
        part = list(prompts[at : at + _BATCH])
        images += pipeline(
            part,
            negative_prompt=None if negative is None else [negative] * len(part),
            width=size[0],
            height=size[1],
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=[torch.Generator().manual_seed(seed + at + i) for i in range(len(part))],
        ).images
    return images


def _combinations(rng: random.Random) -> Iterator[tuple[str, str, str]]:
    """(kind, colour, background) of which none was ever learned together."""
    while True:
        kind, colour, ground = rng.choice(KINDS), *rng.sample(list(COLOURS), 2)
        if apart(COLOURS[colour], COLOURS[ground]) and held_out(kind, colour, ground):
            yield kind, colour, ground


def obedience(
    pipeline: Any, judge: KindJudge, n: int, steps: int = 12, guidance: float = 4.0
) -> dict[str, float]:
    """Shares of n held-out prompts each, and how crisp those same pictures are.

    Background, colour and kind of one thing; count of 1 to 3; two different things of which both
    kinds and both colours are right; a scene's sky.
    """

    def drawn(prompts: Sequence[str], seed: int) -> list[Image.Image]:
        texts = [prompt.replace("a orange", "an orange") for prompt in prompts]
        return draw_all(pipeline, texts, seed=seed, steps=steps, guidance=guidance)

    found: dict[str, list[float]] = {
        name: [] for name in ("background", "colour", "kind", "count", "pair", "sky")
    }
    rng = random.Random(21)
    chosen = [combination for combination, _ in zip(_combinations(rng), range(n), strict=False)]
    plain = drawn([f"a {c} {k} on a {b} background" for k, c, b in chosen], 1000)
    for image, (kind, colour, ground) in zip(plain, chosen, strict=True):
        seen = look(np.asarray(image))
        found["background"].append(seen.background == ground)
        found["colour"].append(seen.colour == colour)
        found["kind"].append([judge.kind(image, b) for b in biggest(seen.boxes)] == [kind])
    counted: list[tuple[int, str, str, str]] = []
    while len(counted) < n:
        count, (kind, colour, ground) = len(counted) % 3 + 1, next(_combinations(rng))
        if count == 1 or held_out(count, kind, colour):
            counted.append((count, kind, colour, ground))
    several = drawn(
        [f"{_NUMBERS[i]} {c} {plural(k, i)} on a {b} background" for i, k, c, b in counted], 3000
    )
    for image, (count, *_) in zip(several, counted, strict=True):
        found["count"].append(len(look(np.asarray(image)).boxes) == count)
    pairs = [pair for pair, _ in zip(_pairs(rng), range(n), strict=False)]
    for image, (one, other) in zip(
        drawn(
            [f"a {o[1]} {o[0]} and a {p[1]} {p[0]} on a {o[2]} background" for o, p in pairs], 7000
        ),
        pairs,
        strict=True,
    ):
        found["pair"].append(judge.things(image) == sorted((one[:2], other[:2])))
    places = {"hills": "green hills", "desert": "a desert", "sea": "the sea", "snow": "the snow"}
    times = dict(
        zip(SKIES, ("by day", "at sunset", "at night", "in a storm", "at dawn"), strict=True)
    )
    scenes = [(g, s) for g in GROUNDS for s in SKIES]
    landscapes = drawn([f"{places.get(g, f'a {g}')} {times[s]}" for g, s in scenes], 5000)
    found["sky"] = [
        sky(np.asarray(image)) == s for image, (_, s) in zip(landscapes, scenes, strict=True)
    ]
    figures = {name: float(np.mean(answers)) for name, answers in found.items()}
    return figures | crispness(plain + several) | crispness(landscapes, "scenes' ")


def crispness(images: Sequence[Image.Image], whose: str = "") -> dict[str, float]:
    """Means over the images of the two measures of softness."""
    pictures = [np.asarray(image) for image in images]
    return {
        f"{whose}soft pixels": float(np.mean([soft(picture) for picture in pictures])),
        f"{whose}strong steps": float(np.mean([strong_steps(picture) for picture in pictures])),
    }


def _pairs(rng: random.Random) -> Iterator[tuple[tuple[str, str, str], tuple[str, str, str]]]:
    """Two held-out combinations on the same background, of different kinds and colours."""
    while True:
        one = next(_combinations(rng))
        kind, colour = rng.choice(KINDS), rng.choice(list(COLOURS))
        others = [COLOURS[one[1]], COLOURS[one[2]]]
        differs = kind != one[0] and all(apart(COLOURS[colour], other) for other in others)
        if differs and held_out(kind, colour, one[2]):
            yield one, (kind, colour, one[2])


def softness_by_stage(pipeline: Any, n: int = 96) -> dict[str, dict[str, float]]:
    """Where crispness is lost: drawn pictures; through the autoencoder; redrawn by the denoiser.

    The last are drawn from half-noised latents of the same pictures.
    """
    rng = random.Random(31)
    told = [any_picture(rng) for _ in range(n)]
    images = [draw(picture, 128, 128, rng) for picture in told]
    again = StableDiffusionImg2ImgPipeline(**pipeline.components)
    again.set_progress_bar_config(disable=True)
    decoded, redrawn = [], []
    for at in range(0, n, _BATCH):
        part = slice(at, at + _BATCH)
        with torch.no_grad():
            z = pipeline.vae.encode(as_tensor(images[part])).latent_dist.mean
            decoded += pipeline.image_processor.postprocess(pipeline.vae.decode(z).sample)
        redrawn += again(
            [caption(picture, rng)[0] for picture in told[part]],
            image=images[part],
            strength=0.5,
            num_inference_steps=12,
            guidance_scale=4.0,
            generator=[torch.Generator().manual_seed(at + i) for i in range(len(told[part]))],
        ).images
    figures = {"drawn": crispness(images)}
    for name, results in (("autoencoder", decoded), ("denoiser", redrawn)):
        errors = as_tensor(results) - as_tensor(images)
        ratios = -10 * (errors / 2).pow(2).mean((1, 2, 3)).log10()
        figures[name] = {"dB": float(ratios.mean()), **crispness(results)}
    return figures


def guidance_effects(pipeline: Any, n: int = 16) -> dict[str, float]:
    """Mean brightness with the sky unsaid: no negative prompt, without night, without day."""
    prompts = ["green hills with a house"] * n
    brightness = {}
    for name, negative in (
        ("none", None),
        ("night", "at night, stars"),
        ("day", "by day, blue sky"),
    ):
        images = draw_all(pipeline, prompts, seed=500, negative=negative)
        brightness[f"not {name}"] = float(np.mean([np.asarray(image).mean() for image in images]))
    return brightness


def contact_sheet(pipeline: Any, seed: int, prompts: Sequence[str] = CONTACT_SHEET) -> Image.Image:
    """The prompts' images, six in a row, each over its words."""
    images = draw_all(pipeline, prompts, seed=seed)
    cell, text, across = 168, 34, 6
    down = -(-len(images) // across)
    sheet = Image.new("RGB", (across * cell + 8, down * (cell + text) + 8), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (prompt, image) in enumerate(zip(prompts, images, strict=True)):
        x, y = 8 + i % across * cell, 8 + i // across * (cell + text)
        sheet.paste(image.resize((cell - 8, cell - 8), Image.Resampling.LANCZOS), (x, y))
        words, lines = prompt.split(), [""]
        for word in words:
            if len(lines[-1]) + len(word) > 27:
                lines.append("")
            lines[-1] = f"{lines[-1]} {word}".strip()
        pen.multiline_text((x, y + cell - 6), "\n".join(lines), fill="black", font_size=10)
    return sheet


def report(pipeline: Any, judge: KindJudge, folder: Path, n: int) -> None:
    """All figures, printed and in `folder/figures.json`, and the contact sheet beside them."""
    figures = {f"softness, {name}": given for name, given in softness_by_stage(pipeline).items()}
    print(figures, flush=True)
    for name, steps in (("turbo", 6), ("default", 12)):
        figures[name] = obedience(pipeline, judge, n, steps)
        print(name, figures[name], flush=True)
    figures["brightness"] = guidance_effects(pipeline)
    print(figures["brightness"], flush=True)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1))
    contact_sheet(pipeline, 0).save(folder / "contact-sheet.png")
