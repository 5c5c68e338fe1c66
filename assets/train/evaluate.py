"""Stage 5: how well the model obeys, on combinations it has never seen, by the judge's word."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from assets.train.captions import plural
from assets.train.glyphs import COLOURS, KINDS, apart
from assets.train.judge import KindJudge, biggest, look, sky
from assets.train.world import GROUNDS, SKIES, held_out

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
    """Shares of n held-out prompts each: background, object colour, kind, count of 1 to 3, sky."""
    rng = random.Random(21)
    chosen = [combination for combination, _ in zip(_combinations(rng), range(n), strict=False)]
    prompts = [f"a {c} {k} on a {b} background" for k, c, b in chosen]
    images = draw_all(pipeline, _articles(prompts), seed=1000, steps=steps, guidance=guidance)
    found: dict[str, list[bool]] = {
        "background": [],
        "colour": [],
        "kind": [],
        "count": [],
        "sky": [],
    }
    for image, (kind, colour, ground) in zip(images, chosen, strict=True):
        seen = look(np.asarray(image))
        found["background"].append(seen.background == ground)
        found["colour"].append(seen.colour == colour)
        found["kind"].append([judge.kind(image, b) for b in biggest(seen.boxes)] == [kind])
    counted: list[tuple[int, str, str, str]] = []
    while len(counted) < n:
        count, (kind, colour, ground) = len(counted) % 3 + 1, next(_combinations(rng))
        if count == 1 or held_out(count, kind, colour):
            counted.append((count, kind, colour, ground))
    prompts = [f"{_NUMBERS[i]} {c} {plural(k, i)} on a {b} background" for i, k, c, b in counted]
    images = draw_all(pipeline, _articles(prompts), seed=3000, steps=steps, guidance=guidance)
    for image, (count, *_) in zip(images, counted, strict=True):
        found["count"].append(len(look(np.asarray(image)).boxes) == count)
    places = {"hills": "green hills", "desert": "a desert", "sea": "the sea", "snow": "the snow"}
    times = dict(
        zip(SKIES, ("by day", "at sunset", "at night", "in a storm", "at dawn"), strict=True)
    )
    scenes = [(g, s) for g in GROUNDS for s in SKIES]
    prompts = [f"{places.get(g, f'a {g}')} {times[s]}" for g, s in scenes]
    for image, (_, s) in zip(
        draw_all(pipeline, prompts, seed=5000, steps=steps, guidance=guidance), scenes, strict=True
    ):
        found["sky"].append(sky(np.asarray(image)) == s)
    return {name: sum(answers) / len(answers) for name, answers in found.items()}


def _articles(prompts: Sequence[str]) -> list[str]:
    return [prompt.replace("a orange", "an orange") for prompt in prompts]


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
    figures: dict[str, dict[str, float]] = {}
    for name, steps in (("turbo", 6), ("default", 12)):
        figures[name] = obedience(pipeline, judge, n, steps)
        print(name, figures[name], flush=True)
    figures["brightness"] = guidance_effects(pipeline)
    print(figures["brightness"], flush=True)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1))
    contact_sheet(pipeline, 0).save(folder / "contact-sheet.png")
