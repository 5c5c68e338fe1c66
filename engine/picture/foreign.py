"""What other programs write into their pictures, read as data: A1111, InvokeAI, ComfyUI and more.

The text of a picture is anybody's: nothing in it is evaluated, followed or trusted to be of the
kind it says. What is not understood is left out.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.picture.comfy import drawn_by
from engine.picture.foreign_texts import foreign_texts, hidden_text
from engine.picture.formats import read_texts
from engine.picture.metadata import ImageRecord
from engine.picture.png import PictureError, read_text
from engine.picture.recipe import Recipe
from engine.picture.told import Foreign, as_json, as_number, as_size, as_text, as_whole
from engine.picture.told_in_text import a1111, by_keys, dream, without_brackets

__all__ = ["NO_TEXT", "Foreign", "read_foreign", "told_by", "understand", "why_silent"]

_NAMED = re.compile(r" \((.+)\)$")
"""The name in the `scheduler` column, behind the class in a recipe."""


def read_foreign(path: Path) -> Foreign | None:
    """What a picture file says of how it was made; None if it says nothing we understand.

    Raises:
        OSError: the file cannot be read.
    """
    for read in (read_texts, read_text):  # a PNG may be called otherwise
        with contextlib.suppress(PictureError):
            record = ImageRecord.from_text(read(path))
            if record is not None:
                return told_by(record)
    return understand(foreign_texts(path)) or understand(_hidden(path))


def why_silent(path: Path) -> str:
    """Why a picture that `read_foreign` does not understand says nothing, in words.

    Raises:
        OSError: the file cannot be read.
    """
    texts = foreign_texts(path) or _hidden(path)
    if not texts:
        return NO_TEXT
    if "prompt" in texts or "workflow" in texts:
        return "it looks like ComfyUI's, but its graph has no sampler with a prompt"
    for keyword, program in _PROGRAMS.items():
        if keyword in texts:
            return f"it looks like {program}'s, but its text has no prompt"
    if "parameters" in texts:
        return "it has parameters, but not in the format of A1111 and similar programs"
    return f"it has texts of an unknown kind: {', '.join(sorted(texts)[:5])}"


NO_TEXT = "it contains no text"
_PROGRAMS = {
    "invokeai_metadata": "InvokeAI",
    "invokeai_graph": "InvokeAI",
    "sd-metadata": "InvokeAI",
    "Dream": "InvokeAI",
    "Comment": "NovelAI",
    "fooocus_scheme": "Fooocus",
}


def _hidden(path: Path) -> dict[str, str]:
    text = hidden_text(path)
    body = as_json(text)
    if isinstance(body, dict) and "Comment" in body:
        return {str(key): value for key, value in body.items() if isinstance(value, str)}
    return {"parameters": text} if text else {}


def understand(text: Mapping[str, str]) -> Foreign | None:
    """What the text inside a picture says of how it was made. Never raises.

    Args:
        text: keyword → text.
    """
    record = ImageRecord.from_text(text)
    if record is not None:
        return told_by(record)
    for keyword, read in (
        ("invokeai_metadata", _invoke),
        ("sd-metadata", _old_invoke),
        ("parameters", _parameters),
        ("Comment", _novelai),
        ("prompt", _comfy),
    ):
        body = as_json(text.get(keyword, ""))
        if isinstance(body, dict) and (found := read(body)) is not None:
            return found
    if "Dream" in text and (found := dream(text["Dream"])) is not None:
        return found
    return a1111(text["parameters"]) if "parameters" in text else None


def _parameters(body: dict[str, Any]) -> Foreign | None:
    """JSON where A1111 has lines: SwarmUI, Fooocus, RuinedFooocus."""
    if isinstance(swarm := body.get("sui_image_params"), dict):
        return by_keys(swarm, "SwarmUI")
    said = as_text(body.get("software", body.get("version")))
    ruined = "ruined" in said.casefold() or ("Prompt" in body and "prompt" not in body)
    return by_keys(body, "RuinedFooocus" if ruined else "Fooocus")


def _novelai(body: dict[str, Any]) -> Foreign | None:
    if not ("uc" in body or "scale" in body or "v4_prompt" in body):
        return None
    found = by_keys(body, "NovelAI")
    caption = body.get("v4_prompt")
    caption = caption.get("caption") if isinstance(caption, dict) else None
    base = as_text(caption.get("base_caption")) if isinstance(caption, dict) else ""
    return replace(found, prompt=base) if found and base else found


def told_by(record: ImageRecord) -> Foreign:
    """What our own record says, which is everything."""
    return told_by_recipe(record.recipe)


def told_by_recipe(recipe: Recipe) -> Foreign:
    """What our own recipe says."""
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
        loras=tuple((lora.name, lora.weight) for lora in recipe.loras),
        image=recipe.image,
        strength=recipe.strength,
        upscale=recipe.upscale,
        mask=recipe.mask,
        fit=recipe.fit if recipe.image else "",
    )


# -------------------------------------------------------------------- InvokeAI


def _invoke(body: dict[str, Any]) -> Foreign | None:
    prompt = as_text(body.get("positive_prompt"))
    if not prompt:
        return None
    model = body.get("model")
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name")
    return Foreign(
        program="InvokeAI",
        prompt=prompt,
        negative_prompt=as_text(body.get("negative_prompt")),
        seed=as_whole(body.get("seed")),
        size=as_size(body.get("width"), body.get("height")),
        steps=as_whole(body.get("steps")),
        guidance=as_number(body.get("cfg_scale")),
        sampler=as_text(body.get("scheduler")),
        model=as_text(model),
        loras=tuple(_invoke_loras(body.get("loras"))),
    )


def _invoke_loras(listed: object) -> Iterator[tuple[str, float]]:
    """`{"model": {"name": …}, "weight": …}`, or in older versions `{"lora": {"model_name": …}}`."""
    for each in listed if isinstance(listed, list) else ():
        if not isinstance(each, dict):
            continue
        model = each.get("model", each.get("lora"))
        name = (
            as_text(model.get("name", model.get("model_name"))) if isinstance(model, dict) else ""
        )
        weight = each.get("weight", 1)
        if name and isinstance(weight, int | float) and not isinstance(weight, bool):
            yield name, float(weight)


def _old_invoke(body: dict[str, Any]) -> Foreign | None:
    image = body.get("image")
    if not isinstance(image, dict):
        return None
    prompts = image.get("prompt")
    if isinstance(prompts, list):
        prompts = next((p.get("prompt") for p in prompts if isinstance(p, dict)), "")
    prompt = as_text(prompts)
    words, negative = without_brackets(prompt)
    if not words:
        return None
    return Foreign(
        program="InvokeAI",
        prompt=words,
        negative_prompt=negative,
        seed=as_whole(image.get("seed")),
        size=as_size(image.get("width"), image.get("height")),
        steps=as_whole(image.get("steps")),
        guidance=as_number(image.get("cfg_scale")),
        sampler=as_text(image.get("sampler")),
        model=as_text(body.get("model_weights")),
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
        seed=as_whole(found.seed),
        size=as_size(found.width, found.height),
        steps=as_whole(found.steps),
        guidance=as_number(found.guidance),
        sampler=as_text(found.sampler),
        schedule=as_text(found.scheduler),
        model=as_text(found.model),
        loras=found.loras,
        note="several prompts for parts of the picture were joined" if several else "",
    )
