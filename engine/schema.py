"""The version of the library's database, without opening it: light enough for every start."""

import struct
from pathlib import Path

SCHEMA_VERSION = 9
FILE_NAME = "library.sqlite3"
_USER_VERSION_AT = 60


def is_older(library: Path) -> bool:
    """Whether `library` was written by an older version; the engine process, started, updates it.

    Reads SQLite's header, which may lag behind the write-ahead log: then the answer is yes once
    too often, and starting the engine process finds nothing to do.
    """
    try:
        with (library / FILE_NAME).open("rb") as file:
            header = file.read(_USER_VERSION_AT + 4)
    except OSError:
        return False
    if len(header) < _USER_VERSION_AT + 4:
        return False
    version: int = struct.unpack(">I", header[_USER_VERSION_AT:])[0]
    return 0 < version < SCHEMA_VERSION
