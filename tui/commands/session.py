"""Subcommands on sessions and what came of them."""

import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import IO, Any

from engine import api
from engine.api import Settings
from tui import report
from tui.commands.output import OK, SOME, UsageError, note, print_json, say, say_each
from tui.progress import exporting, follow
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
    info, status = api.find_session(settings.library, options.session), OK
    library, session = settings.library, info.session
    if options.follow:
        last = follow(session, info.name, settings, settings.engine.wait_minutes)
        if last is None:
            note("", "It goes on without this terminal.")
        elif last.given_up:
            status = SOME
            note("", f"Nothing can be rendered at the moment: {clean(last.waits)}")
        info = api.find_session(library, session)
    pixels = api.pixels_of(library, session)
    if options.json:
        print_json(
            _session_json(info) | {"pixels": pixels, "log": str(api.log_path(library, session))},
            rows=api.jobs_as_json(library, session),
            list=api.images_as_json(library, session),
        )
    else:
        jobs = api.each_job(library, session)
        departures = api.departures_of(library, session)
        say_each(report.show_lines(info, jobs, departures, pixels))
    return status


def stop(options: Namespace, settings: Settings) -> int:
    """`promptsheet stop SESSION`."""
    return _change(api.stop_session, options, settings)


def resume(options: Namespace, settings: Settings) -> int:
    """`promptsheet resume SESSION`."""
    return _change(partial(api.resume_session, new_files=_accepts(options)), options, settings)


def retry(options: Namespace, settings: Settings) -> int:
    """`promptsheet retry SESSION`."""
    return _change(partial(api.retry_session, new_files=_accepts(options)), options, settings)


def _accepts(options: Namespace) -> bool:
    return bool(options.accept_changed_model)


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
    with api.written_beside(target) as (_, file):
        done = write(file)
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
        for image in api.each_image(settings.library, info.session)
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
    """`promptsheet trash list | add SESSION | restore SESSION | empty`."""
    if options.action in ("add", "restore"):
        if options.session is None:
            raise UsageError(f"Say which session: `promptsheet trash {options.action} SESSION`.")
        return (_trash_add if options.action == "add" else _trash_restore)(options, settings)
    if options.session is not None or options.rows:
        raise UsageError(f"`promptsheet trash {options.action}` is about all that is in the trash.")
    empty = options.action == "empty"
    if empty and not options.yes and sys.stdin.isatty() and not _is_sure(settings):
        note("Nothing was deleted.")
        return SOME
    size = api.empty_trash(settings.library) if empty else api.trash_size(settings.library)
    left = size.left if isinstance(size, api.Emptied) else []
    if options.json:
        print_json(asdict(size) | {"emptied": empty})
        return SOME if left else OK
    say(f"{_size_words(size)}, {'deleted for good' if empty else 'in the trash'}")
    if left:
        note(f"{count_text(len(left), 'file')} could not be deleted, {clean(left[0])} for one.")
    return SOME if left else OK


def _size_words(size: api.TrashSize) -> str:
    what = f"{count_text(size.images, 'image')} and {count_text(size.sessions, 'session')}"
    return f"{what}, {size_text(size.bytes)}"


def _is_sure(settings: Settings) -> bool:
    size = api.trash_size(settings.library)
    print(f"Delete {_size_words(size)}, for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _trash_add(options: Namespace, settings: Settings) -> int:
    """The whole session, or the images of some of its rows."""
    info = api.find_session(settings.library, options.session)
    if options.rows:
        chosen = _of_rows(api.list_images(settings.library, info.session), options)
        trashed = api.trash_images(chosen, settings.library)
        left = {"favourites": trashed.favourites, "rendering": trashed.rendering}
        return _say_moved(info, options, "in the trash", trashed.images, left)
    if info.favourites and not options.yes:
        raise UsageError(
            f"{info.session} has {count_text(info.favourites, 'favourite')}: --yes takes it to the"
            " trash with all of it, --rows takes images of rows and leaves favourites."
        )
    api.trash_session(info.session, settings.library)
    return _say_moved(info, options, "in the trash", None, {})


def _trash_restore(options: Namespace, settings: Settings) -> int:
    """A session that is in the trash as a whole; else those of its images that are."""
    info = api.find_in_trash(settings.library, options.session)
    if info.trashed is None:
        there = api.list_trashed(settings.library, info.session)
        back = api.restore_images(_of_rows(there, options), settings.library)
        return _say_moved(info, options, "back", back, {})
    if options.rows:
        raise UsageError(f"{info.session} is in the trash as a whole: restore it without --rows.")
    api.restore_session(info.session, settings.library)
    return _say_moved(info, options, "back", None, {})


def _of_rows(images: list[api.ImageInfo], options: Namespace) -> list[str]:
    chosen = [i.image for i in images if options.rows is None or i.row in options.rows]
    if not chosen:
        raise UsageError("There is no such image in these rows.")
    return chosen


def _say_moved(
    info: api.SessionInfo,
    options: Namespace,
    where: str,
    images: list[str] | None,
    left: dict[str, int],
) -> int:
    """Say what is in the trash, or back; `images`: None for the whole session."""
    whole = images is None
    count = info.images if images is None else len(images)
    if options.json:
        body = {"session": info.session, "whole": whole, "images": count, "list": images or []}
        print_json(body | {"favourites": 0, "rendering": 0} | left)
    else:
        what = f"{info.session}, {count_text(count, 'image')}," if whole else None
        say(f"{what or count_text(count, 'image')} {where}")
        for name, words in (("favourites", "favourites"), ("rendering", "being rendered")):
            if left.get(name):
                note(f"{count_text(left[name], 'image')} left where they are: {words}.")
    return SOME if any(left.values()) else OK
