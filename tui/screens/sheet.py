"""Sheet: from a file, or typed prompts, mended in place, to the start."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import Paste
from textual.widgets import Static

from engine.api import (
    STATES,
    Checked,
    Draft,
    EngineError,
    LibraryError,
    Place,
    Row,
)
from tui.app_state import TakeInHand
from tui.engine_watch import News
from tui.keys import bind
from tui.screens.ask import Ask
from tui.screens.row_preview import RowPreviewPane
from tui.screens.sheet_autosave import SheetKeeping
from tui.screens.sheet_words import (
    final_prompt,
)
from tui.screens.type_prompts import MOST_IMAGES, TIMES, TypedPrompts
from tui.text import clean
from tui.widgets.cell_editor import CellEditor
from tui.widgets.draft_table import DraftTable
from tui.widgets.one_line import off_one_line, on_one_line
from tui.workers import hand_over, work

_OPENING = "o opens a sheet of prompts (csv, tsv, xls, xlsx, ods) · p types prompts without one"
_WATCH_SECONDS = 1.0
_WITH_ROWS = (
    *("find", "find_next", "column", "images", "magic", "final_prompt", "new_seeds", "same_seed"),
    *("save", "scroll_place"),
)
"""Actions that need a sheet."""


class SheetScreen(SheetKeeping):
    """A sheet with its faulty cells marked and mended, the totals, the start."""

    AREA = "sheet"
    AUTO_FOCUS = "DraftTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sheet.start", "ctrl+s", "start", "Start"),
        bind("sheet.start_changed", "S", "start(True)", "Start changed rows"),
        bind("sheet.resume", "r", "resume", "Resume the session"),
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
        bind("sheet.reload", "R", "reload", "Read again", show=False),
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

    _found = ""
    _told_stopped = False
    """Whether the session whose sheet this is was stopped when it was last looked at."""
    _starting = False
    """Whether a start has not been answered yet: another one would make a second session."""

    def compose_area(self) -> ComposeResult:
        """Title, table, and below it the problem and the totals."""
        with Horizontal(id="sheet-head"):
            yield Static(_OPENING, id="sheet-title", markup=False)
            yield Static("", id="sheet-counts", markup=False)
        yield DraftTable(_OPENING, id="rows")
        with Horizontal(id="sheet-panels"):
            with VerticalScroll(id="place", can_focus=False):
                yield Static("", id="problem", markup=False)
                yield RowPreviewPane(self.app_state, id="preview")
                yield Static("", id="help", markup=False)
            yield Static("", id="totals", markup=False)
        yield CellEditor()

    def on_mount(self) -> None:
        """Open what the command line named, and watch the file."""
        self.set_interval(_WATCH_SECONDS, self._watch)
        if self.app_state.sheet is not None:
            self.read(self.app_state.sheet)

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
            self._read_final_prompt(draft.row(place.row))

    @work(thread=True, exclusive=True, group="final")
    def _read_final_prompt(self, row: Row) -> None:
        final = final_prompt(row, self.app_state.library)
        hand_over(self._ask_final_prompt, row.number, final)

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
            f"What the model is told of row {number}",
            on_one_line(final),
            blank=True,
            lines=True,
            note=note,
        )
        self.app.push_screen(ask, write)

    # ---------------------------------------------------------------- editing

    @on(DraftTable.EditRequested)
    def _edit(self, event: DraftTable.EditRequested) -> None:
        draft, place = self.draft, event.place
        if draft is None or place.column is None:
            return
        if place.column not in draft.columns and place.column not in draft.offered_columns():
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
            self._table.paste(prompts)

    # ---------------------------------------------------------------- actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that can do nothing now are dimmed."""
        draft = self.draft
        if action == "start" and self._starting:
            return None
        if action == "resume":
            return self._is_stopped
        if action == "start" and parameters:
            return self._diff is not None and bool(self._diff.changes.to_render)
        if action == "start":
            return True if draft and draft.ready else None
        if action in _WITH_ROWS:
            return True if draft else None
        if action == "reload":
            return True if draft and self._path else None
        if action == "worksheet":
            return True if draft and len(draft.worksheets) > 1 else None
        return True

    def action_resume(self) -> None:
        """Let the session whose sheet this is go on, as it was started."""
        if self._restored is not None:
            self._resume(self._restored.session)

    @work(thread=True, exclusive=True, group="resume")
    def _resume(self, session: str) -> None:
        try:
            self.app_state.library.sessions.resume(session)
        except (EngineError, LibraryError) as error:
            hand_over(self._not_started, str(error))
        else:
            hand_over(self.post_message, TakeInHand(session, "jobs"))

    def tell(self, news: News) -> None:
        """The session whose sheet this is may have been stopped, or go on."""
        super().tell(news)
        session = self._restored
        if session is not None and (tally := news.tallies.get(session.session)):
            now = {name: getattr(tally, name) for name in STATES}
            self._restored = replace(session, **now)
        if session is not None and self._told_stopped != self._is_stopped:
            self._told_stopped = self._is_stopped
            self._show_totals()
            self.refresh_bindings()

    def action_column(self) -> None:
        """Ask for a column that the sheet lacks."""
        if self.draft is not None:
            ask = Ask("Which column?", choices=self.draft.offered_columns())
            self.app.push_screen(ask, self._column_chosen)

    def _column_chosen(self, name: str | None) -> None:
        if name and self.draft is not None and name in self.draft.offered_columns():
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
        self._set_images(int(text))

    @work(thread=True, exclusive=True, group="images")
    def _set_images(self, count: int) -> None:
        self._remake(lambda draft: draft.with_num_images(count))

    def action_find(self) -> None:
        """Ask for a text."""
        self.app.push_screen(Ask("Find", self._found, note=". next  , previous"), self._find)

    def _find(self, text: str | None) -> None:
        if text:
            self._found = text
            self.action_find_next(1)

    def action_find_next(self, direction: int) -> None:
        """Go to the next or previous cell that holds the text."""
        here = self._table.place
        if self._found and self.draft is not None and here is not None:
            self._search(self.draft, self._found, here, direction)

    @work(thread=True, exclusive=True, group="find")
    def _search(self, draft: Draft, text: str, here: Place, direction: int) -> None:
        place = draft.still(lambda: draft.find(text, here, direction))
        hand_over(self._show_found, place.row if place else None, place and place.column)

    def _show_found(self, row: int | None, column: str | None) -> None:
        if row is None:
            self.notify(clean(f"“{self._found}” is nowhere."), severity="warning", markup=False)
        else:
            self._table.go_to(row, column)

    def action_start(self, changed: bool = False) -> None:
        """Start the ready rows, or the changed of them, with what is being written into a cell."""
        if (editor := self.query_one(CellEditor)).is_open:
            editor.action_take("")
            self.call_after_refresh(self.action_start, changed)
        elif self.draft is not None and self.draft.ready and not self._starting:
            self._starting = True
            self._say("Starting …")
            self._refresh_keys()
            since = self._diff.session.session if changed and self._diff else None
            name = self._restored.name if self._restored else None
            self._start(self.draft, self._path, self._origin, since, name)

    @work(thread=True, group="start")
    def _start(
        self,
        draft: Draft,
        path: Path | None,
        origin: str | None,
        since: str | None,
        name: str | None,
    ) -> None:
        revision = draft.revision
        checked = Checked.of_draft(draft, path)
        if path is None and origin is None:
            name = checked.sheet.ready[0].cells.get("prompt", "")[:40]
        try:
            if since is not None:
                checked = checked.only_changed(
                    self.app_state.library.sheets.changes_since(since, checked)
                )
            if not checked.sheet.ready:  # it was changed back meanwhile
                hand_over(self._start_refused, "There is nothing to render anew.")
                return
            started = self.app_state.library.sessions.start(
                checked, name=name or None, parent=since or origin
            )
        except (EngineError, LibraryError) as error:
            hand_over(self._start_refused, str(error))
        else:
            if len(checked.sheet.rows) == len(checked.sheet.ready) + draft.left_out:
                hand_over(self._is_saved, draft, revision)
            hand_over(self._accepted, started.session, started.warning)

    def _start_refused(self, reason: str) -> None:
        self._starting = False
        self._refresh_keys()
        self._not_started(reason)

    def _accepted(self, session: str, warning: str | None) -> None:
        self._starting = False
        self._refresh_keys()
        if warning:
            self.notify(clean(warning), severity="warning", markup=False, timeout=15)
        self._say_done("started")
        if self.draft is not None:
            self._measure(self.draft)
        self.post_message(TakeInHand(session, "jobs"))
