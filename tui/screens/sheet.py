"""Sheet: from a file, or typed prompts, mended in place, to the start."""

import gc
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.events import Paste
from textual.widgets import Static

from engine.api import (
    ENCODINGS,
    PICTURE_COLUMNS,
    PICTURE_SUFFIXES,
    Draft,
    MissingModel,
    Place,
    looks_like_caption,
)
from tui.app_state import AppState, ModelCame, RowsToSheet, TakeInHand
from tui.draft_autosave import Autosaving
from tui.engine_watch import News
from tui.keys import bind, key_of
from tui.screens.area import AreaScreen
from tui.screens.ask import Ask
from tui.screens.ask_count import AskCount
from tui.screens.edit_caption import EditCaption
from tui.screens.open_sheet import OpenSheet, PathSuggester, pictures_in
from tui.screens.row_preview import RowPreviewPane
from tui.screens.sheet_opening import Again, FileWatch, SheetOpening, SheetRefused
from tui.screens.sheet_output import PicturesCopied, Saved, SheetSaving, SheetStarted, SheetStarting
from tui.screens.sheet_pictures import SheetPictures
from tui.screens.sheet_search import SheetSearch
from tui.screens.sheet_totals import SheetTotals
from tui.screens.sheet_words import (
    counts_text,
    help_text,
    place_text,
    stopped_words,
    title_text,
    totals_text,
)
from tui.screens.type_prompts import TypedPrompts, TypePrompts
from tui.sheet_document import Opened, SheetDocument, sheet_name
from tui.text import clean
from tui.widgets.cell_editor import CellEditor
from tui.widgets.draft_table import DraftTable
from tui.widgets.source_pane import SourcePane
from tui.widgets.virtual_table import VirtualTable
from tui.widgets.welcome import Welcome
from tui.workers import hand_over, work

_WATCH_SECONDS = 1.0
_WITH_ROWS = (
    *("find", "find_next", "column", "images", "magic", "final_prompt", "new_seeds", "same_seed"),
    *("save", "scroll_place"),
)
"""Actions that need a sheet."""


@dataclass(frozen=True, slots=True)
class _NamedPictures:
    place: Place
    """The cell that they can stand in."""
    names: Sequence[str]


class SheetScreen(AreaScreen):
    """A sheet with its faulty cells marked and mended, the totals, the start.

    It owns the document; what takes its time, others do for it.
    """

    AREA = "sheet"
    AUTO_FOCUS = "Welcome"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sheet.start", "start", "Start"),
        bind("sheet.start_changed", "start(True)", "Start changed rows"),
        bind("sheet.stop", "give_up", "Cancel start"),
        bind("sheet.resume", "resume", "Resume session"),
        bind("sheet.open_file", "open", "Open sheet"),
        bind("sheet.prompts", "prompts", "Type prompts"),
        bind("sheet.pictures", "pictures", "Add pictures"),
        bind("sheet.seeds", "new_seeds", "Draw new seeds"),
        bind("sheet.final_prompt", "final_prompt", "Edit final prompt"),
        bind("sheet.same_seed", "same_seed", "Duplicate with same seed"),
        bind("sheet.write_out", "save", "Save copy"),
        bind("sheet.find", "find", "Find"),
        bind("sheet.find_next", "find_next(1)", "Find next", show=False),
        bind("sheet.find_previous", "find_next(-1)", "Find previous", show=False),
        bind("sheet.column", "column", "Add column", show=False),
        bind("sheet.images", "images", "Set images per row", show=False),
        bind("sheet.worksheet", "worksheet", "Choose worksheet or encoding", show=False),
        bind("sheet.template", "template", "Save template", show=False),
        bind("sheet.scroll_down", "scroll_place(1)", "Scroll preview down", show=False),
        bind("sheet.scroll_up", "scroll_place(-1)", "Scroll preview up", show=False),
        bind("sheet.magic", "magic", "Write magic prompt now", show=False),
        bind("sheet.reload", "reload", "Reload sheet", show=False),
    ]
    KEY_LINE: ClassVar[Sequence[str]] = (
        *("cell.open", "cell.onward", "cell.down", "table.range", "sheet.stop", "sheet.take"),
        *("sheet.resume", "sheet.start", "sheet.start_changed", "table.leave", "sheet.open"),
        *("welcome.open", "welcome.to_sheet", "sheet.next", "sheet.undo"),
        *("sheet.open_file", "sheet.prompts", "sheet.take_away", "sheet.write_out", "sheet.seeds"),
        *("sheet.find", "sheet.pictures"),
    )
    DEFAULT_CSS = """
    SheetScreen #sheet-head { height: 1; padding: 0 1; }
    SheetScreen #rows, SheetScreen #sheet-panels { display: none; }
    SheetScreen #sheet-title { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
    SheetScreen #sheet-counts { width: auto; text-wrap: nowrap; }
    SheetScreen #sheet-panels { height: 30%; min-height: 7; max-height: 11;
                                border-top: solid $panel; }
    SheetScreen #place { width: 3fr; padding: 0 1; border-right: solid $panel;
                         scrollbar-size-vertical: 1; }
    SheetScreen #problem, SheetScreen #help { height: auto; }
    SheetScreen #totals { width: 2fr; padding: 0 1; }
    """

    _told_stopped = False
    """Whether the session whose sheet this is was stopped when it was last looked at."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        document, library = SheetDocument(), app_state.library
        self.document = document
        self._opening = SheetOpening(self, self, document, library)
        self._file_watch = FileWatch(self, document, self._opening, library)
        self._starting = SheetStarting(self, self, library)
        self._saving = SheetSaving(self, self.app_state, self._take_saved)
        self._autosaving = Autosaving(self, document, library, self._take_left_behind)
        self._totals = SheetTotals(
            self, document, library, costs=self._show_totals, differs=self._show_difference
        )
        self._search = SheetSearch(self, document, lambda: self._table)
        self._pictures = SheetPictures(
            self, app_state, document, self._opening, lambda: self._table
        )

    def compose_area(self) -> ComposeResult:
        """Title, table, and below it the problem and the totals."""
        with Horizontal(id="sheet-head"):
            yield Static("", id="sheet-title", markup=False)
            yield Static("", id="sheet-counts", markup=False)
        yield Welcome(self.app_state, self.read)
        yield DraftTable(self.document, "This sheet has no rows.", id="rows")
        with Horizontal(id="sheet-panels"):
            with VerticalScroll(id="place", can_focus=False):
                yield Static("", id="problem", markup=False)
                yield RowPreviewPane(self.app_state, id="preview")
                yield Static("", id="help", markup=False)
            yield SourcePane(self.app_state.library.path, id="source")
            yield Static("", id="totals", markup=False)
        yield CellEditor()

    def on_mount(self) -> None:
        """Open what the command line named, or what was left behind; and watch the file."""
        self.set_interval(_WATCH_SECONDS, self._file_watch.look)
        if self.app_state.sheet is not None:
            self.read(self.app_state.sheet)
        self._autosaving.find_left_behind()

    def resumed(self) -> None:
        """While nothing is open, what was made meanwhile is told; what is open may be otherwise."""
        self.query_one(Welcome).look()
        self._file_watch.look()

    @property
    def draft(self) -> Draft | None:
        """The sheet being mended."""
        return self.document.draft

    @property
    def is_writing(self) -> bool:
        """Whether text is being written into a cell."""
        return self.query_one(CellEditor).is_open

    @property
    def _table(self) -> DraftTable:
        return self.query_one(DraftTable)

    # ---------------------------------------------------------------- another sheet

    def read(self, path: Path, worksheet: str | None = None, encoding: str | None = None) -> None:
        """Read and check a sheet."""
        self._say(f"Reading {path.name} …")
        self._opening.read(path, worksheet, encoding)

    def take_rows(self, rows: RowsToSheet) -> None:
        """Show rows that come from a session, to be refined."""
        self._opening.take_rows(rows)

    def take_model(self, came: ModelCame) -> None:
        """Look again at the cells that asked for a model."""
        self._opening.check_again(came)

    def take_session(self, session: str) -> None:
        """Show the whole sheet of a session as it was written."""
        self._opening.read_session(session)

    def open(self, opened: Opened) -> None:
        """Another sheet takes the place of what is there, which undo brings back."""
        words, session = "", opened.restored
        if session is not None:
            words = f"as in session {session.name}; {key_of('app.review')} shows its images"
        elif opened.behind is not None:
            words = f"recovered after the connection was lost; {key_of('sheet.write_out')} saves it"
        if missed := self.document.open(opened, self._table.marks):
            words += " · " * bool(words) + f"{key_of('sheet.undo')} brings {missed} back"
        self._show_opened(opened)
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
        if session is not None and self._is_stopped:
            said = f"{session.name} is {stopped_words(session)}."
            starts = f"{key_of('sheet.start')} starts its sheet as a new session."
            self.notify(clean(f"{said} {starts}"), markup=False, timeout=10)

    def _show_opened(self, opened: Opened) -> None:
        self._opening.leave_off()
        self.query_one(CellEditor).close()  # its cell goes, too
        self._show(opened.draft, opened.marks)
        if opened.behind is not None:
            self._autosaving.take_over(opened.behind)

    def refuse(self, refused: SheetRefused) -> None:
        """Instead of a sheet that cannot be had, what else there is."""
        self.document.stamp = refused.stamp or self.document.stamp
        asks = refused.path is not None and bool(refused.encodings)
        if not asks:  # the question says it, and would lie under it
            self.notify(clean(refused.reason), severity="error", markup=False, timeout=10)
        if (before := self.document.fall_back()) is not None:
            self._show_opened(before)
        else:
            self._say(f"✗ {refused.reason}")
        if refused.path is not None and asks:
            self._ask_encoding(refused.path, refused.encodings, refused.reason)

    @on(DraftTable.Exhausted)
    def _exchange(self, event: DraftTable.Exhausted) -> None:
        """Past its first change, undo brings back the sheet before; redo, the one after."""
        draft, back = self.draft, event.direction < 0
        other = self.document.exchange(event.direction, self._table.marks)
        if draft is not None and other is not None:
            self._show_opened(other)
            key = key_of("sheet.redo" if back else "sheet.undo")
            self._say_done(f"is back; {key} returns to {sheet_name(draft)}")

    def renew(self, again: Again) -> bool:
        """Show another draft of the sheet, unless this one has changed meanwhile."""
        draft, before = self.draft, again.before
        if draft is not before.draft or draft.revision != before.number or self._table.is_changing:
            return False
        if again.stamp is not None and self.is_writing:
            return False
        self.document.stamp = again.stamp or self.document.stamp
        self._show(again.draft, self.document.renew(again.draft, self._table.marks))
        if again.words:
            self.notify(clean(again.words), markup=False)
        return True

    def _take_left_behind(self, behind: Opened) -> None:
        if self.draft is None and not self._opening.is_reading:
            self.open(behind)
        elif self.document.before is None:
            self.document.before = behind
            name = behind.draft.file
            key = key_of("sheet.undo")
            words = f"Unsaved edits to {name} recovered; {key} restores them"
            self.notify(clean(words), markup=False, timeout=15)

    def action_open(self) -> None:
        """Ask for a file."""

        def chosen(path: Path | None) -> None:
            if path is not None:
                self.read(path)

        self.app.push_screen(OpenSheet(self.app_state.folder, self.app_state.memory.recent), chosen)

    def action_reload(self) -> None:
        """Read the file again, without the mends."""
        if self.document.path is not None:
            draft = self.draft
            asked = (draft.worksheet, draft.table.encoding) if draft else ()
            self.read(self.document.path, *asked)

    def action_worksheet(self) -> None:
        """Ask for another worksheet of the file, or another encoding."""
        if self.document.path and self.draft and not self.draft.table.is_unicode:
            self._ask_encoding(self.document.path, tuple(ENCODINGS))
            return

        def chosen(name: str | None) -> None:
            path, draft = self.document.path, self.draft
            if name and path and draft and name in draft.worksheets:
                self.read(path, name)

        if self.draft is not None:
            self.app.push_screen(Ask("Which worksheet?", choices=self.draft.worksheets), chosen)

    def _ask_encoding(self, path: Path, encodings: tuple[str, ...], note: str = "") -> None:
        def chosen(name: str | None) -> None:
            if name:
                self.read(path, encoding=name.partition(" ")[0])

        choices = [f"{name} ({ENCODINGS[name]})" for name in encodings]
        ask = Ask("Which encoding does the file use?", choices=choices, note=note)
        self.app.push_screen(ask, chosen)

    def action_prompts(self) -> None:
        """Ask for prompts."""

        def typed(prompts: TypedPrompts | None) -> None:
            if prompts is not None:
                self.take_typed(prompts)

        self.app.push_screen(TypePrompts(), typed)

    def take_typed(self, typed: TypedPrompts) -> None:
        """Show prompts that were typed or pasted."""
        self._opening.take_typed(typed)

    def action_pictures(self) -> None:
        """Ask for pictures, each of which becomes a row that is drawn on it."""
        self._pictures.ask()

    # ---------------------------------------------------------------- what is shown

    def _show(self, draft: Draft, marks: Collection[Hashable]) -> None:
        self._totals.forget()
        # Many rows stay: looking through them for garbage would stall the screen.
        gc.freeze()
        self.query_one(Welcome).display = False
        self._table.display = self.query_one("#sheet-panels").display = True
        self._table.show(draft, marks)
        if not self.is_writing:
            self.set_focus(self._table)
        self._show_all()

    def _say(self, text: str) -> None:
        self.query_one("#sheet-title", Static).update(Content(clean(text)))

    def _say_done(self, words: str) -> None:
        if self.draft is not None:
            self._say(f"{title_text(self.draft)} · {words}")

    @on(DraftTable.Changed)
    def _changed(self, event: DraftTable.Changed) -> None:
        self._show_all()
        self._say_done(event.words)

    @on(DraftTable.Walked)
    def _walked(self, event: DraftTable.Walked) -> None:
        self._say_done(f"{event.which} of {event.count}")

    def keys_changed(self) -> None:
        """Also the ways on, and all that is said of the sheet."""
        super().keys_changed()
        self.query_one(Welcome).name_keys()
        self._show_all()

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

    def _measure(self, draft: Draft) -> None:
        self._totals.find(draft)
        self._autosaving.keep_soon(draft)

    def _refresh_keys(self) -> None:
        self.refresh_keys(self._table)

    def _show_totals(self) -> None:
        if self.draft is None:
            return
        lines = [totals_text(self.draft, self._totals.estimate, self._totals.diff)]
        if (session := self.document.restored) is not None and self._is_stopped:
            lines.insert(0, Content(f"■ {stopped_words(session)}"))
        self.query_one("#totals", Static).update(Content("\n").join(lines))

    def _show_difference(self) -> None:
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
            text = place_text(draft, place, self._totals.diff)
            self.query_one("#problem", Static).update(text)
            row = draft.row(place.row)
            self.query_one(RowPreviewPane).show(row)
            self.query_one(SourcePane).show(draft, row)
            self.query_one("#help", Static).update(help_text(draft, place))

    def action_scroll_place(self, direction: int) -> None:
        """Through a long preview, while the cursor stays where it is."""
        self.query_one("#place", VerticalScroll).scroll_relative(y=2 * direction, animate=False)

    @property
    def _is_stopped(self) -> bool:
        return self.document.is_stopped(self.app_state.held)

    def tell(self, news: News) -> None:
        """The session whose sheet this is may have been stopped, or go on."""
        super().tell(news)
        self.document.count(news.tallies)
        if self.document.restored is not None and self._told_stopped != self._is_stopped:
            self._told_stopped = self._is_stopped
            self._show_totals()
            self.refresh_bindings()

    # ---------------------------------------------------------------- rows

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
            self.query_one(RowPreviewPane).rewrite(draft.row(place.row))

    def action_final_prompt(self) -> None:
        """Edit what the model will be told of the row under the cursor."""
        place, draft = self._table.place, self.draft
        if place is not None and draft is not None:
            self.query_one(RowPreviewPane).edit_final(draft.row(place.row))

    @on(RowPreviewPane.FinalPromptEdited)
    def _final_edited(self, event: RowPreviewPane.FinalPromptEdited) -> None:
        self._table.write_final_prompt(event.row, event.text)

    # ---------------------------------------------------------------- editing

    @on(DraftTable.EditRequested)
    def _edit(self, event: DraftTable.EditRequested) -> None:
        draft, place = self.draft, event.place
        if draft is None or place.column is None:
            return
        if place.column not in draft.columns and place.column not in draft.offered_columns():
            self.notify("This column has no name.", severity="warning", markup=False)
            return
        text = draft.text(place.row, place.column)
        if place.column in ("prompt", "final_prompt") and looks_like_caption(text):
            self._edit_caption(place, text)
            return
        suggester = None
        if place.column in PICTURE_COLUMNS and not draft.is_own(place.column):
            folder = draft.vocabulary.picture_folder
            suggester = PathSuggester(PICTURE_SUFFIXES, folder)
            if folder is not None:
                self._list_pictures(place, folder)
        self.call_after_refresh(
            lambda: self.query_one(CellEditor).open(
                place,
                text,
                draft.vocabulary.choices(place.column or ""),
                self._table.cell_region,
                suggester,
                several=draft.takes_several(place.column or ""),
            )
        )

    def _edit_caption(self, place: Place, caption: str) -> None:
        def taken(text: str | None) -> None:
            if text is not None and text != caption:
                self._table.write(place, text, "")

        title = f"{place.column} of row {place.row}"
        self.app.push_screen(EditCaption(title, caption), taken)

    @work(thread=True, exclusive=True, group="pictures")
    def _list_pictures(self, place: Place, folder: Path) -> None:
        hand_over(self._offer_pictures, _NamedPictures(place, pictures_in(folder)))

    def _offer_pictures(self, named: _NamedPictures) -> None:
        self.call_after_refresh(self.query_one(CellEditor).offer, named.place, named.names)

    @on(CellEditor.Taken)
    def _written(self, event: CellEditor.Taken) -> None:
        self._table.focus()
        self._table.write(event.place, event.text, event.onward)

    @on(CellEditor.Left)
    def _left(self) -> None:
        self._table.focus()

    @on(Paste)
    def _pasted(self, event: Paste) -> None:
        """Lines pasted over the table are prompts, cells of a spreadsheet program rows."""
        if not event.text.strip():
            return
        if self.draft is None:
            self.take_typed(TypedPrompts(event.text))
        else:
            self._table.paste(event.text)

    # ---------------------------------------------------------------- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that can do nothing now are not on the key line."""
        draft, diff = self.draft, self._totals.diff
        if action == "start" and self._starting.is_waiting:
            return None
        if action == "give_up":
            return self._starting.may_be_given_up
        if action == "resume":
            return self._is_stopped
        if action == "get_model":
            return self._missing is not None
        if action == "start" and parameters:
            return diff is not None and bool(diff.changes.to_render)
        if action == "start":
            return True if draft and draft.ready else None
        if action in _WITH_ROWS:
            return True if draft else None
        if action == "reload":
            return True if draft and self.document.path else None
        if action == "worksheet":
            others = draft and (len(draft.worksheets) > 1 or not draft.table.is_unicode)
            return True if others else None
        return True

    def action_column(self) -> None:
        """Ask for a column that the sheet lacks."""
        if self.draft is not None:
            ask = Ask("Which column?", choices=self.draft.offered_columns())
            self.app.push_screen(ask, self._column_chosen)

    def _column_chosen(self, name: str | None) -> None:
        if name and self.draft is not None and name in self.draft.offered_columns():
            self._table.add_column(name)

    @property
    def _missing(self) -> MissingModel | None:
        """The model that the cell under the cursor names, and that is not there."""
        draft, place = self.draft, self._table.place
        return MissingModel.of(draft, place) if draft is not None and place is not None else None

    def action_get_model(self) -> None:
        """Pull or add the model that the cell names, where models are."""
        from tui.screens.models import ModelsScreen

        if (missing := self._missing) is not None:
            self.app.push_screen(ModelsScreen(self.app_state, missing))

    def action_images(self) -> None:
        """Ask how many images a row makes that does not say."""
        note = "rows with a source picture make 1"
        ask = AskCount("How many images per row, where num_images is blank?", note=note)
        self.app.push_screen(ask, self._images_chosen)

    def _images_chosen(self, text: str | None) -> None:
        if text is not None and self.draft is not None:
            self._opening.set_images(int(text))

    def action_find(self) -> None:
        """Ask for a text."""
        self._search.ask()

    def action_find_next(self, direction: int) -> None:
        """Go to the next or previous cell that holds the text."""
        self._search.go_on(direction)

    # ---------------------------------------------------------------- into a session or a file

    def action_start(self, changed: bool = False) -> None:
        """Start the ready rows, or the changed of them, with what is being written into a cell."""
        if (editor := self.query_one(CellEditor)).is_open:
            editor.action_take("")
            self.call_after_refresh(self.action_start, changed)
        elif self._table.is_changing:
            self._table.when_changed(partial(self.action_start, changed))
        elif (now := self.document.now()) and now.draft.ready and not self._starting.is_waiting:
            diff = self._totals.diff
            self._starting.start(now, diff.session.session if changed and diff else None)
            self._say("Starting …")
            self._refresh_keys()

    def started(self, accepted: SheetStarted) -> None:
        """On to its jobs, for who has not gone elsewhere meanwhile."""
        self._refresh_keys()
        if accepted.saved is not None:
            self.document.is_saved(accepted.saved)
        if accepted.warning:
            self.notify(clean(accepted.warning), severity="warning", markup=False, timeout=15)
        self._say_done("started")
        if self.draft is not None:
            self._measure(self.draft)
        area = "jobs" if self.is_current else self.app.current_mode
        self.post_message(TakeInHand(accepted.session, area))

    def not_started(self, reason: str) -> None:
        """Say why."""
        self._refresh_keys()
        self._say(f"✗ {reason}")
        self.notify(clean(reason), severity="error", markup=False, timeout=15)

    def is_copying(self, copied: PicturesCopied) -> None:
        """Say how far it is, and how it is stopped."""
        count = f"{copied.done:,}/{copied.of:,}"
        self._say(f"Starting · copying pictures {count} · {key_of('sheet.stop')} cancels")
        self._refresh_keys()

    def action_give_up(self) -> None:
        """Start nothing after all, while pictures are copied for it."""
        self._starting.give_up()

    def action_resume(self) -> None:
        """Let the session whose sheet this is go on, as it was started."""
        if self.document.restored is not None:
            self._starting.resume(self.document.restored.session)

    def action_save(self) -> None:
        """Ask where the corrected copy goes; or what has no file yet."""
        if self._table.is_changing:
            self._table.when_changed(self.action_save)
        elif (now := self.document.now()) is not None:
            self._saving.save(now)

    def _take_saved(self, saved: Saved) -> None:
        draft = saved.revision.draft
        self.document.is_saved(saved.revision)
        self._autosaving.keep_soon(draft)
        if saved.over is not None:
            # Read as it is now: what was mended in it is no mend any more.
            self.read(saved.over, draft.worksheet)

    def action_template(self) -> None:
        """Ask where a sheet to fill in goes."""
        self._saving.write_template()

    @property
    def unsaved(self) -> str:
        """The name of a sheet that would be missed; empty: none would."""
        if self.draft is not None and self.query_one(CellEditor).is_changed:
            return sheet_name(self.draft)
        missed = self.document.missed
        return sheet_name(missed) if missed is not None else ""

    @property
    def unstarted(self) -> str:
        """The name of a sheet whose pictures are still being copied, or about to be."""
        draft = self.draft if self._starting.may_be_given_up else None
        return sheet_name(draft) if draft is not None else ""

    def leave(self) -> None:
        """Whoever leaves has been asked: nothing is kept."""
        self._autosaving.leave()
