"""Subcommands on sessions and what came of them."""

import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.api import Library
from tui.commands.arguments import SESSION_HELP, Subcommands, folder, numbers, words
from tui.commands.output import OK, SOME, UsageError, confirmed, note, print_json, say, say_each
from tui.commands.zipping import refuse_terminal, write_zip, zip_place
from tui.text import clean, count_text, size_text

if TYPE_CHECKING:
    from engine.api import ImageInfo, SessionInfo, TrashSize

EVERYTHING = "all"


def register(subcommands: Subcommands) -> None:
    """Declare them."""
    subcommands.add("sessions", sessions, "list sessions, newest first")
    one = subcommands.add("show", show, "one session with its rows and images")
    one.add_argument("session", type=words, help=SESSION_HELP)
    one.add_argument(
        "--follow", action="store_true", help="first wait for its end, with a progress bar"
    )
    halt = subcommands.add("stop", stop, "stop after the current step; what is finished is kept")
    go_on = subcommands.add("resume", resume, "let what was stopped go on")
    again = subcommands.add("retry", retry, "try failed images again")
    for command in (halt, go_on, again):
        command.add_argument("session", type=words, help=f"{SESSION_HELP}; or `{EVERYTHING}`")
        command.add_argument(
            "--rows", type=numbers, metavar="4,7-9", help="only these rows of the session"
        )
    for command in (go_on, again):
        command.add_argument(
            "--accept-changed-model",
            action="store_true",
            help="go on with the files its models have now, though it was planned with others;"
            " each image says so",
        )
    order = subcommands.add("move", move, "render a session sooner or later than others")
    order.add_argument("session", type=words, help=SESSION_HELP)
    order.add_argument("to", choices=("first", "up", "down", "last"))
    zipped = subcommands.add("export", export, "a session's images and their table as a ZIP")
    zipped.add_argument("session", type=words, help=SESSION_HELP)
    zipped.add_argument("-o", "--output", type=Path, metavar="FILE", help="- streams to stdout")
    zipped.add_argument("--force", action="store_true", help="replace a file that is there")
    zipped.add_argument("--strip-metadata", action="store_true", help="leave recipes out")
    zipped.add_argument("--favourites", action="store_true", help="only favourites")
    zipped.add_argument(
        "--sources",
        action="store_true",
        help="also the pictures that images are drawn on, in a folder `sources`",
    )
    zipped.add_argument(
        "--table", choices=("csv", "xlsx", "ods"), default="csv", help="the results sheet's format"
    )
    single = subcommands.add(
        "copy",
        copy,
        "a session's images as single files in a folder; nothing there is replaced",
    )
    single.add_argument("session", type=words, help=SESSION_HELP)
    single.add_argument("folder", type=folder, help="made if need be")
    single.add_argument("--favourites", action="store_true", help="only favourites")
    single.add_argument("--rows", type=numbers, metavar="4,7-9", help="only images of these rows")
    bin_ = subcommands.add(
        "trash", trash, "put sessions or images in the trash, bring them back, or empty it"
    )
    bin_.add_argument(
        "action",
        choices=("list", "add", "restore", "empty"),
        nargs="?",
        default="list",
        help="list what is in it; add a session, or images of its rows; restore them; empty it for"
        " good (on a terminal it asks first)",
    )
    bin_.add_argument("session", type=words, nargs="?", help=f"{SESSION_HELP}; add and restore")
    bin_.add_argument(
        "--rows",
        type=numbers,
        metavar="4,7-9",
        help="only images of these rows; favourites are left where they are",
    )
    bin_.add_argument(
        "--yes",
        action="store_true",
        help="empty without asking; add a session although it has favourites",
    )


def sessions(options: Namespace, library: Library) -> int:
    """`promptsheet sessions`."""
    from tui import report

    found = library.sessions.all()
    if options.json:
        print_json([_session_json(info) for info in found])
    elif found:
        say(*report.session_lines(found))
    else:
        say("No sessions yet. `promptsheet run SHEET` makes one.")
    return OK


def _session_json(info: "SessionInfo") -> dict[str, Any]:
    return asdict(info) | {"folder": str(info.folder)}


def show(options: Namespace, library: Library) -> int:
    """`promptsheet show SESSION`."""
    from tui import report

    info, status = library.sessions.find(options.session), OK
    session = info.session
    if options.follow:
        from tui.progress import follow

        last = follow(session, info.name, library, library.settings.engine.wait_minutes)
        if last is None:
            note("", "It goes on without this terminal.")
        elif last.given_up:
            status = SOME
            note("", f"Nothing can be rendered at the moment: {clean(last.waits)}")
        info = library.sessions.find(session)
    pixels = library.images.pixels(session)
    if options.json:
        print_json(
            _session_json(info)
            | {"pixels": pixels, "log": str(library.sessions.log_path(session))},
            rows=library.sessions.jobs_as_json(session),
            list=library.images.as_json(session),
        )
    else:
        jobs = library.sessions.jobs(session)
        departures = library.images.departures(session)
        say_each(report.show_lines(info, jobs, departures, pixels))
    return status


def stop(options: Namespace, library: Library) -> int:
    """`promptsheet stop SESSION`."""
    return _change(library.sessions.stop, options, library)


def resume(options: Namespace, library: Library) -> int:
    """`promptsheet resume SESSION`."""
    return _change(partial(library.sessions.resume, new_files=_accepts(options)), options, library)


def retry(options: Namespace, library: Library) -> int:
    """`promptsheet retry SESSION`."""
    return _change(partial(library.sessions.retry, new_files=_accepts(options)), options, library)


def _accepts(options: Namespace) -> bool:
    return bool(options.accept_changed_model)


def _change(
    command: Callable[[str | None, list[int] | None], None],
    options: Namespace,
    library: Library,
) -> int:
    if options.session == EVERYTHING:
        if options.rows:
            raise UsageError("Rows belong to a session: name it instead of `all`.")
        command(None, None)
        found = [info for info in library.sessions.all() if info.state != "done"]
        if options.json:
            print_json([_session_json(info) for info in found])
        else:
            say(*(_state_line(info) for info in found))
        return OK
    info = library.sessions.find(options.session)
    command(info.session, options.rows)
    return _say_state(info.session, options, library)


def _say_state(session: str, options: Namespace, library: Library) -> int:
    info = library.sessions.find(session)
    if options.json:
        print_json(_session_json(info))
    else:
        say(_state_line(info))
    return OK


def _state_line(info: "SessionInfo") -> str:
    return f"{info.session}: {info.state}, {info.done} of {count_text(info.images, 'image')}"


def move(options: Namespace, library: Library) -> int:
    """`promptsheet move SESSION first | up | down | last`."""
    info = library.sessions.find(options.session)
    library.sessions.move(info.session, options.to)
    return _say_state(info.session, options, library)


def export(options: Namespace, library: Library) -> int:
    """`promptsheet export SESSION`."""
    if options.sources and options.strip_metadata:
        raise UsageError(
            "--sources puts pictures in as they were brought, with all their metadata; leave that"
            " or --strip-metadata out."
        )
    info = library.sessions.find(options.session)
    refuse_terminal(options.output)
    place = zip_place(info.folder.name, options.output, force=options.force)
    done, target = write_zip(
        library,
        info,
        place,
        favourites=options.favourites,
        strip_metadata=options.strip_metadata,
        table=options.table,
        sources=options.sources,
    )
    if target is None:
        return OK
    if options.json:
        print_json({"session": info.session, "file": str(target)} | asdict(done))
    else:
        say(f"{count_text(done.images, 'image')} in {clean(str(target))}")
    return OK


def copy(options: Namespace, library: Library) -> int:
    """`promptsheet copy SESSION FOLDER`."""
    from tui.progress import exporting

    info = library.sessions.find(options.session)
    rows = None if options.rows is None else set(options.rows)
    chosen = [
        image.image
        for image in library.images.of(info.session)
        if image.file
        and (image.favourite or not options.favourites)
        and (rows is None or image.row in rows)
    ]
    with exporting() as progress:
        copied = library.images.copy(chosen, options.folder, progress)
    if options.json:
        files = [str(path) for path in copied.files]
        print_json({"session": info.session, "files": files, "lost": copied.lost})
    else:
        say(f"{count_text(len(copied.files), 'image')} in {clean(str(options.folder))}")
    if copied.lost:
        note(f"{count_text(len(copied.lost), 'image')} missing or damaged.")
    return SOME if copied.lost else OK


def trash(options: Namespace, library: Library) -> int:
    """`promptsheet trash list | add SESSION | restore SESSION | empty`."""
    if options.action in ("add", "restore"):
        if options.session is None:
            raise UsageError(f"Say which session: `promptsheet trash {options.action} SESSION`.")
        return (_trash_add if options.action == "add" else _trash_restore)(options, library)
    if options.session is not None or options.rows:
        raise UsageError(f"`promptsheet trash {options.action}` is about all that is in the trash.")
    empty = options.action == "empty"
    if empty and not options.yes and sys.stdin.isatty() and not _is_sure(library):
        note("Nothing was deleted.")
        return SOME
    emptied = library.trash.empty() if empty else None
    size = emptied or library.trash.size()
    left = emptied.left if emptied else []
    if options.json:
        print_json(asdict(size) | {"emptied": empty})
        return SOME if left else OK
    say(f"{_size_words(size)}, {'deleted for good' if empty else 'in the trash'}")
    if left:
        note(f"{count_text(len(left), 'file')} could not be deleted, {clean(left[0])} for one.")
    return SOME if left else OK


def _size_words(size: "TrashSize") -> str:
    what = f"{count_text(size.images, 'image')} and {count_text(size.sessions, 'session')}"
    return f"{what}, {size_text(size.bytes)}"


def _is_sure(library: Library) -> bool:
    return confirmed(f"Delete {_size_words(library.trash.size())}, for good?")


def _trash_add(options: Namespace, library: Library) -> int:
    """The whole session, or the images of some of its rows."""
    info = library.sessions.find(options.session)
    if options.rows:
        chosen = _of_rows(list(library.images.of(info.session)), options)
        trashed = library.images.trash(chosen)
        left = {"favourites": trashed.favourites, "rendering": trashed.rendering}
        return _say_moved(info, options, "in the trash", trashed.images, left)
    if info.favourites and not options.yes:
        raise UsageError(
            f"{info.session} has {count_text(info.favourites, 'favourite')}: --yes takes it to the"
            " trash with all of it, --rows takes images of rows and leaves favourites."
        )
    library.sessions.trash(info.session)
    return _say_moved(info, options, "in the trash", None, {})


def _trash_restore(options: Namespace, library: Library) -> int:
    """A session that is in the trash as a whole; else those of its images that are."""
    info = library.trash.find(options.session)
    if info.trashed is None:
        there = library.trash.images(info.session)
        back = library.images.restore(_of_rows(there, options))
        return _say_moved(info, options, "back", back, {})
    if options.rows:
        raise UsageError(f"{info.session} is in the trash as a whole: restore it without --rows.")
    library.sessions.restore(info.session)
    return _say_moved(info, options, "back", None, {})


def _of_rows(images: "list[ImageInfo]", options: Namespace) -> list[str]:
    chosen = [i.image for i in images if options.rows is None or i.row in options.rows]
    if not chosen:
        raise UsageError("There is no such image in these rows.")
    return chosen


def _say_moved(
    info: "SessionInfo",
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
