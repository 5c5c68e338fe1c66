"""Loading any diffusers text-to-image folder, and calling its pipeline on one batch."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from diffusers import DiffusionPipeline
from diffusers.utils.logging import disable_progress_bar
from transformers.utils import logging as transformers_logging

from engine.picture.recipe import Recipe

_CPU_DTYPE = "float32"
_GPU_DTYPE = "bfloat16"


class ModelError(Exception):
    """A model cannot be loaded; the message says why and what to do."""


class NoPictureError(Exception):
    """The model computed something that is not a picture."""


def dtype_for(wanted: str, device: str) -> str:
    """The dtype's name for a model that wants `wanted` ("auto" or a torch dtype) on `device`."""
    if wanted != "auto":
        return wanted
    return _CPU_DTYPE if device == "cpu" else _GPU_DTYPE


def load_pipeline(folder: Path, dtype: str, device: str) -> Any:
    """The pipeline in `folder`, ready on `device`; safetensors only, nothing is downloaded.

    Raises:
        ModelError: no such folder, weights in another format, not a text-to-image pipeline, …
    """
    index = folder / "model_index.json"
    try:
        parts = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} is not a diffusers folder: {error}.") from error
    # Given to a pipeline that has no such part, diffusers would warn of each.
    spare = {"safety_checker": None, "requires_safety_checker": False, "feature_extractor": None}
    disable_progress_bar()
    transformers_logging.disable_progress_bar()
    try:
        pipeline = DiffusionPipeline.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            local_files_only=True,
            use_safetensors=True,
            **{part: value for part, value in spare.items() if part in parts},
        )
        pipeline.to(device)
    except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the folder's
        raise ModelError(f"{folder} cannot be loaded: {error}") from error
    if "prompt" not in _parameters(pipeline):
        raise ModelError(f"{type(pipeline).__name__} does not draw from a prompt.")
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _parameters(pipeline: Any) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(pipeline.__call__).parameters


def render(
    pipeline: Any, recipes: Sequence[Recipe], on_step: Callable[[int], None]
) -> npt.NDArray[np.uint8]:
    """One call of the pipeline.

    Args:
        pipeline: as `load_pipeline` gave it.
        recipes: one for each slot of the batch, all of one shape.
        on_step: called with the number of finished steps; what it raises ends the call and
            leaves the pipeline usable.

    Returns:
        n × height × width × 3.

    Raises:
        NoPictureError: pixels that are not numbers.
    """
    first = recipes[0]
    accepted = _parameters(pipeline)

    def after_step(_: Any, step: int, __: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(step + 1)
        return tensors

    arguments: dict[str, Any] = {
        "prompt": [recipe.prompt for recipe in recipes],
        "width": first.width,
        "height": first.height,
        "num_inference_steps": first.steps,
        "guidance_scale": first.guidance,
        # On the CPU, whatever the device: the same seed starts from the same noise everywhere.
        "generator": [torch.Generator().manual_seed(recipe.seed) for recipe in recipes],
        "callback_on_step_end": after_step,
        "output_type": "pt",
    }
    if any(recipe.negative_prompt for recipe in recipes):
        arguments["negative_prompt"] = [recipe.negative_prompt for recipe in recipes]
    result = pipeline(**{key: value for key, value in arguments.items() if key in accepted})
    pixels: torch.Tensor = result.images
    if not torch.isfinite(pixels).all():
        raise NoPictureError(
            "the model computed values that are not numbers; another dtype or guidance may help"
        )
    levels = (pixels.float() * 255).round().clamp(0, 255).to(torch.uint8)
    return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
