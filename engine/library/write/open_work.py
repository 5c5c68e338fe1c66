"""Whether a library's work may go on by itself, and on which hosts: asked, remembered, told."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.library.database import is_new, reading

if TYPE_CHECKING:  # it needs numpy, and who looks on does not
    from engine.library.write.writer import Writer

_HOSTS = "render_hosts"
_STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class OpenWork:
    """How a library stands while no engine process serves it."""

    images: int = 0
    """How many are still to be rendered."""
    paused: bool = False
    """Someone paused all rendering."""
    stopped: bool = False
    """Someone stopped the engine process; it did not just end."""
    hosts: frozenset[str] = frozenset()
    """Where someone asked for rendering before."""


def open_work(library: Path) -> OpenWork:
    """How a library stands.

    Raises:
        LibraryError: not a library this version can read.
    """
    if is_new(library):
        return OpenWork()
    with reading(library) as db:
        images = db.execute(
            "SELECT coalesce(sum(waiting + rendering), 0) FROM sessions WHERE trashed IS NULL"
        ).fetchone()[0]
        rows = db.execute(
            "SELECT key, value FROM meta WHERE key IN ('paused', ?, ?)", (_STOPPED, _HOSTS)
        ).fetchall()
        meta = {row["key"]: row["value"] for row in rows}
    return OpenWork(int(images), "paused" in meta, _STOPPED in meta, _hosts(meta.get(_HOSTS)))


def _hosts(text: str | None) -> frozenset[str]:
    return frozenset(json.loads(text)) if text else frozenset()


def render_hosts(writer: "Writer") -> frozenset[str]:
    """The hosts where someone asked for rendering before."""
    rows = writer.read("SELECT value FROM meta WHERE key = ?", (_HOSTS,))
    return _hosts(rows[0]["value"] if rows else None)


def add_render_host(writer: "Writer", host: str) -> None:
    """Someone asks for rendering on this host."""
    hosts = sorted(render_hosts(writer) | {host})
    with writer.transaction() as db:
        _put(db, _HOSTS, json.dumps(hosts))


def note_stopped(writer: "Writer", stopped: bool) -> None:
    """Remember that someone stopped the engine process, or that there is one again."""
    if stopped != bool(writer.read("SELECT 1 FROM meta WHERE key = ?", (_STOPPED,))):
        with writer.transaction() as db:
            if stopped:
                _put(db, _STOPPED, "")
            else:
                db.execute("DELETE FROM meta WHERE key = ?", (_STOPPED,))


def _put(db: sqlite3.Connection, key: str, value: str) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
