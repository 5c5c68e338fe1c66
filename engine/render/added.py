"""What an entry of the model list adds to a pipeline: an autoencoder, words, where CLIP ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors.torch import load_file

from engine.models.additions import Additions
from engine.render.pipelines import ModelError, lay_out

_CLIP_SKIP = "_promptsheet_clip_skip"
_ENCODERS = ("", "_2")
"""Behind `tokenizer` and `text_encoder`, of those that a pipeline may have."""
_KEYS = {"": ("clip_l",), "_2": ("clip_g",)}
"""What SDXL's embeddings call those for each."""


def add_to(pipeline: Any, additions: Additions, folder: Path) -> None:
    """Add them to a pipeline that was just loaded.

    Args:
        pipeline: ready to draw.
        additions: what is added.
        folder: says how the model's own parts are built.

    Raises:
        ModelError: a file cannot be used.
        OSError: a file cannot be read.
    """
    if additions.vae:
        pipeline.register_modules(vae=_autoencoder(pipeline, Path(additions.vae), folder))
    for file in map(Path, additions.embeddings):
        _add_words(pipeline, file)
    # As diffusers counts: how many layers are left out.
    setattr(pipeline, _CLIP_SKIP, additions.clip_skip - 1 or None)


def clip_skip_of(pipeline: Any) -> int | None:
    """How many of the text encoder's last layers are left out; None: as the model is made."""
    skipped: int | None = getattr(pipeline, _CLIP_SKIP, None)
    return skipped


@contextmanager
def as_diffusers_names_it(encoder: Any) -> Iterator[None]:
    """CLIP's layers under `text_model`, where diffusers 0.42 looks for them to leave out some.

    transformers 5 has them in the encoder itself. Not for two threads at once.
    """
    if hasattr(encoder, "text_model"):
        yield
        return
    names = vars(encoder)  # not as a module of its own, which would be in itself
    names["text_model"] = encoder
    try:
        yield
    finally:
        del names["text_model"]


def _autoencoder(pipeline: Any, place: Path, folder: Path) -> Any:
    own = pipeline.vae
    kind = type(own)
    try:
        if place.is_dir():
            made = kind.from_pretrained(place, local_files_only=True, use_safetensors=True)
        else:
            made = kind.from_single_file(
                str(place), config=str(folder / "vae"), local_files_only=True
            )
    except Exception as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno):
            raise
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"{place} is not an autoencoder for this model: {reason}") from error
    if made.config.latent_channels != own.config.latent_channels:
        raise ModelError(
            f"{place} is not an autoencoder for this model: it has {made.config.latent_channels}"
            f" latent channels, and the model's own has {own.config.latent_channels}."
        )
    made.to(device=own.device, dtype=own.dtype)
    lay_out(made)
    return made


def _add_words(pipeline: Any, file: Path) -> None:
    try:
        tensors = load_file(file)
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise ModelError(f"{file} is incomplete or damaged: copy or download it again.") from error
    for suffix in _ENCODERS:
        encoder = getattr(pipeline, f"text_encoder{suffix}", None)
        if encoder is None:
            continue
        named = [tensors[key] for key in _KEYS[suffix] if key in tensors]
        alone = list(tensors.values()) if len(tensors) == 1 and not suffix else []
        if not (found := named or alone):
            continue
        width = encoder.get_input_embeddings().weight.shape[1]
        if found[0].shape[-1] != width or found[0].dim() > 2:
            raise ModelError(
                f"The embedding {file.name} is not for this model: its numbers are"
                f" {found[0].shape[-1]} a word, and the model's are {width}."
            )
        try:
            pipeline.load_textual_inversion(
                found[0],
                token=file.stem,
                tokenizer=getattr(pipeline, f"tokenizer{suffix}"),
                text_encoder=encoder,
            )
        except ValueError as error:
            raise ModelError(
                f"The embedding {file.name} cannot be used: {error} Rename the file, and use that"
                " name in prompts."
            ) from error
    if not (tensors.keys() & {"clip_l", "clip_g"} or len(tensors) == 1):
        raise ModelError(
            f"{file.name} is not an embedding: it holds"
            f" {', '.join(sorted(tensors)[:5]) or 'nothing'}."
        )
