"""Images for others on this machine: they find them, and may read them, in the shared folder.

The library keeps everyone else out. A published image is a second name of the same file (a copy,
where the shared folder is on another filesystem or is to be without recipes) under
user/session/name in the shared folder; without one nobody else can read anything.
"""

import json
import logging
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.atomic_files import open_new
from engine.library.read.chosen import without_recipe
from engine.library.read.shared_folder import user_name

log = logging.getLogger(__name__)

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


@dataclass(frozen=True, slots=True)
class Sharing:
    """Where public images are published."""

    folder: Path | None = None
    """The shared folder; None: nowhere."""
    strip_metadata: bool = False
    """Publish copies without the recipe inside."""

    def place_of(self, image: Path) -> Path | None:
        """Where an image of a session's folder is published; None without a shared folder.

        Args:
            image: its file, in its session's folder (in the library or in the trash).
        """
        if self.folder is None:
            return None
        return self.folder / user_name() / image.parent.name / image.name


def public_files(db: sqlite3.Connection, library: Path, images: Sequence[str]) -> list[Path]:
    """The files of those images whose rows say that they are public.

    Args:
        db: the library's database.
        library: its folder.
        images: ids.
    """
    return [
        library / folder / file
        for folder, file in db.execute(
            "SELECT s.folder, i.file FROM images i JOIN rows r ON r.id = i.row"
            " JOIN sessions s ON s.id = i.session"
            " WHERE i.key IN (SELECT value FROM json_each(?)) AND i.state = 'done'"
            " AND json_extract(r.cells, '$.visibility') = 'public'",
            (json.dumps(list(images)),),
        ).fetchall()
    ]


def publish(image: Path, sharing: Sharing) -> Path | None:
    """Let others find a public image in the shared folder, and read it; where it is there.

    Safe to repeat. What goes wrong is logged: the image itself is as good as before.
    """
    place = sharing.place_of(image)
    if place is None:
        return None
    try:
        _make_folders(place.parent, sharing)
        _put(image, place, stripped=sharing.strip_metadata)
    except Exception as error:  # whatever it is: the image is done, and others wait
        log.warning("%s is not published: %s", image.name, error)
        return None
    return place


def withdraw(image: Path, sharing: Sharing) -> bool:
    """Take an image back from the shared folder; whether it was there.

    Args:
        image: its file as it is or was in its session's folder.
        sharing: where it was published.
    """
    place = sharing.place_of(image)
    if place is None:
        return False
    try:
        place.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        log.warning("%s cannot be taken back from %s: %s", image.name, place.parent, error)
        return False
    for folder in (place.parent, place.parent.parent):
        try:
            folder.rmdir()
        except OSError:
            break  # others are in it
    return True


def withdraw_all(folder: Path, sharing: Sharing) -> int:
    """Take all images of a session's folder back from the shared folder; how many there were."""
    place = sharing.place_of(folder / "any")
    if place is None or not place.parent.is_dir():
        return 0
    names = [path.name for path in place.parent.iterdir() if not path.is_dir()]
    return sum(withdraw(folder / name, sharing) for name in names)


def _make_folders(folder: Path, sharing: Sharing) -> None:
    """Make user/session below the shared folder; what is there must be ours.

    Raises:
        OSError: the shared folder is not there, or someone else has taken the name.
    """
    assert sharing.folder is not None
    if not sharing.folder.is_dir():
        raise FileNotFoundError(f"the shared folder {sharing.folder} is not there")
    for each in (folder.parent, folder):
        try:
            each.mkdir()
            each.chmod(_FOLDER_MODE)
        except FileExistsError:
            found = each.lstat()
            if found.st_uid != os.getuid() or not each.is_dir() or each.is_symlink():
                raise PermissionError(f"{each} belongs to someone else") from None


def _put(image: Path, place: Path, *, stripped: bool) -> None:
    """Link or copy; whoever looks sees the old file or the new one, whole."""
    temporary = place.with_name(f".{place.name}.part")
    temporary.unlink(missing_ok=True)
    if stripped:
        _write(temporary, without_recipe(image, image.read_bytes()))
    else:
        try:
            os.link(image, temporary)
            temporary.chmod(_FILE_MODE)
        except OSError:
            _write(temporary, image.read_bytes())
    temporary.replace(place)
    # Two names of one file: replacing does nothing then, and leaves both.
    temporary.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    with open_new(path) as file:
        file.write(data)
        os.fchmod(file.fileno(), _FILE_MODE)
