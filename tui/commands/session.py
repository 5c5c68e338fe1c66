"""Subcommands on sessions and what came of them."""

import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from engine import api
from engine.api import Settings
from tui import report
from tui.commands.output import OK, SOME, UsageError, note, print_json, say
from tui.progress import exporting
from tui.text import clean, count_text, size_text

EVERYTHING = "all"


def sessions(options: Namespace, settings: Settings) -> int:
    """`promptsheet sessions`."""
    found = api.list_sessions(settings.library)
    if options.json:
        print_json([_session_json(info) for info in found])
    elif found:
        say(*report.session_lines(found))
    else:
        say("No sessions yet. `promptsheet run SHEET` makes one.")
    return OK


def _session_json(info: api.SessionInfo) -> dict[str, Any]:
    return asdict(info) | {"folder": str(info.folder)}


def show(options: Namespace, settings: Settings) -> int:
    """`promptsheet show SESSION`."""
    info = api.find_session(settings.library, options.session)
    jobs = api.list_jobs(settings.library, info.session)
    images = api.list_images(settings.library, info.session)
    if options.json:
        print_json(
            _session_json(info)
            | {
                "log": str(api.log_path(settings.library, info.session)),
                "rows": [asdict(job) for job in jobs],
                "list": [asdict(image) for image in images],
            }
        )
    else:
        say(*report.show_lines(info, jobs, images))
    return OK


def stop(options: Namespace, settings: Settings) -> int:
    """`promptsheet stop SESSION`."""
    return _change(api.stop_session, options, settings)


def resume(options: Namespace, settings: Settings) -> int:
    """`promptsheet resume SESSION`."""
    return _change(api.resume_session, options, settings)


def retry(options: Namespace, settings: Settings) -> int:
    """`promptsheet retry SESSION`."""
    return _change(api.retry_session, options, settings)


def _change(
    command: Callable[[str | None, Settings, list[int] | None], None],
    options: Namespace,
    settings: Settings,
) -> int:
    if options.session == EVERYTHING:
        if options.rows:
            raise UsageError("Rows belong to a session: name it instead of `all`.")
        command(None, settings, None)
        found = [info for info in api.list_sessions(settings.library) if info.state != "done"]
        if options.json:
            print_json([_session_json(info) for info in found])
        else:
            say(*(_state_line(info) for info in found))
        return OK
    info = api.find_session(settings.library, options.session)
    command(info.session, settings, options.rows)
    return _say_state(info.session, options, settings)


def _say_state(session: str, options: Namespace, settings: Settings) -> int:
    info = api.find_session(settings.library, session)
    if options.json:
        print_json(_session_json(info))
    else:
        say(_state_line(info))
    return OK


def _state_line(info: api.SessionInfo) -> str:
    return f"{info.session}: {info.state}, {info.done} of {count_text(info.images, 'image')}"


def move(options: Namespace, settings: Settings) -> int:
    """`promptsheet move SESSION first | up | down | last`."""
    info = api.find_session(settings.library, options.session)
    api.move_session(info.session, settings, options.to)
    return _say_state(info.session, options, settings)


def export(options: Namespace, settings: Settings) -> int:
    """`promptsheet export SESSION`."""
    info = api.find_session(settings.library, options.session)
    to_stdout = str(options.output) == "-"
    if to_stdout and sys.stdout.isatty():
        raise UsageError("A ZIP would litter the terminal: give -o FILE, or pipe it somewhere.")

    def write(file: IO[bytes]) -> api.Exported:
        with exporting() as progress:
            return api.export_session(
                info.session,
                settings,
                file,
                favourites=options.favourites,
                strip_metadata=options.strip_metadata,
                table=options.table,
                progress=progress,
            )

    if to_stdout:
        write(sys.stdout.buffer)
        return OK
    target = options.output or Path(f"{info.folder.name}.zip")
    if not target.name or target.is_dir():
        target = target / f"{info.folder.name}.zip"
    # Written beside its place first: an interrupted export leaves no half ZIP under that name.
    partial = target.with_name(f".{target.name}.part")
    try:
        with partial.open("wb") as file:
            done = write(file)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    if options.json:
        print_json({"session": info.session, "file": str(target)} | asdict(done))
    else:
        say(f"{count_text(done.images, 'image')} in {clean(str(target))}")
        if done.failed:
            failed = count_text(len(done.failed), "image")
            note(f"{failed} not in it (failed, missing or damaged): the results sheet says why.")
    return OK


def copy(options: Namespace, settings: Settings) -> int:
    """`promptsheet copy SESSION FOLDER`."""
    info = api.find_session(settings.library, options.session)
    rows = None if options.rows is None else set(options.rows)
    chosen = [
        image.image
        for image in api.list_images(settings.library, info.session)
        if image.file
        and (image.favourite or not options.favourites)
        and (rows is None or image.row in rows)
    ]
    with exporting() as progress:
        copied = api.copy_images(chosen, settings, options.folder, progress)
    if options.json:
        files = [str(path) for path in copied.files]
        print_json({"session": info.session, "files": files, "lost": copied.lost})
    else:
        say(f"{count_text(len(copied.files), 'image')} in {clean(str(options.folder))}")
    if copied.lost:
        note(f"{count_text(len(copied.lost), 'image')} missing or damaged.")
    return SOME if copied.lost else OK


def trash(options: Namespace, settings: Settings) -> int:
    """`promptsheet trash list | empty`."""
    empty = options.action == "empty"
    size = api.empty_trash(settings.library) if empty else api.trash_size(settings.library)
    left = size.left if isinstance(size, api.Emptied) else []
    if options.json:
        print_json(asdict(size) | {"emptied": empty})
        return SOME if left else OK
    what = f"{count_text(size.images, 'image')} and {count_text(size.sessions, 'session')}"
    say(f"{what}, {size_text(size.bytes)}, {'deleted for good' if empty else 'in the trash'}")
    if left:
        note(f"{count_text(len(left), 'file')} could not be deleted, {clean(left[0])} for one.")
    return SOME if left else OK
