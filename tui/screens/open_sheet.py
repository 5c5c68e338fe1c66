"""Choosing a sheet: a path with completion, the recent ones, the folder's files."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PosixPath
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import DirectoryTree, Input, OptionList, Static
from textual.widgets.option_list import Option

from engine.api import PICTURE_SUFFIXES
from tui.keys import bind
from tui.screens.dialog import Dialog
from tui.text import clean, shorten
from tui.typed_path import is_file, is_folder, typed_path
from tui.widgets.dialog_box import DialogBox
from tui.workers import work

ENDINGS = (".csv", ".tsv", ".txt", ".xls", ".xlsx", ".xlsm", ".ods")
_WORDS = 200
_OFFERED = 500


class PathSuggester(Suggester):
    """Completes a path to the first folder, or file of a kind, that begins so."""

    def __init__(self, endings: tuple[str, ...] = ENDINGS, folder: Path | None = None) -> None:
        """What it completes.

        Args:
            endings: of files' names.
            folder: where paths begin that do not say; None: in the current one.
        """
        super().__init__(use_cache=False, case_sensitive=True)
        self._endings = endings
        self._folder = folder or Path()

    async def get_suggestion(self, value: str) -> str | None:
        """The whole path."""
        return await asyncio.to_thread(self._completed, value)

    def _completed(self, value: str) -> str | None:
        folder, _, start = value.rpartition("/")
        base = self._folder / os.path.expanduser(  # noqa: PTH111
            folder or ("/" if value.startswith("/") else ".")
        )
        try:
            with os.scandir(base) as entries:
                names = sorted(
                    entry.name + ("/" if entry.is_dir() else "")
                    for entry in entries
                    if entry.name.startswith(start)
                    and (entry.is_dir() or entry.name.lower().endswith(self._endings))
                    and entry.name.isprintable()
                )
        except OSError:
            return None
        return f"{value[: len(value) - len(start)]}{names[0]}" if start and names else None


def pictures_in(folder: Path) -> Sequence[str]:
    """The names of some pictures in a folder, to choose from. Asks the disk."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(e.name for e in entries if e.name.lower().endswith(PICTURE_SUFFIXES))
    except OSError:
        return ()
    return [name for name in names if clean(name) == name][:_OFFERED]


class _ListedPath(PosixPath):
    """A path that knows whether it is a folder: the tree asks that on the event loop."""

    is_known_folder = False

    def is_dir(self, **_: bool) -> bool:
        """As it was when the folder around it was listed."""
        return self.is_known_folder


def _listed(path: Path) -> _ListedPath:
    listed = _ListedPath(path)
    listed.is_known_folder = is_folder(path)
    return listed


class SheetTree(DirectoryTree):
    """Folders and sheets, nothing else."""

    # Textual's are pictures, which many a terminal has no font for.
    ICON_NODE_EXPANDED, ICON_NODE, ICON_FILE = "▾ ", "▸ ", ""

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Leave out hidden files and other kinds; and names a terminal would obey."""
        shown = (p for p in paths if not p.name.startswith(".") and clean(p.name) == p.name)
        return [p for p in map(_listed, shown) if p.is_dir() or p.suffix.lower() in ENDINGS]


class OpenSheet(Dialog[Path | None]):
    """Ends with the path, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("open.leave", "leave", "Back")]
    DEFAULT_CSS = """
    OpenSheet DialogBox { width: 90%; max-width: 100; height: 80%; }
    OpenSheet OptionList { max-height: 8; }
    OpenSheet .recent { display: none; }
    OpenSheet.-recent .recent { display: block; }
    OpenSheet SheetTree { height: 1fr; padding: 0; background: $surface; }
    OpenSheet .caption { color: $text-muted; height: 1; margin-top: 1; }
    """

    def __init__(self, folder: Path, recent: Sequence[str]) -> None:
        super().__init__()
        self._folder = folder
        self._remembered = recent
        self._recent: Sequence[str] = ()
        """Those that are still there."""

    def compose(self) -> ComposeResult:
        """Path, recent sheets, tree."""
        with DialogBox("Open a sheet", enter="Open"):
            yield Input(placeholder="path to a sheet; → completes", suggester=PathSuggester())
            yield Static("Recent", classes="caption recent", markup=False)
            yield OptionList(classes="recent")
            yield Static("Files here", classes="caption", markup=False)
            yield SheetTree(self._folder)

    def on_mount(self) -> None:
        """Which of the recent ones are still there, the disk knows."""
        self._find_recent()

    @work(exclusive=True, group="recent")
    async def _find_recent(self) -> None:
        def there() -> list[str]:
            return [path for path in self._remembered if is_file(Path(path))]

        self._recent = await asyncio.to_thread(there)
        options = [Option(Content(clean(path))) for path in self._recent]
        self.query_one(OptionList).add_options(options)
        self.set_class(bool(options), "-recent")

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self._look_at(self._folder / typed_path(event.value))
        else:
            self.query_one(SheetTree).path = self._folder

    @work(exclusive=True, group="typed")
    async def _look_at(self, path: Path) -> None:
        if await asyncio.to_thread(is_folder, path):
            self.query_one(SheetTree).path = path
        elif await asyncio.to_thread(is_file, path):
            self.dismiss(path)
        else:
            words = shorten(f"Cannot open this file: {path}", _WORDS)
            self.notify(words, severity="error", markup=False)

    @on(OptionList.OptionSelected)
    def _recent_chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Path(self._recent[event.option_index]))

    @on(DirectoryTree.FileSelected)
    def _file_chosen(self, event: DirectoryTree.FileSelected) -> None:
        self.dismiss(Path(event.path))

    def action_leave(self) -> None:
        """Nothing is opened."""
        self.dismiss(None)
