"""Every change to the library. Owned by the engine process, used from one thread."""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.library.database import LibraryError, compact, database_path, open_writer
from engine.library.files import SESSIONS, StagedFile, publish, remove_unfinished
from engine.library.read.counts import tally_of, unfinished_tallies
from engine.library.read.lots import Lot, largest_pictures, lots_of
from engine.library.read.stored import recipe_of
from engine.library.records import Batch, BatchImage, NewSession
from engine.library.write.accepting import drop_unfinished, lacking_room, store_session
from engine.library.write.batch_queue import AWAITS_PROMPTS, next_waiting
from engine.library.write.conditions import (
    ask_again,
    choose_conditions,
    chosen_conditions,
    model_loaded,
    planned_with,
)
from engine.library.write.insert import add_source
from engine.library.write.recovery import adopt_or_requeue
from engine.library.write.requests import carried_out
from engine.library.write.sharing import Sharing, public_files
from engine.library.write.sharing import publish as publish_shared
from engine.library.write.states import (
    Scope,
    mark_done,
    move,
    move_session,
    retry,
)
from engine.picture.metadata import ImageRecord
from engine.picture.recipe import Conditions
from engine.protocol.answers import Changed, Done
from engine.protocol.records import Tally
from engine.sheet.rows import SourcePicture

STRIKES = 3
"""Faults of an image, or of its batch, after which it has failed."""
DEATHS = 10
"""Deaths in a row while one batch was rendering after which its images have failed."""


class Writer:
    """The library's only writer. Not thread-safe: call it from one thread.

    Raises:
        LibraryError: from the constructor, if the library cannot be used; from any method, if the
            database was moved or deleted meanwhile.
    """

    def __init__(
        self,
        library: Path,
        is_ours: Callable[[], bool] = lambda: True,
        sharing: Sharing = Sharing(),  # noqa: B008  it is frozen
    ) -> None:
        """Open the library's database, or make it.

        Args:
            library: its folder.
            is_ours: whether the library's lock is still held; asked before every change.
            sharing: where public images are published.
        """
        self.library = library
        self._is_ours = is_ours
        self.sharing = sharing
        self._db = open_writer(library)
        self._inode = database_path(library).stat().st_ino
        self._lots: dict[str, list[Lot]] = {}  # by key: the database gives ids out again
        self._largest: dict[str, dict[str, int]] = {}  # likewise
        with suppress(sqlite3.OperationalError):  # the disk is full: it shows nowhere, and waits
            for _ in drop_unfinished(self.transaction, library):
                pass

    def close(self) -> None:
        """Close the database; its log is folded in."""
        self._db.close()

    def compact(self) -> None:
        """Let the database's files keep nothing of what was deleted: see `compact`."""
        self.require_ours()
        compact(self._db)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of what is changed inside, or nothing; modules beside this one change, too."""
        self.require_ours()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self.require_ours()  # it may have taken long: another host may have taken over
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk has rolled it back already
                self._db.execute("ROLLBACK")
            raise

    def require_ours(self) -> None:
        """Look whether the library is still there, and ours: else nothing may be written.

        A deleted database would go on "committing" into nowhere, a lost lock lets two write.

        Raises:
            LibraryError: it is not.
            OSError: that cannot be found out at the moment.
        """
        path = database_path(self.library)
        if not self.library.is_dir():
            raise LibraryError(f"The library {self.library} was moved or deleted.")
        if not self._is_ours():
            raise LibraryError(
                f"The lock of {self.library} was deleted, or another machine has taken it over:"
                " nothing more is written here."
            )
        try:
            same = path.stat().st_ino == self._inode
        except FileNotFoundError:
            same = False
        if not same:
            raise LibraryError(
                f"{path} was moved or deleted while the engine process was using it."
            )

    def note_sources(self, pictures: Sequence[SourcePicture], sizes: Mapping[str, int]) -> None:
        """Note pictures whose copies are in the library; `sizes`: digest → bytes."""
        with self.transaction() as db:
            for found in pictures:
                add_source(db, found, sizes[found.digest])

    def source_digests(self) -> set[str]:
        """Digests of all pictures that were noted."""
        return {str(row["digest"]) for row in self.read("SELECT digest FROM sources")}

    def batches_of(self, session: str) -> set[int]:
        """Ids of the batches of the session with id `session`."""
        rows = self.read(
            "SELECT b.id FROM batches b JOIN sessions s ON s.id = b.session WHERE s.key = ?",
            (session,),
        )
        return {int(row["id"]) for row in rows}

    def read(self, query: str, arguments: Sequence[object] = ()) -> list[sqlite3.Row]:
        """All rows of a query, for the modules of `engine.library`: SQL is nowhere else."""
        return self._db.execute(query, arguments).fetchall()

    # ---------------------------------------------------------------- sessions

    def session_keys(self) -> set[str]:
        """All ids in use."""
        return {str(row["key"]) for row in self.read("SELECT key FROM sessions")}

    def add_session(self, new: NewSession) -> Tally:
        """Store a session, its rows, images and batches, at once."""
        for _ in self.storing(new):
            pass
        return self.tally(new.key)

    def storing(self, new: NewSession) -> Iterator[None]:
        """Store a session piece by piece: see `store_session`."""
        return store_session(self.transaction, self.library, new)

    def lacking_room(self, new: NewSession, reserve: int) -> str | None:
        """Why a session should not be stored, in words: see `lacking_room`."""
        return lacking_room(self.library, new, reserve)

    def tally(self, session: str) -> Tally:
        """The counts of the session with id `session`.

        Raises:
            LibraryError: no such session.
        """
        return tally_of(self._db, session)

    def tallies(self) -> list[Tally]:
        """The counts of every session that has work left."""
        return unfinished_tallies(self._db)

    def stop(self, scope: Scope) -> list[Tally]:
        """Stop what is not done yet; images being rendered may still finish and then are kept."""
        states = ("waiting", "rendering")
        return self._change(scope, lambda db: move(db, scope, states, "stopped"), asked=False)

    def resume(self, scope: Scope) -> list[Tally]:
        """Let stopped images wait again, in the batches they were recorded in."""
        return self._change(scope, lambda db: move(db, scope, ("stopped",), "waiting"))

    def retry(self, scope: Scope) -> list[Tally]:
        """Let failed images wait again, with no strikes."""
        return self._change(scope, lambda db: retry(db, scope))

    def _change(
        self, scope: Scope, how: Callable[[sqlite3.Connection], list[str]], *, asked: bool = True
    ) -> list[Tally]:
        """The counts of the sessions that changed, and of the one that was named."""
        if scope.session is not None:
            self.tally(scope.session)  # it must exist
        with self.transaction() as db:
            changed = how(db)
            if asked:
                ask_again(db, scope)
            named = [scope.session] if scope.session is not None else []
            tallies = [tally_of(db, session) for session in dict.fromkeys([*named, *changed])]
            carried_out(db, Changed(tallies))
        return tallies

    def move_session(self, session: str, to: str) -> Tally:
        """Render a session sooner or later than others: `first`, `last`, `up` or `down`."""
        tally = self.tally(session)
        with self.transaction() as db:
            move_session(db, session, to)
            carried_out(db, Changed([tally]))
        return tally

    def is_paused(self) -> bool:
        """Whether the user has paused all rendering."""
        return bool(self.read("SELECT 1 FROM meta WHERE key = 'paused'"))

    def pause(self, paused: bool) -> None:
        """Remember that the user has paused all rendering, or lets it go on."""
        with self.transaction() as db:
            if paused:
                db.execute("INSERT OR IGNORE INTO meta VALUES ('paused', '')")
            else:
                db.execute("DELETE FROM meta WHERE key = 'paused'")
            carried_out(db, Done())

    # ---------------------------------------------------------------- batches

    def next_batch(
        self,
        busy: Collection[int],
        warm: Collection[str] = (),
        held: Collection[str] = (),
        without: Collection[str] = (),
    ) -> Batch | None:
        """The next batch with waiting images; None if there is none.

        A batch that has had a strike is handed out one image at a time, in a call of the same
        size: that finds the faulty one without changing the pixels of the others.

        A session whose prompts are still being rewritten waits.

        Args:
            busy: batches that someone has in hand.
            warm: models that are loaded where it will be rendered.
            held: sessions that must wait.
            without: what must wait: models, and LoRAs, as `Recipe.needs` calls them.
        """
        sessions = self._db.execute(
            "SELECT id, key, folder FROM sessions WHERE waiting > 0"
            f" AND NOT (rewriting > 0 AND {AWAITS_PROMPTS}) ORDER BY position"
        ).fetchall()
        for session in sessions:
            if session["key"] in held:
                continue
            if session["key"] not in self._lots:
                self._lots[session["key"]] = lots_of(self._db, session["id"])
                self._largest[session["key"]] = largest_pictures(self._db, session["id"])
            lots = self._lots[session["key"]]
            batch = next_waiting(
                self._db, session["id"], lots, busy=busy, warm=warm, without=without
            )
            if batch is not None:
                return self._batch(session, batch)
        return None

    def _batch(self, session: sqlite3.Row, batch: int) -> Batch:
        rows = self._db.execute(
            "SELECT i.id, i.key, i.slot, i.seed, i.file, i.strikes, r.body, b.size, j.number,"
            " i.variation"
            " FROM images i JOIN recipes r ON r.id = i.recipe JOIN batches b ON b.id = i.batch"
            " JOIN rows j ON j.id = i.row"
            " WHERE i.batch = ? AND i.state = 'waiting' ORDER BY i.strikes, i.slot",
            (batch,),
        ).fetchall()
        if any(row["strikes"] for row in rows):
            rows = rows[:1]
        folder = self.library / session["folder"]
        images = tuple(
            BatchImage(
                id=row["id"],
                key=row["key"],
                row=row["number"],
                variation=row["variation"],
                slot=row["slot"],
                recipe=recipe_of(row),
                path=folder / row["file"],
            )
            for row in rows
        )
        model = images[0].recipe.model
        return Batch(
            id=batch,
            session=session["id"],
            session_key=session["key"],
            size=rows[0]["size"],
            images=images,
            conditions=chosen_conditions(self._db, session["id"], model),
            largest=self._largest[session["key"]][model],
            planned_model=planned_with(self._db, session["id"], model),
        )

    def begin(self, batch: Batch, conditions: Conditions) -> Conditions | None:
        """Record that `batch` is being rendered, unless it was stopped or other conditions hold.

        Args:
            batch: as `next_batch` gave it.
            conditions: become those of the session's images of this model if it has none yet.

        Returns:
            The conditions that hold: the batch has begun if they are `conditions`, else another
            device was the first to choose. None: it was stopped meanwhile.
        """
        marks, recipe = ", ".join("?" for _ in batch.images), batch.images[0].recipe
        model = recipe.model
        with self.transaction() as db:
            chosen = chosen_conditions(db, batch.session, model)
            if chosen not in (None, conditions):
                return chosen
            moved = db.execute(
                f"UPDATE images SET state = 'rendering' WHERE id IN ({marks})"
                " AND state = 'waiting'"
                # Somebody may have said meanwhile to go on with the model's new files.
                " AND (SELECT json_extract(body, '$.model_hash') FROM recipes"
                " WHERE id = images.recipe) = ?",
                [*(image.id for image in batch.images), recipe.model_hash],
            ).rowcount
            if moved == len(batch.images):
                db.execute(
                    "UPDATE batches SET attempts = attempts + 1, started = ? WHERE id = ?",
                    (time.time(), batch.id),
                )
                choose_conditions(db, batch.session, model, conditions)
                model_loaded(db, batch.session, model)
                return conditions
            self._requeue(db, batch)
        return None

    def is_wanted(self, batch: Batch) -> bool:
        """Whether any image of a running batch is still to be rendered: not all were stopped."""
        marks = ", ".join("?" for _ in batch.images)
        found = self._db.execute(
            f"SELECT 1 FROM images WHERE id IN ({marks}) AND state = 'rendering' LIMIT 1",
            [image.id for image in batch.images],
        ).fetchone()
        return found is not None

    def finish(self, staged: Sequence[tuple[StagedFile, ImageRecord]]) -> list[Path]:
        """Publish files and mark their images done: names first, then one commit.

        Returns:
            Where the files are.
        """
        placed = publish(item for item, _ in staged)
        now = time.time()
        with self.transaction() as db:
            for item, record in staged:
                if item.image in placed:
                    mark_done(
                        db,
                        item.image,
                        library=self.library,
                        path=placed[item.image],
                        size=item.bytes,
                        digest=item.digest,
                        record=record,
                        at=now,
                    )
        self.share(list(placed))
        return list(placed.values())

    def end(self, batch: Batch, seconds: float | None = None) -> None:
        """Record that `batch` ran to an end of its own, however it went; what is left waits.

        Args:
            batch: as `next_batch` gave it.
            seconds: what the whole batch took; None if it did not come to its last pixel.
        """
        with self.transaction() as db:
            db.execute("UPDATE batches SET attempts = 0 WHERE id = ?", (batch.id,))
            if seconds is not None:
                db.execute(
                    "UPDATE batches SET seconds = ?, ended = ? WHERE id = ?",
                    (seconds, time.time(), batch.id),
                )
            self._requeue(db, batch)

    def strike(self, batch: Batch, reason: str) -> None:
        """A fault of `batch`: its unfinished images wait again, or have failed at three strikes.

        Args:
            batch: as `next_batch` gave it.
            reason: what a person can act on; kept with the images.
        """
        with self.transaction() as db:
            db.execute("UPDATE batches SET attempts = 0 WHERE id = ?", (batch.id,))
            for image in batch.images:
                db.execute(
                    "UPDATE images SET strikes = strikes + 1, error = ?, state ="
                    " CASE WHEN strikes + 1 >= ? THEN 'failed' ELSE 'waiting' END"
                    " WHERE id = ? AND state = 'rendering'",
                    (reason, STRIKES, image.id),
                )

    def fail(self, batch: Batch, reason: str) -> None:
        """Give up on what is left of `batch`, rendered or not."""
        with self.transaction() as db:
            db.executemany(
                "UPDATE images SET state = 'failed', error = ? WHERE id = ?"
                " AND state IN ('waiting', 'rendering')",
                [(reason, image.id) for image in batch.images],
            )

    def spare(self, batch: Batch) -> None:
        """`batch` was handed over, but nothing of it was begun: as if it never had been."""
        with self.transaction() as db:
            db.execute(
                "UPDATE batches SET attempts = max(0, attempts - 1) WHERE id = ?", (batch.id,)
            )
            self._requeue(db, batch)

    def died(self, batch: Batch, reason: str) -> None:
        """The renderer was killed under `batch`: no strike, but ten in a row fail it."""
        attempts = self._db.execute(
            "SELECT attempts FROM batches WHERE id = ?", (batch.id,)
        ).fetchone()[0]
        if attempts >= DEATHS:
            self.fail(batch, f"{reason}, {attempts} times in a row")
        else:
            with self.transaction() as db:
                self._requeue(db, batch)

    @staticmethod
    def _requeue(db: sqlite3.Connection, batch: Batch) -> None:
        db.executemany(
            "UPDATE images SET state = 'waiting' WHERE id = ? AND state = 'rendering'",
            [(image.id,) for image in batch.images],
        )

    def recover(self) -> tuple[int, int]:
        """Put right what an interruption left: adopt finished files, requeue the rest.

        Returns:
            How many images were adopted, how many wait again.
        """
        remove_unfinished(self.library / SESSIONS)
        began = time.time()
        with self.transaction() as db:
            adopted, requeued = adopt_or_requeue(db, self.library, DEATHS)
        if adopted:
            found = self._db.execute("SELECT key FROM images WHERE finished >= ?", (began,))
            self.share([row["key"] for row in found.fetchall()])
        return adopted, requeued

    def share_in(self, sharing: Sharing) -> None:
        """From now on public images are published there."""
        self.sharing = sharing

    def share(self, images: Sequence[str]) -> None:
        """Let others have those of the images that are public."""
        for path in public_files(self._db, self.library, images):
            publish_shared(path, self.sharing)
