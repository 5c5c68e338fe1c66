"""Holding a pipeline on a device that is too small for all of it: its parts take turns there."""

import threading
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from diffusers.hooks import apply_group_offloading

from engine.models.placement import TILE, Placement
from engine.models.weights import Role, role_of
from engine.render.pipelines import ModelError

_CPU = torch.device("cpu")


def place(pipeline: Any, placement: Placement, device: str) -> None:
    """Put a pipeline that lies on the CPU where it computes, as its placement says.

    Args:
        pipeline: with all its parts on the CPU.
        placement: what may be there at a time, and how pictures are decoded.
        device: torch's name of the one that computes.

    Raises:
        ModelError: it cannot decode in tiles.
    """
    if placement.tiled:
        _decode_in_tiles(getattr(pipeline, "vae", None))
    parts = {
        name: part
        for name, part in pipeline.components.items()
        if isinstance(part, torch.nn.Module)
    }
    match placement.offload:
        case "none":
            pipeline.to(device)
        case "layers":
            for part in parts.values():
                apply_group_offloading(
                    part,
                    onload_device=torch.device(device),
                    offload_device=_CPU,
                    offload_type="leaf_level",
                    # The next layer comes while one computes; diffusers does so on the first GPU.
                    use_stream=device in ("cuda", "cuda:0"),
                )
        case "text" | "model":
            Turns(_groups(parts, placement.offload), device)


def _groups(parts: Mapping[str, Any], offload: str) -> list[list[Any]]:
    """The parts that are on the device together."""
    groups: dict[str, list[Any]] = {}
    for name, part in parts.items():
        role = role_of(name)
        if offload == "text":
            group = "texts" if role is Role.TEXTS else "all else"
        else:  # encoders of texts have nothing to do with each other; denoisers alternate
            group = name if role is Role.TEXTS else role
        groups.setdefault(group, []).append(part)
    return list(groups.values())


def _decode_in_tiles(vae: Any) -> None:
    try:
        vae.enable_tiling()
    except (AttributeError, NotImplementedError) as error:
        raise ModelError(
            'its autoencoder cannot decode in tiles: write decode = "whole" in its entry'
        ) from error
    own = getattr(vae, "tile_sample_min_size", 0)
    if own > TILE:  # as large as the pictures it was trained on: no tiles would come of it
        vae.tile_latent_min_size = vae.tile_latent_min_size * TILE // own
        vae.tile_sample_min_size = TILE


class Turns:
    """Groups of parts, one of which is on the device at a time: the one that computes.

    A group comes when any module of its parts is called, for pipelines call parts of parts; what
    the call is given comes to the device with it. Weights are read only, so those on the CPU stay
    where they are, and a group goes by being forgotten.
    """

    def __init__(self, groups: Iterable[Iterable[torch.nn.Module]], device: str) -> None:
        """Args: groups: parts on the CPU. device: where they compute."""
        self.execution_device = torch.device(device)
        """As diffusers asks a part's hook where a pipeline's tensors belong."""
        self._here: list[torch.nn.Module] | None = None
        self._weights: list[tuple[torch.Tensor, torch.Tensor]] = []
        """Of the parts that are here, each with its numbers on the CPU."""
        self._turn = threading.RLock()
        for group in map(list, groups):
            for part in group:
                part.to(_CPU)  # bitsandbytes loads onto the GPU at once
                part._hf_hook = _Hook(self.execution_device)  # type: ignore[assignment]
                for module in part.modules():
                    module.register_forward_pre_hook(self._comes(group), with_kwargs=True)

    def _comes(self, group: list[torch.nn.Module]) -> Any:
        def before(_: torch.nn.Module, given: Any, named: Any) -> tuple[Any, Any]:
            self.take(group)
            return self._brought(given), self._brought(named)

        return before

    def take(self, group: list[torch.nn.Module]) -> None:
        """Have a group on the device, and no other."""
        if self._here is group:
            return
        with self._turn:
            if self._here is group:
                return
            if self._here is not None:
                self._leave(self._here)
            self._here = group
            try:
                self._come(group)
            except BaseException:  # memory ran out half-way
                self._leave(group)
                self._here = None
                raise

    def _come(self, group: list[torch.nn.Module]) -> None:
        for part in group:
            self._weights += [(weight, weight.data) for weight in _plain_weights(part)]
            part.to(self.execution_device)

    def _leave(self, group: list[torch.nn.Module]) -> None:
        for weight, data in self._weights:
            weight.data = data
        self._weights = []
        for part in group:
            part.to(_CPU)  # what is not among those: it came later, or is quantised
        if self.execution_device.type == "cuda":
            torch.cuda.empty_cache()  # pieces of other sizes would leave gaps

    def _brought(self, given: Any) -> Any:
        match given:
            case torch.Tensor():
                return given.to(self.execution_device)
            case tuple() if type(given) is tuple:
                return tuple(map(self._brought, given))
            case list() if type(given) is list:
                return list(map(self._brought, given))
            case dict() if type(given) is dict:
                return {name: self._brought(value) for name, value in given.items()}
        return given


class _Hook:
    """What diffusers asks a part where its pipeline computes."""

    def __init__(self, execution_device: torch.device) -> None:
        self.execution_device = execution_device


def _plain_weights(part: torch.nn.Module) -> list[torch.Tensor]:
    """Weights whose numbers can be put elsewhere by themselves: not those of quantised layers."""
    weights = [*part.parameters(), *part.buffers()]
    plain = (torch.nn.Parameter, torch.Tensor)
    return [w for w in weights if type(w) in plain and type(w.data) is torch.Tensor]
