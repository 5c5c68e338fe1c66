"""Sheets that are written for somebody: of pictures to be drawn on, of the recipes in pictures."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from engine.api.found_pictures import FoundPictures, Progress, RefusedPicture, look_at_found
from engine.atomic_files import place
from engine.library.read.tables import TABLE_KINDS, TableKind, written_table
from engine.plan.recipes import SEEDS
from engine.sheet.columns import CAPTION_COLUMNS, COLUMN
from engine.sheet.picture_names import cell_naming, shown_path
from engine.sheet.rows import SheetError
from engine.sheet.table import cell_text
from engine.unfinished_files import unfinished

_PICTURE_SHEET = (
    *("prompt", "image", "strength", "fit", "num_images", "seed_number", "rendering"),
    *("negative_prompt", "model"),
)
"""The columns of a sheet of pictures that most people need."""


def picture_sheet(
    found: FoundPictures, sheet: Path, *, prompt: str, full: bool, replace: bool, progress: Progress
) -> tuple[int, tuple[RefusedPicture, ...]]:
    """As `Sheets.write_picture_sheet` says."""
    whole = (name for name in COLUMN if name not in CAPTION_COLUMNS)
    columns = tuple(whole) if full else _PICTURE_SHEET
    kind, looked = _kind_of(sheet), look_at_found(found, progress)
    refused, cells = list(looked.refused), list[str]()
    for path in looked.paths.values():
        place = cell_naming(path, sheet.absolute().parent)
        cell = cell_text(place)
        if cell == place == cell.strip():
            cells.append(cell)
        else:
            reason = "Its name cannot go in a cell. Rename the file, or use `promptsheet images`."
            refused.append(RefusedPicture(shown_path(place), reason))
    if not cells:
        raise SheetError(_why_none(refused))
    _write_table(
        kind,
        sheet,
        columns,
        ({"prompt": prompt, "image": cell} for cell in cells),
        replace=replace,
    )
    return len(cells), tuple(refused)


def recipes_of(
    pictures: Iterable[Path], sheet: Path, *, replace: bool
) -> tuple[int, list[RefusedPicture], list[str]]:
    """As `Sheets.write_recipes` says."""
    # Pillow, which few need.
    from engine.picture.foreign import NO_TEXT, read_foreign, why_silent
    from engine.plan.from_pictures import row_of, source_of

    kind = _kind_of(sheet)
    if (sheet.exists() or sheet.is_symlink()) and not replace:
        raise _is_there(sheet)
    rows: list[dict[str, str]] = []
    silent: list[RefusedPicture] = []
    beyond, noted = 0, list[str]()
    for picture in pictures:
        found = read_foreign(picture)
        if found is None:
            silent.append(RefusedPicture(shown_path(picture), why_silent(picture)))
        else:
            beyond += found.seed is not None and found.seed >= SEEDS
            noted += [f"{shown_path(picture)}: {found.note}"] if found.note else []
            rows.append(row_of(found) | source_of(found) | {"source_file": str(picture)})
    if not rows:
        told = [each for each in silent if each.reason != NO_TEXT]
        raise SheetError(
            f"No picture could be read: {told[0].file}: {told[0].reason}."
            if told
            else "None of these pictures contains a recipe."
        )
    columns = list(dict.fromkeys(name for row in rows for name in row))
    _write_table(kind, sheet, columns, rows, replace=replace)
    if beyond:
        noted.insert(
            0,
            f"{beyond:,} of {len(rows):,} seeds are above the maximum of {SEEDS - 1}: they"
            " are kept in the column source_seed, and seed_number has the remainder after"
            " dividing by 2³¹",
        )
    return len(rows), silent, noted


def _kind_of(sheet: Path) -> TableKind:
    """The kind of table that a sheet's name ends in.

    Raises:
        SheetError: none.
    """
    kind = next((kind for kind in TABLE_KINDS if sheet.suffix.lower() == f".{kind}"), None)
    if kind is None:
        raise SheetError(f"{sheet} must end in {', '.join(f'.{kind}' for kind in TABLE_KINDS)}.")
    return kind


def _is_there(sheet: Path) -> SheetError:
    return SheetError(f"{sheet} already exists. Choose another name.")


def _write_table(
    kind: TableKind,
    sheet: Path,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, str]],
    *,
    replace: bool = False,
) -> None:
    """Write rows as a new sheet, which has its name once it is whole.

    Raises:
        SheetError: there is a file of that name, and it is not to be replaced.
        OSError: it cannot be written.
    """
    with unfinished(sheet.parent) as folder:
        folder.mkdir(mode=0o700)
        part = folder / sheet.name
        with written_table(kind, part, columns) as table:
            for row in rows:
                table.line([row.get(name, "") for name in columns])
        if replace:
            part.replace(sheet)
            return
        try:
            place(part, sheet)
        except FileExistsError as error:
            raise _is_there(sheet) from error


def _why_none(refused: Sequence[RefusedPicture]) -> str:
    if not refused:
        return "No pictures given."
    more = f" and {len(refused) - 1:,} more were refused" if len(refused) > 1 else ""
    return f"None of these pictures can be used: {refused[0].file}: {refused[0].reason}{more}."
