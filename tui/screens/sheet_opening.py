"""Where the Sheet screen's rows come from, and where copies of them go."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from weakref import WeakKeyDictionary

from textual import on
from textual.worker import get_current_worker

from engine.api import (
    Draft,
    Library,
    LibraryError,
    Place,
    SessionInfo,
    SettingsError,
    SheetError,
    free_name,
    new_name,
    save_copy,
    save_new,
)
from tui.app_state import AppState, RowsToSheet
from tui.screens.ask import Ask, AskWhere
from tui.screens.open_sheet import OpenSheet
from tui.screens.sheet_showing import Opened, SheetShowing
from tui.screens.sheet_words import sheet_name
from tui.screens.type_prompts import TypedPrompts, TypePrompts
from tui.text import clean, count_text
from tui.widgets.cell_editor import CellEditor
from tui.widgets.draft_table import DraftTable
from tui.workers import hand_over, hand_to, work


class SheetOpening(SheetShowing):
    """Files, worksheets, typed prompts, sessions; the file is watched."""

    _seen: tuple[int, int] | None = None
    _before: Opened | None = None
    """What another sheet took the place of, and would be missed: undo brings it back."""
    _after: Opened | None = None
    """What undo put away for it."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._saved: WeakKeyDictionary[Draft, int] = WeakKeyDictionary()
        """Draft → which revision of it was saved or started last."""

    def read(self, path: Path, worksheet: str | None = None) -> None:
        """Read and check a sheet, in a thread."""
        self._say(f"Reading {path.name} …")
        self._read(path, worksheet)

    @work(thread=True, exclusive=True, group="read")
    def _read(self, path: Path, worksheet: str | None) -> None:
        try:
            seen = _stamp(path)
            draft = self.app_state.library.sheets.open(path, worksheet=worksheet)
        except (SheetError, SettingsError) as error:
            hand_over(self._refused, path, str(error))
        else:
            hand_over(self._opened, Opened(draft, path, seen))

    def take_rows(self, message: RowsToSheet) -> None:
        """Show rows that come from a session, to be refined."""
        self._make(
            lambda library: library.sheets.from_rows(message.rows, name=message.name),
            message.parent,
        )

    @work(thread=True, exclusive=True, group="read")
    def _make(self, make: Callable[[Library], Draft], origin: str | None = None) -> None:
        """Show what was made of rows that are in no file."""
        try:
            draft = make(self.app_state.library)
        except (SheetError, SettingsError) as error:
            hand_over(partial(self.notify, severity="error", markup=False), clean(str(error)))
        else:
            hand_over(self._opened, Opened(draft, origin=origin))

    def take_session(self, session: str) -> None:
        """Show the whole sheet of a session as it was written."""
        self._read_session(session)

    @work(thread=True, exclusive=True, group="read")
    def _read_session(self, session: str) -> None:
        try:
            info = self.app_state.library.sessions.find(session)
            draft = self.app_state.library.sheets.from_session(session)
        except (LibraryError, SheetError, SettingsError) as error:
            hand_over(self._not_read, str(error), f"✗ {error}")
        else:
            hand_over(self._take_back, info, draft)

    def _take_back(self, info: SessionInfo, draft: Draft) -> None:
        words = f"as session {info.name} had it; 3 has its images"
        self._opened(Opened(draft, origin=info.session, restored=info), words)
        if self._is_stopped:
            words = f"{info.name} is {self._stopped_words.removeprefix('■ ')}."
            note = " ctrl+s would start its sheet anew, as another session."
            self.notify(clean(words + note), markup=False, timeout=10)

    def _refused(self, path: Path, reason: str, stamp: tuple[int, int] | None = None) -> None:
        self._seen = stamp or self._seen  # it is not read again until it is saved once more
        self._not_read(f"{path.name}: {reason}", f"✗ {path.name}: {reason}")

    def _not_read(self, reason: str, title: str) -> None:
        """Instead of a sheet that cannot be had, what else there is."""
        self.workers.cancel_group(self, "read")  # it has nothing more to bring
        self.notify(clean(reason), severity="error", markup=False, timeout=10)
        if self.draft is None and (before := self._before) is not None:
            self._before = None
            self._take_up(before)
        else:
            self._say(title)

    def _opened(self, opened: Opened, words: str = "") -> None:
        """Another sheet takes the place of what is there, which undo brings back."""
        now = self._now()
        if now is not None and self._is_missed(now):
            self._before, self._after = now, None
            words += " · " * bool(words) + f"u brings {sheet_name(now.draft)} back"
        self._take_up(opened)
        if opened.path is not None:
            self.app_state.memory.opened(opened.path)
        self._table.action_first()
        if first := opened.draft.next_problem(Place(0, None), 1):
            self._table.go_to(first[0].row, first[0].column)
        for note in opened.draft.notes:
            if note.column is None:
                self.notify(clean(note.message), severity="warning", markup=False, timeout=10)
        if words:
            self._say_done(words)

    def _take_up(self, opened: Opened) -> None:
        for group in ("read", "images"):  # what was still to come was for the sheet that goes
            self.workers.cancel_group(self, group)
        self.query_one(CellEditor).close()  # its cell goes, too
        self._path, self._seen = opened.path, opened.seen
        self._origin, self._restored = opened.origin, opened.restored
        self._show(opened.draft)
        self._table.set_marks(opened.marks)

    def _now(self) -> Opened | None:
        draft = self.draft
        if draft is None:
            return None
        marks = self._table.marks
        return Opened(draft, self._path, self._seen, self._origin, self._restored, marks)

    @property
    def unsaved(self) -> str:
        """The name of a sheet that would be missed; empty: none would."""
        if self.draft is not None and self.query_one(CellEditor).is_changed:
            return sheet_name(self.draft)
        missed = self._missed()
        return sheet_name(missed) if missed is not None else ""

    def _missed(self) -> Draft | None:
        """What is shown, or undo and redo can bring, if it is in no file and no session yet."""
        sheets = (self._now(), self._before, self._after)
        return next((s.draft for s in sheets if s is not None and self._is_missed(s)), None)

    def _is_missed(self, sheet: Opened) -> bool:
        draft = sheet.draft
        if self._saved.get(draft) == draft.revision:
            return False
        return draft.changed or (sheet.path is None and sheet.origin is None)

    def _is_saved(self, draft: Draft, revision: int) -> None:
        """The draft as it stood was saved or started."""
        self._saved[draft] = revision

    @on(DraftTable.Exhausted)
    def _exchange(self, event: DraftTable.Exhausted) -> None:
        """Past its first change, undo brings back the sheet before; redo, the one after."""
        now, other = self._now(), self._before if event.direction < 0 else self._after
        if now is None or other is None:
            return
        self._before, self._after = (None, now) if event.direction < 0 else (now, None)
        self._take_up(other)
        key = "U" if event.direction < 0 else "u"
        self._say_done(f"is back; {key} goes to {sheet_name(now.draft)} again")

    def _remake(self, make: Callable[[Draft], Draft], *, others: bool = False) -> bool:
        """In a thread: put what `make` makes of the draft in its place.

        What is changed in it meanwhile is not to be lost: then `make` begins again.

        Args:
            make: makes it.
            others: whether its rows may be other ones: not while one is being written in.

        Returns:
            Whether it was made.
        """
        worker = get_current_worker()
        while not worker.is_cancelled and (draft := self.draft) is not None:
            revision = draft.revision
            if others and self._is_writing:
                break
            if hand_over(self._replace, draft, revision, make(draft), others):
                return True
        return False

    def _replace(self, draft: Draft, revision: int, again: Draft, others: bool) -> bool:
        if draft is not self.draft or draft.revision != revision or self._table.is_changing:
            return False
        if others and self._is_writing:
            return False
        self._show(again)
        return True

    def _watch(self) -> None:
        """The file was saved again in the spreadsheet program: read it, keep what fits."""
        if self._path is not None and self.is_current:
            self._look_at(self._path)

    @work(thread=True, exclusive=True, group="watch")
    def _look_at(self, path: Path) -> None:
        stamp = _stamp(path)
        if stamp is not None and stamp != self._seen:
            hand_over(self._saved_again, path, stamp)

    @property
    def _is_reading(self) -> bool:
        """Whether another sheet was asked for, and is still to come."""
        return any(
            worker.node is self
            and worker.group == "read"
            and not (worker.is_finished or worker.is_cancelled)
            for worker in self.workers
        )

    def _saved_again(self, path: Path, stamp: tuple[int, int]) -> None:
        if path == self._path and not self._is_reading and not self._is_writing:
            self._read_again(path, stamp)

    @work(thread=True, exclusive=True, group="read")
    def _read_again(self, path: Path, stamp: tuple[int, int]) -> None:
        kept = lost = 0

        def make(draft: Draft) -> Draft:
            nonlocal kept, lost
            again, kept, lost = self.app_state.library.sheets.reopen(draft, path)
            return again

        try:
            if not self._remake(make, others=True):
                return  # it is looked at again
        except (SheetError, SettingsError) as error:
            hand_over(self._refused, path, str(error), stamp)
            return
        words = f"{path.name} was read again."
        if kept or lost:
            words += f" Mends kept in {count_text(kept, 'row')}"
            words += f", dropped in {count_text(lost, 'row')} that read otherwise now." * bool(lost)
        hand_over(self._say_read_again, words, stamp)

    def _say_read_again(self, words: str, stamp: tuple[int, int]) -> None:
        self._seen = stamp
        self.notify(clean(words), markup=False)

    def action_open(self) -> None:
        """Ask for a file."""
        self.app.push_screen(OpenSheet(self.app_state.memory.recent), self._chosen)

    def _chosen(self, path: Path | None) -> None:
        if path is not None:
            self.read(path)

    def action_reload(self) -> None:
        """Read the file again, without the mends."""
        if self._path is not None:
            self.read(self._path, self.draft.worksheet if self.draft else None)

    def action_worksheet(self) -> None:
        """Ask for another worksheet of the file."""
        if self.draft is not None:
            ask = Ask("Which worksheet?", choices=self.draft.worksheets)
            self.app.push_screen(ask, self._worksheet_chosen)

    def _worksheet_chosen(self, name: str | None) -> None:
        if name and self._path and self.draft and name in self.draft.worksheets:
            self.read(self._path, name)

    def action_prompts(self) -> None:
        """Ask for prompts."""
        self.app.push_screen(TypePrompts(), self._typed)

    def _typed(self, typed: TypedPrompts | None) -> None:
        if typed is not None:
            prompts, count = typed.prompts, typed.num_images
            self._make(lambda library: library.sheets.from_prompts(prompts, num_images=count))

    def action_save(self) -> None:
        """Ask where the corrected copy goes; or what has no file yet."""
        path, draft, seen = self._path, self.draft, self._seen
        if draft is None:
            return
        revision = draft.revision

        def write(target: Path, overwrite: bool) -> str:
            if path is None:
                rows = save_new(draft, target, overwrite=overwrite)
                words = f"{target.name}: {count_text(rows, 'row')} written."
            elif _stamp(path) != seen:
                raise SheetError(f"{path.name} has changed meanwhile; try again when it is read.")
            else:
                copy = save_copy(draft, path, target, overwrite=overwrite)
                words = f"{copy.path.name}: {count_text(copy.cells, 'cell')} mended."
                words = " ".join([words, *copy.notes])
            hand_to(self, self._is_saved, draft, revision)
            if path is not None and target.samefile(path):
                # Read as it is now: what was mended in it is no mend any more.
                hand_to(self, self.read, path, draft.worksheet)
            return words

        if path is None:
            question, note = "Save as", "A .csv file."
        else:
            question = "Save a corrected copy as"
            note = "Your file stays as it is, unless you give its own name."

        def ask(name: Path) -> None:
            self.app.push_screen(AskWhere(question, name, write, note=note), self._file_written)

        self._find_name(draft, path, ask)

    @work(thread=True, exclusive=True, group="name")
    def _find_name(self, draft: Draft, path: Path | None, ask: Callable[[Path], None]) -> None:
        """Which names are taken, the disk knows."""
        hand_over(ask, new_name(draft, Path.cwd()) if path is None else free_name(path))

    def action_template(self) -> None:
        """Ask where a sheet to fill in goes."""

        def write(target: Path, overwrite: bool) -> str:  # noqa: ARG001
            self.app_state.library.sheets.write_template(target, full=True)
            return f"A template is in {target}."

        name = Path.cwd() / "prompts.xlsx"
        note = "A sheet to fill in, with lists and notes: .xlsx, .ods or .csv."
        self.app.push_screen(
            AskWhere("Write a template as", name, write, note=note), self._file_written
        )

    def _file_written(self, words: str | None) -> None:
        if words:
            self.notify(clean(words), markup=False)


def _stamp(path: Path) -> tuple[int, int] | None:
    """The file's time of change and size; None if it is not there."""
    try:
        about = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size
