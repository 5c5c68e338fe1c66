"""Rounding a pipeline's weights to bytes, where its entry asks for it: half the memory."""

from typing import Any

import torch

from engine.models.weights import Role, role_of


def quantise(pipeline: Any, to: str) -> None:
    """Round the weights of linear layers; what is computed stays in the pipeline's dtype.

    Embeddings, convolutions, norms and the autoencoder are left: they are small, and it shows.

    Args:
        pipeline: on the CPU.
        to: "int8" or "float8", as `Model.quantise`.

    Raises:
        ImportError: torchao is not there.
    """
    from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig, quantize_

    config = Int8WeightOnlyConfig() if to == "int8" else Float8WeightOnlyConfig()
    for name, part in pipeline.components.items():
        if isinstance(part, torch.nn.Module) and role_of(name) is not Role.DECODE:
            quantize_(part, config)
