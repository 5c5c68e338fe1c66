"""What sessions are called, read as quickly as can be: whoever pressed tab waits for it."""

import sqlite3
from contextlib import closing
from pathlib import Path

from engine.schema import FILE_NAME

_MOST = 500
_PATIENCE = 0.3
"""Seconds for which a database that is being written is waited for."""


def session_names(library: Path, *, trashed: bool = False) -> list[tuple[str, str]]:
    """The id and the name of each session, newest first; none where they cannot be read.

    Args:
        library: its folder.
        trashed: those with something in the trash, instead of those that are not there.
    """
    path = library / FILE_NAME
    where = (
        "trashed > 0 OR trashed IS NULL AND EXISTS"
        " (SELECT 1 FROM images i WHERE i.session = sessions.id AND i.trashed IS NOT NULL)"
        if trashed
        else "trashed IS NULL"
    )
    if not path.is_file():
        return []
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE)) as database:
            return database.execute(
                f"SELECT key, name FROM sessions WHERE {where} ORDER BY created DESC LIMIT {_MOST}"
            ).fetchall()
    except sqlite3.Error:
        return []
