"""Subcommands on what people decide of what was made: names, tags, ratings, the trash."""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.api import Library
from tui.commands.arguments import (
    SESSION_HELP,
    Subcommands,
    image_numbers,
    numbers,
    session_name,
    trashed_session,
    words,
)
from tui.commands.output import OK, SOME, UsageError, can_ask, confirmed, note, print_json, say
from tui.commands.parser import Parser
from tui.text import clean, count_text, size_text

if TYPE_CHECKING:
    from engine.api import ImageInfo, SessionInfo, TrashSize


_SHOWN = 12
"""Images of a session that are named in a line."""


def register(subcommands: Subcommands) -> None:
    """Declare them."""
    named = subcommands.add(
        "rename",
        rename,
        "rename a session; its folder keeps its name",
        examples=("promptsheet rename last spring boats", "promptsheet rename 8kd2x 'night sky'"),
    )
    named.add_argument("session", type=session_name, help=SESSION_HELP)
    named.add_argument("name", type=words, nargs="+", help="the new name")

    tagged = subcommands.add(
        "tag",
        tag,
        "add tags to a session or remove them; without TAG, list its tags",
        examples=(
            "promptsheet tag last sea 'for print'",
            "promptsheet tag last --remove sea",
            "promptsheet tag last spring --remove autumn winter",
            "promptsheet tag last",
        ),
    )
    tagged.add_argument("session", type=session_name, help=SESSION_HELP)
    tagged.add_argument("tags", type=words, metavar="TAG", nargs="*", help="tags to add")
    tagged.add_argument(
        "--remove",
        type=words,
        metavar="TAG",
        nargs="*",
        help="remove these tags; without TAG, all of them",
    )

    loved = subcommands.add(
        "favourite",
        favourite,
        "mark images as favourites; trashing images leaves favourites in place",
        examples=(
            "promptsheet favourite last --rows 4,7-9",
            "promptsheet favourite last --images 4:2,7:1",
            "promptsheet favourite last --images 4:2 --remove",
        ),
    )
    loved.add_argument("session", type=session_name, help=SESSION_HELP)
    _add_choice(loved, "images of these rows")
    loved.add_argument("--remove", action="store_true", help="unmark them as favourites")

    rated = subcommands.add(
        "rate",
        rate,
        "rate images from 0 (none) to 5 (a favourite)",
        examples=(
            "promptsheet rate last 4 --images 4:2,7:1",
            "promptsheet rate last 3 --rows 4,7-9",
            "promptsheet rate last 0 --images 4:2",
        ),
    )
    rated.add_argument("session", type=session_name, help=SESSION_HELP)
    rated.add_argument(
        "rating", type=int, choices=range(6), help="from 0, which is none, to 5, a favourite"
    )
    _add_choice(rated, "images of these rows")

    bin_ = subcommands.add(
        "trash",
        trash,
        "move sessions or images to the trash, restore them, or empty it",
        examples=(
            "promptsheet trash list",
            "promptsheet trash add last",
            "promptsheet trash add last --rows 4,7-9",
            "promptsheet trash restore last --images 4:2",
            "promptsheet trash empty",
            "promptsheet trash empty --yes",
        ),
    )
    bin_.add_argument(
        "action",
        choices=("list", "add", "restore", "empty"),
        nargs="?",
        help="list what is in the trash (the default); add a session or images of it; restore"
        " them; or empty it for good (asks first on a terminal)",
    )
    bin_.add_argument(
        "session", type=trashed_session, nargs="?", help=f"{SESSION_HELP}; add and restore"
    )
    _add_choice(bin_, "only images of these rows; favourites stay")
    bin_.add_argument(
        "--yes",
        action="store_true",
        help="empty without asking; add a session even if it has favourites",
    )


def _add_choice(command: Parser, rows: str) -> None:
    """Declare which of a session's images are meant."""
    which = command.add_one_of()
    which.add_argument("--rows", type=numbers, metavar="4,7-9", help=rows)
    which.add_argument(
        "--images",
        type=image_numbers,
        metavar="4:2,7:1-3",
        help="single images, as ROW:VARIATION",
    )


def _chosen(images: "Iterable[ImageInfo]", options: Namespace) -> list[str]:
    """The ids of the images that `_add_choice` names; of all, where it names none.

    Raises:
        UsageError: there is no such image.
    """
    rows, single = options.rows, options.images
    found = [
        image.image
        for image in images
        if (rows is None or image.row in rows)
        and (single is None or (image.row, image.variation) in single)
    ]
    if not found:
        what = "No image of these rows" if rows is not None else "No such image"
        raise UsageError(f"{what} is there. `promptsheet show {options.session}` lists the rows.")
    return found


# ---------------------------------------------------------------- names and tags


def rename(options: Namespace, library: Library) -> int:
    """`promptsheet rename SESSION NAME`."""
    info = library.sessions.find(options.session)
    library.sessions.rename(info.session, " ".join(options.name))
    after = library.sessions.find(info.session)
    if options.json:
        print_json({"session": info.session, "name": after.name, "before": info.name})
    else:
        say(clean(f"{info.name} renamed to {after.name}"))
    return OK


def tag(options: Namespace, library: Library) -> int:
    """`promptsheet tag SESSION [TAG…] [--remove [TAG…]]`."""
    info = library.sessions.find(options.session)
    tags, gone = list(info.tags), _each_tag(options.remove or ())
    if missing := [tag for tag in gone if tag not in tags]:
        raise UsageError(f"{info.name} has no tag {missing[0]}; it has {_tag_words(tags)}.")
    if options.remove is not None:
        tags = [tag for tag in tags if gone and tag not in gone]
    tags += [tag for tag in _each_tag(options.tags) if tag not in tags]
    if tags != list(info.tags):
        tags = library.sessions.tag(info.session, tags)
    if options.json:
        print_json({"session": info.session, "tags": tags, "before": list(info.tags)})
    else:
        say(clean(f"{info.name}: {_tag_words(tags)}"))
    return OK


def _each_tag(texts: Iterable[str]) -> list[str]:
    """As in the app, a comma stands between tags."""
    found = (tag for text in texts for part in text.split(",") if (tag := part.strip()))
    return list(dict.fromkeys(found))


def _tag_words(tags: Sequence[str]) -> str:
    return f"tags {', '.join(tags)}" if tags else "no tags"


# ---------------------------------------------------------------- ratings


def rate(options: Namespace, library: Library) -> int:
    """`promptsheet rate SESSION RATING --rows … | --images …`."""
    if options.rows is None and options.images is None:
        raise UsageError("Choose images with --rows 4,7-9 or --images 4:2,7:1.")
    info = library.sessions.find(options.session)
    found = _chosen((i for i in library.images.of(info.session) if i.file), options)
    changed = library.images.rate(dict.fromkeys(found, options.rating))
    if options.json:
        print_json(
            {"session": info.session, "rating": options.rating}
            | {"images": len(changed), "list": [*changed]}
        )
    else:
        rest = len(found) - len(changed)
        before = f", {rest:,} had this rating already" if rest else ""
        say(f"{count_text(len(changed), 'image')} rated {options.rating}{before}")
    return OK


def favourite(options: Namespace, library: Library) -> int:
    """`promptsheet favourite SESSION --rows … | --images … [--remove]`."""
    if options.rows is None and options.images is None:
        raise UsageError("Choose images with --rows 4,7-9 or --images 4:2,7:1.")
    info = library.sessions.find(options.session)
    found = _chosen((i for i in library.images.of(info.session) if i.file), options)
    changed = library.images.favour(found, on=not options.remove)
    if options.json:
        print_json({"session": info.session, "images": len(changed), "list": [*changed]})
    else:
        what = "no longer favourite" if options.remove else "marked as favourite"
        rest = len(found) - len(changed)
        before = (
            f", {rest:,} {'were not favourites' if options.remove else 'were favourites already'}"
            if rest
            else ""
        )
        say(f"{count_text(len(changed), 'image')} {what}{before}")
    return OK


# ---------------------------------------------------------------- the trash


def trash(options: Namespace, library: Library) -> int:
    """`promptsheet trash list | add SESSION | restore SESSION | empty`."""
    options.action = options.action or "list"
    if options.action in ("add", "restore"):
        if options.session is None:
            raise UsageError(f"Name a session: `promptsheet trash {options.action} SESSION`.")
        return (_trash_add if options.action == "add" else _trash_restore)(options, library)
    if options.session is not None or options.rows or options.images:
        raise UsageError(
            f"`promptsheet trash {options.action}` works on the whole trash: leave"
            " out the session, rows and images."
        )
    empty = options.action == "empty"
    if empty and not options.yes and can_ask() and not _is_sure(library):
        note("Nothing was deleted.")
        return SOME
    emptied = library.trash.empty() if empty else None
    size = emptied or library.trash.size()
    left = emptied.left if emptied else []
    listed = [] if empty else library.trash.sessions()
    if options.json:
        more = {} if empty else {"list": [_trashed_json(library, info) for info in listed]}
        print_json(asdict(size) | {"emptied": empty} | more)
        return SOME if left else OK
    say(*(_trashed_line(library, info) for info in listed))
    say(f"{_size_words(size)}, {'deleted for good' if empty else 'in the trash'}")
    if left:
        note(f"{count_text(len(left), 'file')} could not be deleted, including {clean(left[0])}.")
    return SOME if left else OK


def _size_words(size: "TrashSize") -> str:
    what = f"{count_text(size.images, 'image')} and {count_text(size.sessions, 'session')}"
    return f"{what}, {size_text(size.bytes)}"


def _trashed_json(library: Library, info: "SessionInfo") -> dict[str, Any]:
    images = [] if info.trashed else [i.image for i in library.trash.images(info.session)]
    return {
        "session": info.session,
        "name": info.name,
        "whole": info.trashed is not None,
        "images": len(images) if images else info.images,
        "list": images,
    }


def _trashed_line(library: Library, info: "SessionInfo") -> str:
    """`8kd2x  boats: the whole session, 24 images`, or which of its images."""
    if info.trashed is not None:
        what = f"the whole session, {count_text(info.images, 'image')}"
    else:
        there = library.trash.images(info.session)
        named = ",".join(f"{i.row}:{i.variation}" for i in there[:_SHOWN])
        more = f" and {len(there) - _SHOWN:,} more" if len(there) > _SHOWN else ""
        what = f"{count_text(len(there), 'image')}: {named}{more}"
    return f"{info.session}  {clean(info.name)}: {what}"


def _is_sure(library: Library) -> bool:
    return confirmed(f"Delete {_size_words(library.trash.size())} for good?")


def _trash_add(options: Namespace, library: Library) -> int:
    """The whole session, or the images of some of its rows."""
    info = library.sessions.find(options.session)
    if options.rows or options.images:
        chosen = _chosen(library.images.of(info.session), options)
        trashed = library.images.trash(chosen)
        left = {"favourites": trashed.favourites, "rendering": trashed.rendering}
        return _say_moved(info, options, "in the trash", trashed.images, left)
    if info.favourites and not options.yes:
        raise UsageError(
            f"{info.session} has {count_text(info.favourites, 'favourite')}: --yes moves the"
            " whole session to the trash, --rows moves images of rows and keeps favourites."
        )
    library.sessions.trash(info.session)
    return _say_moved(info, options, "in the trash", None, {})


def _trash_restore(options: Namespace, library: Library) -> int:
    """A session that is in the trash as a whole; else those of its images that are."""
    info = library.trash.find(options.session)
    if info.trashed is None:
        there = library.trash.images(info.session)
        back = library.images.restore(_chosen(there, options))
        return _say_moved(info, options, "back", back, {})
    if options.rows or options.images:
        raise UsageError(
            f"{info.session} is in the trash as a whole: restore it without --rows and --images."
        )
    library.sessions.restore(info.session)
    return _say_moved(info, options, "back", None, {})


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
        for name, words in (("favourites", "favourites"), ("rendering", "still rendering")):
            if left.get(name):
                note(f"{count_text(left[name], 'image')} not moved: {words}.")
    return SOME if any(left.values()) else OK
