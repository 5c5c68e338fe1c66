"""Sheets that were written in and are not saved yet, kept in case the connection drops."""

import fcntl
import json
import os
import shutil
import tempfile
import zlib
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from engine.api import (
    Draft,
    Library,
    SheetError,
    plain_name,
    save_new,
)

_FOLDER = "drafts"
_LOCK = ".lock"


class DraftAutosave:
    """One app's kept sheet, in a folder of its own that it holds a lock on. Blocks."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._ours = f"{zlib.crc32(str(library.path).encode()):08x}-"
        self._own: Path | None = None
        self._lock: int | None = None

    @cached_property
    def _all(self) -> Path:
        """Where all are kept; found out when it is needed: the disk is asked for it."""
        return self._library.state_folder() / _FOLDER

    def keep(self, draft: Draft) -> None:
        """Keep the draft as it reads, instead of what was kept before."""
        # What stands in the way of a file, the user is told when saving. And a row can go away
        # meanwhile: that change is followed by another keeping.
        with suppress(OSError, SheetError, KeyError):
            target = self._folder() / f"{plain_name(draft)}.csv"
            beside = _beside(target)
            # A csv says neither; its rows are numbered from its header on.
            rows = [at for at, n in enumerate(draft.numbers, 2) if draft.is_left_out(n)]
            marks = {"left_out": rows, "num_images": draft.vocabulary.num_images}
            beside.write_text(json.dumps(marks))
            save_new(draft, target, overwrite=True)
            for path in target.parent.iterdir():
                if path.name not in (target.name, beside.name, _LOCK):
                    path.unlink()

    def forget(self) -> None:
        """It is saved, or not wanted: keep nothing."""
        if self._own is None or self._lock is None:
            return
        with suppress(OSError):
            for path in self._own.iterdir():
                path.unlink()
            self._own.rmdir()
        os.close(self._lock)
        self._own = self._lock = None

    def left_behind(self) -> Path | None:
        """The newest sheet kept by an app that has ended without a word; None: there is none."""
        try:
            found = [
                path
                for path in self._all.glob(f"{self._ours}*/*.csv")
                if path.parent != self._own and not _is_held(path.parent)
            ]
            return max(found, key=lambda path: path.stat().st_mtime, default=None)
        except OSError:  # nothing there that we may look at, or another one has just taken it
            return None

    def take_over(self, path: Path) -> None:
        """What another app left behind is ours now."""
        with suppress(OSError):
            _beside(path).replace(_beside(self._folder() / path.name))
            path.replace(self._folder() / path.name)
            (path.parent / _LOCK).unlink()
            path.parent.rmdir()

    def _folder(self) -> Path:
        if self._own is None:
            self._all.mkdir(mode=0o700, parents=True, exist_ok=True)
            own = Path(tempfile.mkdtemp(prefix=self._ours, dir=self._all))
            try:
                self._lock = _held(own)
            except OSError:  # no locks on this filesystem: nothing can be kept
                shutil.rmtree(own, ignore_errors=True)
                raise
            self._own = own
        return self._own


def open_autosaved(path: Path, library: Library) -> Draft:
    """A kept sheet as it was, rows left out and all.

    Raises:
        SheetError, SettingsError: it cannot be read.
    """
    draft = library.sheets.open(path)
    try:
        marks = json.loads(_beside(path).read_text())
    except (OSError, ValueError):
        return draft
    draft = draft.with_num_images(marks["num_images"])
    if left_out := set(marks["left_out"]) & set(draft.numbers):
        draft.leave_out(left_out)
    return draft


def _beside(path: Path) -> Path:
    return path.with_suffix(".json")


def _held(folder: Path) -> int:
    """Lock a folder for as long as this process lives.

    Raises:
        OSError: another one holds it.
    """
    # A file open for writing: NFS locks no other.
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def _is_held(folder: Path) -> bool:
    try:
        os.close(_held(folder))
    except OSError:
        return True
    return False
