"""What other programs write into their pictures, read as data: A1111, InvokeAI, ComfyUI.

The text of a picture is anybody's: nothing in it is evaluated, followed or trusted to be of the
kind it says. What is not understood is left out.
"""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from engine.picture.comfy import drawn_by
from engine.picture.formats import read_texts
from engine.picture.metadata import Record
from engine.picture.png import PictureError, read_text

_MOST_CHARS = 4 << 20
_SETTING = re.compile(r'\s*([A-Za-z][\w /\-]{0,40}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"(\d{1,5})\s*[x×]\s*(\d{1,5})")
_NAMED = re.compile(r" \((.+)\)$")
"""The name in the `scheduler` column, behind the class in a recipe."""
_USER_COMMENT = 0x9286
_EXIF = 0x8769


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a picture says of how it was made."""

    program: str
    """`Promptsheet`, `A1111`, `InvokeAI` or `ComfyUI`."""
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
    image: str = ""
    """Digest of what it is drawn on; this, and what follows, is told by our own alone."""
    strength: float | None = None
    mask: str = ""
    """Digest of what tells where it is drawn anew."""
    fit: str = ""
    schedule: str = ""
    """How that program spaces its steps."""
    note: str = ""
    """What a row cannot say of it."""


def read_foreign(path: Path) -> Foreign | None:
    """What a picture file says of how it was made; None if it says nothing we understand.

    Raises:
        OSError: the file cannot be read.
    """
    for read in (read_texts, read_text):  # a PNG may be called otherwise
        with contextlib.suppress(PictureError):
            if text := read(path):
                return understand(text)
    return understand(_exif_text(path))


def _exif_text(path: Path) -> dict[str, str]:
    """The user comment of a JPEG or WebP, where A1111 puts its parameters."""
    try:
        with Image.open(path, formats=("JPEG", "WEBP")) as image:
            comment = image.getexif().get_ifd(_EXIF).get(_USER_COMMENT, b"")
    # Decoders raise whatever they like on a damaged file.
    except Exception:
        return {}
    if not isinstance(comment, bytes):
        return {"parameters": str(comment)}
    kind, body = comment[:8], comment[8:]
    encoding = "utf-16-be" if kind.startswith(b"UNICODE") else "utf-8"
    return {"parameters": body.decode(encoding, "replace").strip("\0")}


def understand(text: Mapping[str, str]) -> Foreign | None:
    """What the text inside a picture says of how it was made. Never raises.

    Args:
        text: keyword → text.
    """
    record = Record.from_text(text)
    if record is not None:
        return told_by(record)
    for keyword, read in (
        ("invokeai_metadata", _invoke),
        ("sd-metadata", _old_invoke),
        ("prompt", _comfy),
    ):
        body = _json(text.get(keyword, ""))
        if isinstance(body, dict) and (found := read(body)) is not None:
            return found
    return _a1111(text["parameters"]) if "parameters" in text else None


def told_by(record: Record) -> Foreign:
    """What our own record says, which is everything."""
    recipe = record.recipe
    named = _NAMED.search(recipe.scheduler)
    return Foreign(
        program="Promptsheet",
        prompt=recipe.prompt,
        negative_prompt=recipe.negative_prompt,
        seed=recipe.seed,
        size=(recipe.width, recipe.height),
        steps=recipe.steps,
        guidance=recipe.guidance,
        sampler=recipe.scheduler,
        model=recipe.model,
        scheduler=named[1] if named else "",
        palette=recipe.palette,
        image=recipe.image,
        strength=recipe.strength,
        mask=recipe.mask,
        fit=recipe.fit if recipe.image else "",
    )


def _json(text: str) -> object:
    if not text or len(text) > _MOST_CHARS:
        return None
    try:
        # ComfyUI writes NaN, which is no JSON and no number we could use.
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,20}", value.strip()):
        return int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**64:
        return int(value)
    return None


def _number(value: object) -> float | None:
    if isinstance(value, str) and re.fullmatch(r"\d{1,6}(\.\d{1,10})?", value.strip()):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e6:
        return float(value)
    return None


def _size(width: object, height: object) -> tuple[int, int] | None:
    w, h = _whole(width), _whole(height)
    return (w, h) if w and h and max(w, h) < 100_000 else None


# -------------------------------------------------------------------- A1111


def _a1111(text: str) -> Foreign | None:
    """Prompt, `Negative prompt: …`, then one line of `Steps: …, Sampler: …, …`."""
    lines = text[:_MOST_CHARS].replace("\r\n", "\n").strip().split("\n")
    settings: dict[str, str] = {}
    if lines and re.match(r"\s*Steps:\s*\d", lines[-1]):
        settings = dict(_settings(lines.pop()))
    prompt: list[str] = []
    negative: list[str] = []
    into_negative = False
    for line in lines:
        if line.startswith("Negative prompt:"):
            into_negative = True
            line = line.removeprefix("Negative prompt:")
        (negative if into_negative else prompt).append(line.strip())
    if not settings and not into_negative:
        return None  # somebody's remark, not a recipe
    size = _SIZE.fullmatch(settings.get("Size", "").strip())
    words = "\n".join(prompt).strip()
    return Foreign(
        program="A1111",
        prompt=words,
        negative_prompt="\n".join(negative).strip(),
        seed=_whole(settings.get("Seed")),
        size=_size(size[1], size[2]) if size else None,
        steps=_whole(settings.get("Steps")),
        guidance=_number(settings.get("CFG scale")),
        sampler=settings.get("Sampler", "").strip(),
        model=settings.get("Model", "").strip(),
    )


def _settings(line: str) -> Iterator[tuple[str, str]]:
    for name, value in _SETTING.findall(line[:20_000]):
        unquoted = _json(value) if value.startswith('"') else None
        yield name.strip(), unquoted if isinstance(unquoted, str) else value


# -------------------------------------------------------------------- InvokeAI


def _invoke(body: dict[str, Any]) -> Foreign | None:
    prompt = _text(body.get("positive_prompt"))
    if not prompt:
        return None
    model = body.get("model")
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name")
    return Foreign(
        program="InvokeAI",
        prompt=prompt,
        negative_prompt=_text(body.get("negative_prompt")),
        seed=_whole(body.get("seed")),
        size=_size(body.get("width"), body.get("height")),
        steps=_whole(body.get("steps")),
        guidance=_number(body.get("cfg_scale")),
        sampler=_text(body.get("scheduler")),
        model=_text(model),
    )


def _old_invoke(body: dict[str, Any]) -> Foreign | None:
    image = body.get("image")
    if not isinstance(image, dict):
        return None
    prompts = image.get("prompt")
    if isinstance(prompts, list):
        prompts = next((p.get("prompt") for p in prompts if isinstance(p, dict)), "")
    prompt = _text(prompts)
    # Negative words stood in square brackets inside the prompt.
    negative = ", ".join(re.findall(r"\[([^\[\]]*)\]", prompt))
    words = re.sub(r"\[[^\[\]]*\]", "", prompt).strip()
    if not words:
        return None
    return Foreign(
        program="InvokeAI",
        prompt=words,
        negative_prompt=negative.strip(),
        seed=_whole(image.get("seed")),
        size=_size(image.get("width"), image.get("height")),
        steps=_whole(image.get("steps")),
        guidance=_number(image.get("cfg_scale")),
        sampler=_text(image.get("sampler")),
        model=_text(body.get("model_weights")),
    )


# -------------------------------------------------------------------- ComfyUI


def _comfy(body: dict[str, Any]) -> Foreign | None:
    """A graph of nodes; its sampler knows where prompt, size and model come from."""
    found = drawn_by(body)
    if found is None or not found.prompts:
        return None
    several = max(len(found.prompts), len(found.negatives)) > 1
    return Foreign(
        program="ComfyUI",
        prompt=", ".join(found.prompts),
        negative_prompt=", ".join(found.negatives),
        seed=_whole(found.seed),
        size=_size(found.width, found.height),
        steps=_whole(found.steps),
        guidance=_number(found.guidance),
        sampler=_text(found.sampler),
        schedule=_text(found.scheduler),
        model=_text(found.model),
        note="several prompts, for parts of the picture, are joined" if several else "",
    )
