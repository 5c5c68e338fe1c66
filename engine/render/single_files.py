"""Loading a model whose weights, or whose denoiser's, are one file; nothing is asked of a network.

diffusers looks for what such a file leaves out on the Hub, unless it is told a folder that has it:
it always is.
"""

from collections.abc import Mapping
from typing import Any

import diffusers
import torch
from diffusers import GGUFQuantizationConfig
from diffusers.loaders.single_file_utils import SingleFileComponentError
from transformers import CLIPTokenizer

from engine.models.additions import NONE
from engine.models.model_files import ModelFiles, clip_vocabulary, parts_of
from engine.models.weights_header import WeightsFileError
from engine.render.added import add_to
from engine.render.pipelines import ModelError, load_pipeline, made_ready, quiet

_PADDING: Mapping[str, tuple[str, ...]] = {
    "sd": ("<|endoftext|>",),
    "sd2": ("!",),
    "sdxl": ("<|endoftext|>", "!"),
}
"""What each of a family's encoders pads a short prompt with: their vocabularies are one."""
_INPAINTING_CHANNELS = 9


def load_model(files: ModelFiles, dtype: str, device: str) -> Any:
    """The pipeline of a model, ready on `device`.

    Raises:
        ModelError: it cannot be loaded; the message says why and what to do.
        OSError: the disk fails.
    """
    pipeline = _loaded(files, dtype, device)
    if files.added != NONE:
        add_to(pipeline, files.added, files.configs)
    return pipeline


def _loaded(files: ModelFiles, dtype: str, device: str) -> Any:
    if not files.is_file:
        return load_pipeline(files.path, dtype, device)
    quiet()
    try:
        if fault := files.fault():
            raise ModelError(fault)
        if files.kind.what == "denoiser":
            return _around_denoiser(files, dtype, device)
        pipeline = _of_checkpoint(files, dtype)
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the file's
        raise ModelError(f"{files.source} cannot be loaded: {error}") from error
    except (SingleFileComponentError, WeightsFileError) as error:
        raise ModelError(f"{files.source} cannot be loaded: {error}") from error
    except NotImplementedError as error:  # a part that stayed without numbers cannot be moved
        raise ModelError(
            f"{files.source} lacks weights of its denoiser or its autoencoder: it is incomplete,"
            " or of a different kind than it seems."
        ) from error
    _require_all_weights(files, pipeline)
    return made_ready(pipeline, device)


def _of_checkpoint(files: ModelFiles, dtype: str) -> Any:
    kind, configs = files.kind, files.configs
    made = getattr(diffusers, kind.pipeline)
    tokenizers = {} if files.base else _tokenizers(kind.family)
    inpaints = {"num_in_channels": _INPAINTING_CHANNELS} if kind.variant == "inpaint" else {}
    spare = {"safety_checker": None, "requires_safety_checker": False, "feature_extractor": None}
    if kind.family == "sdxl":
        spare = {}
    pipeline = made.from_single_file(
        files.source,
        config=str(configs),
        local_files_only=True,
        dtype=getattr(torch, dtype),
        **tokenizers,
        **spare,
        **inpaints,
    )
    changes: dict[str, Any] = {}
    if prediction := files.prediction or kind.prediction:
        changes["prediction_type"] = prediction
    if kind.from_noise_alone:
        changes |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    scheduler = pipeline.scheduler
    pipeline.scheduler = scheduler.from_config(scheduler.config, **changes)
    return pipeline


def _tokenizers(family: str) -> dict[str, Any]:
    names = ("tokenizer", "tokenizer_2")
    folder = str(clip_vocabulary())
    return {
        name: CLIPTokenizer.from_pretrained(folder, pad_token=padding)
        for name, padding in zip(names, _PADDING[family], strict=False)
    }


def _around_denoiser(files: ModelFiles, dtype: str, device: str) -> Any:
    kind = files.kind
    part = next(name for name, cls in parts_of(files.configs).items() if cls == kind.denoiser)
    # Its kin that were taught to draw in few steps lack one layer, whatever the folder's have.
    guided = {"guidance_embeds": kind.variant != "distilled"} if kind.family == "flux" else {}
    stored = {}
    if kind.is_gguf:
        computes_in = getattr(torch, dtype)
        stored = {"quantization_config": GGUFQuantizationConfig(compute_dtype=computes_in)}
    denoiser = getattr(diffusers, kind.denoiser).from_single_file(
        files.source,
        config=files.base,
        subfolder=part,
        local_files_only=True,
        dtype=getattr(torch, dtype),
        **guided,
        **stored,
    )
    _require_whole(files, part, denoiser)
    return load_pipeline(files.configs, dtype, device, given={part: denoiser})


def _require_all_weights(files: ModelFiles, pipeline: Any) -> None:
    for name, part in pipeline.components.items():
        if isinstance(part, torch.nn.Module):
            _require_whole(files, name, part)


def _require_whole(files: ModelFiles, name: str, part: torch.nn.Module) -> None:
    """What the file does not have was left without numbers.

    Raises:
        ModelError: the part lacks weights.
    """
    lacking = [weight for weight, tensor in part.named_parameters() if tensor.is_meta]
    if lacking:
        raise ModelError(
            f"{files.source} lacks weights of its {name}, {lacking[0]} among them"
            f" ({len(lacking):,} in all): it is incomplete, or of a different kind than it seems."
        )
