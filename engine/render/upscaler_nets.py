"""The networks of upscalers, built as their files say, and loaded from them."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from engine.models.upscaler_files import UpscalerShape, upscaler_shape
from engine.models.weights_file import read_whole
from engine.render.pipelines import ModelError

_SLOPE = 0.2
"""Of its rectifiers below nothing, and how much of a block is added to what went into it."""


def load_upscaler(path: Path, device: str) -> tuple[nn.Module, UpscalerShape]:
    """The network of an upscaler in float32, ready on `device`.

    It takes 1 × 3 × height × width in 0 … 1, and gives the same, larger.

    Raises:
        ModelError: it is of no known design, or its tensors do not go together.
        WeightsFileError: it is no whole weights file.
        OSError: it cannot be read.
    """
    shape = upscaler_shape(read_whole(path).tensors)
    if shape is None:
        raise ModelError(f"{path.name} is an upscaler of an unsupported kind.")
    with torch.device("meta"):
        network: nn.Module = _Esrgan(shape) if shape.design == "esrgan" else _Compact(shape)
    tensors = load_file(path)
    own = {name: tensors[theirs].float() for name, theirs in shape.names.items()}
    try:
        network.load_state_dict(own, assign=True)
    except RuntimeError as error:
        raise ModelError(
            f"{path.name} cannot be loaded because its layers do not fit together: {error}"
        ) from error
    return network.to(device).eval().requires_grad_(False), shape


def _convolution(into: int, out: int) -> nn.Conv2d:
    return nn.Conv2d(into, out, 3, padding=1)


def _rectified(tensor: torch.Tensor) -> torch.Tensor:
    return functional.leaky_relu(tensor, _SLOPE)


class _DenseBlock(nn.Module):
    """Five layers, each of which sees what all before it gave."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        for layer in range(4):
            setattr(self, f"conv{layer + 1}", _convolution(channels + layer * growth, growth))
        self.conv5 = _convolution(channels + 4 * growth, channels)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        seen = given
        for layer in range(1, 5):
            added = _rectified(getattr(self, f"conv{layer}")(seen))
            seen = torch.cat((seen, added), 1)
        made: torch.Tensor = self.conv5(seen)
        return given + made * _SLOPE


class _Block(nn.Module):
    """Three dense blocks, and what went into them."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__()
        for number in (1, 2, 3):
            self.add_module(str(number), _DenseBlock(channels, growth))

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        made = given
        for block in self.children():
            made = block(made)
        return given + made * _SLOPE


class _Esrgan(nn.Module):
    """ESRGAN's: a trunk of blocks at the picture's own size, then doubled as often as need be."""

    def __init__(self, shape: UpscalerShape) -> None:
        super().__init__()
        wide = shape.channels
        self._square, self._doublings = shape.square, shape.doublings
        self.conv_first = _convolution(3 * shape.square**2, wide)
        self.body = nn.Sequential(*(_Block(wide, shape.growth) for _ in range(shape.blocks)))
        self.conv_body = _convolution(wide, wide)
        for number in range(shape.doublings):
            setattr(self, f"conv_up{number + 1}", _convolution(wide, wide))
        self.conv_hr = _convolution(wide, wide)
        self.conv_last = _convolution(wide, 3)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        high, wide = picture.shape[2:]
        if self._square > 1:
            over = (-wide % self._square, -high % self._square)
            whole = functional.pad(picture, (0, over[0], 0, over[1]), mode="replicate")
            first = self.conv_first(functional.pixel_unshuffle(whole, self._square))
        else:
            first = self.conv_first(picture)
        made: torch.Tensor = first + self.conv_body(self.body(first))
        for number in range(self._doublings):
            larger = functional.interpolate(made, scale_factor=2.0, mode="nearest")
            made = _rectified(getattr(self, f"conv_up{number + 1}")(larger))
        made = self.conv_last(_rectified(self.conv_hr(made)))
        factor = 2**self._doublings // self._square
        return made[:, :, : high * factor, : wide * factor]


class _Compact(nn.Module):
    """Real-ESRGAN's compact one: all layers at the picture's own size, added to its pixels."""

    def __init__(self, shape: UpscalerShape) -> None:
        super().__init__()
        wide, self._factor = shape.channels, shape.factor
        layers: list[nn.Module] = [_convolution(3, wide), nn.PReLU(wide)]
        for _ in range(shape.blocks):
            layers += [_convolution(wide, wide), nn.PReLU(wide)]
        self.body = nn.Sequential(*layers, _convolution(wide, 3 * shape.factor**2))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        made = functional.pixel_shuffle(self.body(picture), self._factor)
        return made + functional.interpolate(
            picture, scale_factor=float(self._factor), mode="nearest"
        )
