"""Subcommands on sheets and prompts: checking them, and having them rendered."""

import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.api import Library
from tui.commands.arguments import Subcommands, minutes, words
from tui.commands.output import OK, SOME, UsageError, note, print_json, say
from tui.text import clean, count_text, size_text, time_text

if TYPE_CHECKING:
    from engine.api import Checked, SessionInfo

_PROBLEMS_SHOWN = 40
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def register(subcommands: Subcommands) -> None:
    """Declare them."""
    checked = subcommands.add(
        "check", check, "list a sheet's problems, its totals and an estimate; start nothing"
    )
    rendered = subcommands.add("run", run, "render a sheet and follow it; Ctrl-C leaves it running")
    for command in (checked, rendered):
        command.add_argument(
            "sheet", type=Path, help="csv, tsv, xls, xlsx, ods, or one prompt a line"
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
    blank = subcommands.add("template", template, "write a sheet to fill in: csv, xlsx or ods")
    blank.add_argument("file", type=Path, nargs="?", help="its name; the ending says what kind")
    blank.add_argument("--full", action="store_true", help="with all columns")
    blank.add_argument("--force", action="store_true", help="replace a file that is there")
    blank.add_argument(
        "--explain", action="store_true", help="print the columns' rules, for a chat assistant, say"
    )
    typed = subcommands.add("prompt", prompt, "render typed prompts")
    typed.add_argument(
        "text", type=words, nargs="+", help="a prompt; - reads one a line from stdin"
    )
    typed.add_argument("-n", "--num-images", type=int, default=1, help="images of each prompt")
    typed.add_argument("--aspect-ratio", metavar="W:H")
    typed.add_argument("--model", metavar="LABEL")
    typed.add_argument("--seed-number", metavar="N")
    typed.add_argument("--rendering", metavar="WORD", help="turbo, default or quality")
    typed.add_argument("--negative-prompt", metavar="TEXT")
    for command in (rendered, typed):
        command.add_argument("--name", type=words, help="what to call the session")
        command.add_argument("--detach", action="store_true", help="start it and return at once")
        command.add_argument(
            "--wait",
            type=minutes,
            metavar="MINUTES",
            help="while nothing can be rendered (no GPU, a full disk, a pause) wait this long, then"
            " end with status 1; the images stay waiting (default: engine.wait_minutes of the"
            " settings, 10)",
        )
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
    library.sheets.write_template(options.file, full=options.full)
    if options.json:
        print_json({"file": str(options.file), "full": options.full})
    else:
        say(f"A template is in {clean(str(options.file))}.")
    return OK


def run(options: Namespace, library: Library) -> int:
    """`promptsheet run SHEET`."""
    from tui import report

    checked = library.sheets.check(options.sheet, worksheet=options.worksheet)
    if not (options.only_changed or options.since) or _is_refused(checked, options):
        return _render(checked, options, library, name=options.name)
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
        return _render(changed, options, library, name=options.name, parent=before.session)
    if options.json:
        print_json(_run_json(before))
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
    given = {
        "aspect_ratio": options.aspect_ratio,
        "model": options.model,
        "seed_number": options.seed_number,
        "rendering": options.rendering,
        "negative_prompt": options.negative_prompt,
    }
    cells = {column: text for column, text in given.items() if text is not None}
    checked = library.sheets.check_prompts(prompts, num_images=options.num_images, **cells)
    return _render(checked, options, library, name=options.name or prompts[0][:40])


def _render(
    checked: "Checked",
    options: Namespace,
    library: Library,
    *,
    name: str | None,
    parent: str | None = None,
) -> int:
    from tui import report

    if _is_refused(checked, options):
        return _refuse(checked, options)
    if checked.errors:
        left_out = len(checked.sheet.rows) - len(checked.sheet.ready)
        note(f"{count_text(left_out, 'row')} with errors left out; `promptsheet check` lists them.")
    started = library.sessions.start(checked, name=name, parent=parent)
    if started.warning:
        note(started.warning)
    info, waits = library.sessions.find(started.session), None
    if not options.detach:
        from tui.progress import follow

        if not options.json:
            note(report.totals_line(checked))
        last = follow(started.session, info.name, library, _wait_minutes(options, library))
        if last is None:
            note(
                "",
                f"Rendering goes on without this terminal. `promptsheet show {info.session}` says"
                f" how far it is, `promptsheet stop {info.session}` stops it.",
            )
        elif last.given_up:
            waits = last.waits
            note(
                f"Nothing could be rendered for {time_text(_wait_minutes(options, library) * 60)}:"
                f" {clean(waits)}",
                "The images stay waiting, and are rendered when that is mended; `promptsheet show"
                f" {info.session}` says how far they are, `promptsheet stop {info.session}` stops"
                " them.",
            )
        info = library.sessions.find(started.session)
    if options.json:
        print_json(_run_json(info) | {"waits": waits})
    else:
        say(*_run_lines(info))
    unfinished = info.images - info.done
    return SOME if unfinished and (info.failed or info.stopped or not options.detach) else OK


def _wait_minutes(options: Namespace, library: Library) -> float:
    return library.settings.engine.wait_minutes if options.wait is None else options.wait


def _is_refused(checked: "Checked", options: Namespace) -> bool:
    skips = getattr(options, "skip_bad_rows", False) and checked.sheet.ready
    return bool(checked.errors) and not skips


def _run_json(info: "SessionInfo") -> dict[str, Any]:
    return {
        "session": info.session,
        "images": info.images,
        "done": info.done,
        "failed": info.failed,
        "seconds": round(info.seconds, 3),
        "folder": str(info.folder),
    }


def _refuse(checked: "Checked", options: Namespace) -> int:
    """Nothing starts while rows have errors."""
    from tui import report

    if options.json:
        print_json(
            {
                "session": None,
                "images": 0,
                "done": 0,
                "failed": 0,
                "seconds": 0,
                "problems": [asdict(problem) for problem in checked.sheet.problems],
            }
        )
    note(
        *report.problem_lines(checked.errors, most=_PROBLEMS_SHOWN),
        report.totals_line(checked),
        "Nothing was started. Mend these cells"
        + (", or leave their rows out with --skip-bad-rows." if checked.sheet.ready else "."),
    )
    return SOME


def _run_lines(info: "SessionInfo") -> list[str]:
    from tui import report

    if info.state in ("rendering", "waiting"):
        return [
            f"{info.session}: {info.done} of {count_text(info.images, 'image')} so far, in"
            f" {clean(str(info.folder))}"
        ]
    parts = [f"{info.done} of {count_text(info.images, 'image')} done"]
    parts += [f"{info.failed} failed"] if info.failed else []
    parts += [f"{info.stopped} stopped"] if info.stopped else []
    lines = [f"{', '.join(parts)}, {size_text(info.bytes)}, in {time_text(info.seconds)}"]
    lines += [f"Images: {clean(str(info.folder))}"]
    if info.failed:
        lines.append(
            f"`promptsheet show {info.session}` says why images failed,"
            f" `promptsheet retry {info.session}` tries them again."
        )
    lines += report.changed_model_lines(info)
    return lines


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
