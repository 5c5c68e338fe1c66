"""Images on this machine: a session's as a ZIP, or chosen ones in a folder; can be cancelled."""

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Checkbox, Input, ProgressBar, RadioButton, RadioSet, Static

from engine.api import (
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

_EVERY = 0.1
"""Seconds between two looks at how far it is."""


class _CancelledError(Exception):
    """The user wants no more of it."""


class ExportScreen(Dialog[None]):
    """Ends when it is left; an export that runs is cancelled then, and leaves nothing behind."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("export.start", "start", "Export"),
        bind("export.leave", "leave", "Back"),
    ]
    DEFAULT_CSS = """
    ExportScreen DialogBox { width: 90%; max-width: 96; }
    ExportScreen Horizontal { height: auto; margin: 1 0; }
    ExportScreen RadioSet { width: 1fr; }
    ExportScreen ProgressBar { margin-top: 1; display: none; }
    ExportScreen ProgressBar.-running { display: block; }
    ExportScreen .note { margin-top: 1; }
    ExportScreen #said.-empty { display: none; }
    """

    def __init__(
        self, info: SessionInfo, library: Library, marked: Collection[str] = frozenset()
    ) -> None:
        super().__init__()
        self._info = info
        self._library = library
        self._marked = marked
        self._at = (0, 0)
        self._exporting = False
        self._cancelled = False

    def compose(self) -> ComposeResult:
        """What, as what, where to."""
        info = self._info
        with DialogBox(f"Export {info.name}"):
            yield Input(str(Path.home() / f"{info.folder.name}.zip"), id="target")
            with Horizontal():
                with RadioSet(id="what"):
                    marked = count_text(len(self._marked), "marked image")
                    favourites = count_text(info.favourites, "favourite")
                    yield RadioButton(
                        f"all {count_text(info.done, 'image')}", value=not self._marked
                    )
                    yield RadioButton(favourites, disabled=not info.favourites)
                    yield RadioButton(marked, value=bool(self._marked), disabled=not self._marked)
                with RadioSet(id="table"):
                    for kind in TABLE_KINDS:
                        pictures = " with thumbnails" if kind == "xlsx" else ""
                        yield RadioButton(
                            f"results as {kind}{pictures}", value=kind == TABLE_KINDS[0]
                        )
            yield Checkbox("leave the recipes out of it", id="strip")
            yield ProgressBar(show_eta=True)
            yield Static("", id="said", classes="note -empty", markup=False)
            yield Static(
                Content(
                    "To the machine you sit at: ssh THIS-MACHINE promptsheet export"
                    f" {info.session} -o - > images.zip"
                ),
                classes="note",
                markup=False,
            )

    def on_mount(self) -> None:
        """Begin to look at how far it is."""
        self.set_interval(_EVERY, self._look)

    def action_leave(self) -> None:
        """Cancel what runs; then leave."""
        if self._exporting:
            self._cancelled = True
        else:
            self.dismiss(None)

    @on(Input.Submitted)
    def action_start(self) -> None:
        """Write the ZIP."""
        if self._exporting:
            return
        target = typed_path(self.query_one("#target", Input).value)
        self._exporting, self._cancelled, self._at = True, False, (0, 0)
        self.query_one(ProgressBar).add_class("-running")
        what = self.query_one("#what", RadioSet).pressed_index
        kind = TABLE_KINDS[max(0, self.query_one("#table", RadioSet).pressed_index)]
        strip = self.query_one("#strip", Checkbox).value
        self._export(target, what, kind, strip=strip)

    @work(thread=True)
    def _export(self, target: Path, what: int, table: TableKind, *, strip: bool) -> None:
        if is_folder(target):
            target /= f"{self._info.folder.name}.zip"
        if is_there(target):
            hand_over(self._ended, f"{target} is there already. Give another name.")
            return
        try:
            with written_beside(target) as (_, file):
                done = self._library.sessions.export(
                    self._info.session,
                    file,
                    images=self._marked if what == 2 else None,
                    favourites=what == 1,
                    strip_metadata=strip,
                    table=table,
                    progress=self._progress,
                )
        except _CancelledError:
            hand_over(self._ended, "Cancelled; nothing was left behind.")
        except (OSError, PromptsheetError) as error:
            hand_over(self._ended, fault_of(error))
        else:
            hand_over(self._exported, _words(done, target))

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


def _words(done: Exported, target: Path) -> str:
    failed = f", {len(done.failed)} failed or damaged are listed in it" if done.failed else ""
    return f"{count_text(done.images, 'image')}, {size_text(done.bytes)}, in {target}{failed}"


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
            note="→ completes · it is made if need be · nothing there is replaced",
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
            hand_over(self._stopped, "Left off; what was copied is there.")
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
