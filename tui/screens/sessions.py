"""Sessions: everything made so far, searched, kept in order, taken up again."""

import asyncio
import time
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from engine.api import (
    SESSION_ORDERS,
    EngineError,
    LibraryError,
    SessionInfo,
    SessionOrder,
    SessionPages,
    Settings,
    TrashSize,
    empty_trash,
    glance,
    resume_session,
    retry_session,
    stop_session,
    trash_size,
)
from tui.again import duplicate
from tui.deeds import renaming, restoring, tagging, trashing
from tui.desk import SessionToSheet, TakeInHand
from tui.keys import bind
from tui.screens.area import Area, state_cell
from tui.screens.ask import Ask
from tui.screens.export import ExportScreen
from tui.text import clean, count_text, size_text
from tui.undo import Deed
from tui.watch import News
from tui.widgets.strip import ThumbnailStrip
from tui.widgets.table_layout import Column
from tui.widgets.table_source import Cell, TableRow
from tui.widgets.virtual_table import VirtualTable

_COLUMNS = (
    Column("name", "name", 20, share=3),
    Column("when", "when", 16),
    Column("state", "state", 11),
    Column("done", "done", 9, align="right"),
    Column("favourites", "★", 4, align="right"),
    Column("size", "size", 8, align="right"),
    Column("tags", "tags", 8, share=1),
    Column("session", "id", 6),
)
_NARROW = ("name", "when", "state", "done", "favourites", "size")
"""The columns where there is little room."""
_ROOM = 140
_EMPTY = "Nothing made yet. 1 is where it starts."
_NOT_FOUND = "Nothing made so far has that in its name, its tags or its prompts."
_DELAY = 0.08
"""Seconds for which the cursor must rest: more than a held key's beat."""
_NO, _YES = "no, leave it", "yes"
_NO_TAGS = "-"
_NO_TRASH = "No session is in the trash."


class SessionSource:
    """The sessions, straight from the database, a page at a time."""

    def __init__(self, pages: SessionPages, columns: Sequence[Column]) -> None:
        self.pages = pages
        self._columns = [column.name for column in columns]

    def count(self) -> int:
        """How many there are."""
        return len(self.pages)

    def page(self, start: int, stop: int) -> Sequence[TableRow]:
        """Sessions `start` up to `stop`."""
        return [self._table_row(info) for info in self.pages.page(start, stop)]

    def _table_row(self, info: SessionInfo) -> TableRow:
        cells = _cells(info)
        return TableRow(info.session, tuple(cells[name] for name in self._columns))

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """Their ids."""
        return self.pages.keys(start, stop)

    def index_of(self, key: Hashable) -> int | None:
        """Where a session is."""
        return self.pages.position(key) if isinstance(key, str) else None


def _cells(info: SessionInfo) -> dict[str, Cell]:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(info.created))
    return {
        "name": Cell(info.name),
        "when": Cell(when, "dim"),
        "state": state_cell(info.state),
        "done": Cell(f"{info.done}/{info.images}"),
        "favourites": Cell(f"{info.favourites}" if info.favourites else "", "warning"),
        "size": Cell(size_text(info.bytes)),
        "tags": Cell(", ".join(info.tags), "dim"),
        "session": Cell(info.session, "dim"),
    }


class SessionsScreen(Area):
    """A list of sessions; enter opens one."""

    AREA = "sessions"
    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sessions.review", "enter", "open('review')", "Review"),
        bind("sessions.sheet", "e", "open('sheet')", "Sheet"),
        bind("sessions.jobs", "o", "open('jobs')", "Jobs", show=False),
        bind("sessions.search", "slash", "search", "Search"),
        bind("sessions.sort", "s", "sort", "Sort", show=False),
        bind("sessions.rename", "n", "rename", "Rename"),
        bind("sessions.tags", "t", "tag", "Tags"),
        bind("sessions.duplicate", "c", "duplicate", "Again, new seeds"),
        bind("sessions.resume", "r", "change('resume')", "Resume", show=False),
        bind("sessions.retry", "f", "change('retry')", "Try failed again", show=False),
        bind("sessions.stop", "p", "change('stop')", "Stop", show=False),
        bind("sessions.export", "x", "export", "Export"),
        bind("sessions.trash", "d", "trash", "Trash"),
        bind("sessions.undo", "u", "undo", "Undo"),
        bind("sessions.redo", "U,ctrl+r", "redo", "Redo", show=False),
        bind("sessions.in_trash", "T", "see_trash", "What is in the trash", show=False),
        bind("sessions.empty", "E", "empty", "Empty the trash", show=False),
    ]
    DEFAULT_CSS = """
    SessionsScreen #sessions-title { height: 1; padding: 0 1; text-wrap: nowrap;
                                     text-overflow: ellipsis; }
    SessionsScreen #search { display: none; height: 1; border: none; padding: 0 1; }
    SessionsScreen #search.-open { display: block; }
    SessionsScreen #sessions { width: 3fr; }
    SessionsScreen #glance { width: 1fr; min-width: 32; border-left: solid $panel; }
    SessionsScreen #about { height: 4; padding: 0 1; border-top: solid $panel; }
    SessionsScreen.-narrow #glance { display: none; }
    """
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (120, "-wide"),
    ]

    _source: SessionSource | None = None
    _text = ""
    _order: SessionOrder = "newest"
    _trashed = False

    def compose_area(self) -> ComposeResult:
        """Totals, search, table, a glance at the selected one."""
        yield Static("", id="sessions-title", markup=False)
        yield Input(placeholder="names, tags and all prompts", id="search", disabled=True)
        with Horizontal():
            yield VirtualTable(_COLUMNS, empty=_EMPTY, markable=False, id="sessions")
            with Vertical(id="glance"):
                yield ThumbnailStrip(id="strip")
                yield Static("", id="about", markup=False)

    def on_screen_resume(self) -> None:
        """Read the list again: it may be long since."""
        self._load()

    def on_resize(self) -> None:
        """As many columns as there is room for; tags and ids are in the glance, too."""
        wide = self.size.width >= _ROOM
        columns = tuple(c for c in _COLUMNS if wide or c.name in _NARROW)
        table = self.query_one(VirtualTable)
        if columns != table.columns:
            table.columns = columns
            self._load()

    # ---------------------------------------------------------------- the list

    @work(thread=True, exclusive=True, group="list")
    def _load(self) -> None:
        library, text = self.desk.library, self._text
        try:
            pages = SessionPages(library, text=text, order=self._order, trashed=self._trashed)
            totals, trash = pages.totals(), trash_size(library)
        except LibraryError as error:
            if self.desk.library.exists():
                self.app.call_from_thread(self._complain, str(error))
            return
        self.app.call_from_thread(self._show, pages, totals, trash)

    def _show(self, pages: SessionPages, totals: tuple[int, int], trash: TrashSize) -> None:
        table = self.query_one(VirtualTable)
        key = table.cursor_key
        if self._source is not None:
            self._source.pages.close()
        self._source = SessionSource(pages, table.columns)
        table.empty = _NO_TRASH if self._trashed else _NOT_FOUND if self._text else _EMPTY
        table.source = self._source
        if key is not None:
            table.go_to(key)
        if not len(pages):
            self.query_one(ThumbnailStrip).show(())
            self.query_one("#about", Static).update("", layout=False)
        parts = [count_text(len(pages), "session")]
        if self._trashed:
            parts[0] += " in the trash"
        parts += [f"/{clean(self._text)}"] if self._text else []
        parts += [f"by {self._order}"] if self._order != "newest" else []
        parts += [f"{count_text(totals[0], 'image')}, {size_text(totals[1])} in all"]
        parts += [f"trash {size_text(trash.bytes)}"] if trash.bytes or trash.sessions else []
        self.query_one("#sessions-title", Static).update(Content(" · ".join(parts)), layout=False)

    def tell(self, news: News) -> None:
        """Sessions that changed are read anew; a new one makes a new list."""
        super().tell(news)
        changed = set(news.tallies) | news.kept
        if not changed or not self.is_current:
            return
        source = self._source
        if source is None or news.kept or any(source.index_of(s) is None for s in changed):
            self._load()
        else:
            self.query_one(VirtualTable).refresh_rows(changed)

    @property
    def _session(self) -> SessionInfo | None:
        """The one under the cursor."""
        index = self.query_one(VirtualTable).cursor_index
        if self._source is None or index is None:
            return None
        found = self._source.pages.page(index, index + 1)
        return found[0] if found else None

    @on(VirtualTable.Highlighted)
    def _glance(self, event: VirtualTable.Highlighted) -> None:
        if isinstance(event.key, str) and not self._trashed:
            self._find_pictures(event.key)

    @work(exclusive=True, group="glance")
    async def _find_pictures(self, session: str) -> None:
        await asyncio.sleep(_DELAY)
        strip = self.query_one(ThumbnailStrip)
        try:
            images = await asyncio.to_thread(glance, self.desk.library, session, strip.places)
        except LibraryError:
            return
        paths = [self.desk.library / image.file for image in images if image.file]
        self._show_glance(session, paths)

    def _show_glance(self, session: str, paths: list[Path]) -> None:
        info = self._session
        if info is None or info.session != session:
            return
        self.query_one(ThumbnailStrip).show(paths)
        lines = [f"{clean(info.name)} · {info.session}"]
        lines += [f"from {info.parent}"] if info.parent else []
        lines += [f"tags: {clean(', '.join(info.tags))}"] if info.tags else []
        self.query_one("#about", Static).update(Content("\n".join(lines)), layout=False)

    # ---------------------------------------------------------------- search and order

    def action_search(self) -> None:
        """Search names, tags and all prompts."""
        box = self.query_one("#search", Input)
        box.add_class("-open")
        box.disabled = False
        box.focus()

    @on(Input.Changed, "#search")
    def _searched(self, event: Input.Changed) -> None:
        self._text = event.value.strip()
        self._load()

    @on(Input.Submitted, "#search")
    def _kept(self) -> None:
        self.query_one(VirtualTable).focus()

    def key_escape(self) -> None:
        """Leave the search, or the trash."""
        box = self.query_one("#search", Input)
        if box.has_class("-open"):
            box.value = ""
            box.remove_class("-open")
            box.disabled = True
            self.query_one(VirtualTable).focus()
        elif self._trashed:
            self.action_see_trash()

    def action_sort(self) -> None:
        """The next order: newest first, by name, by size, by favourites."""
        at = SESSION_ORDERS.index(self._order)
        self._order = SESSION_ORDERS[(at + 1) % len(SESSION_ORDERS)]
        self._load()

    def action_see_trash(self) -> None:
        """The sessions in the trash, where d brings one back; or the others again."""
        self._trashed = not self._trashed
        self._load()
        self.refresh_bindings()

    # ---------------------------------------------------------------- one session

    @on(VirtualTable.Selected)
    def _selected(self) -> None:
        self.action_open("review")

    def action_open(self, area: str) -> None:
        """Take the session under the cursor in hand: its images, its jobs, or its whole sheet."""
        if (info := self._session) is None or self._trashed:
            return
        self.post_message(
            SessionToSheet(info.session) if area == "sheet" else TakeInHand(info.session, area)
        )

    def action_rename(self) -> None:
        """Call it something else."""
        if (info := self._session) is None:
            return

        def named(name: str | None) -> None:
            if name is not None and name.strip() not in ("", info.name):
                self._do(renaming(self.desk.library, info.session, info.name, name.strip()))

        self.app.push_screen(Ask(f"What to call {info.name}?", info.name), named)

    def action_tag(self) -> None:
        """Words to find it by."""
        if (info := self._session) is None:
            return

        def tagged(text: str | None) -> None:
            if text is not None:
                text = "" if text.strip() == _NO_TAGS else text
                tags = [tag for part in text.split(",") if (tag := part.strip())]
                self._do(tagging(self.desk.library, info.session, info.tags, tags))

        note = f"commas between them; {_NO_TAGS} alone for none"
        self.app.push_screen(Ask(f"Tags of {info.name}", ", ".join(info.tags), note=note), tagged)

    def action_trash(self) -> None:
        """To the trash as a whole; from the trash, back."""
        if (info := self._session) is None:
            return
        if self._trashed:
            self._do(restoring(self.desk.library, info.session, info.name))
            return
        deed = trashing(self.desk.library, info.session, info.name)
        if not info.favourites:
            self._do(deed)
            return

        def sure(answer: str | None) -> None:
            if answer == _YES:
                self._do(deed)

        count = count_text(info.favourites, "favourite")
        question = f"{info.name} has {count}. To the trash with all of it?"
        self.app.push_screen(Ask(question, choices=(_NO, _YES)), sure)

    def action_empty(self) -> None:
        """Delete for good what is in the trash."""
        size = trash_size(self.desk.library)

        def sure(answer: str | None) -> None:
            if answer == _YES:
                self._empty()

        what = f"{count_text(size.images, 'image')}, {count_text(size.sessions, 'session')}"
        question = f"Delete what is in the trash for good ({what}, {size_text(size.bytes)})?"
        self.app.push_screen(Ask(question, choices=(_NO, _YES)), sure)

    @work(group="deeds")
    async def _empty(self) -> None:
        await self._carry_out(lambda: f"{size_text(empty_trash(self.desk.library).bytes)} deleted")

    def action_duplicate(self) -> None:
        """Render the same sheet once more, with new seeds where the sheet names none."""
        if (info := self._session) is not None:
            self._duplicate(info)

    @work(group="deeds")
    async def _duplicate(self, info: SessionInfo) -> None:
        await self._carry_out(lambda: duplicate(info, self.desk.settings))

    def action_change(self, what: str) -> None:
        """Stop, resume, or try failed images again."""
        commands: dict[str, Callable[[str, Settings], None]] = {
            "stop": stop_session,
            "resume": resume_session,
            "retry": retry_session,
        }
        if (info := self._session) is not None:
            self._change(commands[what], info)

    @work(group="deeds")
    async def _change(self, command: Callable[[str, Settings], None], info: SessionInfo) -> None:
        def done() -> str:
            command(info.session, self.desk.settings)
            return ""

        await self._carry_out(done)

    def action_export(self) -> None:
        """A ZIP of its images, or of its favourites."""
        if (info := self._session) is not None:
            self.app.push_screen(ExportScreen(info, self.desk.settings))

    # ---------------------------------------------------------------- done and undone

    def action_undo(self) -> None:
        """Undo what was done last."""
        self._step(self.desk.deeds.undo, "undone")

    def action_redo(self) -> None:
        """Do again what was undone last."""
        self._step(self.desk.deeds.redo, "done again")

    def _do(self, deed: Deed) -> None:
        def done() -> Deed:
            self.desk.deeds.do(deed)
            return deed

        self._step(done, "")

    @work(group="deeds")
    async def _step(self, act: Callable[[], Deed | None], what: str) -> None:
        def words() -> str:
            deed = act()
            if deed is None:
                return f"Nothing to be {what}."
            return f"{deed.words}{f', {what}' if what else ''}"

        await self._carry_out(words)

    async def _carry_out(self, act: Callable[[], str]) -> None:
        """Do something in a thread; say what it was, or why it was not."""
        try:
            words = await self.desk.deeds.in_turn(act)
        except (EngineError, LibraryError) as error:
            self._complain(str(error))
            return
        self._carried_out(words)

    def _carried_out(self, words: str) -> None:
        if words:
            self.notify(clean(words), markup=False)
        self._load()

    def _complain(self, words: str) -> None:
        self.notify(clean(words), severity="error", markup=False)

    def on_unmount(self) -> None:
        """Let go of the database."""
        if self._source is not None:
            self._source.pages.close()
