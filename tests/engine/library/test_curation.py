from dataclasses import replace
from pathlib import Path

import pytest

from engine.library.database import LibraryError, reading
from engine.library.files import make_folder
from engine.library.maintain.verify import verify
from engine.library.read import gallery as gallery_module
from engine.library.read.gallery import Gallery, Wanted
from engine.library.read.jobs import JobPages
from engine.library.read.reader import (
    STATES,
    find_session,
    list_images,
    list_jobs,
    list_sessions,
    log_path,
    newest_image,
)
from engine.library.read.sessions import SessionPages, size_of_trash
from engine.library.write import curation, trash
from engine.library.write.rewrites import next_rewrites, take_rewrites
from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from engine.protocol.records import Emptied
from tests.support.libraries import CONDITIONS, Rendered, new_session, take

KEY = "k3f9x2"


def run_all(writer: Writer, rendered: Rendered) -> None:
    while (batch := writer.next_batch(())) is not None:
        assert writer.begin(batch, CONDITIONS)
        writer.finish(rendered(batch))
        writer.end(batch, 1.0)


@pytest.fixture
def full(writer: Writer, rendered: Rendered) -> Writer:
    """Twelve finished images of three rows."""
    writer.add_session(new_session())
    run_all(writer, rendered)
    return writer


def names(writer: Writer, session: str = KEY) -> list[str]:
    return [image.image for image in list_images(writer.library, session)]


def files(library: Path) -> set[str]:
    return {p.relative_to(library).as_posix() for p in library.rglob("*.png")}


def test_trashed_images_leave_every_total_and_come_back_whole(full: Writer) -> None:
    before, there = find_session(full.library, KEY), files(full.library)
    gone = names(full)[2:9]
    trashed = trash.trash_images(full, gone, ())
    assert trashed.images == gone
    after = find_session(full.library, KEY)
    assert (after.images, after.done) == (5, 5)
    assert [job.images for job in list_jobs(full.library, KEY)] == [2, 0, 3]
    assert after.bytes < before.bytes
    assert len(names(full)) == 5 == len(Gallery(full.library, KEY))
    assert verify(full.library).whole
    assert verify(full.library).images == 5
    assert len(files(full.library)) == 12, "a file was deleted"
    assert trash.restore_images(full, gone) == gone
    assert find_session(full.library, KEY) == before
    assert files(full.library) == there
    assert verify(full.library).whole


def test_favourites_are_protected_and_counted(full: Writer) -> None:
    first, second, third = names(full)[:3]
    assert curation.favour(full, [first, second, "nobody-2-1"], on=True) == {first: 0, second: 0}
    assert curation.favour(full, [first], on=True) == {}
    assert find_session(full.library, KEY).favourites == 2
    trashed = trash.trash_images(full, [first, third], ())
    assert (trashed.images, trashed.favourites) == ([third], 1)
    curation.favour(full, [first], on=False)
    assert find_session(full.library, KEY).favourites == 1
    assert verify(full.library).whole


def test_what_waits_is_not_rendered_once_it_is_trashed(writer: Writer, rendered: Rendered) -> None:
    writer.add_session(new_session())
    batch = take(writer)
    waiting = names(writer)[8:]
    rendering = names(writer)[:2]
    trashed = trash.trash_images(writer, [*rendering, *waiting], {batch.id})
    assert (trashed.images, trashed.rendering) == (waiting, 2)
    writer.finish(rendered(batch))
    writer.end(batch)
    writer.resume(Scope(KEY))
    writer.retry(Scope(KEY))
    assert writer.next_batch(()) is None
    info = find_session(writer.library, KEY)
    assert (info.state, info.images, info.done) == ("done", 8, 8)
    trash.restore_images(writer, waiting)
    assert find_session(writer.library, KEY).stopped == 4
    writer.resume(Scope(KEY))
    run_all(writer, rendered)
    assert find_session(writer.library, KEY).done == 12
    assert verify(writer.library).whole


def test_a_batch_that_is_still_settling_is_left_alone(writer: Writer) -> None:
    writer.add_session(new_session())
    batch = take(writer)
    writer.stop(Scope(KEY))
    assert trash.trash_images(writer, names(writer)[:2], {batch.id}).rendering == 2


def test_a_name_that_was_taken_meanwhile_is_not_overwritten_by_an_undo(full: Writer) -> None:
    image = list_images(full.library, KEY)[0]
    assert image.file is not None
    trash.trash_images(full, [image.image], ())
    (full.library / image.file).write_text("the user's own")
    trash.restore_images(full, [image.image])
    assert (full.library / image.file).read_text() == "the user's own"
    again = list_images(full.library, KEY)[0]
    assert again.file != image.file
    assert verify(full.library).orphans == [image.file]


def test_an_interrupted_move_is_finished_at_the_next_start(
    full: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = names(full)[:4]
    real = Path.rename
    moved: list[Path] = []

    def torn(self: Path, target: Path) -> Path:
        if len(moved) == 2:
            raise KeyboardInterrupt
        moved.append(self)
        return real(self, target)

    monkeypatch.setattr(Path, "rename", torn)
    with pytest.raises(KeyboardInterrupt):
        trash.trash_images(full, gone, ())
    monkeypatch.undo()
    assert len(verify(full.library).missing) == 2
    assert trash.settle(full) == 2
    assert verify(full.library).whole
    assert trash.restore_images(full, gone) == gone
    assert verify(full.library).whole


def test_a_whole_session_goes_to_the_trash_and_comes_back(full: Writer) -> None:
    before, there = find_session(full.library, KEY), files(full.library)
    single = names(full)[0]
    trash.trash_images(full, [single], ())
    trash.trash_session(full, KEY)
    assert list_sessions(full.library) == []
    assert len(SessionPages(full.library)) == 0
    assert len(SessionPages(full.library, trashed=True)) == 1
    assert verify(full.library).whole
    with pytest.raises(LibraryError, match="Session not found"):
        Gallery(full.library, KEY)
    with pytest.raises(LibraryError):
        trash.trash_session(full, KEY)
    trash.restore_session(full, KEY)
    trash.restore_images(full, [single])
    assert find_session(full.library, KEY) == before
    assert files(full.library) == there


def test_nothing_of_a_session_in_the_trash_is_rendered(writer: Writer) -> None:
    writer.add_session(new_session())
    batch = writer.next_batch(())
    assert batch is not None
    trash.trash_session(writer, KEY)  # resumed by someone since it was stopped
    assert not writer.begin(batch, CONDITIONS)
    assert writer.next_batch(()) is None
    trash.restore_session(writer, KEY)
    assert find_session(writer.library, KEY).state == "stopped"


def test_emptying_deletes_what_is_in_the_trash_and_nothing_else(
    full: Writer, rendered: Rendered
) -> None:
    full.add_session(new_session("other2"))
    run_all(full, rendered)
    single = names(full)[:3]
    trash.trash_images(full, single, ())
    trash.trash_session(full, "other2")
    with reading(full.library) as db:
        size = size_of_trash(db)
    assert (size.images, size.sessions) == (3, 1)
    assert size.bytes > 0
    assert trash.empty_trash(full) == Emptied(size.images, size.sessions, size.bytes, [])
    assert len(files(full.library)) == 9
    assert verify(full.library).whole
    assert [job.images for job in list_jobs(full.library, KEY)] == [1, 4, 4]
    with pytest.raises(LibraryError, match="no longer in the trash"):
        trash.restore_images(full, single)
    assert SessionPages(full.library, text="prompt").keys(0, 9) == [KEY]
    with reading(full.library) as db:
        assert size_of_trash(db).bytes == 0
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def database_bytes(library: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(library.glob("library.sqlite3*")))


def test_of_what_was_emptied_no_word_is_left_in_the_library(
    full: Writer, rendered: Rendered
) -> None:
    new = new_session("other2", rows=12)
    secret = [replace(recipe, prompt="xylophonist") for recipe in new.rows[0].recipes]
    long = [replace(recipe, prompt="quagmire " * 2000) for recipe in new.rows[1].recipes]
    rows = [
        replace(new.rows[0], cells={"prompt": "xylophonist"}, recipes=secret),
        replace(new.rows[1], cells={"prompt": "quagmire " * 2000}, recipes=long),
        *new.rows[2:],
    ]
    full.add_session(replace(new, rows=rows))
    run_all(full, rendered)
    log = log_path(full.library, "other2")
    log.parent.mkdir()
    log.write_text("what became of it")
    assert b"xylophonist" in database_bytes(full.library)
    trash.trash_session(full, "other2")
    assert trash.empty_trash(full).left == []
    after = database_bytes(full.library)
    assert b"xylophonist" not in after
    assert b"quagmire" not in after
    assert not log.exists()
    assert full.read("PRAGMA freelist_count")[0][0] == 0
    assert len(full.read("SELECT * FROM recipes")) == 3, "others use these"
    assert not full.read("PRAGMA foreign_key_check")
    assert SessionPages(full.library, text="prompt").keys(0, 9) == [KEY]
    assert verify(full.library).whole


def test_a_large_database_keeps_its_size_and_nothing_of_what_was_deleted(
    full: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.library.database._QUICKLY_COPIED", 0)
    new = new_session("other2", rows=1)
    text = "quagmire " * 2000
    recipes = [replace(recipe, prompt=text) for recipe in new.rows[0].recipes]
    row = replace(new.rows[0], cells={"prompt": text}, recipes=recipes)
    full.add_session(replace(new, rows=[row]))
    full.stop(Scope("other2"))
    trash.trash_session(full, "other2")
    trash.empty_trash(full)
    assert b"quagmire" not in database_bytes(full.library)
    assert full.read("PRAGMA freelist_count")[0][0] > 0


def test_files_that_cannot_be_deleted_are_named_and_not_counted(
    full: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trash.trash_images(full, names(full)[:2], ())
    there = {file for file in files(full.library) if file.startswith("trash/")}
    monkeypatch.setattr("engine.library.write.trash.shutil.rmtree", lambda *_, **__: None)
    emptied = trash.empty_trash(full)
    assert (set(emptied.left), emptied.images, emptied.bytes) == (there, 2, 0)


@pytest.mark.parametrize("dies", ["trash.log_path", "trash.shutil.rmtree", "writer.compact"])
def test_an_interrupted_emptying_is_finished_at_the_next_start(
    full: Writer, rendered: Rendered, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    full.add_session(new_session("other2"))
    run_all(full, rendered)
    log = log_path(full.library, "other2")
    log.parent.mkdir()
    log.write_text("what became of it")
    trash.trash_images(full, names(full)[:3], ())
    trash.trash_session(full, "other2")
    with monkeypatch.context() as patch:
        patch.setattr(f"engine.library.write.{dies}", die)
        with pytest.raises(KeyboardInterrupt):
            trash.empty_trash(full)
    trash.settle(full)
    assert verify(full.library).whole
    assert len(files(full.library)) == 9
    assert not log.exists()
    trash.trash_images(full, names(full)[:2], ())
    trash.settle(full)
    assert verify(full.library).whole, "what came to the trash since stays there"


def test_what_comes_to_the_trash_after_an_emptying_that_never_ended_stays(
    full: Writer, rendered: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    full.add_session(new_session("other2"))
    run_all(full, rendered)
    trash.trash_images(full, names(full)[:3], ())
    with monkeypatch.context() as patch:
        patch.setattr("engine.library.write.trash._delete_files", lambda *_: [])
        trash.empty_trash(full)
    gone = names(full)[:2]
    trash.trash_images(full, gone, ())
    trash.settle(full)
    assert trash.restore_images(full, gone) == gone
    with monkeypatch.context() as patch:
        patch.setattr("engine.library.write.trash._delete_files", lambda *_: [])
        trash.empty_trash(full)
    trash.trash_session(full, "other2")
    trash.settle(full)
    trash.restore_session(full, "other2")
    assert not verify(full.library).missing


def test_a_folder_is_there_after_a_power_cut_with_all_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("engine.library.files.sync_folder", synced.append)
    make_folder(tmp_path / "a" / "b" / "c")
    assert set(synced) == {tmp_path, tmp_path / "a", tmp_path / "a" / "b"}
    synced.clear()
    make_folder(tmp_path / "a" / "b" / "c")
    assert synced == []


def test_what_a_deleted_session_had_is_not_what_the_next_has(writer: Writer) -> None:
    writer.add_session(new_session(rows=4))
    writer.stop(Scope(KEY))
    pages = JobPages(writer.library, KEY)
    gallery = Gallery(writer.library, KEY, Wanted(states=STATES))
    assert gallery.keys(0, 99) == names(writer)
    assert [job.row for job in pages.page(0, 9)] == list(pages.keys(0, 9)) == [2, 3, 4, 5]
    assert [pages.position(row) for row in (2, 5, 6)] == [0, 3, None]
    trash.trash_session(writer, KEY)
    trash.empty_trash(writer)
    assert pages.page(0, 9) == []
    writer.add_session(new_session("other2"))
    assert pages.page(0, 9) == []
    assert (gallery.page(0, 99), gallery.keys(0, 99)) == ([], [])
    assert gallery.index_of_row(2) is None
    pages.close()
    gallery.close()


def test_sessions_that_come_after_an_emptied_trash_are_rendered_whole(
    writer: Writer, rendered: Rendered
) -> None:
    for key in ("aaa", "bbb"):
        writer.add_session(new_session(key, rows=10, images=1, largest=1))
        assert writer.next_batch(()) is not None
        writer.stop(Scope(key))
        trash.trash_session(writer, key)
    trash.empty_trash(writer)
    writer.add_session(new_session("ccc", rows=1, images=1))
    writer.add_session(new_session("ddd", rows=5, images=1, largest=1))
    run_all(writer, rendered)
    done = {info.session: info.done for info in list_sessions(writer.library)}
    assert done == {"ccc": 1, "ddd": 5}


def test_names_and_tags_are_checked(full: Writer) -> None:
    curation.rename(full, KEY, "  spring  campaign ")
    assert curation.set_tags(full, KEY, ["  a  b ", "c", "c", " "]) == ["a b", "c"]
    info = find_session(full.library, KEY)
    assert (info.name, info.tags) == ("spring  campaign", ("a b", "c"))
    for name in ("", " ", "x" * 201):
        with pytest.raises(LibraryError):
            curation.rename(full, KEY, name)
    with pytest.raises(LibraryError):
        curation.rename(full, "nobody", "x")


# -------------------------------------------------------------------- pages


def test_pages_follow_the_sheet_and_find_by_row_text_and_mark(full: Writer) -> None:
    keys = names(full)
    gallery = Gallery(full.library, KEY)
    assert [image.image for image in gallery.page(3, 7)] == keys[3:7]
    assert gallery.keys(10, 99) == keys[10:]
    assert gallery.index_of(keys[5]) == 5
    assert gallery.index_of("nobody-1-1") is None
    assert (gallery.index_of_row(3), gallery.index_of_row(99)) == (4, None)
    curation.favour(full, [keys[1], keys[8]], on=True)
    only = Gallery(full.library, KEY, Wanted(favourites=True))
    assert only.keys(0, 9) == [keys[1], keys[8]]
    first = Gallery(full.library, KEY, Wanted(order="rating"))
    assert first.keys(0, 3) == [keys[1], keys[8], keys[0]]
    assert first.index_of(keys[0]) == 2
    rows = Gallery(full.library, KEY, Wanted(rows=(3, 3)))
    assert rows.keys(0, 9) == keys[4:8]
    assert Gallery(full.library, KEY, Wanted(text="PROMPT 2")).keys(0, 9) == keys[8:]
    assert Gallery(full.library, None, Wanted(text="prompt 1")).keys(0, 9) == keys[4:8]
    assert [i.image for i in gallery.images([keys[7], keys[2]])] == [keys[2], keys[7]]


@pytest.fixture
def two(full: Writer, rendered: Rendered) -> Writer:
    """Two sessions, the images of the later one finished last, one of the first in the trash."""
    full.add_session(replace(new_session(key="other2", rows=2), name="An evening"))
    run_all(full, rendered)
    trash.trash_images(full, [f"{KEY}-2-1"], ())
    return full


ALL = Wanted(order="newest")


def test_one_gallery_has_the_images_of_all_sessions_the_last_finished_first(two: Writer) -> None:
    gallery = Gallery(two.library, None, ALL)
    keys = gallery.keys(0, 99)
    finished = [image.finished or 0.0 for image in gallery.page(0, 99)]
    assert finished == sorted(finished, reverse=True)
    assert sorted(keys) == sorted(names(two) + names(two, "other2"))
    assert {image.session_name for image in gallery.page(0, 4)} == {"An evening"}
    first = Gallery(two.library, None, ALL, first=5)
    assert (first.keys(0, 99), first.has_more) == (keys[:5], True)
    assert first.take_in() == len(keys) - 5
    assert (first.keys(0, 99), first.has_more, first.take_in()) == (keys, False, 0)
    plan = two.read(
        "EXPLAIN QUERY PLAN SELECT i.id FROM images i INDEXED BY images_by_end"
        " WHERE i.trashed IS NULL AND i.state IN (?) AND i.state = 'done'"
        " ORDER BY i.finished DESC, i.session, i.id",
        ("done",),
    )
    assert ["COVERING INDEX" in row["detail"] for row in plan] == [True], "it sorts"
    trash.trash_session(two, "other2")
    assert sorted(Gallery(two.library, None, ALL).keys(0, 99)) == sorted(names(two))


@pytest.mark.parametrize("many", [1, 20_000])
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(text="prompt 1"), [f"{KEY}-3", "other2-3"]),
        (Wanted(text="EVENING"), ["other2-2", "other2-3"]),
        (Wanted(text="nowhere"), []),
        (Wanted(session="evening"), ["other2-2", "other2-3"]),
        (Wanted(session=KEY, text="prompt 2"), [f"{KEY}-4"]),
        (Wanted(session="evening", rows=(3, 3)), ["other2-3"]),
        (Wanted(text="prompt 1", favourites=True), [f"{KEY}-3"]),
    ],
)
def test_a_search_shows_the_images_of_all_that_it_finds(
    two: Writer, wanted: Wanted, found: list[str], many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_module, "_MANY_ROWS", many)
    curation.favour(two, [f"{KEY}-3-{n}" for n in range(1, 5)], on=True)
    keys = Gallery(two.library, None, replace(wanted, order="newest")).keys(0, 99)
    assert sorted({key.rpartition("-")[0] for key in keys}) == sorted(found)
    assert len(keys) == 4 * len(found)


def test_new_images_of_any_session_join_the_gallery_of_all_at_its_head(
    two: Writer, rendered: Rendered
) -> None:
    gallery = Gallery(two.library, None, ALL)
    found = Gallery(two.library, None, replace(ALL, text="prompt 0"))
    before, found_before = len(gallery), len(found)
    two.add_session(new_session(key="third3", rows=2))
    run_all(two, rendered)
    assert (gallery.take_in(), found.take_in()) == (8, 4)
    assert (len(gallery), len(found)) == (before + 8, found_before + 4)
    assert {key.split("-")[0] for key in gallery.keys(0, 8)} == {"third3"}
    assert gallery.keys(0, 99) == Gallery(two.library, None, ALL).keys(0, 99)
    assert gallery.take_in() == 0


@pytest.mark.parametrize("order", ["sheet", "newest"])
def test_images_join_as_they_are_finished_and_each_once(
    writer: Writer, rendered: Rendered, order: str
) -> None:
    writer.add_session(new_session(rows=5, largest=4))
    gallery = Gallery(writer.library, KEY, Wanted(order=order))  # type: ignore[arg-type]
    live = Gallery(writer.library, KEY, Wanted(states=("waiting", "rendering", "done")))
    assert (len(gallery), len(live)) == (0, 20)
    seen = []
    while (batch := writer.next_batch(())) is not None:
        assert writer.begin(batch, CONDITIONS)
        staged = rendered(batch)
        for part in (staged[:1], staged[1:]):
            writer.finish(part)
            assert gallery.take_in() == len(part)
            assert gallery.take_in() == 0
        writer.end(batch, 1.0)
        seen.append(len(gallery))
    assert seen == [4, 8, 12, 16, 20]
    fresh = Gallery(writer.library, KEY, Wanted(order=order))  # type: ignore[arg-type]
    assert sorted(gallery.keys(0, 99)) == sorted(fresh.keys(0, 99))
    if order == "sheet":
        assert gallery.keys(0, 99) == fresh.keys(0, 99)
    else:
        newest = newest_image(writer.library, KEY)
        assert newest is not None
        assert newest.name in {Path(str(i.file)).name for i in gallery.page(0, 3)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["other2", KEY]),
        ("a test", ["other2", KEY]),
        ("spring", [KEY]),
        ("tagged", ["other2"]),
        ("PROMPT 4", ["other2"]),
        ("prom", ["other2", KEY]),
        ('"; DROP TABLE rows; -- *', []),
        ("NEAR(", []),
        ("  ", ["other2", KEY]),
    ],
)
def test_search_finds_sessions_by_name_tag_and_prompt(
    full: Writer, text: str, found: list[str]
) -> None:
    full.add_session(new_session("other2", rows=5))
    curation.set_tags(full, "other2", ["tagged"])
    curation.rename(full, KEY, "a test of spring")
    assert SessionPages(full.library, text=text).keys(0, 9) == found


def test_what_was_to_be_rewritten_goes_with_its_session(writer: Writer) -> None:
    writer.add_session(new_session(KEY, rows=3))
    with writer.transaction() as db:
        db.execute(
            "INSERT INTO rewrites (session, image, prompt, around)"
            " SELECT session, id, 'a boat', 'art of {prompt}, flat' FROM images"
        )
    count = writer.tally(KEY).rewriting
    assert count == len(list_images(writer.library, KEY)) > 1
    awaited = next_rewrites(writer)
    assert awaited is not None and awaited.prompts == ["a boat"]
    assert next_rewrites(writer, held=[KEY]) is None
    take_rewrites(writer, KEY, {"a boat": "a red boat."})
    assert writer.tally(KEY).rewriting == 0 and next_rewrites(writer) is None
    (prompt,) = {image.recipe.prompt for image in list_images(writer.library, KEY)}
    assert prompt == "art of a red boat, flat"
    with writer.transaction() as db:
        db.execute("INSERT INTO rewrites SELECT session, id, 'x', '{prompt}' FROM images LIMIT 1")
    trash.trash_session(writer, KEY)
    trash.empty_trash(writer)
    assert not writer.read("SELECT * FROM rewrites")


_BACK_TO_2 = """
    DROP INDEX images_by_end; DROP TRIGGER parent_state; DROP TABLE parents;
    DROP TABLE row_sources; DROP TABLE sources;
    DROP TABLE model_changes; ALTER TABLE images DROP COLUMN pixels;
    DROP TABLE rewrites; ALTER TABLE sessions DROP COLUMN rewriting;
    DROP TRIGGER image_trashed; DROP TRIGGER image_restored; DROP TRIGGER image_rated;
    DROP INDEX images_rated; DROP INDEX rows_undecided; ALTER TABLE rows DROP COLUMN decided;
    DROP TRIGGER row_added; DROP TRIGGER row_removed; DROP TABLE prompts; DROP TRIGGER image_state;
    DROP INDEX images_by_session; DROP INDEX images_favourite; DROP INDEX images_trashed;
    DROP INDEX batches_by_session; DROP INDEX batches_by_origin; DROP INDEX sessions_by_creation;
    ALTER TABLE images DROP COLUMN favourite;
    ALTER TABLE images ADD COLUMN favourite INTEGER NOT NULL DEFAULT 0;
    UPDATE images SET favourite = rating = 5; ALTER TABLE images DROP COLUMN rating;
    ALTER TABLE images DROP COLUMN trashed; ALTER TABLE sessions DROP COLUMN trashed;
    ALTER TABLE sessions DROP COLUMN tags; ALTER TABLE sessions DROP COLUMN favourites;
    CREATE TRIGGER image_state AFTER UPDATE OF state ON images BEGIN SELECT 1; END;
    PRAGMA user_version = 2;
"""


def _schema(library: Path) -> set[tuple[str, ...]]:
    with reading(library) as db:
        things = {
            (row["type"], row["name"], row["sql"] if row["type"] == "trigger" else "")
            for row in db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        }
        columns = {
            (table, row["name"], row["type"])
            for table in ("sessions", "images", "rows", "batches")
            for row in db.execute(f"PRAGMA table_info({table})").fetchall()
        }
    return things | columns


def test_a_database_of_the_schema_before_is_brought_up_to_date(
    full: Writer, tmp_path: Path
) -> None:
    fresh = _schema(full.library)
    curation.favour(full, names(full)[:2], on=True)
    full._db.executescript(_BACK_TO_2)
    full.close()
    writer = Writer(full.library)
    assert _schema(writer.library) == fresh
    assert find_session(writer.library, KEY).favourites == 2
    assert SessionPages(writer.library, text="prompt 2").keys(0, 9) == [KEY]
    assert trash.trash_images(writer, names(writer)[2:5], ()).images
    assert verify(writer.library).whole
    writer.close()
