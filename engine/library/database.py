"""Opening the library's database: one connection that writes, any number that read."""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

import psutil

from engine.atomic_files import open_new
from engine.errors import PromptsheetError
from engine.library_folder import folder_fault
from engine.schema import FILE_NAME, SCHEMA_VERSION

_APPLICATION_ID = 0x50534854  # "PSHT"
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p"}) | frozenset(
    {"lustre", "gpfs", "beegfs", "ceph", "glusterfs", "orangefs", "virtiofs", "vboxsf"}
)
_FUSE = ("fuse", "fuseblk")

_COPIED_AT_ONCE = 1 << 20

_QUICKLY_COPIED = 128 << 20
"""Bytes of a database that is rewritten in a second or two: 150,000 images, say."""

_UNSETTLED = (sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY)
_SETTLING_SECONDS, _LOOK_SECONDS = 3.0, 0.02
"""For a commit on another host to end, and between two looks whether it has."""


class LibraryError(PromptsheetError):
    """The library cannot be used; the message says why and what to do."""


class OlderLibraryError(LibraryError):
    """Written by an older version; the engine process brings it up to date when it starts."""


def database_path(library: Path) -> Path:
    """Where `library` keeps its database."""
    return library / FILE_NAME


def is_new(library: Path) -> bool:
    """Whether nothing was ever stored in `library`: no database, or one without a byte.

    Raises:
        LibraryError: there cannot be a library in that folder.
    """
    if fault := folder_fault(library):
        raise LibraryError(fault)
    path = database_path(library)
    return not path.is_file() or path.stat().st_size == 0


def filesystem_of(folder: Path) -> str:
    """The type of the filesystem that holds `folder`: the mount with the longest matching path."""
    real = Path(os.path.realpath(folder))
    mounts = [p for p in psutil.disk_partitions(all=True) if real.is_relative_to(p.mountpoint)]
    return max(mounts, key=lambda p: len(p.mountpoint)).fstype if mounts else "unknown"


def on_network(folder: Path) -> bool:
    """Whether other hosts may see `folder`, too: SQLite's write-ahead log must not be there.

    FUSE of any kind counts: what a mount passes on, and where to, cannot be known.
    """
    kind = filesystem_of(folder)
    return kind in _NETWORK or kind.partition(".")[0] in _FUSE


def open_writer(library: Path) -> sqlite3.Connection:
    """The one read-write connection; creates the database, or brings an older one up to date.

    Only the process that holds the library's lock may call this.

    Raises:
        LibraryError: another program's database, or one of another version's schema.
    """
    path = database_path(library)
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise LibraryError(f"{path} cannot be opened: {error}.") from error
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What is deleted is overwritten. Measured over 300 commits of 8 images: 0.1 ms of CPU time
        # more for each, nothing more to write. FAST would leave whole freed pages as they were.
        connection.execute("PRAGMA secure_delete = ON")
        version = _version(connection, path)
        if version == 0:
            _migrate(connection, 0, f"PRAGMA application_id = {_APPLICATION_ID};")
            path.chmod(0o600)
        elif version < SCHEMA_VERSION:
            _bring_up_to_date(connection, version, path)
            version = SCHEMA_VERSION
        _require_version(version or SCHEMA_VERSION, path)
        # Only now: changing the mode writes to the file, and a new library must not be seen to have
        # a database before it has its tables.
        connection.execute(f"PRAGMA journal_mode = {'TRUNCATE' if on_network(library) else 'WAL'}")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise LibraryError(f"{path} cannot be used as Promptsheet's database: {error}.") from error
    except LibraryError:
        connection.close()
        raise
    return connection


def replace_with_copy(library: Path) -> None:
    """Give the database's files to whoever may still have them open, and go on with a copy.

    What a process writes that is taken for dead, and wakes, goes into files without a name then.
    Only the process that holds the library's lock may call this, before it opens the database.

    Raises:
        OSError: there is no room for a copy; everything is as it was.
    """
    from engine.library.files import sync_folder  # Pillow and numpy, which few need

    path = database_path(library)
    if is_new(library):
        return
    # The journal belongs to the database by its name, and either fits the other's copy: wherever
    # this is interrupted, the two that have the names are whole.
    originals = [path.with_name(path.name + suffix) for suffix in ("", "-journal", "-wal")]
    copies = [(place.with_name(f"{place.name}.copy"), place) for place in originals]
    try:
        for copy, place in copies:
            copy.unlink(missing_ok=True)  # of an attempt that was cut off
            with suppress(FileNotFoundError), place.open("rb") as source:
                descriptor = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    shutil.copyfileobj(source, file, _COPIED_AT_ONCE)
                    file.flush()
                    os.fsync(file.fileno())
        for copy, place in copies:
            with suppress(FileNotFoundError):
                copy.replace(place)
    finally:
        for copy, _ in copies:
            copy.unlink(missing_ok=True)
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)  # made again from the log
    sync_folder(library)


def _bring_up_to_date(connection: sqlite3.Connection, version: int, path: Path) -> None:
    """Copy the database beside itself, then take the steps that lead to this schema.

    The copy, library-schema-N.sqlite3, is the user's way back to the older version. It holds what
    the library held that day, also what is deleted for good later, until the user deletes it.

    Raises:
        sqlite3.Error: a step failed; the database is as it was.
    """
    copy = path.with_name(f"{path.stem}-schema-{version}{path.suffix}")
    copy.unlink(missing_ok=True)  # of an attempt that was cut off; or a link, to anything
    open_new(copy).close()
    beside = sqlite3.connect(copy)
    try:
        connection.backup(beside)
    finally:
        beside.close()
    _migrate(connection, version)


def _migrate(connection: sqlite3.Connection, version: int, also: str = "") -> None:
    """Take the steps from schema `version` (0: nothing there) to this one, all or none.

    New libraries come by the same steps as old ones, so that there is one source of the schema.

    Raises:
        sqlite3.Error: a step failed; the database is as it was.
    """
    steps = files("engine.library") / "migrations"
    scripts = [
        (steps / f"{number}.sql").read_text(encoding="utf-8")
        for number in range(version + 1, SCHEMA_VERSION + 1)
    ]
    try:
        connection.executescript(
            f"BEGIN; {''.join(scripts)} {also} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def compact(connection: sqlite3.Connection) -> None:
    """After a deletion: give its room back, and leave nothing of it in the write-ahead log.

    A large database keeps its size, for no commit can come in while it is rewritten: the next
    sessions fill the room.

    Args:
        connection: the one that writes, with no transaction open.
    """
    count, free, size = (
        int(connection.execute(f"PRAGMA {what}").fetchone()[0])
        for what in ("page_count", "freelist_count", "page_size")
    )
    # The deletion is done: a full disk, or a reader that is slow to leave, undoes nothing of it.
    with suppress(sqlite3.OperationalError):
        if (count - free) * size <= _QUICKLY_COPIED:
            connection.execute("VACUUM")
    with suppress(sqlite3.OperationalError):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


@contextmanager
def reading(library: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection; fetch everything before leaving, an open cursor grows the log.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    path = database_path(library)
    if is_new(library):
        raise LibraryError(f"There is no library in {library} yet: nothing has been rendered.")
    try:
        connection = connect_reader(path)
        try:
            _require_version(_version(connection, path), path)
            yield connection
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise LibraryError(f"{path} cannot be read: {error}.") from error


class _PatientReader(sqlite3.Connection):
    """Waits for commits on other hosts, also where their locks are not seen.

    To SQLite the journal of such a commit is one that a dead writer left, and a reader may not roll
    it back.
    """

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        end = time.monotonic() + _SETTLING_SECONDS
        while True:
            try:
                return super().execute(*arguments)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode not in _UNSETTLED or time.monotonic() > end:
                    raise
            time.sleep(_LOOK_SECONDS)


def connect_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection; also to a library on a medium that cannot be written."""
    # Reading a write-ahead log needs a file beside it, unless nothing can ever change.
    log, index = (path.with_name(f"{path.name}-{kind}") for kind in ("wal", "shm"))
    fixed = not os.access(path.parent, os.W_OK)
    empty = not log.exists() or (log.stat().st_size == 0 and not index.exists())
    if fixed and not empty and not index.exists():
        raise LibraryError(
            f"{path} cannot be read where it is: its last changes are in {log.name}, and reading"
            " those needs a writable folder. Copy the library to a writable folder."
        )
    options = "mode=ro&immutable=1" if fixed and empty else "mode=ro"
    # Opened in a thread, say, and then used in another; never in two at once.
    connection = sqlite3.connect(
        f"{path.as_uri()}?{options}",
        uri=True,
        timeout=10,
        check_same_thread=False,
        factory=_PatientReader,
    )
    connection.row_factory = sqlite3.Row
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema's version; 0 for an empty database."""
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if tables and application != _APPLICATION_ID:
        raise LibraryError(f"{path} belongs to another program. Choose another folder.")
    return version


def _require_version(version: int, path: Path) -> None:
    if version == SCHEMA_VERSION:
        return
    if version == 0:
        raise LibraryError(f"{path} is empty: nothing has been rendered yet.")
    if version < SCHEMA_VERSION:
        raise OlderLibraryError(
            f"{path} was written by an older version of Promptsheet: `promptsheet engine start`"
            " updates it (and keeps a copy)."
        )
    raise LibraryError(
        f"{path} was written by a newer version of Promptsheet (schema {version}; this one has"
        f" {SCHEMA_VERSION}). Use that version, or choose another library with --library."
    )
