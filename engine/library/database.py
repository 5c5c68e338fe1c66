"""Opening the library's database: one connection that writes, any number that read."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import psutil

SCHEMA_VERSION = 2
FILE_NAME = "library.sqlite3"
_APPLICATION_ID = 0x50534854  # "PSHT"
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p"}) | frozenset(
    {"lustre", "gpfs", "beegfs", "ceph", "glusterfs", "orangefs"}
)
_NETWORK_FUSE = ("sshfs", "glusterfs", "rclone", "s3fs", "juicefs", "mfs", "ceph")


class LibraryError(Exception):
    """The library cannot be used; the message says why and what to do."""


def database_path(library: Path) -> Path:
    """Where `library` keeps its database."""
    return library / FILE_NAME


def is_new(library: Path) -> bool:
    """Whether nothing was ever stored in `library`: no database, or one without a byte."""
    path = database_path(library)
    return not path.is_file() or path.stat().st_size == 0


def filesystem_of(folder: Path) -> str:
    """The type of the filesystem that holds `folder`: the mount with the longest matching path."""
    real = Path(os.path.realpath(folder))
    mounts = [p for p in psutil.disk_partitions(all=True) if real.is_relative_to(p.mountpoint)]
    return max(mounts, key=lambda p: len(p.mountpoint)).fstype if mounts else "unknown"


def on_network(folder: Path) -> bool:
    """Whether `folder` is on a network filesystem, where SQLite's write-ahead log must not be."""
    kind = filesystem_of(folder)
    return kind in _NETWORK or (kind.startswith("fuse.") and kind[5:].startswith(_NETWORK_FUSE))


def open_writer(library: Path) -> sqlite3.Connection:
    """The one read-write connection; creates the database where there is none.

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
        connection.execute(f"PRAGMA journal_mode = {'TRUNCATE' if on_network(library) else 'WAL'}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        version = _version(connection, path)
        if version < SCHEMA_VERSION:
            connection.executescript(
                f"BEGIN; {_steps_from(version)}"
                f"PRAGMA application_id = {_APPLICATION_ID};"
                f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
            path.chmod(0o600)
        _require_version(_version(connection, path), path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise LibraryError(f"{path} cannot be used as Promptsheet's database: {error}.") from error
    except LibraryError:
        connection.close()
        raise
    return connection


def _steps_from(version: int) -> str:
    """The SQL that brings a database of schema `version` (0: an empty one) up to date."""
    steps = {1: files("engine.library") / "schema.sql"}
    for file in (files("engine.library") / "migrations").iterdir():
        if file.name.endswith(".sql"):
            steps[int(file.name.partition("_")[0])] = file
    return "".join(steps[n].read_text(encoding="utf-8") for n in range(version + 1, len(steps) + 1))


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


def connect_reader(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """A read-only connection; also to a library on a medium that cannot be written.

    Args:
        path: the database.
        any_thread: the caller sees to it that one thread at a time uses it.
    """
    # Reading a write-ahead log needs a file beside it, unless nothing can ever change.
    frozen = not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()
    options = "mode=ro&immutable=1" if frozen else "mode=ro"
    connection = sqlite3.connect(
        f"{path.as_uri()}?{options}", uri=True, timeout=10, check_same_thread=not any_thread
    )
    connection.row_factory = sqlite3.Row
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema's version; 0 for an empty database."""
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if tables and application != _APPLICATION_ID:
        raise LibraryError(f"{path} is another program's database. Choose another folder.")
    return version


def _require_version(version: int, path: Path) -> None:
    if version == SCHEMA_VERSION:
        return
    if version == 0:
        raise LibraryError(f"{path} is empty: nothing has been rendered yet.")
    raise LibraryError(
        f"{path} was written by another version of Promptsheet (schema {version}; this one has"
        f" {SCHEMA_VERSION}). Use that version, or choose another library with --library."
    )
