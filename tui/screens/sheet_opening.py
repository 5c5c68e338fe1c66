"""Where the Sheet screen's rows come from, and where copies of them go."""

import os
from pathlib import Path

from textual import work

from engine.api import (
    Draft,
    LibraryError,
    Place,
    SessionInfo,
    SettingsError,
    SheetError,
    draft_prompts,
    draft_rows,
    draft_session,
    find_session,
    free_name,
    open_draft,
    reopen_draft,
    save_copy,
    write_template,
)
from tui.desk import RowsToSheet
from tui.screens.ask import Ask, AskWhere
from tui.screens.open_sheet import OpenSheet
from tui.screens.sheet_showing import SheetShowing
from tui.screens.type_prompts import TypedPrompts, TypePrompts
from tui.text import clean, count_text
from tui.widgets.cell_editor import CellEditor


class SheetOpening(SheetShowing):
    """Files, worksheets, typed prompts, sessions; the file is watched."""

    _seen: tuple[int, int] | None = None
    """When the file was last read, it had this time of change and this size."""

    def read(self, path: Path, worksheet: str | None = None) -> None:
        """Read and check a sheet, in a thread."""
        self._say(f"Reading {path.name} …")
        self._read(path, worksheet)

    @work(thread=True, exclusive=True, group="read")
    def _read(self, path: Path, worksheet: str | None) -> None:
        try:
            seen = _stamp(path)
            draft = open_draft(path, self.desk.settings, worksheet=worksheet)
        except (SheetError, SettingsError) as error:
            self.app.call_from_thread(self._refused, path, str(error))
        else:
            self.app.call_from_thread(self._opened, draft, path, seen)

    def take_rows(self, message: RowsToSheet) -> None:
        """Show rows that come from a session, to be refined."""
        try:
            draft = draft_rows(message.rows, self.desk.settings, name=message.name)
        except (SheetError, SettingsError) as error:
            self.notify(clean(str(error)), severity="error", markup=False)
        else:
            self._opened(draft, None, None)
            self._origin = message.parent

    def take_session(self, session: str) -> None:
        """Show the whole sheet of a session as it was written."""
        self._read_session(session)

    @work(thread=True, exclusive=True, group="read")
    def _read_session(self, session: str) -> None:
        try:
            info = find_session(self.desk.library, session)
            draft = draft_session(session, self.desk.settings)
        except (LibraryError, SheetError, SettingsError) as error:
            self.app.call_from_thread(self._not_started, str(error))
        else:
            self.app.call_from_thread(self._take_back, info, draft)

    def _take_back(self, info: SessionInfo, draft: Draft) -> None:
        self._opened(draft, None, None)
        self._origin, self._restored = info.session, info
        self._say_done(f"as session {info.name} had it; 3 has its images")

    def _refused(self, path: Path, reason: str) -> None:
        self._say(f"✗ {path.name}: {reason}")
        self.notify(clean(f"{path.name}: {reason}"), severity="error", markup=False, timeout=10)

    def _opened(self, draft: Draft, path: Path | None, seen: tuple[int, int] | None) -> None:
        self.query_one(CellEditor).close()  # it belongs to the sheet before
        self._path, self._seen, self._origin, self._restored = path, seen, None, None
        if path is not None:
            self.desk.memory.opened(path)
        self._table.set_marks(())
        self._show(draft)
        self._table.action_first()
        if first := draft.next_problem(Place(0, None), 1):
            self._table.go_to(first[0].row, first[0].column)
        for note in draft.notes:
            if note.column is None:
                self.notify(clean(note.message), severity="warning", markup=False, timeout=10)

    @work(thread=True, exclusive=True, group="watch")
    def _watch(self) -> None:
        """The file was saved again in the spreadsheet program: read it, keep what fits."""
        path, draft = self._path, self.draft
        if path is None or draft is None or not self.is_current or self._is_writing:
            return
        stamp = _stamp(path)
        if stamp is None or stamp == self._seen:
            return
        self._seen = stamp
        self._read_again(draft, path)

    def _read_again(self, draft: Draft, path: Path) -> None:
        try:
            again, kept, lost = reopen_draft(draft, path, self.desk.settings)
        except (SheetError, SettingsError) as error:
            self.app.call_from_thread(self._refused, path, str(error))
            return
        words = f"{path.name} was read again."
        if kept or lost:
            words += f" Mends kept in {count_text(kept, 'row')}"
            words += f", dropped in {count_text(lost, 'row')} that read otherwise now." * bool(lost)
        self.app.call_from_thread(self._read_anew, again, words)

    def _read_anew(self, again: Draft, words: str) -> None:
        if self._is_writing:  # its row may be another one now; it is read once that is done
            self._seen = None
            return
        self._show(again)
        self.notify(clean(words), markup=False)

    def action_open(self) -> None:
        """Ask for a file."""
        self.app.push_screen(OpenSheet(self.desk.memory.recent), self._chosen)

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
        if typed is None:
            return
        try:
            draft = draft_prompts(typed.prompts, self.desk.settings, num_images=typed.num_images)
        except (SettingsError, SheetError) as error:
            self.notify(clean(str(error)), severity="error", markup=False)
        else:
            self._opened(draft, None, None)

    def action_save(self) -> None:
        """Ask where the corrected copy goes."""
        path, draft, seen = self._path, self.draft, self._seen
        if path is None or draft is None:
            return

        def write(target: Path, overwrite: bool) -> str:
            if _stamp(path) != seen:
                raise SheetError(f"{path.name} has changed meanwhile; try again when it is read.")
            copy = save_copy(draft, path, target, overwrite=overwrite)
            return " ".join(
                [f"{copy.path.name}: {count_text(copy.cells, 'cell')} mended.", *copy.notes]
            )

        note = "Your file stays as it is, unless you give its own name."
        ask = AskWhere("Save a corrected copy as", free_name(path), write, note=note)
        self.app.push_screen(ask, self._file_written)

    def action_template(self) -> None:
        """Ask where a sheet to fill in goes."""

        def write(target: Path, overwrite: bool) -> str:  # noqa: ARG001
            write_template(target, full=True)
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
