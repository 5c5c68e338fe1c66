"""Loading any diffusers text-to-image folder, with what suits the device."""

import copy
import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from diffusers.utils.logging import disable_progress_bar
from safetensors import SafetensorError, safe_open
from transformers.utils import logging as transformers_logging

from engine.machine import usual_dtype
from engine.models.families import ENHANCER
from engine.models.helpers import helper_reason
from engine.models.variants import variant_of

_SMALL_WEIGHTS = 200_000_000
_CONVOLUTION = 4
"""Dimensions of a two-dimensional convolution's weights."""
_NEEDS_GPU = "A GPU is needed for quantization"
"""In what diffusers says of weights that bitsandbytes has stored, on a CPU."""
LAYOUT = "channels_last"
"""The memory format of convolutions' weights.

Tensor cores take it as it is. On the CPU the built-in model draws a tenth faster with it, decoding
is a fifth faster for all; nothing measured was slower.
"""


class ModelError(Exception):
    """A model cannot be loaded; the message says why and what to do."""


def dtype_for(wanted: str, device: str) -> str:
    """The dtype's name for a model that wants `wanted` ("auto" or a torch dtype) on `device`."""
    return usual_dtype(device) if wanted == "auto" else wanted


def threads_for(pipeline: Any, cores: int) -> int:
    """CPU threads for one call of `pipeline`, where the settings don't say.

    Small models gain little from a second thread (2 threads drew 1.4 times as fast as 1 with the
    built-in one): several calls side by side use the cores better. Large ones use them all.
    """
    weights = sum(
        parameter.numel()
        for part in pipeline.components.values()
        if isinstance(part, torch.nn.Module)
        for parameter in part.parameters()
    )
    return 1 if weights < _SMALL_WEIGHTS else cores


def load_pipeline(
    folder: Path, dtype: str, device: str, given: Mapping[str, Any] | None = None
) -> Any:
    """The pipeline in `folder`, ready on `device`; safetensors only, nothing is downloaded.

    Args:
        folder: in diffusers' format.
        dtype: torch's name of one.
        device: torch's name of one.
        given: parts that are loaded already, by their names; the folder's own are left.

    Raises:
        ModelError: no such folder, weights cut off or in another format, not text-to-image, …
        ImportError: of a package that it needs.
    """
    index = folder / "model_index.json"
    try:
        parts = json.loads(index.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder} is not a diffusers folder: {error}.") from error
    require_whole_weights(folder)
    # Given to a pipeline that has no such part, diffusers would warn of each.
    spare = {"safety_checker": None, "requires_safety_checker": False, "feature_extractor": None}
    quiet()
    try:
        pipeline = DiffusionPipeline.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            local_files_only=True,
            use_safetensors=True,
            variant=variant_of(folder),
            **{part: value for part, value in spare.items() if part in parts},
            **(given or {}),
        )
    except RuntimeError as error:
        if _NEEDS_GPU in str(error):
            raise ModelError(
                f"{folder} is stored in a form that works only on a GPU: render it on a GPU, or"
                " use a repository with full weights."
            ) from error
        raise
    except (OSError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the folder's
        if helper_reason(error):
            raise ImportError(str(error)) from error
        raise ModelError(f"{folder} cannot be loaded: {error}") from error
    if getattr(pipeline, ENHANCER, None) is not None:
        # A process of its own writes captions; diffusers loads it whatever it is told.
        pipeline.register_modules(**{ENHANCER: None})
    return made_ready(pipeline, device)


def quiet() -> None:
    """Let the libraries draw no progress bars: nobody sees them."""
    disable_progress_bar()
    transformers_logging.disable_progress_bar()


def made_ready(pipeline: Any, device: str) -> Any:
    """The pipeline on `device`, its weights laid out as they are computed with fastest.

    Raises:
        ModelError: it is not text-to-image.
    """
    pipeline.to(device)
    if "prompt" not in parameters_of(pipeline):
        raise ModelError(f"{type(pipeline).__name__} does not draw from a prompt.")
    pipeline.set_progress_bar_config(disable=True)
    for name in ("unet", "vae"):
        if (part := getattr(pipeline, name, None)) is not None:
            lay_out(part)
    return pipeline


def lay_out(part: torch.nn.Module) -> None:
    """Give the weights of two-dimensional convolutions their layout; others have no such."""
    for weight in part.parameters():
        if weight.dim() == _CONVOLUTION:
            weight.data = weight.data.contiguous(memory_format=getattr(torch, LAYOUT))


def require_whole_weights(folder: Path) -> None:
    """Look at the beginning and the size of each weights file, before any is loaded.

    Raises:
        ModelError: a file is cut off, or is not safetensors (an unfetched Git LFS pointer, say).
    """
    for path in sorted(folder.rglob("*.safetensors")):
        try:
            with safe_open(path, framework="pt"):
                pass
        except SafetensorError as error:
            with path.open("rb") as file:
                pointer = file.read(7) == b"version"
            hint = (
                "it is a Git LFS pointer: fetch it with `git lfs pull`"
                if pointer
                else "it is incomplete or damaged: copy or download it again"
            )
            name = path.relative_to(folder)
            raise ModelError(f"{folder}: the weights in {name} are incomplete: {hint}.") from error


def parameters_of(pipeline: Any) -> Mapping[str, inspect.Parameter]:
    """What a call of the pipeline takes."""
    return inspect.signature(pipeline.__call__).parameters


def device_of(pipeline: Any) -> torch.device:
    """Where a pipeline computes, wherever its parts are at the moment."""
    found: torch.device = pipeline._execution_device
    return found


def twin_of(pipeline: Any) -> Any:
    """Another pipeline over the same weights: what a call changes is its own."""
    twin = copy.copy(pipeline)
    twin.scheduler = copy.deepcopy(pipeline.scheduler)
    return twin
