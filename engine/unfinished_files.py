"""Unfinished files of ours: each is noted before it comes to be, and swept up after a kill.

Notes lie in the state folder, so that the next start knows what an export to any folder left
there. A name that was drawn for one file alone tells it safely from the user's own.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from engine.atomic_files import open_new, place
from engine.errors import said_of
from engine.settings import own_state_folder

_FOLDER = "unfinished"
_STARTED_AT = 19
"""Which of the words after a process's name in /proc/PID/stat says when it began."""
_FORGOTTEN_SECONDS = 90 * 86400.0


@dataclass(frozen=True, slots=True)
class _WriterNote:
    """Where an unfinished file is, and who is writing it."""

    path: str
    host: str
    boot: str
    pid: int
    started: str


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """A name in `folder` that nobody else has, for a file or a folder of ours until it is finished.

    What still has the name afterwards is removed; after a kill, at the next start.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  a link stays one
    token = secrets.token_hex(8)
    path = folder / _name(token)
    note = own_state_folder() / _FOLDER / f"{token}.json"
    # Where the state folder cannot be written, a kill leaves the file behind, and nothing else.
    with contextlib.suppress(OSError):
        note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        pid = os.getpid()
        body = _WriterNote(str(path), socket.gethostname(), _boot(), pid, _start_of(pid) or "")
        note.write_text(json.dumps(asdict(body)), encoding="utf-8")
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            _remove(path)
        with contextlib.suppress(OSError):
            note.unlink(missing_ok=True)


@contextmanager
def written_beside(
    target: Path, *, replace: bool = True, mode: int = 0o666
) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file beside `target`, and where it is, which takes its name once all is in it.

    Nobody can have laid anything under its name before; if anything fails, it goes again.

    Args:
        target: its name in the end.
        replace: whether a file that has the name is replaced.
        mode: of the file, less the umask.

    Raises:
        FileExistsError: another file has the name, and is not to be replaced.
        OSError: the folder cannot be written.
    """
    with unfinished(target.parent) as temporary, said_of(target, temporary):
        with open_new(temporary, mode) as file:
            yield temporary, file
        if replace:
            temporary.replace(target)
        else:
            place(temporary, target)


def sweep() -> list[Path]:
    """Remove what processes that were killed on this machine left unfinished; what that was."""
    removed: list[Path] = []
    with contextlib.suppress(OSError):
        for place in (own_state_folder() / _FOLDER).glob("*.json"):
            with contextlib.suppress(OSError):
                note = _read(place)
                if note is None:
                    _forget(place)
                elif note.host == socket.gethostname() and not _is_alive(note):
                    path = Path(note.path)
                    if path.name == _name(place.stem) and _remove(path):
                        removed.append(path)
                    # On a disk that is not mounted now, say, it may still be there.
                    if path.parent.is_dir():
                        place.unlink()
                    else:
                        _forget(place)
    return removed


def _name(token: str) -> str:
    return f".promptsheet-{token}.part"


def _read(place: Path) -> _WriterNote | None:
    try:
        return _WriterNote(**json.loads(place.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return None


def _forget(place: Path) -> None:
    if time.time() - place.stat().st_mtime > _FORGOTTEN_SECONDS:
        place.unlink()


def _remove(path: Path) -> bool:
    """Remove a file or a folder of ours; whether it was there. A link is not followed."""
    try:
        about = path.lstat()
    except FileNotFoundError:
        return False
    if about.st_uid != os.getuid():
        return False
    if stat.S_ISDIR(about.st_mode):
        shutil.rmtree(path)
    else:
        path.unlink()
    return True


def _is_alive(note: _WriterNote) -> bool:
    return note.boot == _boot() and _start_of(note.pid) == note.started


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _start_of(pid: int) -> str | None:
    """When a process began, as the kernel counts it; None: there is none."""
    try:
        about = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return about.rpartition(")")[2].split()[_STARTED_AT]
