"""Choosing a sheet: a path with completion, the recent ones, the folder's files."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.suggester import Suggester
from textual.widgets import DirectoryTree, Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.keys import bind
from tui.screens.dialog import Dialog
from tui.text import clean, shorten
from tui.typed_path import is_file, is_folder, typed_path

ENDINGS = (".csv", ".tsv", ".txt", ".xls", ".xlsx", ".xlsm", ".ods")
_WORDS = 200


class PathSuggester(Suggester):
    """Completes a path to the first folder, or file of a kind, that begins so."""

    def __init__(self, endings: tuple[str, ...] = ENDINGS) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._endings = endings

    async def get_suggestion(self, value: str) -> str | None:
        """The whole path."""
        folder, _, start = value.rpartition("/")
        base = Path(os.path.expanduser(folder or ("/" if value.startswith("/") else ".")))  # noqa: PTH111
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


class SheetTree(DirectoryTree):
    """Folders and sheets, nothing else."""

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        """Leave out hidden files and other kinds; and names a terminal would obey."""
        return [
            path
            for path in paths
            if not path.name.startswith(".")
            and clean(path.name) == path.name
            and (is_folder(path) or path.suffix.lower() in ENDINGS)
        ]


class OpenSheet(Dialog[Path | None]):
    """Ends with the path, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [bind("open.leave", "escape", "leave", "Back")]
    DEFAULT_CSS = """
    OpenSheet { align: center middle; }
    OpenSheet > Vertical { width: 90%; max-width: 100; height: 80%; background: $surface;
                           border: round $accent; padding: 0 1; }
    OpenSheet OptionList { height: auto; max-height: 8; border: none; }
    OpenSheet SheetTree { height: 1fr; }
    OpenSheet .caption { color: $text-muted; height: 1; margin-top: 1; }
    """

    def __init__(self, recent: Sequence[str]) -> None:
        super().__init__()
        self._recent = [path for path in recent if is_file(Path(path))]

    def compose(self) -> ComposeResult:
        """Path, recent sheets, tree."""
        with Vertical():
            yield Input(placeholder="path of a sheet; → completes", suggester=PathSuggester())
            if self._recent:
                yield Static("Recent", classes="caption", markup=False)
                yield OptionList(*(Option(Content(clean(path))) for path in self._recent))
            yield Static("Files here", classes="caption", markup=False)
            yield SheetTree(Path.cwd())

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        path = typed_path(event.value)
        if not event.value.strip():
            self.query_one(SheetTree).path = Path.cwd()
        elif is_folder(path):
            self.query_one(SheetTree).path = path
        elif is_file(path):
            self.dismiss(path)
        else:
            words = shorten(f"No file that can be read: {path}", _WORDS)
            self.notify(words, severity="error", markup=False)

    @on(OptionList.OptionSelected)
    def _recent_chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Path(self._recent[event.option_index]))

    @on(DirectoryTree.FileSelected)
    def _file_chosen(self, event: DirectoryTree.FileSelected) -> None:
        self.dismiss(event.path)

    def action_leave(self) -> None:
        """Nothing is opened."""
        self.dismiss(None)
