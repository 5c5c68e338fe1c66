"""Templates: sheets to fill in, and the rules of the columns in words."""

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from engine.sheet.columns import COLUMNS, EXAMPLE_PROMPT, MOST_COLOURS, PALETTES, Column, Kind
from engine.sheet.rows import SheetError
from engine.unfinished_files import unfinished

ROWS = 1000
"""Rows of an xlsx or ods template that are ready to be typed into."""
_EXAMPLE: Mapping[str, str] = {
    "prompt": EXAMPLE_PROMPT,
    "aspect_ratio": "2:3",
    "num_images": "4",
    "seed_number": "42",
    "rendering": "default",
    "negative_prompt": "people",
    "visibility": "private",
    "magic_prompt": "off",
    "style": "auto",
    "color_palette": "#CBA324 #F86C14",
    "text_1": "SUMMER FAIR",
    "text_2": "3 June · Town Hall",
    "layout": "text_1: top; text_2: bottom; subject: middle",
}
_WIDE = {"prompt": 60, "negative_prompt": 30, "color_palette": 24}


def template_columns(*, full: bool = False, poster: bool = False) -> tuple[Column, ...]:
    """The columns of the basic template, the full one, or a poster's; the prompt first."""

    def is_in(column: Column) -> bool:
        if poster:
            acts = column.template == "poster" or column.name in _OF_POSTERS
            return acts or (column.template == "basic" and column.name not in _NOT_OF_POSTERS)
        return column.template == "basic" or (full and column.template == "full")

    return tuple(column for column in COLUMNS if is_in(column))


_OF_POSTERS = ("magic_prompt", "style", "color_palette")
"""Columns of the full template that act in captions."""
_NOT_OF_POSTERS = ("negative_prompt",)
"""Columns of the basic template that do not."""


def choices_of(column: Column, models: Sequence[str]) -> tuple[str, ...]:
    """What the drop-down list of a column offers; empty: it has none."""
    return tuple(models) if column.kind is Kind.MODEL else column.choices


def write_template(
    path: Path, models: Sequence[str], *, full: bool = False, poster: bool = False
) -> None:
    """Write a template; the name's ending says what kind. A file that is there is replaced.

    Args:
        path: Ends in .csv, .xlsx or .ods.
        models: The labels there are, the default one first.
        full: All columns but a poster's, or only the usual ones.
        poster: The usual ones, and those that act in captions.

    Raises:
        SheetError: Another ending.
        OSError: It cannot be written.
    """
    writers: dict[str, Callable[[Path, Sequence[Column], Sequence[str]], None]] = {
        ".csv": _csv,
        ".xlsx": _xlsx,
        ".ods": _ods,
    }
    write = writers.get(path.suffix.lower())
    if write is None:
        raise SheetError(f"{path.name} must end in {', '.join(writers)} to be a template.")
    with unfinished(path.parent) as folder:
        folder.mkdir(mode=0o700)
        partial = folder / path.name
        write(partial, template_columns(full=full, poster=poster), models)
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)
        partial.replace(path)


def _write_whole(path: Path, save: Callable[[IO[bytes]], object]) -> None:
    """Not straight to the file: on a full disk the libraries would complain twice."""
    body = io.BytesIO()
    save(body)
    path.write_bytes(body.getvalue())


def _example(columns: Sequence[Column], models: Sequence[str]) -> list[str]:
    return [
        models[0] if column.kind is Kind.MODEL else _EXAMPLE.get(column.name, "")
        for column in columns
    ]


def _note(column: Column) -> str:
    blank = {"prompt": " Never blank.", "model": "", "seed_number": ""}.get(
        column.name, f" Blank: {column.default or 'none'}."
    )
    return column.help + blank


def _csv(path: Path, columns: Sequence[Column], models: Sequence[str]) -> None:
    out = io.StringIO()
    header = [column.name for column in columns]
    csv.writer(out, lineterminator="\n").writerows([header, _example(columns, models)])
    path.write_text(out.getvalue(), encoding="utf-8")


def _xlsx(path: Path, columns: Sequence[Column], models: Sequence[str]) -> None:
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    page = book.active
    if page is None:
        raise AssertionError("a new workbook has a worksheet")
    page.title = "prompts"
    page.freeze_panes = "A2"
    example = _example(columns, models)
    for at, column in enumerate(columns, start=1):
        letter = get_column_letter(at)
        page.column_dimensions[letter].width = _WIDE.get(column.name, 15)
        page.column_dimensions[letter].number_format = "@"
        head = page.cell(1, at, column.name)
        head.font = Font(bold=True)
        head.fill = PatternFill("solid", fgColor="DDDDDD")
        head.comment = Comment(_note(column), "Promptsheet", height=110, width=260)
        for row in range(2, ROWS + 2):
            page.cell(row, at).number_format = "@"
        page.cell(2, at).value = example[at - 1] or None
        choices = choices_of(column, models)
        # A list in the cell's own rules holds 255 characters, and no choice with a comma.
        if choices and sum(map(len, choices)) + len(choices) < 250 and "," not in "".join(choices):
            only = column.kind in (Kind.CHOICE, Kind.SWITCH, Kind.MODEL)
            rule = DataValidation("list", formula1=f'"{",".join(choices)}"', allow_blank=True)
            rule.showErrorMessage = only
            rule.add(f"{letter}2:{letter}{ROWS + 1}")
            page.add_data_validation(rule)
    _write_whole(path, book.save)


def _ods(path: Path, columns: Sequence[Column], models: Sequence[str]) -> None:
    from odf import dc, number, office, style, table, text
    from odf.opendocument import OpenDocumentSpreadsheet

    document = OpenDocumentSpreadsheet()
    words = number.TextStyle(name="words")
    words.addElement(number.TextContent())
    document.automaticstyles.addElement(words)
    plain = style.Style(name="text", family="table-cell", datastylename="words")
    document.automaticstyles.addElement(plain)
    bold = style.Style(name="head", family="table-cell", datastylename="words")
    bold.addElement(style.TableCellProperties(backgroundcolor="#dddddd"))
    bold.addElement(style.TextProperties(fontweight="bold"))
    document.automaticstyles.addElement(bold)
    rules = table.ContentValidations()
    document.spreadsheet.addElement(rules)
    page = table.Table(name="prompts")
    head, example, blank = table.TableRow(), table.TableRow(), table.TableRow()
    blank.setAttribute("numberrowsrepeated", str(ROWS - 1))
    for at, (column, value) in enumerate(zip(columns, _example(columns, models), strict=True)):
        width = style.Style(name=f"column{at}", family="table-column")
        centimetres = f"{_WIDE.get(column.name, 15) * 0.2:.1f}cm"
        width.addElement(style.TableColumnProperties(columnwidth=centimetres))
        document.automaticstyles.addElement(width)
        page.addElement(table.TableColumn(stylename=f"column{at}", defaultcellstylename="text"))
        rule: dict[str, str] = {}
        if choices := choices_of(column, models):
            quoted = ";".join('"' + choice.replace('"', '""') + '"' for choice in choices)
            validation = table.ContentValidation(
                name=f"rule{at}",
                condition=f"of:cell-content-is-in-list({quoted})",
                allowemptycell="true",
                displaylist="unsorted",
            )
            only = column.kind in (Kind.CHOICE, Kind.SWITCH, Kind.MODEL)
            validation.addElement(
                table.ErrorMessage(display="true" if only else "false", messagetype="stop")
            )
            rules.addElement(validation)
            rule = {"contentvalidationname": f"rule{at}"}
        cell = table.TableCell(stylename="head", valuetype="string")
        note = office.Annotation()
        note.addElement(dc.Creator(text="Promptsheet"))
        note.addElement(text.P(text=_note(column)))
        cell.addElement(note)
        cell.addElement(text.P(text=column.name))
        head.addElement(cell)
        cell = table.TableCell(
            stylename="text", **(rule | ({"valuetype": "string"} if value else {}))
        )
        if value:
            cell.addElement(text.P(text=value))
        example.addElement(cell)
        blank.addElement(table.TableCell(stylename="text", **rule))
    for row in (head, example, blank):
        page.addElement(row)
    document.spreadsheet.addElement(page)
    _freeze(document)
    _write_whole(path, document.write)


def _freeze(document: object) -> None:
    """Keep the header in view, as LibreOffice writes it in its settings."""
    from odf import config

    def item(name: str, kind: str, value: str) -> object:
        return config.ConfigItem(name=name, type=kind, text=value)

    sets = config.ConfigItemSet(name="ooo:view-settings")
    views = config.ConfigItemMapIndexed(name="Views")
    view = config.ConfigItemMapEntry()
    view.addElement(item("ViewId", "string", "view1"))
    tables = config.ConfigItemMapNamed(name="Tables")
    page = config.ConfigItemMapEntry(name="prompts")
    for name, kind, value in (
        ("HorizontalSplitMode", "short", "0"),
        ("VerticalSplitMode", "short", "2"),
        ("VerticalSplitPosition", "int", "1"),
        ("ActiveSplitRange", "short", "2"),
        ("PositionTop", "int", "0"),
        ("PositionBottom", "int", "1"),
    ):
        page.addElement(item(name, kind, value))
    tables.addElement(page)
    view.addElement(tables)
    view.addElement(item("ActiveTable", "string", "prompts"))
    views.addElement(view)
    sets.addElement(views)
    document.settings.addElement(sets)  # type: ignore[attr-defined]


def explain(models: Sequence[str], *, full: bool = True) -> str:
    """The rules of the columns in plain words, to be given to whoever shall write a sheet."""
    columns = template_columns(full=full)
    lines = [
        "Write a table of image prompts as CSV in UTF-8.",
        "The first line holds the column names, exactly as below, separated by commas. Each",
        "further line is one prompt with its settings. Put double quote marks around every cell",
        'that has a comma in it, and write a quote mark inside such a cell twice ("").',
        "Only the column prompt is needed; leave out columns that are not. An empty cell takes the",
        "default. Write no other text, no numbering, no comments, no blank lines.",
        "Only to compare settings: 10 | 20 | 30 in a cell that holds one value, or",
        "{all: red | blue} within a prompt, renders every combination with the same seed.",
        "",
        "Columns:",
    ]
    lines += [f"- {column.name}: {_rule(column, models)}" for column in columns]
    out = io.StringIO()
    example = dict(zip((c.name for c in columns), _example(columns, models), strict=True))
    example["prompt"] = "a red boat on a calm sea, at sunset"
    csv.writer(out, lineterminator="\n").writerows([list(example), list(example.values())])
    return "\n".join([*lines, "", "Example:", out.getvalue().rstrip()])


def _rule(column: Column, models: Sequence[str]) -> str:
    if column.kind is Kind.MODEL:
        return f"one of {', '.join(models)}. Default: {models[0]}."
    if column.kind in (Kind.CHOICE, Kind.SWITCH):
        default = f" Default: {column.default}." if column.default else ""
        return f"one of {', '.join(column.choices)}.{default} {column.help}"
    if column.kind is Kind.WHOLE:
        default = f" Default: {column.default}." if column.default else ""
        return f"a whole number from {column.minimum} to {column.maximum}. {column.help}{default}"
    if column.kind is Kind.DECIMAL:
        return f"a number from {column.minimum} to {column.maximum}. {column.help}"
    if column.kind is Kind.COLOURS:
        return (
            f"one of {', '.join(PALETTES)}, or up to {MOST_COLOURS} colours such as #CBA324 "
            "#F86C14, separated by spaces. Default: none."
        )
    default = f" Default: {column.default}." if column.default else ""
    return column.help + default
