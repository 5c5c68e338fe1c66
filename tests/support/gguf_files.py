"""Files in GGUF as the package of its makers writes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

_TOGETHER = 32
FLUX = {
    "double_blocks.0.img_attn.qkv.weight": np.ones((96, 64)),
    "single_blocks.0.linear1.weight": np.ones((8, 32)),
    "vector_in.in_layer.weight": np.ones((5, 3)),
    "guidance_in.in_layer.weight": np.ones((5, 3)),
}
"""What tells a transformer of FLUX.1's."""


def write_gguf(path: Path, tensors: Mapping[str, Any]) -> Path:
    """A file of these tensors: matrices rounded to 8 bits, all else as it is."""
    rounded = gguf.GGMLQuantizationType.Q8_0
    writer = gguf.GGUFWriter(path, "flux")
    writer.add_array("some.list", ["of", "texts"])
    writer.add_array("some.numbers", [1, 2, 3])
    writer.add_string("some.text", "a name")
    for name, tensor in tensors.items():
        numbers = np.asarray(tensor, np.float32)
        if numbers.ndim == 2 and numbers.shape[1] % _TOGETHER == 0:
            writer.add_tensor(name, gguf.quants.quantize(numbers, rounded), raw_dtype=rounded)
        else:
            writer.add_tensor(name, numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
