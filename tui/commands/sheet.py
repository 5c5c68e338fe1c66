"""Subcommands on sheets and prompts: checking them, and having them rendered."""

import sys
from argparse import Namespace
from dataclasses import asdict
from typing import Any

from engine import api
from engine.api import Checked, Settings
from tui import report
from tui.commands.output import OK, SOME, note, print_json, say
from tui.progress import follow
from tui.text import clean, count_text, size_text, time_text

_PROBLEMS_SHOWN = 40
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def check(options: Namespace, settings: Settings) -> int:
    """`promptsheet check SHEET`."""
    checked = api.check_sheet(options.sheet, settings, worksheet=options.worksheet)
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


def template(options: Namespace, settings: Settings) -> int:  # noqa: ARG001
    """`promptsheet template FILE`, or `--explain`."""
    if options.explain:
        rules = api.explain_columns(full=True)
        if options.json:
            print_json({"rules": rules})
        else:
            say(rules)
        return OK
    if options.file is None:
        raise api.SheetError("Give the template's name: FILE.xlsx, FILE.ods or FILE.csv.")
    if options.file.exists() and not options.force:
        raise api.SheetError(f"{options.file} is there already; --force replaces it.")
    api.write_template(options.file, full=options.full)
    if options.json:
        print_json({"file": str(options.file), "full": options.full})
    else:
        say(f"A template is in {clean(str(options.file))}.")
    return OK


def run(options: Namespace, settings: Settings) -> int:
    """`promptsheet run SHEET`."""
    checked = api.check_sheet(options.sheet, settings, worksheet=options.worksheet)
    if not (options.only_changed or options.since) or _is_refused(checked, options):
        return _render(checked, options, settings, name=options.name)
    wanted = options.since or api.session_of(options.sheet, settings, checked.sheet.sheet)
    if wanted is None:
        raise api.LibraryError(
            f"No session was made from {options.sheet.name} yet; run it without --only-changed,"
            " or name a session with --since."
        )
    before = api.find_session(settings.library, wanted)
    changes = api.changes_since(before.session, checked, settings)
    note(f"Since {before.session} ({clean(before.name)}): {report.changes_line(changes)}.")
    if changes.to_render:
        changed = api.only_changed(checked, changes)
        return _render(changed, options, settings, name=options.name, parent=before.session)
    if options.json:
        print_json(_run_json(before))
    return OK


def prompt(options: Namespace, settings: Settings) -> int:
    """`promptsheet prompt TEXT…`; `-` reads a prompt a line."""
    prompts = [
        line
        for text in options.text
        for line in (sys.stdin.read().splitlines() if text == "-" else [text])
        if line.strip()
    ]
    if not prompts:
        raise api.SheetError("There is no prompt: write one, or one a line to `-`.")
    given = {
        "aspect_ratio": options.aspect_ratio,
        "model": options.model,
        "seed_number": options.seed_number,
        "rendering": options.rendering,
        "negative_prompt": options.negative_prompt,
    }
    cells = {column: text for column, text in given.items() if text is not None}
    checked = api.check_prompts(prompts, settings, num_images=options.num_images, **cells)
    return _render(checked, options, settings, name=options.name or prompts[0][:40])


def _render(
    checked: Checked,
    options: Namespace,
    settings: Settings,
    *,
    name: str | None,
    parent: str | None = None,
) -> int:
    if _is_refused(checked, options):
        return _refuse(checked, options)
    if checked.errors:
        left_out = len(checked.sheet.rows) - len(checked.sheet.ready)
        note(f"{count_text(left_out, 'row')} with errors left out; `promptsheet check` lists them.")
    started = api.start_session(checked, settings, name=name, parent=parent)
    if started.warning:
        note(started.warning)
    info, waits = api.find_session(settings.library, started.session), None
    if not options.detach:
        if not options.json:
            note(report.totals_line(checked))
        last = follow(started.session, info.name, settings, _wait_minutes(options, settings))
        if last is None:
            note(
                "",
                f"Rendering goes on without this terminal. `promptsheet show {info.session}` says"
                f" how far it is, `promptsheet stop {info.session}` stops it.",
            )
        elif last.given_up:
            waits = last.waits
            note(
                f"Nothing could be rendered for {time_text(_wait_minutes(options, settings) * 60)}:"
                f" {clean(waits)}",
                "The images stay waiting, and are rendered when that is mended; `promptsheet show"
                f" {info.session}` says how far they are, `promptsheet stop {info.session}` stops"
                " them.",
            )
        info = api.find_session(settings.library, started.session)
    if options.json:
        print_json(_run_json(info) | {"waits": waits})
    else:
        say(*_run_lines(info))
    unfinished = info.images - info.done
    return SOME if unfinished and (info.failed or info.stopped or not options.detach) else OK


def _wait_minutes(options: Namespace, settings: Settings) -> float:
    return settings.engine.wait_minutes if options.wait is None else options.wait


def _is_refused(checked: Checked, options: Namespace) -> bool:
    skips = getattr(options, "skip_bad_rows", False) and checked.sheet.ready
    return bool(checked.errors) and not skips


def _run_json(info: api.SessionInfo) -> dict[str, Any]:
    return {
        "session": info.session,
        "images": info.images,
        "done": info.done,
        "failed": info.failed,
        "seconds": round(info.seconds, 3),
        "folder": str(info.folder),
    }


def _refuse(checked: Checked, options: Namespace) -> int:
    """Nothing starts while rows have errors."""
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


def _run_lines(info: api.SessionInfo) -> list[str]:
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


def recipes(options: Namespace, settings: Settings) -> int:  # noqa: ARG001
    """`promptsheet recipes PICTURES… -o SHEET`."""
    pictures = [
        path
        for given in options.pictures
        for path in (sorted(given.rglob("*")) if given.is_dir() else [given])
        if path.suffix.lower() in _PICTURES or path == given
    ]
    rows, silent = api.sheet_from_pictures(pictures, options.output)
    if options.json:
        body = {"sheet": str(options.output), "rows": rows, "silent": list(map(str, silent))}
        print_json(body)
        return OK
    say(f"{count_text(rows, 'row')} in {clean(str(options.output))}")
    if silent:
        note(f"{count_text(len(silent), 'picture')} without a recipe left out.")
    return OK
