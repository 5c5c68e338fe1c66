"""The magic prompt without a language model: what suits the model is added, always the same."""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.models.family import Family
from engine.settings import SettingsError

MOST_WORDS = 60
"""A prompt longer than this says enough."""


@dataclass(frozen=True, slots=True)
class Addition:
    """One thing that may be added."""

    name: str
    add: tuple[str, ...]
    when: tuple[str, ...] = ()
    """Only where the prompt holds one of these; empty: always."""
    unless: tuple[str, ...] = ()
    """Not where the prompt holds one of these."""


Magic = Mapping[str, Sequence[Addition]]
"""Family, or `keywords` or `sentences` → additions in order."""


def read_magic(body: Mapping[str, Any], path: Path) -> dict[str, tuple[Addition, ...]]:
    """The additions of a magic-prompt file.

    Args:
        body: the file as TOML gives it.
        path: the file, for complaints.

    Raises:
        SettingsError: something in it is no addition.
    """
    listed = body.get("words", {})
    if not isinstance(listed, dict) or not all(map(_is_texts, listed.values())):
        raise SettingsError(f"{path}: [words] holds lists of words by name.")
    return {
        family: tuple(
            _addition(item, listed, f"{path}: {family} {number}")
            for number, item in enumerate(items if isinstance(items, list) else [items], 1)
        )
        for family, items in body.items()
        if family != "words"
    }


def _addition(item: Any, listed: Mapping[str, Sequence[str]], where: str) -> Addition:
    if not isinstance(item, dict) or item.keys() - {"name", "add", "when", "unless"}:
        raise SettingsError(f"{where}: an addition has name, add, and perhaps when and unless.")
    lists = {key: item.get(key, []) for key in ("add", "when", "unless")}
    if not all(map(_is_texts, lists.values())) or not lists["add"]:
        raise SettingsError(f"{where}: add (never empty), when and unless are lists of texts.")
    try:
        when, unless = (_spelled_out(lists[key], listed) for key in ("when", "unless"))
    except KeyError as error:
        raise SettingsError(f"{where}: there is no list {error} under [words].") from error
    return Addition(str(item.get("name", "")), tuple(lists["add"]), when, unless)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) and text for text in value)


def _spelled_out(words: Sequence[str], listed: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    groups = (listed[word[1:]] if word.startswith("@") else [word] for word in words)
    return tuple(word for group in groups for word in group)


def enrich(prompt: str, family: Family, magic: Magic) -> str:
    """The prompt with what suits the family; unchanged where there is nothing to add."""
    additions = magic.get(family.name) or magic.get(family.words) or ()
    if not 0 < len(prompt.split()) <= MOST_WORDS:
        return prompt
    text = prompt.rstrip()
    stop = text[-1] if text[-1] in ".!?" else ""
    text = text.rstrip(".!?") if stop == "." else text
    added = ""
    for addition in additions:
        if addition.when and not _holds(text + added, addition.when):
            continue
        if addition.unless and _holds(text + added, addition.unless):
            continue
        choice = zlib.crc32(f"{addition.name}:{prompt}".encode()) % len(addition.add)
        added += addition.add[choice]
    return f"{text}{added}" if added else prompt


def _holds(text: str, words: tuple[str, ...]) -> bool:
    return _pattern(words).search(text) is not None


@lru_cache(1024)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    listed = "|".join(map(re.escape, words))
    return re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE)
