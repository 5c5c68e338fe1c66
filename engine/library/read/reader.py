"""What is in the library, read without disturbing the engine process."""

import hashlib
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.errors import did_you_mean
from engine.library.database import LibraryError, is_new, reading
from engine.library.read.stored import conditions_of, of_batch, recipe_of, source_of
from engine.picture.recipe import Conditions, Recipe
from engine.protocol.records import Tally

STATES = ("rendering", "waiting", "stopped", "failed", "done")
"""Of an image; and, the first that any of its images has, of a job and of a session."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session in a list."""

    session: str
    name: str
    state: str
    images: int
    done: int
    failed: int
    waiting: int
    rendering: int
    stopped: int
    bytes: int
    created: float
    """Seconds since 1970."""
    finished: float | None
    folder: Path
    favourites: int
    tags: tuple[str, ...]
    parent: str | None
    """The session that this one was made from."""
    trashed: float | None
    """Seconds since 1970; None if it is not in the trash."""
    rewriting: int
    """Images whose prompts a language model is still to rewrite."""
    changed_models: tuple[str, ...]
    """Models whose files have changed: it goes on with those once somebody says so."""

    @property
    def tally(self) -> Tally:
        """Its counts."""
        return Tally(
            session=self.session,
            images=self.images,
            waiting=self.waiting,
            rendering=self.rendering,
            stopped=self.stopped,
            failed=self.failed,
            done=self.done,
            rewriting=self.rewriting,
        )

    @property
    def seconds(self) -> float:
        """From its acceptance to its last commit of images; 0 before the first."""
        return 0.0 if self.finished is None else self.finished - self.created


@dataclass(frozen=True, slots=True)
class JobInfo:
    """A row at work in a session."""

    row: int
    state: str
    images: int
    done: int
    prompt: str
    error: str | None
    """Why its first failed image failed, or else what is to be said of its first stopped one."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """One image, with everything that determines it."""

    image: str
    session: str
    session_name: str
    row: int
    variation: int
    seed: int
    state: str
    file: str | None
    """Relative to the library; None until it is done."""
    bytes: int | None
    width: int
    height: int
    rating: int
    """0, which is none, to 5."""
    favourite: bool
    """Whether it is rated 5."""
    error: str | None
    recipe: Recipe
    conditions: Conditions | None
    """None until it is done."""
    batch_size: int | None
    """Images in the call that drew it; None until it is done."""
    departures: tuple[str, ...]
    """Conditions of the session that could not be kept."""
    finished: float | None
    """Seconds since 1970; None until it is done."""
    trashed: bool
    digest: str | None
    """Of the whole file; None until it is done."""
    pixels: str | None
    """Digest of the picture alone, equal where another run drew the same; None until it is done,
    and of what was rendered before digests were kept."""


SESSION_COLUMNS = (
    "SELECT *, (SELECT json_group_array(model) FROM model_changes"
    " WHERE session = sessions.id AND awaits = 'decision') AS changed_models FROM sessions"
)
"""What `session_info` needs of `sessions`."""


def state_of(counts: sqlite3.Row) -> str:
    """The state of a job or session from its images' counts."""
    return next((state for state in STATES if counts[state]), "done")


def list_sessions(library: Path, most: int | None = None) -> list[SessionInfo]:
    """Those that are not in the trash, newest first, `most` at most; none where no library is."""
    which = "WHERE trashed IS NULL ORDER BY created DESC, id DESC LIMIT ?"
    return _sessions(library, which, -1 if most is None else most)


def images_made(library: Path) -> tuple[int, int]:
    """How many images of all sessions are done, and how many have failed."""
    if is_new(library):
        return 0, 0
    with reading(library) as db:
        return tuple(
            db.execute(
                "SELECT coalesce(sum(done), 0), coalesce(sum(failed), 0) FROM sessions"
            ).fetchone()
        )


def log_path(library: Path, session: str) -> Path:
    """Where the log of the session with id `session` is, once there is something in it."""
    return library / "logs" / f"{session}.log"


def list_unfinished(library: Path) -> list[SessionInfo]:
    """Sessions with work left, in the order in which they are rendered."""
    return _sessions(library, "WHERE waiting > 0 OR rendering > 0 ORDER BY position")


def list_queue(library: Path) -> list[SessionInfo]:
    """As `list_unfinished`; then those that were stopped, the last accepted first."""
    return _sessions(
        library,
        "WHERE waiting > 0 OR rendering > 0 OR stopped > 0"
        " AND trashed IS NULL ORDER BY waiting = 0 AND rendering = 0,"
        " iif(waiting = 0 AND rendering = 0, -id, position)",
    )


def _sessions(library: Path, which: str, *values: object) -> list[SessionInfo]:
    """Those that the end of a query names; none where no library is."""
    if is_new(library):
        return []
    with reading(library) as db:
        rows = db.execute(f"{SESSION_COLUMNS} {which}", values).fetchall()
    return [session_info(library, row) for row in rows]


def session_info(library: Path, row: sqlite3.Row) -> SessionInfo:
    """A row of `SESSION_COLUMNS` as others see it."""
    return SessionInfo(
        session=row["key"],
        name=row["name"],
        state=state_of(row),
        images=row["images"],
        done=row["done"],
        failed=row["failed"],
        waiting=row["waiting"],
        rendering=row["rendering"],
        stopped=row["stopped"],
        bytes=row["bytes"],
        created=row["created"],
        finished=row["finished"],
        folder=library / row["folder"],
        favourites=row["favourites"],
        tags=tuple(json.loads(row["tags"])),
        parent=source_of(row["source"]).parent,
        trashed=row["trashed"],
        rewriting=row["rewriting"],
        changed_models=tuple(json.loads(row["changed_models"])),
    )


def find_session(library: Path, wanted: str) -> SessionInfo:
    """The session meant by `wanted`: an id, a name, or `last`.

    Raises:
        LibraryError: none, or several of that name.
    """
    with reading(library) as db:
        rows = _matching(db, wanted)
        near = "" if rows else _near(db, wanted)
    if not rows:
        raise LibraryError(
            f"Session not found: {wanted!r}.{near} `promptsheet sessions` lists them."
            if wanted != "last"
            else "No sessions yet."
        )
    if len(rows) > 1:
        keys = ", ".join(row["key"] for row in rows)
        raise LibraryError(f"{len(rows)} sessions are named {wanted!r}; choose one by id: {keys}.")
    return session_info(library, rows[0])


def _matching(db: sqlite3.Connection, wanted: str) -> Sequence[sqlite3.Row]:
    if wanted == "last":
        return db.execute(
            f"{SESSION_COLUMNS} WHERE trashed IS NULL ORDER BY created DESC, id DESC LIMIT 1"
        ).fetchall()
    return (
        db.execute(f"{SESSION_COLUMNS} WHERE key = ?", (wanted,)).fetchall()
        or db.execute(
            f"{SESSION_COLUMNS} WHERE name = ? AND trashed IS NULL ORDER BY id", (wanted,)
        ).fetchall()
    )


def _near(db: sqlite3.Connection, wanted: str) -> str:
    """Which of the newest sessions may have been meant."""
    found = db.execute(
        "SELECT key, name FROM sessions WHERE trashed IS NULL ORDER BY created DESC LIMIT ?",
        (_NEWEST,),
    ).fetchall()
    return did_you_mean(wanted, ["last", *(text for row in found for text in row)])


_NEWEST = 1000


ROW_ERROR = (
    "(SELECT e.error FROM images e WHERE e.row = r.id AND e.trashed IS NULL"
    " AND e.state IN ('failed', 'stopped') AND e.error IS NOT NULL"
    " ORDER BY e.state, e.variation LIMIT 1)"  # failed comes first
)
"""Of a row `r`: why its first failed image failed, or else what is to be said of a stopped one."""


def find_in_trash(library: Path, wanted: str) -> SessionInfo:
    """The session meant by `wanted` of those with something in the trash.

    Args:
        library: the library.
        wanted: an id, a name, or `last`: the newest of them.

    Raises:
        LibraryError: none, or several of that name.
    """
    with reading(library) as db:
        rows = db.execute(
            f"{SESSION_COLUMNS} WHERE {_SOME_IN_TRASH}"
            " AND (?1 = 'last' OR ?1 IN (key, name)) ORDER BY created DESC, id DESC",
            (wanted,),
        ).fetchall()
    exact = [row for row in rows if wanted in ("last", row["key"])][:1]
    found = exact or rows
    if not found:
        raise LibraryError(f"The trash holds nothing of the session {wanted!r}.")
    if len(found) > 1:
        keys = ", ".join(row["key"] for row in found)
        raise LibraryError(f"{len(found)} sessions are named {wanted!r}; choose one by id: {keys}.")
    return session_info(library, found[0])


def list_in_trash(library: Path) -> list[SessionInfo]:
    """The sessions with something in the trash, newest first.

    Raises:
        LibraryError: not a library this version can read.
    """
    return _sessions(library, f"WHERE {_SOME_IN_TRASH} ORDER BY created DESC, id DESC")


_IN_TRASH = "i.trashed IS NOT NULL AND NOT (i.state = 'done' AND i.digest IS NULL)"
"""Of an image: it is in the trash, and not emptied out of it."""


_SOME_IN_TRASH = (
    "(trashed > 0 OR trashed IS NULL AND EXISTS"
    f" (SELECT 1 FROM images i WHERE i.session = sessions.id AND {_IN_TRASH}))"
)
"""Of a session: it is in the trash as a whole, or some of its images are."""


def list_trashed(library: Path, session: str) -> list[ImageInfo]:
    """The images of a session that are in the trash one by one, in the order of the sheet.

    Args:
        library: the library.
        session: the session's id.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    with reading(library) as db:
        rows = db.execute(
            f"{IMAGE_COLUMNS} WHERE s.key = ? AND {_IN_TRASH} ORDER BY i.id", (session,)
        ).fetchall()
    return [image_info(row) for row in rows]


def pixels_of(library: Path, session: str) -> str | None:
    """One digest of all finished pictures of a session, in the order of the sheet.

    Two runs that drew the same have the same. None while there is no picture, or one of which no
    digest is known.

    Args:
        library: the library.
        session: the session's id.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    digest, count = hashlib.blake2b(digest_size=16), 0
    with reading(library) as db, closing(db.cursor()) as cursor:
        cursor.execute(
            "SELECT r.number, i.variation, i.pixels FROM images i JOIN rows r ON r.id = i.row"
            f" WHERE i.{OF_SESSION} AND i.trashed IS NULL AND i.state = 'done'"
            " ORDER BY r.number, i.variation",
            (session,),
        )
        for number, variation, pixels in cursor:
            if pixels is None:
                return None
            digest.update(f"{number} {variation} {pixels}\n".encode())
            count += 1
    return digest.hexdigest() if count else None


OF_SESSION = "session = (SELECT id FROM sessions WHERE key = ?)"
"""A condition, asked again each time: when a session is deleted, the database gives its own id out
again, and those of its rows and images."""

_FROM_IMAGES = (
    "FROM images i JOIN rows r ON r.id = i.row JOIN recipes p ON p.id = i.recipe"
    " JOIN sessions s ON s.id = i.session"
)
IMAGE_COLUMNS = (
    "SELECT i.*, r.number, p.body, s.folder, s.key AS session_key, s.name AS session_name"
    f" {_FROM_IMAGES}"
)
"""What `image_info` needs of images `i`, their rows `r` and sessions `s`."""

_JOB_STATE = f"CASE {' '.join(f'WHEN r.{s} > 0 THEN {s!r}' for s in STATES)} ELSE 'done' END"
_JOB_PROMPT = "coalesce(json_extract(r.cells, '$.prompt'), '')"
_JOB_ERROR = f"CASE WHEN r.failed > 0 OR r.stopped > 0 THEN {ROW_ERROR} END"
_JOBS = (
    f"SELECT r.id, r.number, {_JOB_STATE} AS state, r.images, r.done, {_JOB_PROMPT} AS prompt,"
    f" {_JOB_ERROR} AS error FROM rows r"
)
# As `image_info` and `each_job` give them. SQLite writes an image's JSON in 7 µs; to take its
# columns over and write it here takes 50. Recipe and conditions are JSON as they are.
_JOBS_AS_JSON = (
    f"SELECT r.id, json_object('row', r.number, 'state', {_JOB_STATE}, 'images', r.images,"
    f" 'done', r.done, 'prompt', {_JOB_PROMPT}, 'error', {_JOB_ERROR}) AS json FROM rows r"
)
_IMAGES_AS_JSON = (
    "SELECT i.id,"
    " '{\"recipe\": ' || substr(p.body, 1, length(p.body) - 1) || ', \"seed\": ' || i.seed || '}'"
    " || ', \"conditions\": ' || coalesce(i.conditions, 'null')"
    " || ', \"finished\": ' || iif(i.finished IS NULL, 'null', printf('%!.17g', i.finished))"
    " || ', ' || substr(json_object('image', i.key, 'session', s.key, 'session_name', s.name,"
    " 'row', r.number, 'variation', i.variation, 'seed', i.seed, 'state', i.state,"
    " 'file', CASE i.state WHEN 'done' THEN s.folder || '/' || i.file END, 'bytes', i.bytes,"
    " 'width', json_extract(p.body, '$.width'), 'height', json_extract(p.body, '$.height'),"
    " 'rating', i.rating, 'favourite', json(iif(i.favourite, 'true', 'false')), 'error', i.error,"
    " 'trashed', json(iif(i.trashed IS NULL, 'false', 'true')), 'digest', i.digest,"
    " 'pixels', i.pixels), 2) AS json"
    f" {_FROM_IMAGES}"
)
_PAGE = 4000
"""Rows that are read at once: in some 50 ms, 5 MB of JSON."""
_TABLES = {"i": "images", "r": "rows"}


def paged(
    library: Path, session: str, select: str, of: Literal["i", "r"], where: str = ""
) -> Iterator[sqlite3.Row]:
    """Images or rows of a session in the order of the sheet, however many.

    Read by the page, each found by the id that the one before ended at. Nothing is open in between:
    an open cursor would keep the write-ahead log from shrinking, for as long as whoever asks takes.

    Args:
        library: the library.
        session: the session's id.
        select: up to the tables: images `i` or rows `r`, their `id` among the columns.
        of: which of them.
        where: a further condition, `AND …`.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    with reading(library) as db:
        first, last = db.execute(
            f"SELECT min(id), max(id) FROM {_TABLES[of]} WHERE {OF_SESSION}", (session,)
        ).fetchone()
    if first is None:
        return
    # The sign keeps SQLite from the index of sessions, by which it would sort all rows each time.
    page = (
        f"{select} WHERE {of}.id > ? AND {of}.id <= ? AND +{of}.{OF_SESSION} {where}"
        f" ORDER BY {of}.id LIMIT {_PAGE}"
    )
    after = first - 1
    while True:
        with reading(library) as db:
            rows = db.execute(page, (after, last, session)).fetchall()
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1]["id"]


def each_job(library: Path, session: str) -> Iterator[JobInfo]:
    """The jobs of the session with id `session`, in the order of the sheet, read by the page."""
    for row in paged(library, session, _JOBS, "r"):
        yield JobInfo(
            row=row["number"],
            state=row["state"],
            images=row["images"],
            done=row["done"],
            prompt=row["prompt"],
            error=row["error"],
        )


def list_jobs(library: Path, session: str) -> list[JobInfo]:
    """As `each_job`, all at once."""
    return list(each_job(library, session))


def each_image(library: Path, session: str) -> Iterator[ImageInfo]:
    """The images of the session with id `session`, by rows and variations, read by the page."""
    return map(image_info, paged(library, session, IMAGE_COLUMNS, "i", "AND i.trashed IS NULL"))


def images_named(library: Path, keys: Sequence[str]) -> list[ImageInfo]:
    """The images with these ids, as far as there are such, session by session, by rows.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    with reading(library) as db:
        rows = db.execute(
            f"{IMAGE_COLUMNS} WHERE i.key IN (SELECT value FROM json_each(?))"
            " ORDER BY i.session, i.id",
            (json.dumps(list(keys)),),
        ).fetchall()
    return [image_info(row) for row in rows]


def list_images(library: Path, session: str) -> list[ImageInfo]:
    """As `each_image`, all at once."""
    return list(each_image(library, session))


def jobs_as_json(library: Path, session: str) -> Iterator[str]:
    """As `each_job`, each a JSON object in ASCII."""
    return (_ascii(row["json"]) for row in paged(library, session, _JOBS_AS_JSON, "r"))


def images_as_json(library: Path, session: str) -> Iterator[str]:
    """As `each_image`, each a JSON object in ASCII."""
    rows = paged(library, session, _IMAGES_AS_JSON, "i", "AND i.trashed IS NULL")
    return (_ascii(row["json"]) for row in rows)


_BEYOND_ASCII = re.compile("[^\x00-\x7f]+")


def _ascii(text: str) -> str:
    """JSON in ASCII: only within its strings there is anything else."""
    if text.isascii():
        return text
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def departures_of(library: Path, session: str) -> tuple[int, list[str]]:
    """How many images of a session could not have all its conditions, and which these were."""
    select = "SELECT i.id, i.conditions FROM images i"
    where = "AND i.trashed IS NULL AND i.conditions IS NOT NULL"
    # Few differ: an image's conditions are those of its batch, and its slot there.
    found = Counter(row["conditions"] for row in paged(library, session, select, "i", where))
    departed = {text: kinds for text in found if (kinds := of_batch(text).departures)}
    count = sum(found[text] for text in departed)
    return count, sorted({kind for kinds in departed.values() for kind in kinds})


def newest_image(library: Path, session: str, row: int | None = None) -> Path | None:
    """The file of the image that was finished last.

    Args:
        library: the library.
        session: the id of the session whose image it is.
        row: the number of the row that it is of; None: of any.
    """
    of_row = " AND i.row = (SELECT id FROM rows WHERE session = s.id AND number = ?)"
    with reading(library) as db:
        found = db.execute(
            "SELECT s.folder || '/' || i.file AS file FROM images i"
            " JOIN sessions s ON s.id = i.session WHERE s.key = ? AND i.state = 'done'"
            f" AND i.trashed IS NULL{of_row if row is not None else ''}"
            " ORDER BY i.finished DESC, i.id DESC LIMIT 1",
            (session,) if row is None else (session, row),
        ).fetchone()
    return library / found["file"] if found else None


def image_info(row: sqlite3.Row) -> ImageInfo:
    """A row of `IMAGE_COLUMNS` as others see it."""
    recipe, conditions = recipe_of(row), row["conditions"]
    done, batch = row["state"] == "done", of_batch(conditions) if conditions else None
    return ImageInfo(
        image=row["key"],
        session=row["session_key"],
        session_name=row["session_name"],
        row=row["number"],
        variation=row["variation"],
        seed=row["seed"],
        state=row["state"],
        file=f"{row['folder']}/{row['file']}" if done else None,
        bytes=row["bytes"],
        width=recipe.width,
        height=recipe.height,
        rating=row["rating"],
        favourite=bool(row["favourite"]),
        error=row["error"],
        recipe=recipe,
        conditions=conditions_of(conditions) if conditions else None,
        batch_size=batch.batch_size if batch else None,
        departures=batch.departures if batch else (),
        finished=row["finished"],
        trashed=row["trashed"] is not None,
        digest=row["digest"],
        pixels=row["pixels"],
    )
