"""A corrected copy of the user's own file, where only the mended cells differ; or a new file."""

import csv
import io
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import msgspec

from engine.atomic_files import place
from engine.errors import reason_of
from engine.sheet.child_messages import AnyFromCopier, CopyRefused, ToCopy, as_json, understood
from engine.sheet.editing import Draft
from engine.sheet.moved_pictures import moved_names
from engine.sheet.rows import SheetError
from engine.unfinished_files import unfinished

_PROGRAM = "engine.sheet.copy_writer"
_SECONDS = 120.0
_ENDINGS = (".csv", ".tsv", ".xls", ".xlsx", ".ods")
_BOOKS = (".xls", ".xlsx", ".xlsm", ".xltx", ".xltm", ".ods", ".ots")
_AS_CSV = "It holds only the rows, without formatting, formulas and other worksheets."
_WRITTEN_AS = {".xls": ".xlsx"} | dict.fromkeys(
    (".json", ".jsonl", ".ndjson", ".yaml", ".yml", ".toml"), ".csv"
)
"""What other files' copies end in."""
_MOST_LETTERS = 60
"""Of a file's name, which may have 255 bytes."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was written."""

    path: Path
    cells: int
    """How many cells differ."""
    rows: int
    """How many rows are left out of it."""
    notes: tuple[str, ...]
    """What the copy could not keep, or has otherwise."""


def free_name(source: Path) -> Path:
    """Beside the file, a name that is not taken: `prompts-corrected.xlsx`."""
    ending = _WRITTEN_AS.get(source.suffix.lower(), source.suffix or ".csv")
    return _first_free(source.parent, f"{source.stem}-corrected", ending)


def save_copy(
    draft: Draft,
    source: Path,
    target: Path,
    *,
    overwrite: bool = False,
    without_left_out: bool = False,
    pictures: Path | None = None,
) -> Copy:
    """Write the file with the draft's mends; everything else in it stays.

    A process of its own does it: workbooks take their time, and the screen never waits.

    Args:
        draft: the sheet; its file must not have changed since.
        source: that file; text of any encoding becomes UTF-8.
        target: where to; an xls file becomes xlsx. Of a workbook, one that ends in .csv gets the
            rows as they read.
        overwrite: whether an existing `target` may be replaced.
        without_left_out: whether rows that are left out are not in the copy either. In a workbook
            they are emptied, so that what refers to others still does.
        pictures: the folder in which the pictures are that cells name without one; in a copy
            elsewhere the names lead there. None: names stay as they are.

    Raises:
        SheetError: it cannot be written, or something is there already.
    """
    dropped = {n for n in draft.numbers if without_left_out and draft.is_left_out(n)}
    mended = {n: texts for n, texts in draft.mended().items() if n not in dropped}
    count = sum(map(len, mended.values()))
    _refuse_other_kind(draft, source, target)
    if draft.worksheet is not None and target.suffix.lower() == ".csv":
        _, notes = save_new(
            draft,
            target,
            overwrite=overwrite,
            pictures=pictures,
            without_left_out=without_left_out,
        )
        return Copy(target, count, len(dropped), (_AS_CSV, *notes))
    moved = moved_names(draft, pictures, target.parent) if pictures is not None else {}
    moved = {number: names for number, names in moved.items() if number not in dropped}
    for number, names in moved.items():
        mended[number] = mended.get(number, {}) | names
    _take_apart(draft, mended, dropped)
    with _placed(target, overwrite=overwrite) as partial:
        request = ToCopy(
            source=str(source.absolute()),
            target=str(partial),
            sheet=draft.worksheet,
            encoding=draft.table.encoding,
            header_row=draft.table.header_row,
            first_row=draft.table.lines[0].number if draft.table.lines else 1,
            new_headers=_new_headers(draft),
            cells=[
                (number, draft.place_of(column), column, text)
                for number, texts in mended.items()
                for column, text in texts.items()
            ],
            dropped=sorted(dropped),
        )
        reply = _rewrite(request)
    notes = (*draft.table.uncopied, *reply, *_moved_words(moved))
    return Copy(target, count, len(dropped), notes)


def _refuse_other_kind(draft: Draft, source: Path, target: Path) -> None:
    """A file that says by its name that it is another than it is will not open.

    Raises:
        SheetError: the target's name says so.
    """
    given, fitting = target.suffix.lower(), free_name(source).suffix.lower()
    if draft.worksheet is None:
        if given in _BOOKS:
            raise SheetError(
                f"{source.name} is a text file, and so is its copy: choose a name ending in .csv."
            )
    elif given not in (fitting, ".csv") and fitting in _BOOKS:
        raise SheetError(f"The name of a copy of {source.name} must end in {fitting} or .csv.")


def _moved_words(moved: Mapping[int, Mapping[str, str]]) -> list[str]:
    count = sum(map(len, moved.values()))
    if not count:
        return []
    what = (
        f"{count:,} picture names were adjusted to lead"
        if count > 1
        else "1 picture name was adjusted to lead"
    )
    return [f"{what} from its new folder to where the files are."]


def new_name(draft: Draft, folder: Path) -> Path:
    """In a folder, a name that is not taken for a draft without a file: `prompts.csv`."""
    return _first_free(folder, plain_name(draft), ".csv")


def _first_free(folder: Path, stem: str, ending: str) -> Path:
    names = chain((stem,), (f"{stem}-{count}" for count in itertools.count(2)))
    paths = (folder / f"{name}{ending}" for name in names)
    return next(path for path in paths if not path.exists())


def plain_name(draft: Draft) -> str:
    """What the draft is called, as a file can be called, without an ending."""
    name = Path(re.sub(r"[/\0]", "-", draft.file).lstrip("."))
    stem = name.stem if name.suffix.lower() in _ENDINGS else name.name
    return stem[:_MOST_LETTERS].strip() or "prompts"


def save_new(
    draft: Draft,
    target: Path,
    *,
    overwrite: bool = False,
    pictures: Path | None = None,
    without_left_out: bool = False,
) -> tuple[int, tuple[str, ...]]:
    """Write a draft that has no file, as it reads, into a csv file.

    Args:
        draft: the sheet.
        target: where to.
        overwrite: whether an existing `target` may be replaced.
        pictures: as for `save_copy`.
        without_left_out: whether rows that are left out are not written.

    Returns:
        How many rows, and what the file has otherwise.

    Raises:
        SheetError: another ending, it cannot be written, or something is there already.
    """
    if target.suffix.lower() != ".csv":
        raise SheetError(f"New sheets are saved as .csv: change the ending of {target.name}.")
    names = {draft.place_of(column): column for column in draft.columns}
    moved = moved_names(draft, pictures, target.parent) if pictures is not None else {}
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(draft.header)
    numbers = [n for n in draft.numbers if not (without_left_out and draft.is_left_out(n))]
    for number in numbers:
        texts = {names[at]: draft.text(number, names[at]) for at in names} | moved.get(number, {})
        lines.writerow([texts[names[at]] if at in names else "" for at in range(len(draft.header))])
    text = out.getvalue()
    encoding = "utf-8" if text.isascii() else "utf-8-sig"  # Excel needs the mark
    with (
        _placed(target, overwrite=overwrite) as partial,
        partial.open("w", encoding=encoding, newline="") as file,
    ):
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return len(numbers), tuple(_moved_words(moved))


@contextmanager
def _placed(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """An empty file beside `target` that takes its name in the end, if all goes well.

    Raises:
        SheetError: it cannot be written, or something is there already.
    """
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise SheetError(
            f"{target} is not a regular file and is not replaced. Choose another name."
        )
    if target.exists() and not overwrite:
        raise SheetError(f"{target} already exists. Choose another name, or replace it.")
    try:
        with unfinished(target.parent) as partial:
            try:
                partial.touch(mode=0o600, exist_ok=False)
            except OSError as error:
                raise SheetError(
                    f"{target.parent} cannot be written: {reason_of(error)}."
                ) from error
            yield partial
            if overwrite:
                partial.replace(target)
            else:
                place(partial, target)  # never over a file that has come meanwhile
    except FileExistsError as error:
        raise SheetError(f"{target} already exists. Choose another name.") from error
    except OSError as error:
        raise SheetError(f"{target} cannot be written: {reason_of(error)}.") from error


def _take_apart(draft: Draft, mended: dict[int, dict[str, str]], dropped: Collection[int]) -> None:
    """Give each row its own value of merged cells that do not hold all their rows' any more."""
    read = {line.number for line in draft.table.lines}
    for area in draft.table.merged:
        rows = [number for number in draft.numbers if area.top <= number <= area.bottom]
        column = draft.column_at(area.left - 1)
        if column and any(
            column in mended.get(row, ()) or row not in read or row in dropped for row in rows
        ):
            for row in (row for row in rows if row not in dropped):
                mended.setdefault(row, {}).setdefault(column, draft.text(row, column))


def _new_headers(draft: Draft) -> dict[int, str]:
    """What is to be written into the header's row, by the column's index from 0."""
    before = draft.table.header
    new = dict(enumerate(draft.header[len(before) :], len(before)))
    # Beside others, an only column must be called what it was taken for.
    return new | {len(before) - 1: before[-1]} if new and sum(map(bool, before)) == 1 else new


def _rewrite(request: ToCopy) -> tuple[str, ...]:
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-m", _PROGRAM],
            input=as_json(request).encode(),
            capture_output=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise SheetError(f"Saving the copy took longer than {_SECONDS:g} seconds.") from error
    try:
        reply: AnyFromCopier = understood(json.loads(child.stdout), AnyFromCopier)
    except (ValueError, msgspec.ValidationError) as error:
        reason = child.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SheetError(f"The copy could not be saved: {''.join(reason)}") from error
    if isinstance(reply, CopyRefused):
        raise SheetError(reply.reason)
    return reply.notes
