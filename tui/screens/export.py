"""Images on this machine: a session's as a ZIP or to be shown, or chosen ones in a folder.

All of it can be cancelled.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import (
    Checkbox,
    Input,
    Label,
    ProgressBar,
    RadioButton,
    RadioSet,
    Static,
)

from engine.api import (
    PAPERS,
    TABLE_KINDS,
    Copied,
    Exported,
    Library,
    PromptsheetError,
    SessionInfo,
    TableKind,
    fault_of,
    written_beside,
)
from tui.keys import bind
from tui.screens.ask import Ask
from tui.screens.dialog import Dialog
from tui.screens.open_sheet import PathSuggester
from tui.text import clean, count_text, size_text
from tui.typed_path import is_folder, is_there, typed_path
from tui.widgets.dialog_box import DialogBox
from tui.workers import hand_over, work

_COLUMNS = 4
_EVERY = 0.1
"""Seconds between two looks at how far it is."""


class _CancelledError(Exception):
    """The user has cancelled it."""


@dataclass(frozen=True, slots=True)
class _ExportForm:
    """As what images are exported."""

    words: str
    suffix: str
    """Of the file; empty: it is a folder."""
    table: TableKind | None = None
    """Of the results sheet in a ZIP."""
    is_grid: bool = False
    """Whether it is one row as a table."""


_FORMS = (
    *(
        _ExportForm(f"ZIP, results as {kind}{' with thumbnails' * (kind == 'xlsx')}", ".zip", kind)
        for kind in TABLE_KINDS
    ),
    _ExportForm("contact sheet, PDF", ".pdf"),
    _ExportForm("contact sheet, PNG", ".png"),
    _ExportForm("web page, a folder", ""),
)
_GRID = _ExportForm("grid with labels, PNG", ".png", is_grid=True)


class ExportScreen(Dialog[None]):
    """Ends when it is left; an export that runs is cancelled then, and leaves nothing behind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("export.start", "start", "Export"),
        bind("export.leave", "leave", "Back"),
    ]
    DEFAULT_CSS = """
    ExportScreen DialogBox { width: 90%; max-width: 96; }
    ExportScreen Horizontal { height: auto; margin-top: 1; }
    ExportScreen RadioSet { width: 1fr; }
    ExportScreen #what { width: 26; }
    ExportScreen Checkbox { width: 1fr; }
    ExportScreen #look { display: none; }
    ExportScreen #look Label { padding: 0 1; }
    ExportScreen #columns { width: 10; margin-right: 2; }
    ExportScreen #paper { width: 1fr; }
    ExportScreen.-contact-sheet #look { display: block; }
    ExportScreen.-contact-sheet, ExportScreen.-page {
        & #captions { display: none; }
        & #ssh { display: none; }
    }
    ExportScreen.-grid { & #captions, & #strip, & #what, & #ssh { display: none; } }
    ExportScreen ProgressBar { margin-top: 1; display: none; }
    ExportScreen ProgressBar.-running { display: block; }
    ExportScreen .note { margin-top: 1; }
    ExportScreen #said.-empty { display: none; }
    """

    def __init__(
        self,
        info: SessionInfo,
        library: Library,
        marked: Collection[str] = frozenset(),
        grid: int | None = None,
        *,
        as_grid: bool = False,
    ) -> None:
        """What can be exported.

        Args:
            info: the session.
            library: whose it is.
            marked: ids of its marked images.
            grid: the number of a row that can be exported as a grid; None: none.
            as_grid: whether that is what is offered first.
        """
        super().__init__()
        self._grid = grid
        self._forms = _FORMS if grid is None else (*_FORMS, _GRID)
        self._info = info
        self._library = library
        self._marked = marked
        self._form = _GRID if as_grid and grid is not None else self._forms[0]
        self._at = (0, 0)
        self._exporting = False
        self._cancelled = False

    def compose(self) -> ComposeResult:
        """What, as what, where to."""
        info = self._info
        with DialogBox(f"Export {info.name}"):
            yield Input(self._offered(self._form), id="target")
            with Horizontal():
                with RadioSet(id="what"):
                    marked = count_text(len(self._marked), "marked image")
                    favourites = count_text(info.favourites, "favourite")
                    yield RadioButton(
                        f"all {count_text(info.done, 'image')}", value=not self._marked
                    )
                    yield RadioButton(favourites, disabled=not info.favourites)
                    yield RadioButton(marked, value=bool(self._marked), disabled=not self._marked)
                with RadioSet(id="form"):
                    for form in self._forms:
                        yield RadioButton(form.words, value=form is self._form)
            with Horizontal():
                yield Checkbox("leave out recipes", id="strip")
                yield Checkbox("a caption file beside each", id="captions")
            with Horizontal(id="look"):
                yield Label("columns")
                yield Input(str(_COLUMNS), type="integer", id="columns")
                yield Label("paper (→ completes)")
                # → completes; what is no paper is refused with the list of them.
                yield Input(PAPERS[0], suggester=SuggestFromList(PAPERS), id="paper")
            yield ProgressBar(show_eta=True)
            yield Static("", id="said", classes="note -empty", markup=False)
            yield Static(
                Content(
                    "Download to your computer: ssh THIS-MACHINE promptsheet export"
                    f" {info.session} -o - > images.zip"
                ),
                id="ssh",
                classes="note",
                markup=False,
            )

    def on_mount(self) -> None:
        """Begin to look at how far it is."""
        self._form_class()
        self.set_interval(_EVERY, self._look)

    def _form_class(self) -> None:
        form = self._form
        is_sheet = form.suffix in (".pdf", ".png") and not form.is_grid
        self.set_class(is_sheet, "-contact-sheet")
        self.set_class(not form.suffix, "-page")
        self.set_class(form.is_grid, "-grid")

    def _offered(self, form: _ExportForm) -> str:
        """What is offered as a name."""
        row = f"-row-{self._grid}" if form.is_grid else ""
        return str(Path.home() / f"{self._info.folder.name}{row}{form.suffix}")

    @on(RadioSet.Changed, "#form")
    def _form_chosen(self, event: RadioSet.Changed) -> None:
        before, self._form = self._form, self._forms[event.index]
        target = self.query_one("#target", Input)
        if before.suffix != self._form.suffix and target.value.endswith(before.suffix):
            target.value = target.value.removesuffix(before.suffix) + self._form.suffix
        self._form_class()

    @on(Checkbox.Changed, "#strip, #captions")
    def _ticked(self, event: Checkbox.Changed) -> None:
        """A caption file is a recipe's prompt: one of the two is ticked at most."""
        if event.value:
            other = "#captions" if event.checkbox.id == "strip" else "#strip"
            self.query_one(other, Checkbox).value = False

    def action_leave(self) -> None:
        """Cancel what runs; then leave."""
        if self._exporting:
            self._cancelled = True
        else:
            self.dismiss(None)

    @on(Input.Submitted)
    def action_start(self) -> None:
        """Write it."""
        if self._exporting:
            return
        target = typed_path(self.query_one("#target", Input).value)
        self._exporting, self._cancelled, self._at = True, False, (0, 0)
        self.query_one(ProgressBar).add_class("-running")
        what = self.query_one("#what", RadioSet).pressed_index
        columns = self.query_one("#columns", Input).value
        wish = _DialogWish(
            self._form,
            images=self._marked if what == 2 else None,
            favourites=what == 1,
            strip_metadata=self.query_one("#strip", Checkbox).value,
            captions=self.query_one("#captions", Checkbox).value,
            columns=int(columns) if columns.lstrip("-").isdecimal() else 0,
            paper=self.query_one("#paper", Input).value.strip().lower(),
            grid=self._grid,
        )
        self._export(target, wish)

    @work(thread=True)
    def _export(self, target: Path, wish: "_DialogWish") -> None:
        if wish.form.suffix and is_folder(target):
            target /= f"{self._info.folder.name}{wish.form.suffix}"
        if wish.form.suffix and is_there(target):
            hand_over(self._ended, f"{target} already exists. Choose another name.")
            return
        try:
            words = wish.carried_out(self._library, self._info.session, target, self._progress)
        except _CancelledError:
            hand_over(self._ended, "Cancelled; no file was left.")
        except FileExistsError as error:
            taken = error.filename2 or error.filename or target
            hand_over(self._ended, f"{taken} already exists. Choose another name.")
        except (OSError, PromptsheetError) as error:
            hand_over(self._ended, fault_of(error))
        else:
            hand_over(self._exported, words)

    def _progress(self, done: int, total: int) -> None:
        if self._cancelled:
            raise _CancelledError
        self._at = (done, total)

    def _look(self) -> None:
        done, total = self._at
        if self._exporting and total:
            self.query_one(ProgressBar).update(total=total, progress=done)

    def _ended(self, words: str) -> None:
        self._exporting = False
        self.query_one(ProgressBar).remove_class("-running")
        said = self.query_one("#said", Static)
        said.update(Content(clean(words)))
        said.set_class(not words, "-empty")

    def _exported(self, words: str) -> None:
        self._ended("")
        self.notify(clean(words), markup=False)
        self.dismiss(None)


@dataclass(frozen=True, slots=True)
class _DialogWish:
    """What is to be exported, and how."""

    form: _ExportForm
    images: Collection[str] | None
    favourites: bool
    strip_metadata: bool
    captions: bool
    columns: int
    paper: str
    grid: int | None
    """The row that is written as a table, if that is the form."""

    def carried_out(
        self, library: Library, session: str, target: Path, progress: Callable[[int, int], None]
    ) -> str:
        """Export it; what was, in words.

        Raises:
            OSError, PromptsheetError: it cannot be; or what `progress` raises.
        """
        which: Any = {
            "images": self.images,
            "favourites": self.favourites,
            "strip_metadata": self.strip_metadata,
            "progress": progress,
        }
        if self.form.is_grid and self.grid is not None:
            grid = library.sessions.grids(session, target, rows=[self.grid], progress=progress)
            return f"row {self.grid}, {count_text(grid.images, 'image')}, in {grid.files[0]}"
        if self.form.table is not None:
            with written_beside(target) as (_, file):
                done = library.sessions.export(
                    session, file, table=self.form.table, captions=self.captions, **which
                )
            return _words(done, target, "listed in it")
        if not self.form.suffix:
            done = library.sessions.web_page(session, target, **which)
            return _words(done, target / "index.html", "left out")
        sheet = library.sessions.contact_sheet(
            session, target, columns=self.columns, paper=self.paper, **which
        )
        words = f"{count_text(sheet.images, 'image')} on {count_text(sheet.pages, 'page')}"
        last = f" … {sheet.files[-1].name}" if len(sheet.files) > 1 else ""
        boxes = f", boxes for {', '.join(sheet.without_font)}: no font has it"
        return f"{words}, in {sheet.files[0]}{last}{boxes if sheet.without_font else ''}"


def _words(done: Exported, target: Path, failed: str) -> str:
    lost = f", {len(done.failed)} failed or damaged, {failed}" if done.failed else ""
    return f"{count_text(done.images, 'image')}, {size_text(done.bytes)}, in {target}{lost}"


class CopyImages(Ask):
    """Ends with the folder, or None; escape leaves off while it copies."""

    def __init__(self, images: Collection[str], library: Library, folder: Path) -> None:
        """A question.

        Args:
            images: their ids.
            library: whose they are.
            folder: what is offered.
        """
        super().__init__(
            f"Copy {count_text(len(images), 'image')} to which folder?",
            str(folder),
            note="→ completes · created if missing · existing files are never replaced",
            suggester=PathSuggester(()),
        )
        self._images = images
        self._library = library
        self._folder = folder
        self._copying = self._cancelled = False

    def answer(self, answer: str) -> None:
        """Copy, in a thread."""
        if answer.strip() and not self._copying:
            self._copying, self._cancelled = True, False
            self._folder = typed_path(answer)
            self._copy(self._folder)

    @work(thread=True, exclusive=True)
    def _copy(self, folder: Path) -> None:
        try:
            copied = self._library.images.copy(self._images, folder, self._progress)
        except _CancelledError:
            hand_over(self._stopped, "Cancelled; the copies made so far are kept.")
        except (PromptsheetError, OSError) as error:
            hand_over(self._stopped, fault_of(error))
        else:
            hand_over(self._copied, copied)

    def _progress(self, done: int, total: int) -> None:
        if self._cancelled:
            raise _CancelledError
        if done % 50 == 0:
            hand_over(self.say, f"{done:,} of {total:,} …")

    def _stopped(self, words: str) -> None:
        self._copying = False
        self.say(words)

    def _copied(self, copied: Copied) -> None:
        self.notify(clean(_copied_words(copied, self._folder)), markup=False)
        self.dismiss(str(self._folder))

    def action_leave(self) -> None:
        """Leave off; without work, leave."""
        if self._copying:
            self._cancelled = True
        else:
            super().action_leave()


def _copied_words(copied: Copied, folder: Path) -> str:
    """What was copied, and what could not be."""
    words = f"{count_text(len(copied.files), 'image')}, {size_text(copied.bytes)}, in {folder}"
    if copied.lost:
        words += f"; {count_text(len(copied.lost), 'image')} not finished, missing or damaged"
    return words
