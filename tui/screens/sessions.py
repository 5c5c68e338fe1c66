"""Sessions: everything made so far, searched, kept in order, taken up again."""

import asyncio
import time
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeGuard

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from engine.api import (
    SESSION_ORDERS,
    LibraryError,
    SessionInfo,
    SessionOrder,
    SessionOrigin,
    SessionPages,
    TrashSize,
)
from tui.app_state import AppState, SeeAll, SessionToSheet, TakeInHand
from tui.engine_watch import News
from tui.keys import bind, key_of
from tui.passing import passing
from tui.screens.area import AreaScreen
from tui.screens.session_actions import SessionActions
from tui.session_facts import PROMPTS, session_facts, session_line
from tui.state_words import state_cell
from tui.text import clean, count_text, size_text
from tui.widgets.background_source import BackgroundSource
from tui.widgets.strip import ThumbnailStrip
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import TableCell, TableRow
from tui.widgets.virtual_table import VirtualTable
from tui.workers import hand_over, work

_ROOM = 140
_NOT_FOUND = "No session matches in its name, tags or prompts. Try fewer words."
_LEAVE = "Clear search"
_BACK = "Leave the trash"
_DELAY = 0.08
"""Seconds for which the cursor must rest: more than a held key's beat."""
_COLUMNS = (
    TableColumn("name", "name", 16, share=1),
    TableColumn("when", "when", 16),
    TableColumn("state", "state", 6, most=11),
    TableColumn("done", "done", 4, align="right", most=15),
    TableColumn("favourites", "★", 1, align="right", most=7),
    TableColumn("size", "size", 6, align="right", most=8),
    TableColumn("tags", "tags", 4, most=30),
    TableColumn("session", "id", 6),
)
_NARROW = ("name", "when", "state", "done", "favourites", "size")
"""The columns where there is little room."""


class SessionSource(BackgroundSource[SessionInfo]):
    """The sessions, a page at a time."""

    def __init__(self, pages: SessionPages) -> None:
        super().__init__(pages)
        self.columns: Sequence[TableColumn] = ()
        self.held: Collection[str] = ()
        """Sessions that wait until someone lets them go on."""
        self._pages_of_sessions = pages

    def key_of(self, item: SessionInfo) -> Hashable:
        """Its id."""
        return item.session

    def index_of(self, key: Hashable) -> int | None:
        """Where a session is."""
        return self._pages_of_sessions.position(key) if isinstance(key, str) else None

    def row_of(self, item: SessionInfo) -> TableRow:
        """A session with the columns there are now."""
        cells = _cells(item)
        if item.state == "waiting" and item.session in self.held:
            cells["state"] = state_cell("held")
        return TableRow(item.session, tuple(cells[column.name] for column in self.columns))


def _cells(info: SessionInfo) -> dict[str, TableCell]:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(info.created))
    return {
        "name": TableCell(info.name),
        "when": TableCell(when, "dim"),
        "state": state_cell(info.state),
        "done": TableCell(f"{info.done}/{info.images}"),
        "favourites": TableCell(f"{info.favourites}" if info.favourites else "", "warning"),
        "size": TableCell(size_text(info.bytes)),
        "tags": TableCell(", ".join(info.tags), "dim"),
        "session": TableCell(info.session, "dim"),
    }


def _no_trash() -> str:
    return f"The trash is empty. {key_of('sessions.trashed')} goes back to the sessions."


def _nothing_yet() -> str:
    return f"No sessions yet. Press {key_of('app.sheet')} to create one."


@dataclass(frozen=True, slots=True)
class _ListedSessions:
    source: SessionSource
    totals: tuple[int, int]
    """Images, and bytes, of all sessions."""
    trash: TrashSize


class SessionsScreen(AreaScreen):
    """A list of sessions; enter opens one."""

    AREA = "sessions"
    AUTO_FOCUS = "VirtualTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("sessions.open", "open('review')", "View images"),
        bind("sessions.to_sheet", "open('sheet')", "Open as sheet"),
        bind("sessions.watch", "open('jobs')", "Show jobs"),
        bind("sessions.find", "search", "Search"),
        bind("sessions.all_images", "all_images", "Images of all", first=True),
        bind("sessions.order", "sort", "Change order", show=False),
        bind("sessions.rename", "chosen('rename')", "Rename"),
        bind("sessions.tags", "chosen('tag')", "Edit tags"),
        bind("sessions.again", "chosen('again')", "Render again"),
        bind("sessions.resume", "chosen('resume')", "Resume"),
        bind("sessions.retry", "chosen('retry')", "Retry"),
        bind("sessions.stop", "chosen('stop')", "Stop"),
        bind("sessions.write_out", "chosen('export')", "Export"),
        bind("sessions.take_away", "trash", "Trash"),
        bind("sessions.undo", "undo", "Undo"),
        bind("sessions.redo", "redo", "Redo", show=False),
        bind("sessions.trashed", "see_trash", "Show trash", show=False),
        bind("sessions.empty", "empty", "Empty trash"),
    ]
    KEY_LINE: ClassVar[Sequence[str]] = (
        *("sessions.open", "sessions.resume", "sessions.retry", "sessions.stop"),
        *("sessions.take_away", "sessions.empty", "sessions.undo", "sessions.find"),
        *("sessions.all_images", "sessions.to_sheet", "sessions.again", "sessions.write_out"),
        "sessions.rename",
        *("sessions.tags", "sessions.watch"),
    )
    DEFAULT_CSS = """
    SessionsScreen #sessions-title { height: 1; padding: 0 1; text-wrap: nowrap;
                                     text-overflow: ellipsis; }
    SessionsScreen #search { display: none; height: 1; border: none; padding: 0 1; }
    SessionsScreen #search.-open { display: block; }
    SessionsScreen #sessions { width: 3fr; }
    SessionsScreen #glance { width: 1fr; min-width: 32; border-left: solid $panel; }
    SessionsScreen #about { height: 13; padding: 0 1; border-top: solid $panel;
                            text-wrap: nowrap; }
    SessionsScreen.-narrow #list { layout: vertical; }
    SessionsScreen.-narrow #sessions { width: 1fr; height: 1fr; }
    SessionsScreen.-narrow #glance { width: 1fr; height: 8; border-left: none;
                                     border-top: solid $panel; }
    SessionsScreen.-narrow #about { height: 1; border-top: none; text-wrap: nowrap;
                                    text-overflow: ellipsis; }
    SessionsScreen.-narrow.-low #glance { display: none; }
    """
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-low"),
        (20, "-tall"),
    ]

    _source: SessionSource | None = None
    _text = ""
    _order: SessionOrder = "newest"
    _trashed = False
    """Whether the sessions in the trash are looked at."""

    def __init__(self, app_state: AppState) -> None:
        super().__init__(app_state)
        self._actions = actions = SessionActions(self, app_state, self._load)
        self._acts = {
            "rename": actions.rename,
            "tag": actions.tag,
            "again": actions.again,
            "stop": actions.stop,
            "resume": actions.resume,
            "retry": actions.retry,
            "export": actions.export,
        }
        """What is done to the session under the cursor."""

    def compose_area(self) -> ComposeResult:
        """Totals, search, table, a glance at the selected one."""
        yield Static("", id="sessions-title", markup=False)
        yield Input(placeholder="search names, tags and prompts", id="search", disabled=True)
        with Horizontal(id="list"):
            yield VirtualTable(
                _COLUMNS, empty=_nothing_yet(), markable=False, selectable=False, id="sessions"
            )
            with Vertical(id="glance"):
                yield ThumbnailStrip(id="strip")
                yield Static("", id="about", markup=False)

    def resumed(self) -> None:
        """Read the list: it may be long since."""
        self._load()

    def on_resize(self) -> None:
        """As many columns as there is room for; tags and ids are in the glance, too."""
        wide = self.size.width >= _ROOM
        columns = tuple(c for c in _COLUMNS if wide or c.name in _NARROW)
        table = self.query_one(VirtualTable)
        if columns != table.columns:
            table.columns = columns
            if self._source is not None:
                self._source.columns = columns
                table.reload()

    # ---------------------------------------------------------------- the list

    def keys_changed(self) -> None:
        """Also what stands where there is nothing."""
        super().keys_changed()
        table = self.query_one(VirtualTable)
        if not (self._trashed or self._text):
            table.empty = _nothing_yet()

    @work(thread=True, exclusive=True, group="list")
    def _load(self) -> None:
        library, text = self.app_state.library, self._text
        try:
            pages = library.sessions.pages(text=text, order=self._order, trashed=self._trashed)
            totals, trash = pages.totals(), library.trash.size()
        except LibraryError as error:
            if self.app_state.library.path.exists():
                hand_over(self._actions.complain, str(error))
            return
        source = SessionSource(pages)
        tables = self.query(VirtualTable)  # none: not composed yet, or the app is ending
        source.prime(tables.first().cursor_key if tables else None)
        if not hand_over(self._show, _ListedSessions(source, totals, trash)):
            source.close()

    def _show(self, listed: _ListedSessions) -> None:
        source, totals, trash = listed.source, listed.totals, listed.trash
        if not self.ready:
            source.close()
            self.call_after_refresh(self._load)
            return
        table = self.query_one(VirtualTable)
        key = table.cursor_key
        if self._source is not None:
            self._source.close()
        self._source = source
        source.columns, source.held = table.columns, self.app_state.held
        table.empty = _no_trash() if self._trashed else _NOT_FOUND if self._text else _nothing_yet()
        table.source = source
        if key is not None:
            table.go_to(key)
        if not source.count():
            self.query_one(ThumbnailStrip).show(())
            self.query_one("#about", Static).update("", layout=False)
        parts = [count_text(source.count(), "session")]
        if self._trashed:
            parts[0] += " in the trash"
        parts += [f"/{clean(self._text)}"] if self._text else []
        parts += [f"by {self._order}"] if self._order != "newest" else []
        parts += [f"{count_text(totals[0], 'image')}, {size_text(totals[1])} in all"]
        parts += [f"trash {size_text(trash.bytes)}"] if trash.bytes or trash.sessions else []
        self.query_one("#sessions-title", Static).update(Content(" · ".join(parts)), layout=False)
        self.refresh_keys()

    def tell(self, news: News) -> None:
        """Sessions that changed are read again; a new one makes a new list."""
        super().tell(news)
        changed = set(news.tallies) | news.curated
        if not changed or not self.is_current:
            return
        source = self._source
        if source is None or news.curated or any(source.index_of(s) is None for s in changed):
            self._load()
        else:
            source.held = self.app_state.held
            source.renew(changed)
            self.query_one(VirtualTable).refresh_rows(changed)
            self.refresh_keys()

    @property
    def _session(self) -> SessionInfo | None:
        """The one under the cursor."""
        index = self.query_one(VirtualTable).cursor_index
        return None if self._source is None or index is None else self._source.item(index)

    @on(VirtualTable.Highlighted)
    def _glance(self, event: VirtualTable.Highlighted) -> None:
        self.refresh_keys()
        if isinstance(event.key, str) and not self._trashed:
            self._find_pictures(event.key)

    @work(exclusive=True, group="glance")
    async def _find_pictures(self, session: str) -> None:
        await asyncio.sleep(_DELAY)
        strip = self.query_one(ThumbnailStrip)
        try:
            library = self.app_state.library
            images = await asyncio.to_thread(library.images.glance, session, strip.places)
            origin = await asyncio.to_thread(library.sessions.origin, session, PROMPTS)
        except LibraryError:
            return
        paths = [library.path / image.file for image in images if image.file]
        self._show_glance(session, paths, origin)

    def _show_glance(self, session: str, paths: list[Path], origin: SessionOrigin | None) -> None:
        info = self._session
        if info is None or info.session != session:
            return
        self.query_one(ThumbnailStrip).show(paths)
        about = self.query_one("#about", Static)
        if self.has_class("-narrow"):
            about.update(session_line(info, origin), layout=False)
        else:
            width = max(20, about.content_size.width)
            about.update(session_facts(info, origin, width), layout=False)

    # ---------------------------------------------------------------- search and order

    def action_search(self) -> None:
        """Search names, tags and all prompts."""
        box = self.query_one("#search", Input)
        box.add_class("-open")
        box.disabled = False
        box.focus()
        passing(self).begin(_LEAVE, self._leave_search)

    @on(Input.Changed, "#search")
    def _searched(self, event: Input.Changed) -> None:
        self._text = event.value.strip()
        self._load()

    @on(Input.Submitted, "#search")
    def _kept(self) -> None:
        self.query_one(VirtualTable).focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a session there is little to do; in the trash, still less."""
        if action in ("open", "chosen", "trash") and self.ready and self._session is None:
            return None
        if action == "all_images":
            return not self._trashed
        if action == "open" or parameters in (("again",), ("export",)):
            return None if self._trashed else True
        return True

    def now_called(self, name: str) -> str | None:
        """What some keys do as things are; those that would do nothing are called nothing."""
        info = self._session if self.ready else None
        match name:
            case "sessions.take_away" if self._trashed:
                return "Restore"
            case "sessions.find" if info is None and not self._text:
                return ""
            case "sessions.all_images" if self._text:
                return "Images found"
            case "sessions.empty":
                return None if self._trashed and info else ""
            case "sessions.undo":
                return None if self.app_state.undo_stack.can_undo else ""
            case "sessions.stop":
                return None if self._can(info) and info.waiting + info.rendering else ""
            case "sessions.resume":
                waits = info is not None and info.session in self.app_state.held
                return None if self._can(info) and (info.stopped or waits) else ""
            case "sessions.retry":
                return None if self._can(info) and info.failed else ""
            case "sessions.watch":
                return None if self._can(info) and info.waiting + info.rendering else ""
            case "sessions.rename" | "sessions.tags" if self._trashed:
                return ""
            case _:
                return None

    def _can(self, info: SessionInfo | None) -> TypeGuard[SessionInfo]:
        """Whether there is one under the cursor that can go on, or be held up."""
        return info is not None and not self._trashed

    def _leave_search(self) -> None:
        box = self.query_one("#search", Input)
        box.value = ""
        box.remove_class("-open")
        box.disabled = True
        self.query_one(VirtualTable).focus()
        passing(self).end(_LEAVE)

    def action_sort(self) -> None:
        """The next order: newest first, by name, by size, by favourites."""
        at = SESSION_ORDERS.index(self._order)
        self._order = SESSION_ORDERS[(at + 1) % len(SESSION_ORDERS)]
        self._load()

    def action_see_trash(self) -> None:
        """The sessions in the trash, from which one can be brought back; or the others again."""
        self._trashed = not self._trashed
        passing(self).note(_BACK, self.action_see_trash, is_open=self._trashed)
        self._load()
        self.refresh_keys()

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

    def action_all_images(self) -> None:
        """The images of all sessions, the newest first; of a search, those that it finds."""
        self.post_message(SeeAll(self._text))

    def action_chosen(self, what: str) -> None:
        """Do something to the session under the cursor."""
        if (info := self._session) is not None:
            self._acts[what](info)

    def action_trash(self) -> None:
        """To the trash as a whole; from the trash, back."""
        if (info := self._session) is not None:
            (self._actions.restore if self._trashed else self._actions.trash)(info)

    def action_empty(self) -> None:
        """Delete for good what is in the trash."""
        self._actions.empty()

    def action_undo(self) -> None:
        """Undo what was done last."""
        self._actions.undo()

    def action_redo(self) -> None:
        """Do again what was undone last."""
        self._actions.redo()

    def on_unmount(self) -> None:
        """Let go of the database."""
        if self._source is not None:
            self._source.close()
