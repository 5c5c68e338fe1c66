"""What pictures are called in cells, and how processes tell each other where their files are."""

import os
import re
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

_KEPT = re.compile(r"(?P<name>.*)#(?P<digest>[0-9a-f]{32})", re.DOTALL)
_BYTES = "bytes:"
"""Before the bytes of a path that is no UTF-8; no path of ours begins so."""


def with_digest(cell: str, digest: str) -> str:
    """A cell that names the library's copy of a picture: `name#digest`."""
    return f"{name_of(cell)}#{digest}"


def name_of(cell: str) -> str:
    """What a cell calls its picture, without a digest."""
    match = _KEPT.fullmatch(cell)
    return match["name"] if match else cell


def digest_in(cell: str) -> str | None:
    """The digest in a cell that names the library's copy of a picture; None: it names a file."""
    match = _KEPT.fullmatch(cell)
    return match["digest"] if match else None


def path_to_text(path: Path) -> str:
    """A path as text that can be sent: names of files need be no UTF-8."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _BYTES + quote_from_bytes(os.fsencode(path))
    return text


def shown_path(path: Path | str) -> str:
    """A path as it can stand in a message; what is no UTF-8 becomes �."""
    return os.fsencode(path).decode("utf-8", "replace")


def cell_naming(path: Path, folder: Path | None, *, up: int = 0) -> str:
    """What a cell says of a picture: its name as seen from the sheet's folder, else its whole path.

    Args:
        path: whole.
        folder: the sheet's, whole; None: it has none.
        up: how many folders above the sheet's the name may begin, below the root of the disk.
    """
    if folder is None:
        return str(path)
    beside = os.path.relpath(path, folder)
    ups = Path(beside).parts.count(os.pardir)
    far = ups > up or (ups > 0 and os.path.commonpath((path, folder)) == os.sep)
    return str(path) if far or beside != beside.strip() or beside.startswith("~") else beside


def path_from_text(text: str) -> Path:
    """The path that `path_to_text` was given."""
    if text.startswith(_BYTES):
        return Path(os.fsdecode(unquote_to_bytes(text.removeprefix(_BYTES))))
    return Path(text)
