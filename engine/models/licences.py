"""A model's licence, where its folder says it."""

from collections.abc import Mapping
from pathlib import Path

from engine.models.weights_file import read_header
from engine.models.weights_header import WeightsFileError

_LONGEST = 80
_MOST_BYTES = 64 << 10
"""Of a model card: what is asked for stands at its beginning."""


def licence_of(source: Path) -> str:
    """The licence that a model's folder or file names; empty: none is named.

    A folder names it in the front matter of its model card (README.md), a file in its header.
    """
    if not source.is_file():
        return _of_card(source)
    try:
        return read_header(source).metadata.get("modelspec.license", "")[:_LONGEST]
    except (OSError, WeightsFileError):
        return ""


def _of_card(folder: Path) -> str:
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MOST_BYTES)
    except OSError:
        return ""
    begin, _, rest = text.lstrip("\ufeff").partition("---\n")
    matter, closed, _ = rest.partition("\n---")
    if begin.strip() or not closed:
        return ""
    import yaml  # type: ignore[import-untyped]  # which only a card needs

    try:
        said = yaml.safe_load(matter)
    except (yaml.YAMLError, RecursionError):
        return ""
    if not isinstance(said, Mapping):
        return ""
    named = said.get("license_name") if said.get("license") == "other" else said.get("license")
    return str(named or said.get("license") or "")[:_LONGEST]
