"""A corrected copy of the user's own file: only the mended cells differ."""

import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from engine.placing import place
from engine.sheet.editing import Draft
from engine.sheet.rows import SheetError

_PROGRAM = "engine.sheet.rewriting"
_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was written."""

    path: Path
    cells: int
    """How many cells differ."""
    notes: tuple[str, ...]
    """What the copy could not keep."""


def free_name(source: Path) -> Path:
    """Beside the file, a name that is not taken: `prompts-corrected.xlsx`."""
    ending = ".xlsx" if source.suffix.lower() == ".xls" else source.suffix or ".csv"
    names = chain(("corrected",), (f"corrected-{count}" for count in itertools.count(2)))
    paths = (source.with_name(f"{source.stem}-{name}{ending}") for name in names)
    return next(path for path in paths if not path.exists())


def save_copy(draft: Draft, source: Path, target: Path, *, overwrite: bool = False) -> Copy:
    """Write the file with the draft's mends; everything else in it stays.

    A process of its own does it: workbooks take their time, and the screen never waits.

    Args:
        draft: the sheet; its file must not have changed since.
        source: that file; text of any encoding becomes UTF-8.
        target: where to; an xls file becomes xlsx.
        overwrite: whether an existing `target` may be replaced.

    Raises:
        SheetError: it cannot be written, or something is there already.
    """
    if target.exists() and not overwrite:
        raise SheetError(f"{target} exists already. Choose another name, or say to replace it.")
    mended = draft.mended()
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as partial:
            pass
    except OSError as error:
        raise SheetError(f"{target.parent} cannot be written: {error.strerror}.") from error
    request = {
        "source": str(source.absolute()),
        "target": partial.name,
        "sheet": draft.worksheet,
        "header_row": draft.table.header_row,
        "new_headers": _new_headers(draft),
        "cells": [
            [number, draft.place_of(column), column, text]
            for number, texts in mended.items()
            for column, text in texts.items()
        ],
    }
    try:
        reply = _rewrite(request)
        if overwrite:
            Path(partial.name).replace(target)
        else:
            place(Path(partial.name), target)  # never over a file that has come meanwhile
    except FileExistsError as error:
        raise SheetError(f"{target} exists already. Choose another name.") from error
    except OSError as error:
        raise SheetError(f"{target} cannot be written: {error.strerror}.") from error
    finally:
        Path(partial.name).unlink(missing_ok=True)
    return Copy(target, sum(map(len, mended.values())), tuple(reply))


def _new_headers(draft: Draft) -> dict[int, str]:
    """What is to be written into the header's row, by the column's index from 0."""
    before = draft.table.header
    new = dict(enumerate(draft.header[len(before) :], len(before)))
    # Beside others, an only column must be called what it was taken for.
    return new | {len(before) - 1: before[-1]} if new and sum(map(bool, before)) == 1 else new


def _rewrite(request: Mapping[str, object]) -> list[str]:
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", _PROGRAM],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise SheetError(f"Writing the copy took longer than {_SECONDS:g} seconds.") from error
    try:
        reply = json.loads(child.stdout)
    except ValueError as error:
        reason = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SheetError(f"The copy could not be written: {''.join(reason)}") from error
    if refused := reply.get("refused"):
        raise SheetError(refused)
    return list(reply["notes"])
