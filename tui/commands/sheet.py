"""Subcommands on sheets and prompts: checking them, and having them rendered."""

import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from engine.api import Library
from tui.commands.arguments import Subcommands, folder, words
from tui.commands.output import OK, SOME, UsageError, note, print_json, say
from tui.commands.rendering import (
    add_rendering_options,
    add_row_options,
    cells_of,
    is_refused,
    refuse_output,
    render,
    run_json,
    say_refused,
)
from tui.commands.zipping import add_output, write_zip
from tui.text import clean, count_text

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def register(subcommands: Subcommands) -> None:
    """Declare them."""
    checked = subcommands.add(
        "check", check, "list a sheet's problems, its totals and an estimate; start nothing"
    )
    rendered = subcommands.add("run", run, "render a sheet and follow it; Ctrl-C leaves it running")
    for command in (checked, rendered):
        command.add_argument(
            "sheet",
            type=Path,
            help="csv, tsv, xls, xlsx, ods, or one prompt a line"
            + ("; - reads it from stdin" if command is rendered else ""),
        )
        command.add_argument("--worksheet", metavar="NAME", help="which sheet of a workbook")
    rendered.add_argument("--skip-bad-rows", action="store_true", help="leave rows with errors out")
    rendered.add_argument(
        "--only-changed",
        action="store_true",
        help="only rows that are new or changed since the sheet's last session",
    )
    rendered.add_argument(
        "--since", type=words, metavar="SESSION", help="as --only-changed, since this session"
    )
    mended = subcommands.add("mend", mend, "write a corrected copy of a sheet")
    mended.add_argument("sheet", type=Path, help="csv, tsv, xls, xlsx or ods")
    mended.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="COPY",
        help="where to; of a workbook, a name that ends in .csv gets the rows alone",
    )
    mended.add_argument("--worksheet", metavar="NAME", help="which sheet of a workbook")
    mended.add_argument(
        "--suggestions",
        action="store_true",
        help="take what is suggested for a cell, too, where it is one thing",
    )
    mended.add_argument(
        "--skip-bad-rows", action="store_true", help="leave rows with errors out of the copy"
    )
    mended.add_argument("--force", action="store_true", help="replace a file that is there")
    blank = subcommands.add("template", template, "write a sheet to fill in: csv, xlsx or ods")
    blank.add_argument("file", type=Path, nargs="?", help="its name; the ending says what kind")
    blank.add_argument("--full", action="store_true", help="with all columns")
    blank.add_argument("--force", action="store_true", help="replace a file that is there")
    blank.add_argument(
        "--images",
        type=folder,
        metavar="FOLDER",
        help="with a row for each picture in this folder, to be drawn on",
    )
    blank.add_argument(
        "--no-recursive", action="store_true", help="with --images: not in folders in the folder"
    )
    blank.add_argument(
        "--prompt", type=words, default="", help="with --images: the prompt of each row"
    )
    blank.add_argument(
        "--explain", action="store_true", help="print the columns' rules, for a chat assistant, say"
    )
    typed = subcommands.add("prompt", prompt, "render typed prompts")
    typed.add_argument(
        "text", type=words, nargs="+", help="a prompt; - reads one a line from stdin"
    )
    add_row_options(typed)
    for command in (rendered, typed):
        add_rendering_options(command)
    add_output(rendered)
    read = subcommands.add(
        "recipes",
        recipes,
        "a sheet from pictures of A1111, InvokeAI, ComfyUI or Promptsheet, a row each",
    )
    read.add_argument("pictures", type=Path, nargs="+", help="files, or folders of them")
    read.add_argument(
        "-o", "--output", type=Path, required=True, metavar="SHEET", help="a new csv, xlsx or ods"
    )


def check(options: Namespace, library: Library) -> int:
    """`promptsheet check SHEET`."""
    from tui import report

    checked = library.sheets.check(options.sheet, worksheet=options.worksheet)
    sheet = checked.sheet
    if options.json:
        print_json(
            {
                "file": sheet.file,
                "sheet": sheet.sheet,
                "rows": len(sheet.rows),
                "ready": len(sheet.ready),
                "images": checked.images,
                "problems": [asdict(problem) for problem in sheet.problems],
                "estimate": asdict(checked.estimate),
            }
        )
    else:
        say(*report.problem_lines(sheet.problems), report.totals_line(checked))
    return SOME if checked.errors else OK


def mend(options: Namespace, library: Library) -> int:
    """`promptsheet mend SHEET -o COPY`."""
    from tui import report

    if options.output.exists() and not options.force:
        raise UsageError(f"{options.output} is there already; --force replaces it.")
    mended = library.sheets.mend(
        options.sheet,
        options.output,
        worksheet=options.worksheet,
        suggestions=options.suggestions,
        without_bad_rows=options.skip_bad_rows,
        overwrite=options.force,
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
        raise UsageError("Give the template's name: FILE.xlsx, FILE.ods or FILE.csv.")
    if options.file.exists() and not options.force:
        raise UsageError(f"{options.file} is there already; --force replaces it.")
    if options.images is not None:
        return _picture_sheet(options, library)
    if options.prompt:
        raise UsageError("--prompt goes with --images: a template has an example of its own.")
    library.sheets.write_template(options.file, full=options.full)
    if options.json:
        print_json({"file": str(options.file), "full": options.full})
    else:
        say(f"A template is in {clean(str(options.file))}.")
    return OK


def _picture_sheet(options: Namespace, library: Library) -> int:
    from engine.api import find_pictures
    from tui.progress import looking

    found = find_pictures([options.images], recursive=not options.no_recursive)
    with looking() as progress:
        rows, refused = library.sheets.write_picture_sheet(
            found,
            options.file,
            prompt=options.prompt,
            full=options.full,
            replace=options.force,
            progress=progress,
        )
    say_refused(refused)
    if options.json:
        print_json(
            {"file": str(options.file), "full": options.full, "rows": rows}
            | {"refused": [asdict(each) for each in refused]}
        )
    else:
        say(f"{count_text(rows, 'row')} in {clean(str(options.file))}")
    return SOME if refused else OK


def run(options: Namespace, library: Library) -> int:
    """`promptsheet run SHEET`."""
    from tui import report

    refuse_output(options)
    if str(options.sheet) == "-":
        checked = library.sheets.check_stream(sys.stdin.buffer, worksheet=options.worksheet)
        if options.only_changed and not options.since:
            raise UsageError(
                "A sheet on stdin has no history: name the session it is compared with, --since"
                " SESSION."
            )
    else:
        checked = library.sheets.check(options.sheet, worksheet=options.worksheet)
    if not (options.only_changed or options.since) or is_refused(checked, options):
        return render(checked, options, library, name=options.name)
    wanted = options.since or library.sessions.of_sheet(options.sheet, checked.sheet.sheet)
    if wanted is None:
        raise UsageError(
            f"No session was made from {options.sheet.name} yet; run it without --only-changed,"
            " or name a session with --since."
        )
    before = library.sessions.find(wanted)
    changes = library.sheets.changes_since(before.session, checked)
    note(f"Since {before.session} ({clean(before.name)}): {report.changes_line(changes)}.")
    if changes.to_render:
        changed = checked.only_changed(changes)
        return render(changed, options, library, name=options.name, parent=before.session)
    if options.output is not None:
        write_zip(library, before, options.output)
    if options.json:
        print_json(run_json(before))
    return OK


def prompt(options: Namespace, library: Library) -> int:
    """`promptsheet prompt TEXT…`; `-` reads a prompt a line."""
    prompts = [
        line
        for text in options.text
        for line in (sys.stdin.read().splitlines() if text == "-" else [text])
        if line.strip()
    ]
    if not prompts:
        raise UsageError("There is no prompt: write one, or one a line to `-`.")
    cells = cells_of(options)
    checked = library.sheets.check_prompts(prompts, num_images=options.num_images, **cells)
    return render(checked, options, library, name=options.name or prompts[0][:40])


def recipes(options: Namespace, library: Library) -> int:
    """`promptsheet recipes PICTURES… -o SHEET`."""
    pictures = [
        path
        for given in options.pictures
        for path in (sorted(given.rglob("*")) if given.is_dir() else [given])
        if path.suffix.lower() in _PICTURES or path == given
    ]
    rows, silent = library.sheets.write_recipes(pictures, options.output)
    if options.json:
        body = {"sheet": str(options.output), "rows": rows, "silent": list(map(str, silent))}
        print_json(body)
        return OK
    say(f"{count_text(rows, 'row')} in {clean(str(options.output))}")
    if silent:
        note(f"{count_text(len(silent), 'picture')} without a recipe left out.")
    return OK
