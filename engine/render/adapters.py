"""LoRAs on a pipeline: loaded beside its weights, put on and taken off, never mixed into them."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer

from engine.models.loras import LoraError, require_same
from engine.picture.recipe import Lora
from engine.render.reasons import is_disks

_KEPT_BYTES = 2 << 30
"""Of the files of LoRAs that stay loaded although they are not on the model now."""


class Adapters:
    """The LoRAs that are loaded beside a pipeline's weights, and those that act.

    All pipelines over the same weights share them. What does not act leaves no trace: a layer whose
    LoRAs are off computes what it computed before it had any, to the last bit.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._loaded: OrderedDict[str, int] = OrderedDict()
        """Digest → bytes of its file; the least recently used first."""
        self._on: tuple[Lora, ...] = ()

    def put_on(self, loras: Sequence[Lora], files: Mapping[str, Path]) -> None:
        """Have these act, in this order, and no others; as `LoadedModel.put_on`."""
        wanted = tuple(loras)
        if wanted == self._on:
            return
        self._switch(())
        for lora in wanted:
            if lora.digest not in self._loaded:
                self._load(lora, files[lora.digest])
            self._loaded.move_to_end(lora.digest)
        self._switch(wanted)
        self._forget({lora.digest for lora in wanted})

    def _switch(self, wanted: tuple[Lora, ...]) -> None:
        weights = {_name(lora.digest): lora.weight for lora in wanted}
        for layer in self._layers():
            # Each layer in the order of the recipe: sums in another order differ in the last bit.
            here = [name for name in weights if name in _of(layer)]
            layer.enable_adapters(bool(here))
            if here:
                layer.set_adapter(here, inference_mode=True)
                for name in here:
                    layer.set_scale(name, weights[name])
        self._on = wanted

    def _load(self, lora: Lora, file: Path) -> None:
        require_same(lora.name, file, lora.digest)
        name = _name(lora.digest)
        if not hasattr(self._pipeline, "load_lora_weights"):
            raise LoraError(f"{type(self._pipeline).__name__} takes no LoRA.")
        try:
            self._pipeline.load_lora_weights(
                str(file), adapter_name=name, use_safetensors=True, local_files_only=True
            )
            if not any(name in _of(layer) for layer in self._layers()):
                raise LoraError("none of its layers matches the model")
        except Exception as error:
            self._delete(name)
            if isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or is_disks(error):
                raise
            reason = " ".join(str(error).split())[:300] or type(error).__name__
            raise LoraError(
                f"the LoRA {lora.name} does not fit this model: {reason}. Use one made for this"
                " kind of model"
            ) from error
        finally:
            self._switch(())  # what is loaded acts at once
        self._loaded[lora.digest] = file.stat().st_size

    def _forget(self, needed: set[str]) -> None:
        """Take out what has not been used for longest, where too much is loaded."""
        for digest in [each for each in self._loaded if each not in needed]:
            if sum(self._loaded.values()) <= _KEPT_BYTES:
                break
            self._delete(_name(digest))
            del self._loaded[digest]

    def _delete(self, name: str) -> None:
        for layer in self._layers():
            if name in _of(layer):
                layer.delete_adapter(name)
        for part in self._parts():
            getattr(part, "peft_config", {}).pop(name, None)

    def _parts(self) -> Iterator[torch.nn.Module]:
        for part in self._pipeline.components.values():
            if isinstance(part, torch.nn.Module):
                yield part

    def _layers(self) -> list[Any]:
        return [
            layer
            for part in self._parts()
            for layer in part.modules()
            if isinstance(layer, BaseTunerLayer)
        ]


def _name(digest: str) -> str:
    """What peft calls it; no name of a module."""
    return f"lora_{digest[:32]}"


def _of(layer: Any) -> set[str]:
    """The LoRAs that a layer has."""
    found: set[str] = layer._get_available_adapters()
    return found
