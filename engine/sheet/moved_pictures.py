"""Names of pictures in a sheet's cells, as they are to read in another folder."""

import os
from contextlib import suppress
from pathlib import Path

from engine.sheet.columns import PICTURE_COLUMNS
from engine.sheet.editing import Draft
from engine.sheet.picture_names import cell_naming, digest_in

_UP = 2
"""Folders above its own in which a sheet may name a picture otherwise than by its whole path."""


def moved_names(draft: Draft, there: Path, here: Path) -> dict[int, dict[str, str]]:
    """What cells have to say in another folder, to name the same files. Blocks.

    Whole paths, names of the library's copies, and names that lead to no file stay as they are.

    Args:
        draft: the sheet.
        there: the folder in which its names without a folder of their own are.
        here: the folder that it goes to.

    Returns:
        Row → column → name, of the cells that are to read otherwise.
    """
    here, there = here.absolute(), there.absolute()
    found: dict[int, dict[str, str]] = {}
    with suppress(OSError):
        if here.samefile(there):
            return found
    known: dict[str, str] = {}
    columns = [name for name in PICTURE_COLUMNS if name in draft.columns and not draft.is_own(name)]
    for number in draft.numbers:
        for column in columns:
            text = draft.text(number, column)
            if text not in known:
                known[text] = _moved(text, there, here)
            if known[text] != text:
                found.setdefault(number, {})[column] = known[text]
    return found


def _moved(text: str, there: Path, here: Path) -> str:
    if not text or digest_in(text) or text.startswith("~") or Path(text).is_absolute():
        return text
    path = Path(os.path.normpath(there / text))
    if not _are_same(path, there / text):  # it goes up from a folder that is a link
        path = Path(os.path.realpath(there / text))
    if not _are_same(path, there / text):
        return text
    name = cell_naming(path, here, up=_UP)
    return name if _are_same(here / name, path) else str(path)


def _are_same(path: Path, other: Path) -> bool:
    """Whether both lead to the same file, which is there."""
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        return False
