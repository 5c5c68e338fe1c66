"""Weights that come in several kinds: whole, and in half the size under names of their own."""

import re
from pathlib import Path

VARIANTS = ("fp16", "bf16")
"""Half the size; where both are, the first is taken."""
WEIGHTS = re.compile(
    r"(?:diffusion_pytorch_)?model(?:\.(?P<before>fp16|bf16))?(?P<piece>-\d{5}-of-\d{5})?"
    r"(?:\.(?P<after>fp16|bf16))?\.safetensors"
)
"""The file names that diffusers and transformers look for."""


def variant_in(name: str) -> str | None:
    """Of a weights file, by its name: which variant it is; empty: whole; None: it is none."""
    match = WEIGHTS.fullmatch(name)
    return None if match is None else match["before"] or match["after"] or ""


def variant_of(folder: Path) -> str | None:
    """Which variant a model's folder has to be loaded as; None: its whole weights are there.

    Args:
        folder: in diffusers' format.
    """
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        kinds = {variant_in(path.name) for path in part.iterdir()}
        if "" not in kinds and (found := next((v for v in VARIANTS if v in kinds), None)):
            return found
    return None
