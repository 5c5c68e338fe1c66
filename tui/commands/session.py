"""Subcommands on sessions and what came of them."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.api import Library
from tui.commands import showing
from tui.commands.arguments import (
    SESSION_HELP,
    Subcommands,
    folder,
    numbers,
    output_file,
    session_name,
    session_or_all,
)
from tui.commands.output import OK, SOME, UsageError, note, print_json, say, say_each
from tui.commands.zipping import refuse_terminal, write_zip, zip_place
from tui.text import clean, count_text

if TYPE_CHECKING:
    from engine.api import SessionInfo

EVERYTHING = "all"
_CAPTIONS_HELP = (
    "also NAME.txt with the final prompt beside each picture, as trainers of LoRAs want it"
)


def register(subcommands: Subcommands) -> None:
    """Declare them."""
    subcommands.add(
        "sessions",
        sessions,
        "list sessions, newest first",
        examples=("promptsheet sessions", "promptsheet sessions --json"),
    )
    one = subcommands.add(
        "show",
        show,
        "show one session with its rows and images",
        examples=("promptsheet show last", "promptsheet show spring --follow"),
    )
    one.add_argument("session", type=session_name, help=SESSION_HELP)
    one.add_argument(
        "--follow", action="store_true", help="wait until it ends, with a progress bar"
    )
    halt = subcommands.add(
        "stop",
        stop,
        "stop a session after the current step; finished images are kept",
        examples=(
            "promptsheet stop last",
            "promptsheet stop last --rows 4,7-9",
            "promptsheet stop all",
        ),
    )
    go_on = subcommands.add(
        "resume",
        resume,
        "resume a stopped session",
        examples=("promptsheet resume last", "promptsheet resume last --accept-changed-model"),
    )
    again = subcommands.add(
        "retry",
        retry,
        "render failed images again",
        examples=("promptsheet retry last", "promptsheet retry last --rows 4,7-9"),
    )
    for command in (halt, go_on, again):
        command.add_argument(
            "session", type=session_or_all, help=f"{SESSION_HELP}; or `{EVERYTHING}`"
        )
        command.add_argument(
            "--rows", type=numbers, metavar="4,7-9", help="only these rows of the session"
        )
    for command in (go_on, again):
        command.add_argument(
            "--accept-changed-model",
            action="store_true",
            help="continue with a model's new files after they changed; each image records it",
        )
    order = subcommands.add(
        "move",
        move,
        "move a session up or down in the queue",
        examples=("promptsheet move spring first", "promptsheet move last down"),
    )
    order.add_argument("session", type=session_name, help=SESSION_HELP)
    order.add_argument("to", choices=("first", "up", "down", "last"))
    zipped = subcommands.add(
        "export",
        export,
        "a session's images and their table as a ZIP; a contact sheet; a web page",
        examples=(
            "promptsheet export last -o out.zip",
            "promptsheet export last --favourites --table xlsx",
            "ssh box promptsheet export last -o - > out.zip",
            "promptsheet export last --contact-sheet boats.pdf --favourites --columns 6",
            "promptsheet export last --html boats/ --strip-metadata",
            "promptsheet export last --grid boats.png --rows 3 --across steps",
        ),
    )
    zipped.add_argument("session", type=session_name, help=SESSION_HELP)
    places = zipped.add_one_of()
    places.add_argument(
        "-o",
        "--output",
        type=output_file,
        metavar="FILE",
        help=("where to save the ZIP; - writes to stdout"),
    )
    zipped.add_argument("--force", action="store_true", help="replace an existing file")
    zipped.add_argument("--strip-metadata", action="store_true", help="leave out recipes")
    zipped.add_argument("--favourites", action="store_true", help="only favourites")
    zipped.add_argument("--rows", type=numbers, metavar="4,7-9", help="only images of these rows")
    zipped.add_argument("--captions", action="store_true", help=_CAPTIONS_HELP)
    zipped.add_argument(
        "--sources",
        action="store_true",
        help="include source pictures, in a folder `sources`",
    )
    zipped.add_argument(
        "--table", choices=("csv", "xlsx", "ods"), help="format of the results sheet"
    )
    showing.register(zipped, places)
    single = subcommands.add(
        "copy",
        copy,
        "copy a session's images to a folder; existing files are never replaced",
        examples=(
            "promptsheet copy last out/",
            "promptsheet copy last out/ --favourites",
            "promptsheet copy last out/ --rows 4,7-9",
            "promptsheet copy last training/ --favourites --captions",
        ),
    )
    single.add_argument("session", type=session_name, help=SESSION_HELP)
    single.add_argument("folder", type=folder, help="created if missing")
    single.add_argument("--favourites", action="store_true", help="only favourites")
    single.add_argument("--rows", type=numbers, metavar="4,7-9", help="only images of these rows")
    single.add_argument("--captions", action="store_true", help=_CAPTIONS_HELP)


def sessions(options: Namespace, library: Library) -> int:
    """`promptsheet sessions`."""
    from tui import report

    found = library.sessions.all()
    if options.json:
        print_json([_session_json(info) for info in found])
    elif found:
        say(*report.session_lines(found))
    else:
        say("No sessions yet. `promptsheet run SHEET` creates one.")
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
            note("", "It continues in the background.")
        elif last.given_up:
            status = SOME
            note("", f"Nothing is rendered: {clean(last.waits)}")
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
    return _change(library.sessions.stop, options, library, _nothing_left)


def resume(options: Namespace, library: Library) -> int:
    """`promptsheet resume SESSION`."""
    command = partial(library.sessions.resume, new_files=_accepts(options))
    return _change(command, options, library, _nothing_left)


def retry(options: Namespace, library: Library) -> int:
    """`promptsheet retry SESSION`."""
    command = partial(library.sessions.retry, new_files=_accepts(options))
    return _change(command, options, library, _nothing_failed)


def _accepts(options: Namespace) -> bool:
    return bool(options.accept_changed_model)


def _nothing_left(info: "SessionInfo") -> str:
    """That a session has no image that could still be rendered; empty: it has."""
    over = info.done + info.failed == info.images
    return "Nothing of it is left to render." if over else ""


def _nothing_failed(info: "SessionInfo") -> str:
    return "" if info.failed else "No image of it has failed, so there is nothing to retry."


def _change(
    command: Callable[[str | None, list[int] | None], None],
    options: Namespace,
    library: Library,
    idle: Callable[["SessionInfo"], str],
) -> int:
    """Ask something of one session, or of all; `idle` says why it does nothing, if so."""
    if options.session == EVERYTHING:
        if options.rows:
            raise UsageError("--rows needs one session: name it instead of `all`.")
        command(None, None)
        found = [info for info in library.sessions.all() if info.state != "done"]
        if options.json:
            print_json([_session_json(info) for info in found])
        else:
            say(*(_state_line(info) for info in found))
        return OK
    info = library.sessions.find(options.session)
    command(info.session, options.rows)
    if why := idle(info):
        note(why)
    return _say_state(info.session, options, library)


def _say_state(session: str, options: Namespace, library: Library) -> int:
    info = library.sessions.find(session)
    if options.json:
        print_json(_session_json(info))
    else:
        say(_state_line(info))
    return OK


def _state_line(info: "SessionInfo") -> str:
    return f"{info.session}: {info.state}, {info.done:,} of {count_text(info.images, 'image')}"


def move(options: Namespace, library: Library) -> int:
    """`promptsheet move SESSION first | up | down | last`."""
    info = library.sessions.find(options.session)
    library.sessions.move(info.session, options.to)
    if why := _nothing_left(info):
        note(why)
    return _say_state(info.session, options, library)


def export(options: Namespace, library: Library) -> int:
    """`promptsheet export SESSION`."""
    if options.sources and options.strip_metadata:
        raise UsageError(
            "--sources includes the original pictures with all their metadata, so it cannot be"
            " combined with --strip-metadata."
        )
    if options.captions and options.strip_metadata:
        raise UsageError(
            "--captions writes the prompts that --strip-metadata leaves out; leave one of them out."
        )
    info = library.sessions.find(options.session)
    if (status := showing.written(options, library, info)) is not None:
        return status
    refuse_terminal(options.output)
    place = zip_place(info.folder.name, options.output, force=options.force)
    done, target = write_zip(
        library,
        info,
        place,
        rows=options.rows,
        favourites=options.favourites,
        strip_metadata=options.strip_metadata,
        table=options.table or "csv",
        sources=options.sources,
        captions=options.captions,
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
        copied = library.images.copy(chosen, options.folder, progress, captions=options.captions)
    if options.json:
        files = [str(path) for path in copied.files]
        print_json({"session": info.session, "files": files, "lost": copied.lost})
    else:
        say(f"{count_text(len(copied.files), 'image')} in {clean(str(options.folder))}")
    if copied.captions_kept:
        there = count_text(copied.captions_kept, "caption file")
        note(f"{there} already existed with other text; not changed.")
    if copied.lost:
        note(f"{count_text(len(copied.lost), 'image')} missing or damaged.")
    return SOME if copied.lost else OK
