"""Sheet: from a file, or typed prompts, mended in place, to the start."""

import gc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Paste
from textual.widgets import Static

from engine.api import (
    Draft,
    EngineError,
    Estimate,
    LibraryError,
    Place,
    Row,
    RowValues,
    SessionInfo,
    SettingsError,
    SheetError,
    changes_since,
    draft_prompts,
    draft_rows,
    draft_session,
    estimate_rows,
    find_session,
    free_name,
    offered_columns,
    only_changed,
    open_draft,
    ready_to_start,
    reopen_draft,
    save_copy,
    start_session,
    with_num_images,
    write_template,
)
from tui.desk import RowsToSheet, TakeInHand
from tui.keys import bind
from tui.screens.area import Area
from tui.screens.ask import Ask, AskWhere
from tui.screens.open_sheet import OpenSheet
from tui.screens.past import Past, look_back, past_lines, row_text
from tui.screens.row_preview import RowPreview
from tui.screens.sheet_words import (
    counts_text,
    final_prompt,
    help_text,
    place_text,
    title_text,
    totals_text,
)
from tui.screens.type_prompts import MOST_IMAGES, TIMES, TypedPrompts, TypePrompts
from tui.text import clean, count_text
from tui.widgets.cell_editor import CellEditor, off_one_line, on_one_line
from tui.widgets.draft_table import DraftTable
from tui.widgets.virtual_table import VirtualTable

_OPENING = "o opens a sheet of prompts (csv, tsv, xls, xlsx, ods) · p types prompts without one"
_WATCH_SECONDS = 1.0
_ESTIMATE_DELAY = 0.2
_CHANGING = ("edit", "take", "problem", "undo", "start", "save", "worksheet")
"""Actions that can be done at some places, or times, alone."""

_WITH_ROWS = (
    *("find", "find_next", "column", "images", "magic", "final_prompt", "new_seeds", "same_seed"),
    "scroll_place",
)
"""Actions that need a sheet."""


class SheetScreen(Area):
    """A sheet with its faulty cells marked and mended, the totals, the start."""

    AREA = "sheet"
    AUTO_FOCUS = "DraftTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sheet.start", "ctrl+s", "start", "Start"),
        bind("sheet.start_changed", "S", "start(True)", "Start changed rows"),
        bind("sheet.open", "o", "open", "Open"),
        bind("sheet.prompts", "p", "prompts", "Type prompts"),
        bind("sheet.new_seeds", "s", "new_seeds", "New seeds"),
        bind("sheet.final_prompt", "e", "final_prompt", "Final prompt"),
        bind("sheet.same_seed", "P", "same_seed", "Same seed, other prompt"),
        bind("sheet.save", "w", "save", "Save a copy"),
        bind("sheet.find", "slash", "find", "Find"),
        bind("sheet.find_next", "full_stop", "find_next(1)", "Find next", show=False),
        bind("sheet.find_previous", "comma", "find_next(-1)", "Find previous", show=False),
        bind("sheet.column", "c", "column", "Another column", show=False),
        bind("sheet.images", "m", "images", "Images per row", show=False),
        bind("sheet.worksheet", "W", "worksheet", "Another worksheet", show=False),
        bind("sheet.template", "T", "template", "Write a template", show=False),
        bind("sheet.scroll_down", "J", "scroll_place(1)", "Scroll the preview", show=False),
        bind("sheet.scroll_up", "K", "scroll_place(-1)", "Scroll it back", show=False),
        bind("sheet.magic", "M", "magic", "Write the magic prompt now", show=False),
        bind("sheet.reload", "ctrl+r", "reload", "Read again", show=False),
    ]
    DEFAULT_CSS = """
    SheetScreen #sheet-head { height: 1; padding: 0 1; }
    SheetScreen #sheet-title { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    SheetScreen #sheet-counts { width: auto; text-wrap: nowrap; }
    SheetScreen #sheet-panels { height: 30%; min-height: 7; max-height: 11;
                                border-top: solid $panel; }
    SheetScreen #place { width: 3fr; padding: 0 1; border-right: solid $panel;
                         scrollbar-size-vertical: 1; }
    SheetScreen #problem, SheetScreen #help { height: auto; }
    SheetScreen #totals { width: 2fr; padding: 0 1; }
    """

    _path: Path | None = None
    _seen: tuple[int, int] | None = None
    """When the file was last read, it had this time of change and this size."""
    _origin: str | None = None
    """The session that the rows come from."""
    _restored: SessionInfo | None = None
    """The session that this is the whole sheet of."""
    _past: Past | None = None
    _estimate: Estimate | None = None
    _found = ""
    _able: Sequence[bool | None] = ()

    def compose_area(self) -> ComposeResult:
        """Title, table, and below it the problem and the totals."""
        with Horizontal(id="sheet-head"):
            yield Static(_OPENING, id="sheet-title", markup=False)
            yield Static("", id="sheet-counts", markup=False)
        yield DraftTable(_OPENING, id="rows")
        with Horizontal(id="sheet-panels"):
            with VerticalScroll(id="place", can_focus=False):
                yield Static("", id="problem", markup=False)
                yield RowPreview(self.desk, id="preview")
                yield Static("", id="help", markup=False)
            yield Static("", id="totals", markup=False)
        yield CellEditor()

    def on_mount(self) -> None:
        """Open what the command line named, and watch the file."""
        self.set_interval(_WATCH_SECONDS, self._watch)
        if self.desk.sheet is not None:
            self.read(self.desk.sheet)

    @property
    def draft(self) -> Draft | None:
        """The sheet being mended."""
        tables = self.query(DraftTable)
        return tables.first().draft if tables else None

    @property
    def _table(self) -> DraftTable:
        return self.query_one(DraftTable)

    # ---------------------------------------------------------------- reading

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
        if path is None or draft is None or not self.is_current:
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
        self.app.call_from_thread(self._show, again)
        self.app.call_from_thread(self.notify, clean(words), markup=False)

    # ---------------------------------------------------------------- showing

    def _show(self, draft: Draft) -> None:
        self._estimate = self._past = None
        # Many rows stay: looking through them for garbage would stall the screen.
        gc.freeze()
        self._table.show(draft)
        self._show_all()

    def _say(self, text: str) -> None:
        self.query_one("#sheet-title", Static).update(Content(clean(text)))

    @on(DraftTable.Changed)
    def _changed(self, event: DraftTable.Changed) -> None:
        self._show_all()
        self._say_done(event.words)

    def _say_done(self, words: str) -> None:
        if self.draft is not None:
            self._say(f"{title_text(self.draft)} · {words}")

    def _show_all(self) -> None:
        """After any change: title, problem, totals; the estimate follows from a thread."""
        draft = self.draft
        if draft is None:
            return
        self._say(title_text(draft))
        self.query_one("#sheet-counts", Static).update(counts_text(draft))
        self._show_totals()
        self._show_place()
        self._measure(draft)
        self._refresh_keys()

    def _refresh_keys(self) -> None:
        """Only when some key can do what it could not: the footer costs more than all the rest."""
        able = [
            *(self._table.check_action(action, ()) for action in _CHANGING),
            *(self.check_action(action, ()) for action in _CHANGING),
            self.check_action("start", (True,)),
        ]
        if able != self._able:
            self._able = able
            self.refresh_bindings()

    def _show_totals(self) -> None:
        if self.draft is not None:
            text = totals_text(self.draft, self._estimate, past_lines(self._past))
            self.query_one("#totals", Static).update(text)

    def _measure(self, draft: Draft) -> None:
        def start() -> None:
            if draft is self.draft:
                self._estimate_rows(draft, draft.work)
                self._look_back(draft, self._restored.session if self._restored else None)

        self.set_timer(_ESTIMATE_DELAY, start)

    @work(thread=True, exclusive=True, group="estimate")
    def _estimate_rows(self, draft: Draft, work: list[RowValues]) -> None:
        try:
            estimate = estimate_rows(work, self.desk.settings)
        except SettingsError:
            return
        if draft is self.draft:
            self._estimate = estimate
            self.app.call_from_thread(self._show_totals)

    @work(thread=True, exclusive=True, group="past")
    def _look_back(self, draft: Draft, session: str | None) -> None:
        past = look_back(draft, self._path, session, self.desk.settings)
        self.app.call_from_thread(self._show_past, draft, past)

    def _show_past(self, draft: Draft, past: Past | None) -> None:
        if draft is self.draft and past != self._past:
            self._past = past
            self._show_totals()
            self._show_place()
            self._refresh_keys()

    @on(VirtualTable.Highlighted)
    def _moved(self) -> None:
        self._show_place()
        self._refresh_keys()

    def _show_place(self) -> None:
        place, draft = self._table.place, self.draft
        if place is not None and draft is not None:
            text = place_text(draft, place, row_text(self._past, place.row))
            self.query_one("#problem", Static).update(text)
            self.query_one(RowPreview).show(draft.row(place.row))
            self.query_one("#help", Static).update(help_text(draft, place))

    def action_scroll_place(self, direction: int) -> None:
        """Through a long preview, while the cursor stays where it is."""
        self.query_one("#place", VerticalScroll).scroll_relative(y=2 * direction, animate=False)

    def action_new_seeds(self) -> None:
        """Draw new seeds for the marked rows; without marks, for all."""
        self._table.new_seeds()

    def action_same_seed(self) -> None:
        """The row under the cursor again, with its seed, to be given another prompt at once."""
        self._table.same_seed()

    def action_magic(self) -> None:
        """Have the language model write the magic prompt of the row under the cursor."""
        place, draft = self._table.place, self.draft
        if place is not None and draft is not None:
            self.query_one(RowPreview).rewrite(draft.row(place.row))

    def action_final_prompt(self) -> None:
        """Edit what the model will be told of the row under the cursor."""
        place, draft = self._table.place, self.draft
        if place is not None and draft is not None:
            self._read_final_prompt(draft.row(place.row))

    @work(thread=True, exclusive=True, group="final")
    def _read_final_prompt(self, row: Row) -> None:
        final = final_prompt(row, self.desk.settings)
        self.app.call_from_thread(self._ask_final_prompt, row.number, final)

    def _ask_final_prompt(self, number: int, final: str | None) -> None:
        if final is None:
            words = f"Row {number} is not ready: mend it first."
            self.notify(words, severity="warning", markup=False)
            return

        def write(text: str | None) -> None:
            if text is not None and text != on_one_line(final):
                self._table.write_final_prompt(number, off_one_line(text))

        note = "To the letter. Empty: what prompt, magic_prompt and style make together."
        ask = Ask(
            f"What the model is told of row {number}", on_one_line(final), blank=True, note=note
        )
        self.app.push_screen(ask, write)

    @on(DraftTable.Walked)
    def _walked(self, event: DraftTable.Walked) -> None:
        self._say_done(f"{event.which} of {event.count}")

    # ---------------------------------------------------------------- editing

    @on(DraftTable.EditRequested)
    def _edit(self, event: DraftTable.EditRequested) -> None:
        draft, place = self.draft, event.place
        if draft is None or place.column is None:
            return
        if place.column not in draft.columns and place.column not in offered_columns(draft):
            self.notify("This column has no name in the sheet.", severity="warning", markup=False)
            return
        self.call_after_refresh(
            lambda: self.query_one(CellEditor).open(
                place,
                draft.text(place.row, place.column or ""),
                draft.choices(place.column or ""),
                self._table.cell_region,
            )
        )

    @on(CellEditor.Taken)
    def _written(self, event: CellEditor.Taken) -> None:
        self._table.focus()
        self._table.write(event.place, event.text, event.onward)

    @on(CellEditor.Left)
    def _left(self) -> None:
        self._table.focus()

    @on(Paste)
    def _pasted(self, event: Paste) -> None:
        """Lines pasted over the table are prompts."""
        prompts = [line.strip() for line in event.text.splitlines() if line.strip()]
        if not prompts:
            return
        if self.draft is None:
            self._typed(TypedPrompts(prompts, None))
        else:
            first = self.draft.add(*prompts)
            self._table.reload()
            self._table.go_to(first, "prompt")
            self._show_all()
            self._say_done(f"{count_text(len(prompts), 'row')} pasted, u takes them back")

    # ---------------------------------------------------------------- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that can do nothing now are dimmed."""
        draft = self.draft
        if action == "start" and parameters:
            return self._past is not None and bool(self._past.changes.to_render)
        if action == "start":
            return True if draft and draft.ready else None
        if action in _WITH_ROWS:
            return True if draft else None
        if action in ("reload", "save"):
            return True if draft and self._path else None
        if action == "worksheet":
            return True if draft and len(draft.worksheets) > 1 else None
        return True

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

    def action_column(self) -> None:
        """Ask for a column that the sheet lacks."""
        if self.draft is not None:
            ask = Ask("Which column?", choices=offered_columns(self.draft))
            self.app.push_screen(ask, self._column_chosen)

    def _column_chosen(self, name: str | None) -> None:
        if name and self.draft is not None and name in offered_columns(self.draft):
            self._table.add_column(name)

    def action_images(self) -> None:
        """Ask how many images a row makes that does not say."""
        ask = Ask(
            "How many images where a row does not say?",
            choices=[str(count) for count in TIMES],
            free=True,
            note=f"or any number up to {MOST_IMAGES:,}",
        )
        self.app.push_screen(ask, self._images_chosen)

    def _images_chosen(self, text: str | None) -> None:
        if text is None or self.draft is None:
            return
        if not text.isdecimal() or not 1 <= int(text) <= MOST_IMAGES:
            self.notify(f"A number from 1 to {MOST_IMAGES:,}.", severity="warning", markup=False)
            return
        self._set_images(self.draft, int(text))

    @work(thread=True, exclusive=True, group="read")
    def _set_images(self, draft: Draft, count: int) -> None:
        again = with_num_images(draft, count)
        self.app.call_from_thread(self._show, again)

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

    def action_find(self) -> None:
        """Ask for a text."""
        self.app.push_screen(Ask("Find", self._found, note=". next  , previous"), self._find)

    def _find(self, text: str | None) -> None:
        if text:
            self._found = text
            self.action_find_next(1)

    def action_find_next(self, direction: int) -> None:
        """Go to the next or previous cell that holds the text."""
        if self._found and self.draft is not None and self._table.place is not None:
            self._search(self.draft, direction)

    @work(thread=True, exclusive=True, group="find")
    def _search(self, draft: Draft, direction: int) -> None:
        here = self._table.place
        place = draft.find(self._found, here, direction) if here else None
        self.app.call_from_thread(
            self._show_found, place.row if place else None, place and place.column
        )

    def _show_found(self, row: int | None, column: str | None) -> None:
        if row is None:
            self.notify(clean(f"“{self._found}” is nowhere."), severity="warning", markup=False)
        else:
            self._table.go_to(row, column)

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

    def action_start(self, changed: bool = False) -> None:
        """Start the ready rows, or the changed of them, with what is being written into a cell."""
        if (editor := self.query_one(CellEditor)).is_open:
            editor.action_take("")
            self.call_after_refresh(self.action_start, changed)
        elif self.draft is not None and self.draft.ready:
            self._say("Starting …")
            self._start(self.draft, self._past.session.session if changed and self._past else None)

    @work(thread=True, exclusive=True, group="start")
    def _start(self, draft: Draft, since: str | None) -> None:
        checked = ready_to_start(draft, self._path)
        typed = self._path is None and self._origin is None
        name = checked.sheet.ready[0].cells.get("prompt", "")[:40] if typed else None
        name = self._restored.name if self._restored else name
        try:
            if since is not None:
                checked = only_changed(checked, changes_since(since, checked, self.desk.settings))
            started = start_session(
                checked, self.desk.settings, name=name or None, parent=since or self._origin
            )
        except (EngineError, LibraryError) as error:
            self.app.call_from_thread(self._not_started, str(error))
        else:
            self.app.call_from_thread(self._accepted, started.session, started.warning)

    def _not_started(self, reason: str) -> None:
        self._say(f"✗ {reason}")
        self.notify(clean(reason), severity="error", markup=False, timeout=15)

    def _accepted(self, session: str, warning: str | None) -> None:
        if warning:
            self.notify(clean(warning), severity="warning", markup=False, timeout=15)
        self._say_done("started")
        if self.draft is not None:
            self._measure(self.draft)
        self.post_message(TakeInHand(session, "jobs"))


def _stamp(path: Path) -> tuple[int, int] | None:
    """The file's time of change and size; None if it is not there."""
    try:
        about = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size
