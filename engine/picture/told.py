"""What a picture of any program says of how it was made, and reading its parts. Pure."""

import json
import re
from dataclasses import dataclass

_MOST_CHARS = 4 << 20


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a picture says of how it was made."""

    program: str
    """Its name: `Promptsheet`, `A1111`, `InvokeAI`, `ComfyUI` …"""
    prompt: str
    negative_prompt: str = ""
    seed: int | None = None
    size: tuple[int, int] | None = None
    """Width and height in pixels."""
    steps: int | None = None
    guidance: float | None = None
    sampler: str = ""
    model: str = ""
    """As that program calls it."""
    scheduler: str = ""
    """The name in our own `scheduler` column, where one was asked for."""
    palette: tuple[str, ...] = ()
    loras: tuple[tuple[str, float], ...] = ()
    """Names of LoRAs, each with its weight, where they are told apart from the prompt."""
    image: str = ""
    """Digest of what it is drawn on; this, and what follows, is told by our own alone."""
    strength: float | None = None
    upscale: int = 0
    """How many times larger than that it is, where that decided its size."""
    mask: str = ""
    """Digest of what tells where it is redrawn."""
    fit: str = ""
    schedule: str = ""
    """How that program spaces its steps."""
    note: str = ""
    """What a row cannot say of it."""


def as_json(text: str) -> object:
    """What a text holds as JSON; None: it is none."""
    if not text or len(text) > _MOST_CHARS:
        return None
    try:
        # ComfyUI writes NaN, which is no JSON and no number we could use.
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def as_text(value: object) -> str:
    """A text without what stands around it; empty for anything else."""
    return value.strip() if isinstance(value, str) else ""


def as_whole(value: object) -> int | None:
    """A whole number below 2⁶⁴, however it is written."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,20}", value.strip()):
        return int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**64:
        return int(value)
    return None


def as_number(value: object) -> float | None:
    """A number, however it is written."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,6}(\.\d{1,10})?", value.strip()):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6:
        return float(value)
    return None


def as_size(width: object, height: object) -> tuple[int, int] | None:
    """Width and height in pixels, if both are some."""
    w, h = as_whole(width), as_whole(height)
    return (w, h) if w and h and max(w, h) < 100_000 else None
