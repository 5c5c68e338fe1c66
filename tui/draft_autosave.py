"""Sheets that were written in and are not saved yet, kept in case the connection drops."""

import asyncio
import fcntl
import json
import os
import shutil
import tempfile
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from textual.dom import DOMNode

from engine.api import (
    Draft,
    Library,
    SettingsError,
    SheetError,
)
from tui.sheet_document import REST_A_ROW, Opened, SheetDocument
from tui.workers import hand_over, work

_REST = 1.0
"""Seconds without a change before the sheet is kept."""
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
            target = self._folder() / f"{self._library.sheets.plain_name(draft)}.csv"
            beside = _beside(target)
            # A csv says neither; its rows are numbered from its header on.
            rows = [at for at, n in enumerate(draft.numbers, 2) if draft.is_left_out(n)]
            marks: dict[str, Any] = {"left_out": rows, "num_images": draft.vocabulary.num_images}
            if folder := draft.vocabulary.picture_folder:
                marks["folder"] = str(folder)
            beside.write_text(json.dumps(marks))
            self._library.sheets.save_new(draft, target, overwrite=True)
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


class Autosaving:
    """Keeps what would be missed of a sheet, soon after each change.

    A terminal that goes away takes the app with it at once.
    """

    def __init__(
        self,
        node: DOMNode,
        document: SheetDocument,
        library: Library,
        found: Callable[[Opened], object],
    ) -> None:
        """`found` is given what another app left behind."""
        self.node = node
        self.store = DraftAutosave(library)
        self._document = document
        self._library = library
        self._found = found
        self._one_keeping = threading.Lock()
        self._is_leaving = False

    @work(exclusive=True, group="keep")
    async def keep_soon(self, draft: Draft) -> None:
        """The draft has changed, or was saved."""
        await asyncio.sleep(_REST + len(draft.numbers) * REST_A_ROW)
        if draft is self._document.draft:
            await asyncio.to_thread(self._keep_or_forget, self._document.missed)

    def _keep_or_forget(self, missed: Draft | None) -> None:
        with self._one_keeping:
            if missed is None or self._is_leaving:
                self.store.forget()
            else:
                self.store.keep(missed)

    def leave(self) -> None:
        """Whoever leaves has been asked: nothing is kept. Blocks."""
        self._is_leaving = True
        self._keep_or_forget(None)

    @work(thread=True, group="left")
    def find_left_behind(self) -> None:
        """Is there something to go on with?"""
        path = self.store.left_behind()
        if path is None:
            return
        with suppress(SheetError, SettingsError):
            hand_over(self._found, Opened(open_autosaved(path, self._library), behind=path))

    @work(thread=True, group="left")
    def take_over(self, path: Path) -> None:
        """What another app left behind is shown now."""
        with self._one_keeping:
            if not self._is_leaving:
                self.store.take_over(path)


def open_autosaved(path: Path, library: Library) -> Draft:
    """A kept sheet as it was, rows left out and all.

    Raises:
        SheetError, SettingsError: it cannot be read.
    """
    try:
        marks = json.loads(_beside(path).read_text())
    except (OSError, ValueError):
        return library.sheets.open(path)
    folder = Path(marks["folder"]) if "folder" in marks else None
    draft = library.sheets.open(path, folder=folder)
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
