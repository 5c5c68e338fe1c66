"""Recipe and conditions: what determines the pixels of one image."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

NOT_YET = "0" * 32
"""Stands for the digest of an image that is still to be drawn, in the recipe of what is made of
it."""


@dataclass(frozen=True, slots=True)
class Lora:
    """A file of small changes to the model's weights, and how strongly it acts."""

    name: str
    """The label by which it was named."""
    digest: str
    """SHA-256 of the file."""
    weight: float

    @property
    def tag(self) -> str:
        """As the Stable Diffusion web UIs write it in a prompt."""
        return f"<lora:{self.name}:{self.weight:g}>"

    @property
    def need(self) -> str:
        """What it is called among what must be there to draw an image."""
        return f"<lora:{self.name}>"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every parameter a person chose that determines one image."""

    prompt: str
    """The final prompt, as the model gets it."""
    negative_prompt: str
    seed: int
    """0 … 2³¹-1."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    steps: int
    guidance: float
    scheduler: str
    """A diffusers scheduler class; in brackets after it the name in the `scheduler` column, where
    it is not the model's own."""
    model: str
    """A label of the model list."""
    model_hash: str
    """Fingerprint of the model's files."""
    palette: tuple[str, ...] = ()
    """Colours that the image is steered towards: `#RRGGBB`, each perhaps with `:weight`."""
    image: str = ""
    """Digest of the file of the picture that it is drawn on; empty: it is drawn from noise.
    `NOT_YET`: it is made of another image of its row, once that is done."""
    strength: float | None = None
    """How much of that picture is redrawn, 0 … 1; None: the model is told what to change."""
    mask: str = ""
    """Digest of the file that tells where it is redrawn; empty: everywhere."""
    fit: str = "crop"
    """How both are brought to width and height: one of `engine.picture.source_files.FITS`."""
    background: str = "#FFFFFF"
    """What shows where the picture is transparent, and around it where `fit` is `pad`."""
    loras: tuple[Lora, ...] = ()
    """What changes the model, in the order in which it is added."""
    upscale: int = 0
    """How many times the width and height of its picture it has; 0: they were asked for."""
    tile: int = 0
    """Side in pixels of the tiles that its model draws it in, where it cannot draw it whole."""

    @property
    def source_size(self) -> tuple[int, int]:
        """The size at which its picture is needed: its own where an upscaler enlarges it."""
        factor = self.upscale if self.upscale and self.strength is None else 1
        return self.width // factor, self.height // factor

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be there to draw it: its model's label, and `Lora.need` of its LoRAs."""
        return (self.model, *(lora.need for lora in self.loras))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, as declared; what not all have only where it is there."""
        body = asdict(self)
        body["palette"] = list(self.palette)
        body["loras"] = list(body["loras"])
        for name in ("loras", "upscale", "tile"):
            if not body[name]:
                del body[name]
        if not self.image:
            for name in ("image", "strength", "mask", "fit", "background"):
                del body[name]
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """The recipe in `body`; other keys are passed over, and what came later may be missing."""
        known = {field.name: body[field.name] for field in fields(cls) if field.name in body}
        loras = tuple(Lora(**each) for each in body.get("loras", ()))
        return cls(**known | {"palette": tuple(body.get("palette", ())), "loras": loras})

    def with_seed(self, seed: int) -> Self:
        """The same recipe for another variation."""
        return replace(self, seed=seed)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What else determines the pixels of a session's images; chosen when it starts, then kept."""

    device: str
    """The device's name, the same for interchangeable devices: "cpu", "NVIDIA H200"."""
    dtype: str
    threads: int
    attention: str
    compile: bool
    versions: Mapping[str, str]
    """Package → version, of those that compute."""
    layout: str = "contiguous"
    """Memory format of the weights."""
    texts: str = "together"
    """Whether the texts of a batch are encoded `together` or `each` alone."""
    decode: str = "together"
    """Whether the images of a batch are decoded `together` or `each` alone."""
    tiled: bool = False
    """Whether a picture is decoded in tiles, for want of memory."""
    quantised: str = ""
    """What the weights of linear layers are rounded to; empty: nothing."""
    step_cache: str = ""
    """What is left out of steps in which next to nothing changes, and from which threshold on;
    empty: nothing."""
    offload: str = "none"
    """What of the model leaves the device while it is not computing, for want of memory; no pixel
    hangs on it."""
    encoding: str = "png 1"
    """Kind of the files, and their level of compression or quality."""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """The conditions in `body`; other keys are passed over."""
        return cls(**{field.name: body[field.name] for field in fields(cls) if field.name in body})

    def departures_from(self, chosen: Self) -> list[str]:
        """What could not be kept of the `chosen` conditions, in words; empty if all was."""
        mine, wanted = self.to_json(), chosen.to_json()
        mine |= {f"{package} version": v for package, v in mine.pop("versions").items()}
        chosen_versions = wanted.pop("versions")
        wanted |= {f"{package} version": v for package, v in chosen_versions.items()}
        # What nobody noted when they were chosen cannot be said to be another now.
        unknown = (name for name in mine if name not in wanted and name.endswith(" version"))
        wanted |= {name: mine[name] for name in unknown}
        return [
            f"{name}: {wanted.get(name, 'none')} → {mine.get(name, 'none')}"
            for name in sorted(mine.keys() | wanted.keys())
            if mine.get(name) != wanted.get(name)
        ]
