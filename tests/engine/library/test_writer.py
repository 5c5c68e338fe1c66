import sqlite3
from pathlib import Path

import pytest

from engine.library.database import LibraryError, database_path
from engine.library.files import publish
from engine.library.maintain.verify import verify
from engine.library.read.reader import list_images, list_jobs, list_sessions
from engine.library.write import batch_limits
from engine.library.write.states import Scope
from engine.library.write.writer import DEATHS, STRIKES, Writer
from tests.support.libraries import CONDITIONS, Rendered, new_session, take


def states(library: Path, session: str = "k3f9x2") -> str:
    return " ".join(image.state for image in list_images(library, session))


def test_a_session_runs_through_to_done(writer: Writer, rendered: Rendered) -> None:
    writer.add_session(new_session())
    while (batch := writer.next_batch(())) is not None:
        assert writer.begin(batch, CONDITIONS)
        writer.finish(rendered(batch))
        writer.end(batch, 1.5)
    (info,) = list_sessions(writer.library)
    assert (info.state, info.done, info.images) == ("done", 12, 12)
    assert info.bytes == sum(i.bytes or 0 for i in list_images(writer.library, "k3f9x2"))
    assert info.seconds > 0
    assert [job.state for job in list_jobs(writer.library, "k3f9x2")] == ["done"] * 3
    assert verify(writer.library).whole


def test_done_is_never_recorded_before_the_file_is_there(
    writer: Writer, rendered: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.add_session(new_session())
    batch = take(writer)

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.library.write.writer.publish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        writer.finish(rendered(batch))
    assert "done" not in states(writer.library)


def test_published_but_uncommitted_files_are_adopted_at_the_next_start(
    writer: Writer, rendered: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.add_session(new_session())
    batch = take(writer)
    staged = rendered(batch)
    monkeypatch.setattr(
        "engine.library.write.states.json.dumps",
        lambda *_, **__: (_ for _ in ()).throw(MemoryError),
    )
    with pytest.raises(MemoryError):
        writer.finish(staged)
    monkeypatch.undo()
    assert writer.recover() == (8, 0)
    assert verify(writer.library).whole
    done = [i for i in list_images(writer.library, "k3f9x2") if i.state == "done"]
    assert len(done) == 8
    assert all(i.batch_size == 8 for i in done)


def test_a_torn_or_foreign_file_is_not_adopted(writer: Writer, rendered: Rendered) -> None:
    writer.add_session(new_session())
    batch = take(writer)
    staged = rendered(batch)
    whole = staged[0][0].temporary.read_bytes()
    staged[0][0].final.write_bytes(whole[:-30])  # torn
    staged[1][0].final.write_bytes(whole)  # another image's
    assert writer.recover() == (0, 8)
    assert staged[0][0].final.exists(), "deleted a file that is not its own unfinished one"
    assert not staged[0][0].temporary.exists(), "left an unfinished file behind"


def test_an_existing_file_is_never_replaced(writer: Writer, rendered: Rendered) -> None:
    writer.add_session(new_session())
    batch = take(writer)
    taken = batch.images[0].path
    taken.write_text("the user's own notes")
    writer.finish(rendered(batch))
    writer.end(batch)
    assert taken.read_text() == "the user's own notes"
    files = [i.file for i in list_images(writer.library, "k3f9x2") if i.state == "done"]
    assert len(set(files)) == 8
    assert verify(writer.library).orphans == [str(taken.relative_to(writer.library))]


def test_stop_keeps_what_is_finished_and_resume_keeps_batches_and_slots(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(new_session())
    first = take(writer)
    writer.stop(Scope("k3f9x2"))
    staged = rendered(first)
    writer.finish(staged[:3])  # these were ready when the stop came
    writer.end(first)
    assert states(writer.library).split() == ["done"] * 3 + ["stopped"] * 9
    assert writer.next_batch(()) is None
    writer.resume(Scope("k3f9x2"))
    again = writer.next_batch(())
    assert again is not None
    assert (again.id, again.size) == (first.id, first.size)
    assert [(i.key, i.slot) for i in again.images] == [(i.key, i.slot) for i in first.images[3:]]


def test_a_stop_between_picking_and_beginning_is_not_overrun(writer: Writer) -> None:
    writer.add_session(new_session())
    batch = writer.next_batch(())
    assert batch is not None
    writer.stop(Scope("k3f9x2"))
    assert not writer.begin(batch, CONDITIONS)
    assert set(states(writer.library).split()) == {"stopped"}


def test_after_a_strike_images_come_alone_so_that_one_cannot_fail_the_others(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(new_session(rows=1, images=4))
    bad = "k3f9x2-2-3"
    for _ in range(20):
        batch = writer.next_batch(())
        if batch is None:
            break
        assert writer.begin(batch, CONDITIONS)
        assert batch.size == 4, "the pixels would differ"
        if any(image.key == bad for image in batch.images):
            writer.strike(batch, "ValueError: bad")
        else:
            writer.finish(rendered(batch))
            writer.end(batch)
    assert states(writer.library) == "done done failed done"
    failed = list_images(writer.library, "k3f9x2")[2]
    assert failed.error == "ValueError: bad"
    assert STRIKES == 3


def test_ten_deaths_in_a_row_fail_a_batch_and_fewer_do_not(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(new_session(rows=1, images=2))
    for _ in range(DEATHS - 1):
        writer.died(take(writer), "killed")
    assert states(writer.library) == "waiting waiting"
    writer.died(take(writer), "killed")
    assert states(writer.library) == "failed failed"
    writer.retry(Scope("k3f9x2"))
    batch = take(writer)
    writer.finish(rendered(batch))
    writer.end(batch)
    assert states(writer.library) == "done done"


def test_ten_deaths_of_the_engine_process_itself_fail_a_batch_too(writer: Writer) -> None:
    writer.add_session(new_session(rows=1, images=2))
    for _ in range(DEATHS):
        take(writer)
        writer.recover()
    assert states(writer.library) == "failed failed"


def test_running_out_of_memory_halves_the_batch_and_remembers(writer: Writer) -> None:
    writer.add_session(new_session(rows=2, images=4))
    batch = take(writer)
    batch_limits.halve(writer, batch, "cpu")
    first, second = take(writer), take(writer)
    assert [len(first.images), len(second.images)] == [4, 4]
    assert (first.size, second.size) == (4, 4)
    assert [image.slot for image in second.images] == [0, 1, 2, 3]
    assert batch_limits.split_from(writer, first) == 8
    batch_limits.halve(writer, first, "cpu")
    assert batch_limits.split_from(writer, take(writer)) == 8
    assert batch_limits.fits_on(writer, "cpu") == {("h", "8x8"): 2}


def test_a_batch_that_lacked_memory_beside_others_says_nothing_of_later_ones(
    writer: Writer,
) -> None:
    writer.add_session(new_session(rows=2, images=4))
    batch_limits.halve(writer, take(writer), "cpu", remember=False)
    assert take(writer).size == 4
    assert batch_limits.fits_on(writer, "cpu") == {}


def test_conditions_are_chosen_once_and_kept(writer: Writer) -> None:
    writer.add_session(new_session())
    writer.end(take(writer))
    batch = writer.next_batch(())
    assert batch is not None
    assert batch.conditions == CONDITIONS


def test_batches_in_hand_are_not_given_out_twice(writer: Writer) -> None:
    writer.add_session(new_session())
    first = writer.next_batch(())
    assert first is not None
    second = writer.next_batch({first.id})
    assert second is not None
    assert not {i.id for i in first.images} & {i.id for i in second.images}
    assert writer.next_batch({first.id, second.id}) is None


def test_a_deleted_database_is_noticed_instead_of_written_to(writer: Writer) -> None:
    writer.add_session(new_session())
    database_path(writer.library).unlink()
    with pytest.raises(LibraryError, match="moved or deleted"):
        writer.stop(Scope("k3f9x2"))


def test_a_lost_lock_is_noticed_instead_of_writing_beside_another(library: Path) -> None:
    library.mkdir()
    held = True
    writer = Writer(library, lambda: held)
    writer.add_session(new_session())
    held = False
    with pytest.raises(LibraryError, match="lock"):
        writer.stop(Scope("k3f9x2"))
    writer.close()


def test_a_refused_commit_leaves_no_transaction_open(writer: Writer) -> None:
    writer.add_session(new_session())
    writer._db.execute("PRAGMA busy_timeout = 50")
    writer._db.execute("PRAGMA journal_mode = TRUNCATE")
    reader = sqlite3.connect(database_path(writer.library), isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM images").fetchall()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        writer.stop(Scope("k3f9x2"))
    reader.close()
    assert writer.stop(Scope("k3f9x2"))[0].stopped == 12


def test_files_of_a_stopped_batch_that_was_cut_off_are_adopted_too(
    writer: Writer, rendered: Rendered
) -> None:
    writer.add_session(new_session())
    batch = take(writer)
    writer.stop(Scope("k3f9x2"))
    publish(item for item, _ in rendered(batch))
    assert writer.recover() == (8, 0)
    assert verify(writer.library).whole


def test_publishing_twice_finds_what_was_published(writer: Writer, rendered: Rendered) -> None:
    writer.add_session(new_session())
    staged = [item for item, _ in rendered(take(writer))]
    once = publish(staged)
    assert publish(staged) == once
    once[staged[0].image].unlink()
    assert staged[0].image not in publish(staged)


def test_an_unknown_session_is_an_error(writer: Writer) -> None:
    with pytest.raises(LibraryError, match="Session not found"):
        writer.tally("nobody")
