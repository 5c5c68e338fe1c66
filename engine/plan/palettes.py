"""Palettes: the names of the color_palette column, and the colours they stand for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.settings import SettingsError
from engine.sheet.columns import COLOUR

Palette = tuple[str, ...]
"""`#RRGGBB`, each perhaps followed by `:weight`."""

_MOST_COLOURS = 5


def read_palettes(body: Mapping[str, Any], path: Path) -> dict[str, Palette]:
    """Name → palette, from a palettes file.

    Args:
        body: the file as TOML gives it.
        path: the file, for complaints.

    Raises:
        SettingsError: something in it is no palette.
    """
    palettes = {}
    for name, colours in body.items():
        listed = colours if isinstance(colours, list) else []
        written = tuple(str(colour).strip().upper() for colour in listed)
        if not 1 <= len(written) <= _MOST_COLOURS or not all(map(COLOUR.fullmatch, written)):
            raise SettingsError(
                f"{path}: {name} is not a palette: write up to {_MOST_COLOURS} colours, like"
                f' {name} = ["#CBA324", "#F86C14:2"].'
            )
        palettes[name.casefold()] = written
    return palettes


def resolve_palette(asked: Sequence[str], palettes: Mapping[str, Palette]) -> Palette:
    """The colours of a `color_palette` cell; a name becomes what it stands for now.

    Raises:
        SettingsError: there is no palette of this name.
    """
    if all(map(COLOUR.fullmatch, asked)):
        return tuple(asked)
    if len(asked) > 1:
        raise SettingsError(f"Not a palette: {' '.join(asked)}.")
    if asked[0] not in palettes:
        raise SettingsError(f"Unknown palette {asked[0]!r}; choose from {', '.join(palettes)}.")
    return palettes[asked[0]]


def weighted(palette: Sequence[str]) -> list[tuple[tuple[int, int, int], float]]:
    """Each colour's red, green and blue (0 … 255) and its share of the whole; shares sum to 1."""
    split = [colour.partition(":") for colour in palette]
    weights = [float(weight) if weight else 1.0 for _, _, weight in split]
    total = sum(weights)
    shares = [weight / total for weight in weights] if total else [1 / len(split)] * len(split)
    return [
        ((int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)), share)
        for (text, _, _), share in zip(split, shares, strict=True)
    ]
