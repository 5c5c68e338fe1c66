"""Styles: words put around a prompt, or into a caption, for each family of models."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.caption.schema import OTHER_STYLE, PHOTO_STYLE, style_keys
from engine.settings import SettingsError

PLACE = "{prompt}"
ANY = "any"
AUTO = "auto"
CAPTIONED = "ideogram"
"""The family whose styles are parts of captions."""
_MOST_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Template:
    """What a style adds for one family."""

    prompt: str = PLACE
    """With `{prompt}` once, where the prompt goes."""
    negative: str = ""
    caption: Mapping[str, str] = field(default_factory=dict)
    """The style description of a caption, without its palette; empty: it is told by words."""


Styles = Mapping[str, Mapping[str, Template]]
"""Style → family (or `any`) → template."""


def read_styles(body: Mapping[str, Any], path: Path) -> dict[str, dict[str, Template]]:
    """The styles of a styles file.

    Args:
        body: the file as TOML gives it.
        path: the file, for complaints.

    Raises:
        SettingsError: something in it is no style.
    """
    styles: dict[str, dict[str, Template]] = {}
    for name, families in body.items():
        if not isinstance(families, dict):
            raise SettingsError(f"{path}: {name}: write [{name}.any], then prompt = … under it.")
        styles[name.casefold()] = {
            family: _template(template, f"{path}: {name}.{family}")
            for family, template in families.items()
        }
    return styles


def read_style_list(text: str, path: Path) -> dict[str, dict[str, Template]]:
    """The styles of a list as SDXL's tools share them: JSON, each with name and prompt.

    Raises:
        SettingsError: it is no such list.
    """
    try:
        listed = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{path} is not JSON: {error}.") from error
    if not isinstance(listed, list):
        raise SettingsError(f"{path}: a style list is a list of name, prompt, negative_prompt.")
    styles = {}
    for number, item in enumerate(listed, start=1):
        where = f"{path}, style {number}"
        if not isinstance(item, dict) or not str(item.get("name") or "").strip():
            raise SettingsError(f"{where} has no name.")
        body = {
            "prompt": item.get("prompt") or PLACE,
            "negative": item.get("negative_prompt") or "",
        }
        styles[str(item["name"]).strip().casefold()] = {ANY: _template(body, where)}
    return styles


def _template(body: Any, where: str) -> Template:
    if isinstance(body, dict) and body.keys() & _OF_CAPTIONS:
        return Template(caption=_style_description(body, where))
    if not isinstance(body, dict) or body.keys() - {"prompt", "negative"}:
        raise SettingsError(f"{where}: a style has a prompt and perhaps a negative, nothing else.")
    prompt, negative = str(body.get("prompt", PLACE)), str(body.get("negative", ""))
    if max(len(prompt), len(negative)) > _MOST_CHARS:
        raise SettingsError(f"{where}: more than {_MOST_CHARS} characters.")
    if prompt.count(PLACE) != 1:
        raise SettingsError(f"{where}: the prompt must hold {PLACE} once, where the prompt goes.")
    return Template(prompt, negative)


_OF_CAPTIONS = frozenset((*PHOTO_STYLE, *OTHER_STYLE)) - {"color_palette"}


def _style_description(body: Mapping[str, Any], where: str) -> dict[str, str]:
    wanted = [key for key in style_keys(body) if key != "color_palette"]
    words = {key: str(body.get(key, "")) for key in wanted}
    if body.keys() != words.keys() or max(map(len, words.values())) > _MOST_CHARS:
        raise SettingsError(
            f"{where}: a style for captions has aesthetics, lighting, photo and medium, or"
            " aesthetics, lighting, medium and art_style; nothing else."
        )
    return words


def template_of(style: str, family: str, styles: Styles) -> Template:
    """What a style adds for a family; nothing for `auto`.

    Raises:
        SettingsError: there is no such style.
    """
    if style == AUTO:
        return Template()
    if style not in styles:
        raise SettingsError(f"Unknown style {style!r}; choose from auto, {', '.join(styles)}.")
    templates = styles[style]
    return templates.get(family) or templates.get(ANY) or Template()


def apply_style(template: Template, prompt: str, negative: str) -> tuple[str, str]:
    """Prompt and negative prompt with the style's words."""
    before, _, after = template.prompt.partition(PLACE)
    # "A cat." in the middle of a sentence keeps no full stop.
    middle = prompt.rstrip(".") if after[:1] in (",", ".") else prompt
    both = ", ".join(part for part in (negative, template.negative) if part)
    return f"{before}{middle}{after}", both


def caption_styles(styles: Styles) -> dict[str, Mapping[str, str]]:
    """Style → what it is in a caption, for those that are something there."""
    found = {name: template_of(name, CAPTIONED, styles).caption for name in styles}
    return {name: caption for name, caption in found.items() if caption}
