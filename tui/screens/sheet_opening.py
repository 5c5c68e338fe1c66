"""Where the Sheet screen's rows come from: files, which are watched, typed prompts, sessions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from textual.screen import Screen
from textual.worker import get_current_worker

from engine.api import (
    Draft,
    EncodingError,
    Library,
    LibraryError,
    SettingsError,
    Severity,
    SheetError,
)
from tui.app_state import ModelCame, RowsToSheet
from tui.screens.type_prompts import TypedPrompts
from tui.sheet_document import Opened, Revision, SheetDocument, Stamp, stamp_of
from tui.text import clean, count_text
from tui.workers import hand_over, work


@dataclass(frozen=True, slots=True)
class SheetRefused:
    """A sheet that was asked for cannot be had."""

    reason: str
    stamp: Stamp | None = None
    """Of its file; it is not read again until that is saved once more."""
    path: Path | None = None
    encodings: tuple[str, ...] = ()
    """What the file may be written in, where a person must say so."""


@dataclass(frozen=True, slots=True)
class Again:
    """Another draft of the sheet that is shown."""

    before: Revision
    """What it was made of."""
    draft: Draft
    words: str = ""
    stamp: Stamp | None = None
    """Of the file, if it was read again: then its rows may be other ones."""


class Opener(Protocol):
    """Who asks for sheets, and shows them."""

    @property
    def is_writing(self) -> bool:
        """Whether text is being written into a cell."""

    def open(self, opened: Opened) -> None:
        """Show another sheet."""

    def renew(self, again: Again) -> bool:
        """Show another draft of the sheet; False: what it was made of has changed meanwhile."""

    def refuse(self, refused: SheetRefused) -> None:
        """Say why there is no other sheet."""


class SheetOpening:
    """Reads and makes sheets in threads; the last one asked for is the one that comes."""

    def __init__(
        self, node: Screen[None], opener: Opener, document: SheetDocument, library: Library
    ) -> None:
        self.node = node
        self._opener = opener
        self._document = document
        self._library = library
        self.lists: object = None
        """What tells whether the lists of models and LoRAs are those that rows are checked by."""

    @property
    def is_reading(self) -> bool:
        """Whether another sheet was asked for, and is still to come."""
        return any(
            worker.node is self.node
            and worker.group == "read"
            and not (worker.is_finished or worker.is_cancelled)
            for worker in self.node.workers
        )

    def leave_off(self) -> None:
        """What is still to come was for a sheet that goes."""
        for group in ("read", "images", "lists", "watch"):
            self.node.workers.cancel_group(self.node, group)

    @work(thread=True, exclusive=True, group="read")
    def read(self, path: Path, worksheet: str | None = None, encoding: str | None = None) -> None:
        """Read and check a file."""
        try:
            stamp = stamp_of(path)
            draft = self._library.sheets.open(path, worksheet=worksheet, encoding=encoding)
        except EncodingError as error:
            words = f"{path.name}: {error}"
            hand_over(self._refused, SheetRefused(words, path=path, encodings=error.encodings))
        except (SheetError, SettingsError) as error:
            hand_over(self._refused, SheetRefused(f"{path.name}: {error}"))
        else:
            hand_over(self._opener.open, Opened(draft, path, stamp))

    @work(thread=True, exclusive=True, group="read")
    def read_session(self, session: str) -> None:
        """Read the whole sheet of a session as it was written."""
        try:
            info = self._library.sessions.find(session)
            draft = self._library.sheets.from_session(session)
        except (LibraryError, SheetError, SettingsError) as error:
            hand_over(self._refused, SheetRefused(str(error)))
        else:
            hand_over(self._opener.open, Opened(draft, origin=info.session, restored=info))

    def take_rows(self, rows: RowsToSheet) -> None:
        """Rows of a session are to be refined."""
        self._make(partial(self._library.sheets.from_rows, rows.rows, name=rows.name), rows.parent)

    def take_typed(self, typed: TypedPrompts) -> None:
        """Prompts were typed."""
        make = self._library.sheets.from_text
        self._make(partial(make, typed.text, num_images=typed.num_images))

    def take_pictures(self, rows: Callable[[], Sequence[Mapping[str, str]]]) -> None:
        """Rows of pictures, made in a thread, make a new sheet."""
        self._make(lambda: self._library.sheets.from_rows(rows(), name="pictures"))

    @work(thread=True, exclusive=True, group="read")
    def _make(self, make: Callable[[], Draft], origin: str | None = None) -> None:
        try:
            draft = make()
        except (SheetError, SettingsError) as error:
            hand_over(self._complain, str(error))
        else:
            hand_over(self._opener.open, Opened(draft, origin=origin))

    def _complain(self, words: str) -> None:
        self.node.notify(clean(words), severity="error", markup=False)

    def _refused(self, refused: SheetRefused) -> None:
        self.node.workers.cancel_group(self.node, "read")  # it has nothing more to bring
        self._opener.refuse(refused)

    # ---------------------------------------------------------------- the same sheet again

    @work(thread=True, exclusive=True, group="images")
    def set_images(self, count: int) -> None:
        """Rows that do not say how many images they make make `count`."""
        self._remake(lambda draft: (draft.with_num_images(count), ""))

    def take_saved(self, stamp: Stamp) -> None:
        """The file was saved again: read it, if it is a time for that; mends that fit stay."""
        path = self._document.path
        if path is not None and not (self.is_reading or self._opener.is_writing):
            self._read_again(path, stamp)

    @work(thread=True, exclusive=True, group="read")
    def _read_again(self, path: Path, stamp: Stamp) -> None:
        def make(draft: Draft) -> tuple[Draft, str]:
            again, kept, lost = self._library.sheets.reopen(draft, path)
            words = f"{path.name} reloaded."
            if kept or lost:
                words += f" Edits kept in {count_text(kept, 'row')}"
                dropped = f", dropped in {count_text(lost, 'row')} that changed in the file."
                words += dropped * bool(lost)
            return again, words

        try:
            self._remake(make, stamp)
        except (SheetError, SettingsError) as error:
            hand_over(self._refused, SheetRefused(f"{path.name}: {error}", stamp))

    @work(thread=True, exclusive=True, group="lists")
    def check_again(self, came: ModelCame | None = None) -> None:
        """Models or LoRAs have come, or gone: rows are checked by those there are now.

        Args:
            came: a model that a cell asked for, which it then names.
        """

        def make(draft: Draft) -> tuple[Draft, str]:
            again = self._library.sheets.checked_again(draft)
            if came is not None:
                self._library.sheets.take_model(again, came.text, came.label)
            same = again.count(Severity.ERROR) == draft.count(Severity.ERROR)
            return again, "" if same else "The model list changed, so the sheet was checked again."

        self.lists = self._library.sheets.lists_stamp()
        try:
            self._remake(make)
        except (SheetError, SettingsError) as error:
            hand_over(self._complain, f"The sheet could not be checked again: {error}")

    def _remake(
        self, make: Callable[[Draft], tuple[Draft, str]], stamp: Stamp | None = None
    ) -> None:
        """Have what `make` makes of the draft in its place.

        What is changed in it meanwhile is not to be lost: then `make` begins again. And a file is
        not read again while a row is being written in: it is looked at again.
        """
        worker = get_current_worker()
        while not worker.is_cancelled and (draft := self._document.draft) is not None:
            before = Revision.of(draft)
            if stamp is not None and self._opener.is_writing:
                break
            if hand_over(self._opener.renew, Again(before, *make(draft), stamp)):
                break


class FileWatch:
    """Looks whether the sheet's file was saved again, and whether models or LoRAs came or went."""

    def __init__(
        self, node: Screen[None], document: SheetDocument, opening: SheetOpening, library: Library
    ) -> None:
        self.node = node
        self._document = document
        self._opening = opening
        self._library = library

    def look(self) -> None:
        """Look, if someone looks at the screen."""
        if self._document.draft is not None and self.node.is_current:
            self._look(self._document.path)

    @work(thread=True, exclusive=True, group="watch")
    def _look(self, path: Path | None) -> None:
        stamp = stamp_of(path) if path is not None else None
        if stamp is not None and stamp != self._document.stamp:
            hand_over(self._opening.take_saved, stamp)
        lists, before = self._library.sheets.lists_stamp(), self._opening.lists
        if lists != before and (before is None or hand_over(self._check_again, None)):
            self._opening.lists = lists

    def _check_again(self, _: None) -> None:
        self._opening.check_again()
