"""Subcommands on sheets and prompts: checking them, and having them rendered."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.api import Library
from tui.commands.arguments import Subcommands, folder, session_name, words
from tui.commands.output import OK, SOME, UsageError, note, print_json, say
from tui.commands.rendering import (
    PROBLEMS_SHOWN,
    add_rendering_options,
    add_row_options,
    cells_of,
    is_refused,
    place_of,
    refuse_output,
    render,
    run_json,
    say_refused,
)
from tui.commands.replacing import may_replace
from tui.commands.zipping import add_output, write_zip
from tui.text import clean, count_text

if TYPE_CHECKING:
    from engine.api import Checked, Row

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def register(subcommands: Subcommands) -> None:
    """Declare them."""
    checked = subcommands.add(
        "check",
        check,
        "list a sheet's problems, totals and estimate without starting anything",
        examples=(
            "promptsheet check prompts.xlsx",
            "promptsheet check prompts.xlsx --worksheet Spring",
            "promptsheet check old.csv --encoding shift_jis",
        ),
    )
    rendered = subcommands.add(
        "run",
        run,
        "render a sheet and show progress; Ctrl-C leaves it running",
        examples=(
            "promptsheet run prompts.xlsx",
            "promptsheet run prompts.xlsx --only-changed",
            "promptsheet run prompts.csv --skip-bad-rows -o out.zip",
            "promptsheet run - -o - < prompts.csv > out.zip",
        ),
    )
    mended = subcommands.add(
        "mend",
        mend,
        "save a corrected copy of a sheet",
        examples=(
            "promptsheet mend prompts.xlsx -o corrected.xlsx",
            "promptsheet mend prompts.csv -o corrected.csv --suggestions --skip-bad-rows",
        ),
    )
    for command in (checked, rendered, mended):
        command.add_argument(
            "sheet",
            type=Path,
            help="a csv, tsv, xls, xlsx or ods file, or a text file with one prompt per line"
            + ("" if command is mended else "; - reads it from stdin"),
        )
        command.add_argument("--worksheet", metavar="NAME", help="which worksheet of a workbook")
        command.add_argument(
            "--images",
            type=folder,
            metavar="FOLDER",
            help="folder of the pictures named in the sheet (default: the sheet's folder)",
        )
        command.add_argument(
            "--encoding",
            type=words,
            metavar="NAME",
            help="encoding of a text file: shift_jis, gbk, windows-1251 …",
        )
        if command is not checked:
            command.add_argument(
                "--skip-bad-rows", action="store_true", help="skip rows with errors"
            )
    mended.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="COPY",
        help="where to save; for a workbook, a name ending in .csv saves only the rows",
    )
    mended.add_argument(
        "--suggestions",
        action="store_true",
        help="also apply suggestions where there is only one",
    )
    mended.add_argument("--force", action="store_true", help="replace an existing file")
    rendered.add_argument(
        "--only-changed",
        action="store_true",
        help="render only rows that are new or changed since the sheet's last session",
    )
    rendered.add_argument(
        "--since",
        type=session_name,
        metavar="SESSION",
        help="like --only-changed, but compared with this session",
    )
    blank = subcommands.add(
        "template",
        template,
        "create an empty sheet to fill in: csv, xlsx or ods",
        examples=(
            "promptsheet template todo.xlsx",
            "promptsheet template todo.xlsx --images photos/ --prompt 'a watercolour'",
            "promptsheet template --explain",
        ),
    )
    blank.add_argument("file", type=Path, nargs="?", help="its name, ending in .csv, .xlsx or .ods")
    kind = blank.add_one_of()
    kind.add_argument(
        "--full", action="store_true", help="include all columns except those for posters"
    )
    kind.add_argument(
        "--poster",
        action="store_true",
        help="include the columns for Ideogram 4: texts in the image and their places",
    )
    blank.add_argument("--force", action="store_true", help="replace an existing file")
    blank.add_argument(
        "--images",
        type=folder,
        metavar="FOLDER",
        help="add a row for each picture in this folder, as its source",
    )
    blank.add_argument("--no-recursive", action="store_true", help="with --images: skip subfolders")
    blank.add_argument(
        "--prompt", type=words, default="", help="with --images: the prompt of each row"
    )
    blank.add_argument(
        "--explain",
        action="store_true",
        help="print the rules for columns, for example to give to a chat assistant",
    )
    typed = subcommands.add(
        "prompt",
        prompt,
        "render typed prompts",
        examples=(
            "promptsheet prompt a red boat -n 16",
            "promptsheet prompt 'a red boat' 'a blue boat' --aspect-ratio 16:9",
            "promptsheet prompt - --model sdxl < prompts.txt",
        ),
    )
    typed.add_argument(
        "text",
        type=words,
        nargs="+",
        help="one prompt, or several in quotes; words without quotes are one prompt; - reads one"
        " per line from stdin",
    )
    add_row_options(typed)
    for command in (rendered, typed):
        add_rendering_options(command)
    add_output(rendered)
    read = subcommands.add(
        "recipes",
        recipes,
        "make a sheet from images made by A1111, InvokeAI, ComfyUI or Promptsheet, one row each",
        examples=(
            "promptsheet recipes a.png b.png -o again.csv",
            "promptsheet recipes downloads/ -o again.xlsx",
        ),
    )
    read.add_argument("pictures", type=Path, nargs="+", help="image files or folders")
    read.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="SHEET",
        help="the sheet to save: .csv, .xlsx or .ods",
    )
    read.add_argument("--force", action="store_true", help="replace an existing file")


def check(options: Namespace, library: Library) -> int:
    """`promptsheet check SHEET`."""
    from tui import report

    checked = _checked(options, library)
    sheet = checked.sheet
    if options.json:
        print_json(
            {
                "file": sheet.file,
                "sheet": sheet.sheet,
                "rows": len(sheet.rows),
                "ready": len(sheet.ready),
                "images": checked.images,
                "blank_num_images": [asdict(each) for each in checked.blank_counts],
                "grids": [_grid_json(row, library) for row in sheet.ready if row.grid],
                "problems": [asdict(problem) for problem in sheet.problems],
                "estimate": asdict(checked.estimate),
            }
        )
    else:
        say(
            *report.problem_lines(sheet.problems),
            *report.grid_lines(checked, library.sheets.estimate),
            report.totals_line(checked),
        )
    return SOME if checked.errors else OK


def _grid_json(row: "Row", library: Library) -> dict[str, Any]:
    from engine.api import grid_of

    found = grid_of(row)
    axes = [{"name": axis.name, "values": axis.values} for axis in found.axes] if found else []
    cost = library.sheets.estimate(row.combinations)
    return {
        "row": row.number,
        "axes": axes,
        "images": row.images,
        "estimate": {"seconds": cost.seconds, "bytes": cost.bytes},
    }


def mend(options: Namespace, library: Library) -> int:
    """`promptsheet mend SHEET -o COPY`."""
    from tui import report

    replace = may_replace(options.output, force=options.force)
    with _named(options.sheet, options.output):
        mended = library.sheets.mend(
            options.sheet,
            options.output,
            worksheet=options.worksheet,
            encoding=options.encoding,
            folder=options.images,
            suggestions=options.suggestions,
            without_bad_rows=options.skip_bad_rows,
            overwrite=replace,
        )
    sheet, copy = mended.sheet, mended.copy
    if options.json:
        print_json(
            {
                "file": sheet.file,
                "sheet": sheet.sheet,
                "copy": str(copy.path),
                "cells": copy.cells,
                "rows_left_out": copy.rows,
                "notes": copy.notes,
                "problems": [asdict(problem) for problem in mended.problems],
            }
        )
    else:
        say(*report.problem_lines(mended.problems), report.copy_line(copy))
        note(*map(clean, copy.notes))
    return OK if mended.is_sound else SOME


def _checked(options: Namespace, library: Library) -> "Checked":
    """The sheet that is named, or that comes on stdin or through a pipe."""
    how = {
        "worksheet": options.worksheet,
        "encoding": options.encoding,
        "folder": options.images,
    }
    if not _is_stream(options.sheet):
        with _named(options.sheet):
            return library.sheets.check(options.sheet, **how)
    if _is_stdin(options.sheet) and sys.stdin is None:
        raise UsageError("stdin is closed: there is no sheet to read.")
    if _is_stdin(options.sheet):
        return library.sheets.check_stream(sys.stdin.buffer, **how)
    with options.sheet.open("rb") as stream:
        return library.sheets.check_stream(stream, **how)


@contextmanager
def _named(sheet: Path, copy: Path | None = None) -> Iterator[None]:
    """What is said inside of the sheet names its file; what names it, or the copy, is left so."""
    from engine.api import SheetError

    try:
        yield
    except SheetError as error:
        words = str(error)
        is_of_copy = copy is not None and (copy.name in words or words.startswith(str(copy.parent)))
        if sheet.name not in words and not is_of_copy:
            error.args = (f"{sheet}: {words}",)
        raise


def _is_stream(sheet: Path) -> bool:
    """Whether a sheet is read as it comes: from stdin, or from a pipe as `<(…)` makes one."""
    return _is_stdin(sheet) or sheet.is_fifo()


def _is_stdin(sheet: Path) -> bool:
    return str(sheet) in ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


def template(options: Namespace, library: Library) -> int:
    """`promptsheet template FILE`, or `--explain`."""
    if options.explain:
        rules = library.sheets.explain_columns(full=True)
        if options.json:
            print_json({"rules": rules})
        else:
            say(rules)
        return OK
    if options.file is None:
        raise UsageError("Name the template: FILE.xlsx, FILE.ods or FILE.csv.")
    replace = may_replace(options.file, force=options.force)
    if options.images is not None:
        if options.poster:
            raise UsageError(
                "--poster cannot be combined with --images: Ideogram 4 does not"
                " use source pictures."
            )
        return _picture_sheet(options, library, replace=replace)
    if options.prompt:
        raise UsageError("--prompt works only with --images.")
    library.sheets.write_template(options.file, full=options.full, poster=options.poster)
    if options.json:
        told = {"file": str(options.file), "full": options.full, "poster": options.poster}
        print_json(told)
    else:
        say(f"Template saved: {clean(str(options.file))}")
    return OK


def _picture_sheet(options: Namespace, library: Library, *, replace: bool) -> int:
    from tui.progress import looking

    found = library.sheets.find_pictures([options.images], recursive=not options.no_recursive)
    with looking() as progress:
        rows, refused = library.sheets.write_picture_sheet(
            found,
            options.file,
            prompt=options.prompt,
            full=options.full,
            replace=replace,
            progress=progress,
        )
    say_refused(refused)
    if options.json:
        print_json(
            {"file": str(options.file), "full": options.full, "rows": rows}
            | {"refused": [asdict(each) for each in refused]}
        )
    else:
        say(f"{count_text(rows, 'row')} saved in {clean(str(options.file))}")
    return SOME if refused else OK


def run(options: Namespace, library: Library) -> int:
    """`promptsheet run SHEET`."""
    from tui import report

    refuse_output(options)
    if _is_stream(options.sheet) and options.only_changed and not options.since:
        raise UsageError(
            "A sheet from stdin has no earlier session: name one with --since SESSION."
        )
    checked = _checked(options, library)
    if not (options.only_changed or options.since) or is_refused(checked, options):
        return render(checked, options, library, name=options.name)
    wanted = options.since or library.sessions.of_sheet(options.sheet, checked.sheet.sheet)
    if wanted is None:
        raise UsageError(
            f"{options.sheet.name} has no session yet: run it without --only-changed, or name a"
            " session with --since."
        )
    before = library.sessions.find(wanted)
    changes = library.sheets.changes_since(before.session, checked)
    note(f"Since {before.session} ({clean(before.name)}): {report.changes_line(changes)}.")
    if changes.to_render:
        changed = checked.only_changed(changes)
        return render(changed, options, library, name=options.name, parent=before.session)
    if options.output is not None:
        write_zip(library, before, place_of(options, before))
    if options.json:
        print_json(run_json(before))
    return OK


def prompt(options: Namespace, library: Library) -> int:
    """`promptsheet prompt TEXT…`; `-` reads a prompt a line."""
    from engine.api import gist

    prompts = [
        line
        for text in _as_meant(options.text)
        for line in (sys.stdin.read().splitlines() if text == "-" else [text])
        if line.strip()
    ]
    if not prompts:
        raise UsageError("No prompt given: write one, or pass one per line to `-`.")
    cells = cells_of(options)
    checked = library.sheets.check_prompts(prompts, num_images=options.num_images, **cells)
    return render(checked, options, library, name=options.name or gist(prompts[0])[:40])


def _as_meant(texts: list[str]) -> list[str]:
    """Words that nobody put into quotes are one prompt; says so."""
    if len(texts) < 2 or "-" in texts or any(len(text.split()) > 1 for text in texts):
        return texts
    whole = " ".join(texts)
    note(
        f"One prompt: “{clean(whole)}”. For several, put each in quotes, or pass one per line to"
        " `promptsheet prompt -`."
    )
    return [whole]


def recipes(options: Namespace, library: Library) -> int:
    """`promptsheet recipes PICTURES… -o SHEET`."""
    pictures = [
        path
        for given in options.pictures
        for path in (sorted(given.rglob("*")) if given.is_dir() else [given])
        if path.suffix.lower() in _PICTURES or path == given
    ]
    replace = may_replace(options.output, force=options.force)
    made = library.sheets.write_recipes(pictures, options.output, replace=replace)
    rows, silent, noted = made
    if options.json:
        body = {"sheet": str(options.output), "rows": rows, "silent": [s.file for s in silent]}
        reasons = {each.file: each.reason for each in silent}
        print_json(body | {"reasons": reasons, "notes": noted})
        return OK
    note(*(f"{clean(each)}." for each in noted))
    say(f"{count_text(rows, 'row')} saved in {clean(str(options.output))}")
    if silent:
        note(f"{count_text(len(silent), 'picture')} without a recipe skipped.")
        note(*(f"  {clean(each.file)}: {clean(each.reason)}" for each in silent[:PROBLEMS_SHOWN]))
    return OK
