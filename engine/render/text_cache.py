"""Texts that were encoded, kept in the machine's memory: for a model whose encoders leave its GPU.

Bringing an encoder of eight billion numbers back for every image takes longer than the image. What
became of a text is kept, so that images of the same words need no encoder, which stays away.
"""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import torch

from engine.picture.recipe import Lora
from engine.render.drawing import EmbeddingCache

_MOST_BYTES = 2 << 30
"""Of the machine's memory: those of 30 captions of 300 tokens of Ideogram 4, which takes most."""
_LEAST_ROWS = 2


class TextCache:
    """What a model's `encode_prompt` has given, by all that it was told. Any thread may use it."""

    def __init__(self) -> None:
        self._embeddings = EmbeddingCache(_MOST_BYTES)
        self._encoding = threading.Lock()

    def keep_for(self, pipeline: Any, loras: tuple[Lora, ...]) -> None:
        """Have the next call of a pipeline look here before it encodes.

        Args:
            pipeline: one over the model's weights.
            loras: what is on the model meanwhile.
        """
        encode = type(pipeline).encode_prompt

        def kept_or_encoded(*given: Any, **named: Any) -> Any:
            return self._given(lambda: encode(pipeline, *given, **named), (loras, given, named))

        pipeline.encode_prompt = kept_or_encoded

    def _given(self, encode: Callable[[], Any], told: Any) -> Any:
        try:
            key = _key(told)
        except TypeError:  # a picture beside the text: that is not looked for again
            return encode()
        with self._encoding:
            found = self._embeddings.get(key)
            if found is None:
                found = (_packed((encode(),)),)
                self._embeddings.put(key, found)
        # Never what was just computed itself: the first image is given what all others are.
        return _unpacked(found[0])[0]


@dataclass(frozen=True, slots=True)
class _Packed:
    """A tensor without those of its rows that are zero: texts are padded to thousands of tokens."""

    rows: torch.Tensor
    is_there: torch.Tensor
    device: torch.device

    @property
    def nbytes(self) -> int:
        return int(self.rows.nbytes + self.is_there.nbytes)

    def tensor(self) -> torch.Tensor:
        whole = self.rows.new_zeros((*self.is_there.shape, self.rows.shape[-1]))
        whole[self.is_there] = self.rows
        return whole.to(self.device)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A tensor that has no rows, or none of numbers that may all be zero."""

    numbers: torch.Tensor
    device: torch.device

    @property
    def nbytes(self) -> int:
        return self.numbers.nbytes

    def tensor(self) -> torch.Tensor:
        return self.numbers.clone().to(self.device)


@dataclass(frozen=True, slots=True)
class _PackedSequence:
    """What is given as a tuple or a list."""

    kind: type
    parts: tuple[Any, ...]

    @property
    def nbytes(self) -> int:
        return sum(getattr(part, "nbytes", 0) for part in self.parts)


def _packed(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        value = value.detach()
        if value.dim() < _LEAST_ROWS or not value.is_floating_point():
            return _Whole(value.cpu(), value.device)
        is_there = (value != 0).any(-1)
        return _Packed(value[is_there].cpu(), is_there.cpu(), value.device)
    if isinstance(value, tuple | list):
        return _PackedSequence(type(value), tuple(map(_packed, value)))
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, _Packed | _Whole):
        return value.tensor()
    if isinstance(value, _PackedSequence):
        return value.kind(map(_unpacked, value.parts))
    return value


def _key(value: Any) -> Hashable:
    """All that an encoder was told, as a key.

    Raises:
        TypeError: a tensor or a picture is among it.
    """
    match value:
        case None | str() | int() | float() | torch.device() | torch.dtype() | Lora():
            return type(value), value
        case tuple() | list():
            return tuple(map(_key, value))
        case dict():
            return tuple((name, _key(each)) for name, each in sorted(value.items()))
    raise TypeError(f"{type(value).__name__} is no key")
