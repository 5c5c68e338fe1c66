"""Pictures as rows of the sheet: which they are, and what all of them are to become."""

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import get_current_worker

from engine.api import PICTURE_SUFFIXES, Library, RefusedPicture, UsablePicture
from tui.glyphs import GLYPHS
from tui.keys import bind, key_of
from tui.screens.dialog import Dialog
from tui.screens.open_sheet import PathSuggester
from tui.text import clean, count_text, tail_of
from tui.typed_path import is_folder, typed_path
from tui.widgets.dialog_box import DialogBox
from tui.widgets.table_lines import TableColumn
from tui.widgets.table_source import TableCell, TableRow
from tui.widgets.virtual_table import VirtualTable
from tui.workers import hand_over, work

_TELL_SECONDS = 0.1
_WHERE = "folder, picture, pattern (*.jpg), or a pasted list; → completes"


@dataclass(frozen=True, slots=True)
class AddedPictures:
    """Pictures that were chosen, and the cells that their rows have in common."""

    pictures: Sequence[Path]
    prompt: str
    strength: str
    folders: Sequence[str]
    """Where they were looked for."""


@dataclass(frozen=True, slots=True)
class _Seen:
    found: Sequence[UsablePicture | RefusedPicture]
    folders: Sequence[str] = ()
    is_last: bool = False


class PathsInput(Input):
    """A path; several lines that are pasted are so many paths."""

    @dataclass
    class Pasted(Message):
        """A list of paths."""

        lines: list[str]

    def on_paste(self, event: Paste) -> None:
        """Textual's own takes the first line, and the rest is lost."""
        event.stop()
        event.prevent_default()
        lines = [line.strip() for line in event.text.splitlines() if line.strip()]
        if len(lines) > 1:
            self.post_message(self.Pasted(lines))
        elif lines:
            self.replace(lines[0], *self.selection)


class AddPictures(Dialog[AddedPictures | None]):
    """Ends with the pictures, or None.

    Enter looks for what was typed; once that is done, it takes what was found.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("pictures.start", "add", "Add pictures"),
        bind("pictures.leave", "leave", "Stop, then go back"),
        bind("pictures.forget", "forget", "Start over"),
    ]
    DEFAULT_CSS = """
    AddPictures DialogBox { width: 94%; max-width: 120; height: 90%; }
    AddPictures Input, AddPictures Input:focus { width: 1fr; }
    AddPictures Horizontal { height: 1; margin-top: 1; }
    AddPictures #strength { width: 8; }
    AddPictures .caption { width: auto; height: 1; color: $text-muted; }
    AddPictures OptionList { max-height: 8; }
    AddPictures .recent { display: none; margin-top: 1; }
    AddPictures.-recent .recent { display: block; }
    AddPictures.-found .recent { display: none; }
    AddPictures #how-far { height: 1; margin-top: 1; color: $text-muted;
                           text-wrap: nowrap; text-overflow: ellipsis; }
    AddPictures VirtualTable { height: 1fr; }
    AddPictures #reason { height: auto; max-height: 4; }
    """

    def __init__(self, library: Library, recent: Sequence[str], *, strength: str) -> None:
        """What can be chosen from.

        Args:
            library: looks at pictures.
            recent: folders that were searched before, the last first.
            strength: what a blank one means.
        """
        super().__init__()
        self._library = library
        self._remembered = recent
        self._recent: Sequence[str] = ()
        """Those that are still there."""
        self._strength = strength
        self._looked_for: str | None = None
        """What was typed when it was last looked for."""
        self._is_looking = False
        self._pictures: dict[Path, UsablePicture] = {}
        self._refused: dict[tuple[str, str], RefusedPicture] = {}
        self._folders: list[str] = []

    def compose(self) -> ComposeResult:
        """Where, the rows' cells, what was found."""
        with DialogBox("Add source pictures", enter="Find, then add"):
            suggester = PathSuggester(PICTURE_SUFFIXES)
            yield PathsInput(placeholder=_WHERE, suggester=suggester, id="where")
            with Horizontal():
                yield Static("prompt for all ", classes="caption", markup=False)
                yield Input(placeholder="blank: write one per row later", id="prompt")
                yield Static("  strength ", classes="caption", markup=False)
                yield Input(placeholder=self._strength, id="strength")
            yield Static("", id="how-far", markup=False)
            yield Static("Recent", classes="caption recent", markup=False)
            yield OptionList(classes="recent")
            columns = (
                TableColumn("file", "file", 20, share=1),
                TableColumn("what", "what", 20, share=2),
            )
            yield VirtualTable(columns, empty="", id="found")
            yield Static("", id="reason", markup=False)

    def on_mount(self) -> None:
        """Which of the folders are still there, the disk knows."""
        self._say()
        self._find_recent()

    @work(thread=True, exclusive=True, group="recent")
    def _find_recent(self) -> None:
        there = [path for path in self._remembered if is_folder(Path(path))]
        hand_over(self._show_recent, tuple(there))

    def _show_recent(self, folders: Sequence[str]) -> None:
        self._recent = folders
        options = [Option(Content(clean(path))) for path in folders]
        self.query_one(OptionList).add_options(options)
        self.set_class(bool(options), "-recent")

    # ---------------------------------------------------------------- looking

    @on(OptionList.OptionSelected)
    def _recent_chosen(self, event: OptionList.OptionSelected) -> None:
        box = self.query_one("#where", Input)
        box.value = self._recent[event.option_index]
        box.focus()
        self._look_for([box.value])

    @on(PathsInput.Pasted)
    def _pasted(self, event: PathsInput.Pasted) -> None:
        self.query_one("#where", Input).value = ""
        self._look_for(event.lines)

    @on(Input.Submitted)
    def action_add(self) -> None:
        """Look for what was typed and not looked for yet; else take what was found."""
        typed = self.query_one("#where", Input).value.strip()
        if typed and typed != self._looked_for:
            self._look_for([typed])
        elif self._is_looking:
            self._say_looking()
        elif not self._pictures:
            self.notify("No pictures to add yet.", severity="warning", markup=False)
        else:
            self._take()

    def _take(self) -> None:
        prompt = self.query_one("#prompt", Input).value.strip()
        strength = self.query_one("#strength", Input).value.strip()
        if strength and not _is_strength(strength):
            words = (
                "Strength is a number above 0, up to 1: .3 keeps most of the picture, .9"
                " almost none."
            )
            self.notify(words, severity="warning", markup=False)
            return
        self.dismiss(AddedPictures(tuple(self._pictures), prompt, strength, tuple(self._folders)))

    def _look_for(self, texts: Sequence[str]) -> None:
        if self._is_looking:
            self._say_looking()
            return
        self._looked_for = texts[0] if len(texts) == 1 else None
        self._is_looking = True
        self.add_class("-found")
        self._say()
        self._look([typed_path(_unquoted(text)) for text in texts])

    @work(thread=True, exclusive=True, group="look")
    def _look(self, paths: Sequence[Path]) -> None:
        worker, told = get_current_worker(), time.monotonic()
        folders = [str(path) for path in paths if is_folder(path)]
        seen: list[UsablePicture | RefusedPicture] = []
        for found in self._library.sheets.look_for_pictures(paths, lambda: not worker.is_cancelled):
            seen.append(found)
            if time.monotonic() - told > _TELL_SECONDS:
                hand_over(self._show_found, _Seen(tuple(seen)))
                seen, told = [], time.monotonic()
        hand_over(self._show_found, _Seen(tuple(seen), tuple(folders), is_last=True))

    def _show_found(self, seen: _Seen) -> None:
        for found in seen.found:
            if isinstance(found, RefusedPicture):
                self._refused.setdefault((found.file, found.reason), found)
            else:
                self._pictures.setdefault(found.path, found)
        if seen.is_last:
            self._is_looking = False
            self._folders += seen.folders
        table = self.query_one(VirtualTable)
        table.source = _FoundRows([*self._refused.values(), *self._pictures.values()])
        self.call_after_refresh(self._moved)  # the cursor is on another file, at the same place
        self._say()

    @on(VirtualTable.Highlighted)
    def _moved(self) -> None:
        """Of the file under the cursor, all that there is to say."""
        table = self.query_one(VirtualTable)
        index = table.cursor_key
        found = table.source.found(index) if isinstance(table.source, _FoundRows) else None
        words = ""
        if isinstance(found, RefusedPicture):
            words = f"{GLYPHS['failed']} {found.reason}"
        self.query_one("#reason", Static).update(Content(clean(words)))

    def _say_looking(self) -> None:
        words = f"Still searching: {key_of('pictures.leave')} stops."
        self.notify(words, severity="warning", markup=False)

    def _say(self, *, stopped: bool = False) -> None:
        words = [count_text(len(self._pictures), "picture")]
        if self._refused:
            words.append(f"{len(self._refused):,} refused")
        if self._is_looking:
            words = ["Looking …", *words, f"{key_of('pictures.leave')} stops"]
        elif stopped:
            words.append("stopped")
        if not self._is_looking and self._pictures:
            words.append(f"enter adds {count_text(len(self._pictures), 'row')}")
        if not self._is_looking:
            words.append(f"{key_of('pictures.forget')} starts over")
        nothing = not self._pictures and not self._refused and not self._is_looking
        text = "enter searches for pictures, subfolders too" if nothing else ""
        self.query_one("#how-far", Static).update(Content(text or " · ".join(words)))

    # ---------------------------------------------------------------- leaving

    def action_forget(self) -> None:
        """Drop what was found, and look again."""
        self._stop()
        self._pictures.clear()
        self._refused.clear()
        self._looked_for = None
        self.query_one(VirtualTable).source = _FoundRows([])
        self.remove_class("-found")
        self.query_one("#where", Input).focus()
        self._say()

    def action_leave(self) -> None:
        """Stop looking, with what was found; then back, and nothing is added."""
        if self._is_looking:
            self._stop()
            self._say(stopped=True)
        else:
            self.dismiss(None)

    def _stop(self) -> None:
        self.workers.cancel_group(self, "look")
        self._is_looking = False


class _FoundRows:
    """What was found, refused first; each row is made when it is looked at."""

    def __init__(self, found: Sequence[UsablePicture | RefusedPicture]) -> None:
        self._found = found

    def count(self) -> int:
        """How many rows there are."""
        return len(self._found)

    def page(self, start: int, stop: int) -> Sequence[TableRow]:
        """Rows `start` up to `stop`."""
        return list(map(self._row, range(start, min(stop, len(self._found)))))

    def keys(self, start: int, stop: int) -> Sequence[Hashable]:
        """Their places."""
        return range(start, min(stop, len(self._found)))

    def index_of(self, key: Hashable) -> int | None:
        """Where it is: a place is its own key."""
        return key if isinstance(key, int) and key < len(self._found) else None

    def found(self, key: Hashable) -> UsablePicture | RefusedPicture | None:
        """What is there; None: nothing."""
        index = self.index_of(key)
        return self._found[index] if index is not None else None

    def _row(self, index: int) -> TableRow:
        found = self._found[index]
        if isinstance(found, RefusedPicture):
            reason = TableCell(found.reason, "error", f"{GLYPHS['failed']} ")
            return TableRow(index, (TableCell(tail_of(found.file)), reason))
        size = f"{found.width}×{found.height}" + (f" · {found.note}" if found.note else "")
        return TableRow(index, (TableCell(tail_of(str(found.path))), TableCell(size, "dim")))


def _unquoted(text: str) -> str:
    """A path as terminals paste it when a file is dropped on them."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return text


def _is_strength(text: str) -> bool:
    try:
        return 0 < float(text) <= 1
    except ValueError:
        return False
