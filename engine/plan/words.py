"""The words and colours that rows may call for: those we ship, and over them the user's own."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import reason_of
from engine.plan.magic import Addition, Magic, read_magic
from engine.plan.palettes import Palette, read_palettes
from engine.plan.styles import Styles, Template, read_style_list, read_styles
from engine.plan.wildcards import Wildcards
from engine.settings import SettingsError, config_folder

_MOST_CHOICES = 100_000
_COMMENT = re.compile(r"^[ \t]*/\*.*?\*/[ \t]*$", re.DOTALL | re.MULTILINE)
"""Whole lines of it: what has one in its middle is somebody's words."""
_Read = TypeVar("_Read")


@dataclass(frozen=True)
class Words:
    """Styles, palettes, wildcards and enrichments."""

    styles: Styles = field(default_factory=dict)
    palettes: Mapping[str, Palette] = field(default_factory=dict)
    wildcards: Wildcards = field(default_factory=Wildcards)
    magic: Magic = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    """Column → what is wrong with the user's files of what can stand there."""


def load_words() -> Words:
    """What holds now; read again only when a file has changed.

    A file that cannot be read concerns those who name what is in it, and nobody else.
    """
    shipped, own = Path(str(files("assets"))), config_folder()
    return _load(shipped, own, tuple(_stamps(shipped)), tuple(_stamps(own)))


def _stamps(folder: Path) -> Iterator[tuple[str, int]]:
    single = (folder / f"{name}.toml" for name in ("styles", "palettes", "magic"))
    for path in (*single, *_style_lists(folder), *_wildcard_files(folder)):
        try:
            yield str(path), path.stat().st_mtime_ns
        except OSError:
            continue


def _style_lists(folder: Path) -> list[Path]:
    return sorted((folder / "styles").glob("*.json"))


def _wildcard_files(folder: Path) -> list[Path]:
    # What macOS puts beside each file on foreign disks, `._x.txt`, and other hidden ones are none.
    found = (folder / "wildcards").rglob("*.txt")
    return sorted(path for path in found if path.name[:1] != "." and not path.is_dir())


@lru_cache(4)
def _load(shipped: Path, own: Path, *_stamps: tuple[tuple[str, int], ...]) -> Words:
    styles: dict[str, Mapping[str, Template]] = {}
    palettes: dict[str, Palette] = {}
    choices: dict[str, tuple[str, ...]] = {}
    broken: dict[str, str] = {}
    magic: dict[str, tuple[Addition, ...]] = {}
    faults: dict[str, str] = {}
    for folder in (shipped, own):
        for path in _style_lists(folder):
            with _noted(faults, "style"):
                styles |= read_style_list(_text(path), path)
        with _noted(faults, "style"):
            for name, families in _toml(folder / "styles.toml", read_styles).items():
                styles[name] = {**styles.get(name, {}), **families}
        with _noted(faults, "color_palette"):
            palettes |= _toml(folder / "palettes.toml", read_palettes)
        with _noted(faults, "magic_prompt"):
            magic |= _toml(folder / "magic.toml", read_magic)
        base = folder / "wildcards"
        for path in _wildcard_files(folder):
            name = path.relative_to(base).with_suffix("").as_posix()
            try:
                choices[name] = _choices(path)
                broken.pop(name, None)
            except SettingsError as error:
                choices[name] = ()
                broken[name] = str(error)
    return Words(styles, palettes, Wildcards(choices, broken), magic, faults)


@contextmanager
def _noted(faults: dict[str, str], column: str) -> Iterator[None]:
    """Note what is wrong with a file: rows that do not need it are not to suffer."""
    try:
        yield
    except SettingsError as error:
        faults[column] = f"{faults[column]} {error}" if column in faults else str(error)


def _toml(
    path: Path, read: Callable[[Mapping[str, Any], Path], dict[str, _Read]]
) -> dict[str, _Read]:
    if not path.is_file():
        return {}
    try:
        return read(tomllib.loads(_text(path)), path)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error


def _choices(path: Path) -> tuple[str, ...]:
    """A file's lines; blank ones and comments (# …, // …, /* … */) are no choices."""
    text = _COMMENT.sub("", _text(path))
    lines = (line.strip() for line in text.splitlines())
    found = tuple(line for line in lines if line and not line.startswith(("#", "//")))
    if not found:
        raise SettingsError(f"{path} has no choices: write one per line.")
    if len(found) > _MOST_CHOICES:
        raise SettingsError(f"{path} has more than {_MOST_CHOICES:,} choices.")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8: save it as UTF-8.") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {reason_of(error)}.") from error
