"""The text inside a picture: our own record, and what other programs read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from engine.picture.formats import read_texts
from engine.picture.png import PictureError, with_text
from engine.picture.recipe import Conditions, Recipe

KEYWORD = "promptsheet"
_XMP = "XML:com.adobe.xmp"
"""The keyword that the XMP specification gives its text in PNG files."""
_HASH_DIGITS = 12
"""Of a LoRA's digest, that web UIs write."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """What an image file says of itself; enough to rebuild its place in a lost database."""

    image: str
    """The image's id: session, row and variation."""
    recipe: Recipe
    conditions: Conditions
    batch_size: int
    slot: int
    departures: tuple[str, ...]
    """Conditions of the session that could not be kept."""
    pixels: str | None = None
    """Digest of the picture alone, equal wherever the same is drawn; None: not told."""

    def conditions_json(self) -> dict[str, Any]:
        """The conditions of this one image, as plain JSON values."""
        return self.conditions.to_json() | {
            "batch_size": self.batch_size,
            "slot": self.slot,
            "departures": list(self.departures),
        }

    def to_text(self) -> dict[str, str]:
        """Keyword → text, as a picture file carries it."""
        body = {
            "image": self.image,
            "recipe": self.recipe.to_json(),
            "conditions": self.conditions_json(),
            "pixels": self.pixels,
        }
        return {
            "parameters": a1111_parameters(self.recipe),
            KEYWORD: json.dumps(body, ensure_ascii=False),
        }

    @classmethod
    def from_text(cls, text: Mapping[str, str]) -> Self | None:
        """The record in a picture's text; None if Promptsheet did not write it."""
        try:
            body = json.loads(text[KEYWORD])
            conditions, pixels = body["conditions"], body.get("pixels")
            return cls(
                image=str(body["image"]),
                recipe=Recipe.from_json(body["recipe"]),
                conditions=Conditions.from_json(conditions),
                batch_size=int(conditions["batch_size"]),
                slot=int(conditions["slot"]),
                departures=tuple(conditions["departures"]),
                pixels=str(pixels) if pixels else None,
            )
        except (KeyError, TypeError, ValueError):
            return None


def read_record(path: Path) -> ImageRecord | None:
    """The record in a picture file; None if it is unreadable, or not Promptsheet's."""
    try:
        return ImageRecord.from_text(read_texts(path))
    except (PictureError, OSError):
        return None


def a1111_parameters(recipe: Recipe) -> str:
    """The recipe as the `parameters` text that the Stable Diffusion web UIs write and read.

    Prompt, then `Negative prompt: …`, then `Steps: …, Sampler: …, …`, a line each; a value that
    holds a comma, a colon or a newline is quoted as JSON. LoRAs are named behind the prompt.
    """
    settings: dict[str, object] = {
        "Steps": recipe.steps,
        "Sampler": recipe.scheduler,
        "CFG scale": f"{recipe.guidance:g}",
        "Seed": recipe.seed,
        "Size": f"{recipe.width}x{recipe.height}",
        "Model": recipe.model,
        "Model hash": recipe.model_hash,
    }
    if recipe.upscale:
        settings["Postprocess upscale by"] = recipe.upscale
        if recipe.strength is None:
            settings["Postprocess upscaler"] = recipe.model
    if recipe.loras:
        hashes = (f"{lora.name}: {lora.digest[:_HASH_DIGITS]}" for lora in recipe.loras)
        settings["Lora hashes"] = ", ".join(hashes)
    prompt = " ".join((recipe.prompt, *(lora.tag for lora in recipe.loras)))
    last = ", ".join(f"{key}: {_quoted(str(value))}" for key, value in settings.items())
    negative = [f"Negative prompt: {recipe.negative_prompt}"] if recipe.negative_prompt else []
    return "\n".join([prompt, *negative, last])


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(c in value for c in ",:\n") else value


def with_rating(data: bytes, rating: int) -> bytes:
    """A PNG file that says how it is rated, where galleries look for that: `xmp:Rating`.

    Args:
        data: the file, of ours: it has no XMP yet.
        rating: 1 to 5; 0 leaves the file as it is.
    """
    return with_text(data, _XMP, _xmp_of(rating)) if rating else data


def _xmp_of(rating: int) -> str:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        f' xmp:Rating="{rating}"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    )
