"""Putting a library right again: from its files if need be. Nothing is deleted."""

import json
import re
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.atomic_files import place
from engine.library.database import LibraryError, connect_reader, database_path, is_new
from engine.library.files import SESSIONS, TEMPORARY_PREFIX, digest_of, holds_image, sync_folder
from engine.library.maintain.verify import place_of, verify
from engine.library.read.stored import source_body
from engine.library.records import Repaired, RowSource, VerifyReport
from engine.library.sources import SOURCES, source_path
from engine.library.write.conditions import choose_conditions
from engine.library.write.insert import (
    ImageRow,
    add_batches,
    add_images,
    add_row,
    add_row_source,
    add_source,
    image_key,
    recipe_id,
)
from engine.library.write.lost_sources import fail_drawn_on
from engine.library.write.states import mark_done
from engine.library.write.trash import TRASH, image_in_trash, session_in_trash, settle
from engine.library.write.writer import Writer
from engine.picture.foreign import told_by
from engine.picture.looking import look_at_all
from engine.picture.metadata import ImageRecord, read_record
from engine.picture.recipe import Recipe
from engine.picture.source_files import SourceFacts
from engine.plan.batches import PlannedBatch
from engine.plan.from_pictures import row_of
from engine.plan.recipes import SEEDS
from engine.plan.regained_grid import regained_lists
from engine.protocol.commands import RowsSource
from engine.sheet.picture_names import with_digest
from engine.sheet.rows import SourcePicture

DAMAGED = "damaged"
_ROW_AND_VARIATION = re.compile(r"\d+-\d+-?")
_REPAIRING = "repairing"
"""A file that is there from the laying aside of a database until the new one is whole."""


@dataclass(frozen=True, slots=True)
class _FoundImage:
    path: Path
    record: ImageRecord
    row: int
    variation: int


def repair(library: Path, is_ours: Callable[[], bool]) -> Repaired:
    """Make database and files agree. Only who holds the library's lock may call this.

    A database that is lost or torn is laid aside and rebuilt from the recipes in the files:
    names, favourites and tags are lost with it, and rows of which nothing was rendered yet.

    Args:
        library: its folder.
        is_ours: whether the lock is still held.

    Raises:
        LibraryError: there is nothing to repair, or another version's library.
        OSError: the folder cannot be written.
    """
    done = Repaired()
    if not any((library / folder).is_dir() for folder in (SESSIONS, TRASH)) and is_new(library):
        raise LibraryError(f"There is no library in {library}.")
    if not is_new(library) and not _is_sound(library):
        (library / _REPAIRING).touch()
        sync_folder(library)
        done.database = _lay_aside(library)
    writer = Writer(library, is_ours)
    try:
        writer.recover()
        settle(writer)
        files = _files(library)
        _adopt_folders(writer, files, done)
        _rebuild(writer, files, done)
        _find_again(writer, files, done)
        done.adopted = list(dict.fromkeys(done.adopted))
        report = verify(library)
        _render_again(writer, report, done)
        _fail_without_source(writer, report, done)
        _recount(writer, done)
        done.left = [file for file in verify(library).orphans if not file.startswith(DAMAGED)]
    finally:
        writer.close()
    (library / _REPAIRING).unlink(missing_ok=True)
    return done


def require_repaired(library: Path) -> None:
    """Refuse a database that an interrupted repair has only begun to rebuild.

    Raises:
        LibraryError: the repair must be finished first.
    """
    if (library / _REPAIRING).exists():
        raise LibraryError(
            f"A repair of {library} was interrupted: its database does not have all images yet."
            " `promptsheet verify --repair` finishes it; nothing is lost."
        )


def _is_sound(library: Path) -> bool:
    try:
        db = connect_reader(database_path(library))
        try:
            return [tuple(row) for row in db.execute("PRAGMA integrity_check")] == [("ok",)]
        finally:
            db.close()
    except sqlite3.DatabaseError:
        return False


def _lay_aside(library: Path) -> str:
    """Give the database, and what belongs to it, another name; that name."""
    path = database_path(library)
    name = f"{path.stem}-damaged-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}"
    for suffix in ("", "-wal", "-shm", "-journal"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(path.with_name(name + suffix))
    sync_folder(library)
    return name


# -------------------------------------------------------------------- from the files


def _files(library: Path) -> dict[str, list[_FoundImage]]:
    """Image id → the picture files that say they are that image, in the order of their names."""
    found: dict[str, list[_FoundImage]] = defaultdict(list)
    for folder in (SESSIONS, TRASH):
        for path in sorted((library / folder).rglob("*")):
            if not path.is_file() or path.name.startswith(TEMPORARY_PREFIX):
                continue
            record = read_record(path)
            parts = record.image.split("-") if record else []
            if record is None or len(parts) != 3:
                continue
            if parts[1].isdecimal() and parts[2].isdecimal():
                found[record.image].append(_FoundImage(path, record, int(parts[1]), int(parts[2])))
    return found


def _adopt_folders(
    writer: Writer, files: Mapping[str, Sequence[_FoundImage]], done: Repaired
) -> None:
    """Sessions whose folders were renamed have the folders in which their files lie."""
    lying: dict[str, Counter[Path]] = defaultdict(Counter)
    for image, copies in files.items():
        lying[image.partition("-")[0]].update({found.path.parent for found in copies})
    sessions = writer.read("SELECT id, key, folder, trashed FROM sessions")
    names = {Path(row["folder"]).name for row in sessions}
    for row in sessions:
        place = row["folder"] if row["trashed"] is None else session_in_trash(row["folder"])
        home = writer.library / place
        if lying[row["key"]][home]:
            continue
        others = [
            (folder, count)
            for folder, count in lying[row["key"]].most_common()
            if folder.parent == home.parent and folder.name not in names
        ]
        if not others:
            continue
        name = others[0][0].name
        _follow(writer.library, Path(row["folder"]).name, name)
        with writer.transaction() as db:
            db.execute(
                "UPDATE sessions SET folder = ? WHERE id = ?", (f"{SESSIONS}/{name}", row["id"])
            )
        names.add(name)
        done.folders.append(f"{SESSIONS}/{name}")
        done.adopted += [
            image
            for image, copies in files.items()
            if any(f.path.parent.name == name for f in copies)
        ]


def _follow(library: Path, old: str, new: str) -> None:
    """What of a renamed session is in the trash image by image comes under the same name."""
    here, there = (library / image_in_trash(name, "") for name in (old, new))
    if here.is_dir() and not there.exists():
        here.rename(there)
        sync_folder(there.parent)


def _rebuild(writer: Writer, files: Mapping[str, Sequence[_FoundImage]], done: Repaired) -> None:
    """Take in every whole file whose image the database does not have."""
    known = {row["key"] for row in writer.read("SELECT key FROM images")}
    by_session: dict[str, list[_FoundImage]] = defaultdict(list)
    recipes = [found.record.recipe for copies in files.values() for found in copies]
    sources = _look_at_sources(writer.library, recipes)
    for image in files.keys() - known:
        whole = next((f for f in files[image] if holds_image(f.path, image)), None)
        if whole is not None:
            by_session[image.partition("-")[0]].append(whole)
    taken = {row["key"] for row in writer.read("SELECT key FROM sessions")}
    for session, whole_ones in sorted(by_session.items()):
        ordered = sorted(whole_ones, key=lambda found: found.path)
        if session not in taken:
            _new_session(writer, session, ordered)
            done.sessions.append(session)
        _add_images(writer, session, ordered, sources)
        done.adopted += [found.record.image for found in ordered]


def _find_again(writer: Writer, files: Mapping[str, Sequence[_FoundImage]], done: Repaired) -> None:
    """Every image whose file is not in its place has the one that is found anywhere else."""
    for row in writer.read(
        "SELECT i.key, i.file, i.state, i.trashed, i.digest, s.folder, s.trashed AS whole"
        " FROM images i JOIN sessions s ON s.id = i.session"
    ):
        copies, place = files.get(row["key"], ()), writer.library / place_of(row)
        is_done = row["state"] == "done" and (row["digest"] is not None or row["trashed"] is None)
        # Found by another name in the folder, it may have been moved since the files were listed.
        there = [found for found in copies if found.path.is_file()]
        alone = len(there) == 1 and there[0].path == place
        if not there or (is_done and (alone or _is_it(place, row))):
            continue
        whole = next((found for found in there if _is_it(found.path, row)), None)
        if whole is None:
            continue
        if whole.path != place and place.is_file():
            other = read_record(place)
            if other is None or other.image == row["key"]:
                _lay_damaged_aside(writer.library, place, done)
        name = _put(whole.path, place)
        with writer.transaction() as db:
            db.execute("UPDATE images SET file = ? WHERE key = ?", (name, row["key"]))
        if not is_done:
            _adopt(writer, whole, place.with_name(name))
        done.adopted.append(row["key"])


def _is_it(path: Path, row: sqlite3.Row) -> bool:
    """Whether a file is what was written for an image; for any, where that is not known."""
    if row["digest"] is None:
        return holds_image(path, row["key"])
    return path.is_file() and digest_of(path.read_bytes()) == row["digest"]


def _put(path: Path, planned: Path) -> str:
    """Move a file to where it belongs, replacing none; in that folder it keeps its name."""
    if path.parent == planned.parent:
        return path.name
    planned.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target, attempt = planned, 2
    while target.exists():
        target = planned.with_stem(f"{planned.stem}~{attempt}")
        attempt += 1
    place(path, target)
    path.unlink(missing_ok=True)
    for folder in {path.parent, target.parent}:
        sync_folder(folder)
    return target.name


def _adopt(writer: Writer, found: _FoundImage, path: Path) -> None:
    data = path.read_bytes()
    with writer.transaction() as db:
        mark_done(
            db,
            found.record.image,
            library=writer.library,
            path=path,
            size=len(data),
            digest=digest_of(data),
            record=found.record,
            at=path.stat().st_mtime,
        )


def _home_of(
    library: Path, session: str, files: Sequence[_FoundImage], taken: Collection[str]
) -> Path:
    """The folder in which most of a session's files lie, by a name no other session has."""
    roots = [library / SESSIONS, (library / session_in_trash("any")).parent]
    folders = Counter(found.path.parent for found in files)
    own = [folder for folder, _ in folders.most_common() if folder.parent in roots]
    home = (own or [folder for folder, _ in folders.most_common()])[0]
    name = f"{home.name}-{session}" if home.name in taken else home.name
    return (home.parent if own else library / SESSIONS) / name


def _new_session(writer: Writer, session: str, files: Sequence[_FoundImage]) -> None:
    first = min(files, key=lambda found: (found.row, found.variation))
    taken = {Path(row["folder"]).name for row in writer.read("SELECT folder FROM sessions")}
    home = _home_of(writer.library, session, files, taken)
    folder, whole = home.name, home.parent != writer.library / SESSIONS
    name = folder.removesuffix(f"-{session}")
    times = [found.path.stat().st_mtime for found in files]
    with writer.transaction() as db:
        identity = db.execute(
            "INSERT INTO sessions (key, name, created, finished, position, source, folder, images,"
            " waiting, trashed) VALUES (?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM"
            " sessions), ?, ?, 0, 0, ?)",
            (
                session,
                name[11:] if name[:4].isdecimal() and len(name) > 11 else name,
                min(times),
                max(times),
                source_body(RowsSource("rebuilt from the files")),
                f"{SESSIONS}/{folder}",
                time.time() if whole else None,
            ),
        ).lastrowid
        assert identity is not None
        for model in {found.record.recipe.model for found in files}:
            choose_conditions(db, identity, model, first.record.conditions)


def _look_at_sources(library: Path, recipes: Iterable[Recipe]) -> dict[str, SourceFacts]:
    """Digest → what is known of it, of the sources that recipes name and that are whole."""
    digests = sorted({d for recipe in recipes for d in (recipe.image, recipe.mask) if d})
    paths = (source_path(library, digest) for digest in digests)
    looked = zip(digests, look_at_all(paths), strict=True)
    return {
        digest: facts
        for digest, (_, facts) in looked
        if isinstance(facts, SourceFacts) and facts.digest == digest
    }


def _sources_of(found: _FoundImage, sources: Mapping[str, SourceFacts]) -> list[RowSource]:
    """What a row that is rebuilt is drawn on, as far as it is there.

    The user's own names are lost; images were called like their sources.
    """
    recipe = found.record.recipe
    stem = _ROW_AND_VARIATION.sub("", found.path.stem) or "picture"
    roles: tuple[tuple[Literal["image", "mask"], str, str], ...] = (
        ("image", recipe.image, stem),
        ("mask", recipe.mask, "mask"),
    )
    return [
        RowSource(role, f"{name}.{facts.kind.lower()}", digest, facts.width, facts.height)
        for role, digest, name in roles
        if (facts := sources.get(digest)) is not None
    ]


def _add_images(
    writer: Writer,
    session: str,
    files: Iterable[_FoundImage],
    sources: Mapping[str, SourceFacts],
) -> None:
    by_row: dict[int, dict[int, _FoundImage]] = defaultdict(dict)
    for found in files:
        by_row[found.row][found.variation] = found
    with writer.transaction() as db:
        identity = db.execute("SELECT id FROM sessions WHERE key = ?", (session,)).fetchone()["id"]
        for number, variations in sorted(by_row.items()):
            parents = _parents_among(variations)
            own = max((each for each in variations if each not in parents), default=0)
            row = _row_of(db, identity, number, variations, sources, own if parents else None)
            known = {
                r["variation"]
                for r in db.execute("SELECT variation FROM images WHERE row = ?", (row,)).fetchall()
            }
            for variation in range(1, max(variations) + 1):
                if variation in variations:
                    _add_done(db, writer.library, identity, row, variations[variation])
                elif variation not in known and (variation <= own or not parents):
                    _add_lost(db, session, identity, row, variation, variations)
            _note_parents(db, row, variations, parents, sources)


def _parents_among(variations: Mapping[int, _FoundImage]) -> dict[int, int]:
    """Which images of a row are made of which, larger: variation → its parent's."""
    larger = {v: f.record.recipe.image for v, f in variations.items() if f.record.recipe.upscale}
    if not larger:
        return {}
    own = {digest_of(f.path.read_bytes()): v for v, f in variations.items() if v not in larger}
    return {v: own[digest] for v, digest in larger.items() if digest in own}


def _note_parents(
    db: sqlite3.Connection,
    row: int,
    variations: Mapping[int, _FoundImage],
    parents: Mapping[int, int],
    sources: Mapping[str, SourceFacts],
) -> None:
    for variation, parent in parents.items():
        digest = variations[variation].record.recipe.image
        if digest in sources:
            facts = sources[digest]
            add_source(db, SourcePicture("", digest, facts.width, facts.height), 0)
        db.execute(
            "INSERT OR IGNORE INTO parents (image, session, parent, source)"
            " SELECT c.id, c.session, p.id, (SELECT id FROM sources WHERE digest = ?)"
            " FROM images c JOIN images p ON p.row = c.row"
            " WHERE c.row = ? AND c.variation = ? AND p.variation = ?",
            (digest, row, variation, parent),
        )


def _row_of(
    db: sqlite3.Connection,
    session: int,
    number: int,
    variations: dict[int, _FoundImage],
    sources: Mapping[str, SourceFacts],
    own: int | None,
) -> int:
    """A row, rebuilt if it is missing; `own`: of so many images others were made, larger."""
    found = db.execute(
        "SELECT id FROM rows WHERE session = ? AND number = ?", (session, number)
    ).fetchone()
    if found is not None:
        return int(found["id"])
    variation, any_of_it = next(iter(sorted(variations.items())))
    recipe = any_of_it.record.recipe
    cells = row_of(told_by(any_of_it.record)) | {
        "num_images": str(own or max(variations)),
        "seed_number": str((recipe.seed - variation + 1) % SEEDS),
    }
    cells |= regained_lists(
        {
            number: row_of(told_by(found.record)) | {"seed_number": str(found.record.recipe.seed)}
            for number, found in variations.items()
            if not found.record.recipe.upscale
        }
    )
    if own is not None:
        cells["upscale"] = str(max(each.record.recipe.upscale for each in variations.values()))
    drawn_on = _sources_of(any_of_it, sources)
    cells |= {source.role: with_digest(source.name, source.digest) for source in drawn_on}
    row = add_row(db, session, number, {k: v for k, v in cells.items() if v}, {}, 0)
    for source in drawn_on:
        picture = SourcePicture("", source.digest, source.width, source.height)
        add_source(db, picture, sources[source.digest].bytes)
        add_row_source(db, row, source)
    return row


def _add_done(
    db: sqlite3.Connection, library: Path, session: int, row: int, found: _FoundImage
) -> None:
    record, data = found.record, found.path.read_bytes()
    at = found.path.stat().st_mtime
    trashed = found.path.is_relative_to((library / image_in_trash("any", "")).parent)
    recipe, batch = _recipe_and_batch(db, session, record)
    image = ImageRow(
        session,
        row,
        found.variation,
        record.image,
        record.recipe.seed,
        recipe,
        batch,
        record.slot,
        found.path.name,
        state="done",
        conditions=json.dumps(record.conditions_json()),
        bytes=len(data),
        digest=digest_of(data),
        pixels=record.pixels,
        finished=at,
        trashed=at if trashed else None,
    )
    add_images(db, [image])


def _add_lost(
    db: sqlite3.Connection,
    key: str,
    session: int,
    row: int,
    variation: int,
    variations: dict[int, _FoundImage],
) -> None:
    """An image whose file is lost, between others of its row: `resume` renders it again."""
    other, like = next(iter(sorted(variations.items())))
    seed = (like.record.recipe.seed - other + variation) % SEEDS
    number = like.row
    name = f"{number:04d}-{variation}{like.path.suffix}"
    key = image_key(key, number, variation)
    recipe, batch = _recipe_and_batch(db, session, like.record)
    image = ImageRow(session, row, variation, key, seed, recipe, batch, 0, name, "stopped")
    add_images(db, [image])


def _recipe_and_batch(db: sqlite3.Connection, session: int, record: ImageRecord) -> tuple[int, int]:
    (batch, _), *_ = add_batches(db, session, [PlannedBatch(record.batch_size, (0,))]).values()
    return recipe_id(db, record.recipe), batch


# -------------------------------------------------------------------- what is lost, what is counted


def _render_again(writer: Writer, report: VerifyReport, done: Repaired) -> None:
    """Images whose file is gone or damaged are stopped, to be rendered again; files go aside."""
    for file in report.corrupt:
        _lay_damaged_aside(writer.library, writer.library / file, done)
    lost = {*report.missing, *report.corrupt}
    if not lost:
        return
    with writer.transaction() as db:
        for row in db.execute(
            "SELECT i.id, i.key, i.file, i.trashed, s.folder, s.trashed AS whole FROM images i"
            " JOIN sessions s ON s.id = i.session WHERE i.state = 'done' AND i.digest IS NOT NULL"
        ).fetchall():
            if place_of(row) in lost:
                db.execute(
                    "UPDATE images SET state = 'stopped', conditions = NULL, finished = NULL,"
                    " bytes = NULL, digest = NULL, pixels = NULL WHERE id = ?",
                    (row["id"],),
                )
                done.again.append(row["key"])


def _fail_without_source(writer: Writer, report: VerifyReport, done: Repaired) -> None:
    """What was still to be drawn on a source that is lost has failed; what is drawn stays."""
    faults: dict[str, str] = {}
    for fault, files in (("missing", report.missing), ("damaged", report.corrupt)):
        lost = [file for file in files if file.startswith(f"{SOURCES}/")]
        faults |= {Path(file).name: fault for file in lost}
        done.lost_sources += lost
    fail_drawn_on(writer, faults)


def _lay_damaged_aside(library: Path, path: Path, done: Repaired) -> None:
    there = library / DAMAGED / path.parent.name / path.name
    there.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    while there.exists():
        there = there.with_stem(f"{there.stem}~")
    path.rename(there)
    done.aside.append(there.relative_to(library).as_posix())


_COUNTED = ("waiting", "rendering", "stopped", "failed", "done")


def _recount(writer: Writer, done: Repaired) -> None:
    wrong = len(verify(writer.library).miscounted)
    if not wrong:
        return
    with writer.transaction() as db:
        for table, column in (("rows", "row"), ("sessions", "session")):
            mine = f"FROM images i WHERE i.{column} = {table}.id AND i.trashed IS NULL"
            counts = [f"images = (SELECT count(*) {mine})"]
            counts += [
                f"{state} = (SELECT count(*) {mine} AND i.state = '{state}')" for state in _COUNTED
            ]
            if table == "sessions":
                counts.append(f"favourites = (SELECT count(*) {mine} AND i.favourite = 1)")
                total = f"SELECT coalesce(sum(i.bytes), 0) {mine} AND i.state = 'done'"
                counts.append(f"bytes = ({total})")
            db.execute(f"UPDATE {table} SET {', '.join(counts)}")
    done.recounted = wrong
