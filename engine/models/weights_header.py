"""What a weights file says of itself, whichever its format."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import PromptsheetError


class WeightsFileError(PromptsheetError):
    """A file is no safetensors file, or not a whole one; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a header says of one tensor."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    """Where its bytes begin, counted from the header's end."""
    end: int

    @property
    def numbers(self) -> int:
        """How many it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """What a safetensors file says of itself."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    """What its maker wrote into it."""
    bytes: int
    """How long it is, its length included."""
    is_gguf: bool = False
    """Whether the file is GGUF, and no safetensors file."""

    @property
    def file_bytes(self) -> int:
        """How long the whole file has to be."""
        return self.bytes + max((tensor.end for tensor in self.tensors.values()), default=0)
