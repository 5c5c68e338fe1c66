"""What is measured on a device without an engine, in a process of its own: a JSON object a line.

DEVICE about | identity [FOLDER PIXELS] | memory FOLDER PIXELS SIZE … | placement FOLDER PIXELS |
hold BYTES
"""

import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from engine.models.families import family_of
from engine.models.model_files import ModelFiles
from engine.models.placement import Offload, Placement, need
from engine.models.weights import model_size
from engine.picture.recipe import Recipe
from engine.plan.batch_limits import images_held
from engine.render.devices import device_names
from engine.render.loaded import LoadedModel, free_memory
from engine.render.memory import CallMemory
from engine.render.pipelines import dtype_for, load_pipeline
from engine.render.ready_sources import Pixels
from engine.render.scheduling import use_scheduler
from engine.render.turns import place
from tests.support.families import TINY, draw, save_tiny

_SIZE = 4
"""Images of a call whose companions are changed."""
_OTHERS = ("a castle with towers on a hill", "an owl", "two grey cats asleep in a garden at night")
_FLAT = 5.0
"""Levels: a picture that varies less shows nothing, whatever is compared."""
_PIECE = 64 << 20


def _about(device: str) -> Iterator[dict[str, Any]]:
    found = device_names() | {"cpu": f"cpu {platform.machine()}"}
    if device not in found:
        raise SystemExit(
            f"There is no {device} that torch {torch.__version__} can use here; there are:"
            f" {', '.join(found)}. `--device cpu --small` rehearses without one."
        )
    about: dict[str, Any] = {
        "device": found[device],
        "dtype": dtype_for("auto", device),
        "torch": torch.__version__,
    }
    if device != "cpu":
        about["memory_mib"] = torch.cuda.get_device_properties(device).total_memory >> 20
    yield about


def _identity(device: str, *model: str) -> Iterator[dict[str, Any]]:
    if model:
        folder, pixels = model
        side = int(pixels)
        yield _identical(Path(folder).name, Path(folder), device, side, side)
        return
    for name in TINY:
        with tempfile.TemporaryDirectory() as home:
            try:
                save_tiny(name, Path(home) / name)
                yield _identical(name, Path(home) / name, device, 64, 64)
            except Exception as error:  # of one family, which hides nothing of the others
                yield {"model": name, "error": f"{type(error).__name__}: {error}"[:300]}
            free_memory(device)


def _identical(name: str, folder: Path, device: str, width: int, height: int) -> dict[str, Any]:
    """How far pixels of one image differ, in levels at most, by what else is in its call."""
    pipeline = load_pipeline(folder, dtype_for("auto", device), device)
    kind = type(pipeline).__name__
    use_scheduler(pipeline, type(pipeline.scheduler).__name__)
    mine = Recipe("a red boat on the sea", "", 7, width, height, 3, 5.0, "S", "m", "h")
    others = [replace(mine, prompt=text, seed=seed) for seed, text in enumerate(_OTHERS)]
    alone = family_of(kind).alone
    size = 1 if alone else _SIZE
    copies = draw(pipeline, [mine] * size)
    found: dict[str, Any] = {
        "model": name,
        "kind": kind,
        "size": size,
        "again": _levels(copies[0], draw(pipeline, [mine] * size)[0]),
        "flat": bool(copies[0].std() < _FLAT),
    }
    if not alone:
        found["companions"] = _levels(copies[0], draw(pipeline, [mine, *others])[0])
        found["slot"] = _levels(copies[0], draw(pipeline, [*others, mine])[-1])
        found["single"] = _levels(copies[0], draw(pipeline, [mine])[0])
    return found


def _levels(one: Pixels, other: Pixels) -> int:
    return int(np.abs(one.astype(np.int16) - other).max())


def _memory(device: str, folder: str, pixels: str, *sizes: str) -> Iterator[dict[str, Any]]:
    """What calls of several sizes take, and what each says that memory holds."""
    pipeline = load_pipeline(Path(folder), dtype_for("auto", device), device)
    model = LoadedModel(
        pipeline, Placement(dtype_for("auto", device)), device, torch.get_num_threads()
    )
    kind, side = type(pipeline.scheduler).__name__, int(pixels)
    recipe = Recipe("a red boat on the sea", "", 7, side, side, 2, 5.0, kind, "m", "h")
    for size in map(int, sizes):
        recipes = [replace(recipe, seed=seed) for seed in range(size)]
        model.prepare(recipes)
        memory = CallMemory(device, 1)
        try:
            for _ in model.draw(recipes, lambda *_: None):
                pass
        except torch.OutOfMemoryError:
            yield {"size": size, "ran_out": True, "room": memory.room()}
            return
        taken, room = memory.taken(), memory.room()
        yield {"size": size, "taken": taken, "room": room, "held": images_held(size, taken, room)}


def _placement(device: str, folder: str, pixels: str) -> Iterator[dict[str, Any]]:
    """What an image takes in each way of having a model there, and whether it is the same."""
    side, dtype = int(pixels), dtype_for("auto", device)
    size = model_size(ModelFiles(folder))
    assert size is not None
    whole: Pixels | None = None
    for offload in get_args(Offload):
        way = Placement(dtype, offload)
        pipeline = load_pipeline(Path(folder), dtype, "cpu")
        free_memory(device)
        memory, began = CallMemory(device, 1), time.monotonic()
        place(pipeline, way, device)
        kind = type(pipeline.scheduler).__name__
        recipe = Recipe("a red boat on the sea", "", 7, side, side, 4, 5.0, kind, "m", "h")
        draw(pipeline, [recipe])  # the first is slower
        placed, began = time.monotonic() - began, time.monotonic()
        picture = draw(pipeline, [replace(recipe, seed=8)])[0]
        yield {
            "offload": offload,
            "taken": memory.taken(),
            "estimated": need(size, side * side, device, way),
            "first_seconds": round(placed, 2),
            "image_seconds": round(time.monotonic() - began, 2),
            "levels": 0 if whole is None else _levels(whole, picture),
        }
        whole = picture if whole is None else whole
        del pipeline


def _hold(device: str, left: str) -> Iterator[dict[str, Any]]:
    """Take a GPU's memory until as many bytes are free, and keep it until the input ends."""
    held = []
    while (free := torch.cuda.mem_get_info(device)[0]) > int(left) + _PIECE:
        held.append(torch.empty(_PIECE, dtype=torch.uint8, device=device))
    yield {"free": free, "held": len(held) * _PIECE}
    sys.stdin.read()


_KINDS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "about": _about,
    "identity": _identity,
    "memory": _memory,
    "placement": _placement,
    "hold": _hold,
}


def main(arguments: Sequence[str]) -> None:
    """Measure it."""
    device, kind, *more = arguments
    if device == "cpu":
        torch.set_num_threads(1)  # what tiny models are drawn with
    began = time.monotonic()
    for record in _KINDS[kind](device, *more):
        print(json.dumps(record | {"seconds": round(time.monotonic() - began, 1)}), flush=True)
        began = time.monotonic()


if __name__ == "__main__":
    main(sys.argv[1:])
