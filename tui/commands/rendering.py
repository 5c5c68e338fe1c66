"""What subcommands that have rows rendered have in common: options, and the way to the end."""

import argparse
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.api import Library
from tui.commands.arguments import lora_weights, minutes, model_label, whole_number, words
from tui.commands.output import OK, SOME, UsageError, note, print_json, say
from tui.commands.zipping import ZipPlace, is_stdout, refuse_terminal, write_zip, zip_place
from tui.text import clean, count_text, size_text, time_text

if TYPE_CHECKING:
    from engine.api import Checked, RefusedPicture, SessionInfo

PROBLEMS_SHOWN = 40
_ROW_OPTIONS = (
    *("aspect_ratio", "model", "seed_number", "rendering", "negative_prompt"),
    *("strength", "fit", "mask", "lora"),
)


def add_row_options(command: argparse.ArgumentParser) -> None:
    """Declare what is a column in a sheet."""
    command.add_argument(
        "-n", "--num-images", type=whole_number, default=1, help="images of each row"
    )
    command.add_argument("--aspect-ratio", metavar="W:H", help="width to height, such as 16:9")
    command.add_argument("--model", type=model_label, metavar="LABEL")
    command.add_argument("--seed-number", metavar="N", help="of the first image; the others follow")
    command.add_argument("--rendering", metavar="WORD", help="turbo, default or quality")
    command.add_argument("--negative-prompt", metavar="TEXT", help="what is not to be seen")
    command.add_argument(
        "--lora",
        type=lora_weights,
        metavar="NAME:WEIGHT",
        help="LoRAs of your list, separated by commas",
    )


def cells_of(options: Namespace) -> dict[str, str]:
    """What was said of them: column → cell."""
    given = {column: getattr(options, column, None) for column in _ROW_OPTIONS}
    return {column: text for column, text in given.items() if text is not None}


def add_rendering_options(command: argparse.ArgumentParser) -> None:
    """Declare how the session is called, and how long it is waited for."""
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


def refuse_output(options: Namespace) -> None:
    """Refuse a ZIP that cannot be written in the end, before anything is started.

    Raises:
        UsageError: it does not go together with the other options.
    """
    if options.output is None:
        return
    if options.detach:
        raise UsageError(
            "With --detach nobody waits for the results: leave -o out; `promptsheet export` does it"
            " later."
        )
    where = options.output if options.output.is_dir() else options.output.parent
    if not where.is_dir():
        raise UsageError(f"There is no folder {where} for -o: make it, or name another.")
    if is_stdout(options.output) and options.json:
        raise UsageError("-o - and --json both want stdout: give -o FILE.")
    refuse_terminal(options.output)
    options.place = zip_place(None, options.output, force=options.force)


def place_of(options: Namespace, info: "SessionInfo") -> ZipPlace:
    """Where the results go that were asked for with `-o`, whose place `refuse_output` looked at."""
    if options.place.path is not None and options.place.path.is_dir():
        return zip_place(info.folder.name, options.output, force=options.force)
    place: ZipPlace = options.place
    return place


def say_refused(refused: Sequence["RefusedPicture"]) -> None:
    """Name the pictures that are not drawn on, on stderr."""
    for each in refused[:PROBLEMS_SHOWN]:
        note(f"refused: {clean(each.file)}: {clean(each.reason)}")
    if len(refused) > PROBLEMS_SHOWN:
        note(f"refused: … and {len(refused) - PROBLEMS_SHOWN:,} more; --json names them all")


def render(
    checked: "Checked",
    options: Namespace,
    library: Library,
    *,
    name: str | None,
    parent: str | None = None,
    more: dict[str, Any] | None = None,
    on_start: Callable[[], None] = lambda: None,
) -> int:
    """Start the ready rows of a checked sheet, follow them to their end, say what came of them.

    Args:
        checked: the sheet.
        options: as `add_rendering_options` declares them.
        library: where to.
        name: what to call the session.
        parent: the session it was made from.
        more: further keys of the answer in JSON.
        on_start: called once the session has its own copy of what it needs.

    Returns:
        The exit status.
    """
    from tui import report

    if is_refused(checked, options):
        return refuse(checked, options, more or {})
    from tui.progress import copying, follow

    if checked.errors:
        left_out = len(checked.sheet.rows) - len(checked.sheet.ready)
        note(f"{count_text(left_out, 'row')} with errors left out; `promptsheet check` lists them.")
    started, last, waits = None, None, None
    copied, pictures = 0, 0

    def count(done: int, total: int) -> None:
        nonlocal copied, pictures
        copied, pictures = done, total
        show(done, total)

    try:
        with copying(shown=not options.json) as show:
            started = library.sessions.start(checked, name=name, parent=parent, progress=count)
        on_start()
        if started.warning:
            note(started.warning)
        info = library.sessions.find(started.session)
        if not options.detach:
            if not options.json:
                note(report.totals_line(checked))
            last = follow(started.session, info.name, library, _wait_minutes(options, library))
    except KeyboardInterrupt:
        if started is None and copied < pictures:
            words = f"{copied:,} of {count_text(pictures, 'picture')} were copied"
            note("", f"Nothing was started: {words}, and are gone from the library again.")
            raise
        if started is None:
            note(
                "",
                "It may be rendered without this terminal: `promptsheet sessions` says whether the"
                " session was accepted.",
            )
            raise
        info = library.sessions.find(started.session)
    if not options.detach:
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
    output = getattr(options, "output", None)
    if output is not None and info.state not in ("rendering", "waiting"):
        write_zip(library, info, place_of(options, info))
    elif output is not None:
        note(f"No ZIP was written: `promptsheet export {info.session}` does it when all is done.")
    if options.json:
        print_json(run_json(info) | {"waits": waits} | (more or {}))
    else:
        (note if is_stdout(output) else say)(*_run_lines(info))
    unfinished = info.images - info.done
    return SOME if unfinished and (info.failed or info.stopped or not options.detach) else OK


def _wait_minutes(options: Namespace, library: Library) -> float:
    return library.settings.engine.wait_minutes if options.wait is None else options.wait


def is_refused(checked: "Checked", options: Namespace) -> bool:
    """Whether nothing is to be started: rows have errors, and nobody said to leave them out."""
    skips = getattr(options, "skip_bad_rows", False) and checked.sheet.ready
    return bool(checked.errors) and not skips


def run_json(info: "SessionInfo") -> dict[str, Any]:
    """A session as it is answered in JSON by what has it rendered."""
    return {
        "session": info.session,
        "images": info.images,
        "done": info.done,
        "failed": info.failed,
        "seconds": round(info.seconds, 3),
        "folder": str(info.folder),
    }


def refuse(checked: "Checked", options: Namespace, more: dict[str, Any]) -> int:
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
            | more
        )
    note(
        *report.problem_lines(checked.errors, most=PROBLEMS_SHOWN),
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
