"""What undo takes back, and redo makes again. Pure."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from engine.sheet.checked_rows import RowState

_MOST = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """One step of undo."""

    words: str
    header: tuple[tuple[str, ...], tuple[str, ...]]
    """Before and after."""
    rows: Mapping[int, tuple[RowState | None, RowState | None]]
    """Before and after; None where there is no such row."""


class History:
    """The changes of a sheet, of which the oldest are forgotten."""

    def __init__(self) -> None:
        self._done: deque[Change] = deque(maxlen=_MOST)
        self._undone: list[Change] = []

    def copy(self) -> "History":
        """The same changes."""
        copied = History()
        copied._done, copied._undone = self._done.copy(), list(self._undone)
        return copied

    def add(self, change: Change) -> None:
        """Something was changed: what was undone cannot be done again."""
        self._done.append(change)
        self._undone.clear()

    def back(self) -> Change | None:
        """The last change, which is taken back; None: there is none."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def forth(self) -> Change | None:
        """The change that was taken back last, which is made again; None: there is none."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]

    @property
    def rows_to_undo(self) -> int:
        """How many rows the last change changed."""
        return len(self._done[-1].rows) if self._done else 0

    @property
    def rows_to_redo(self) -> int:
        """How many rows the change that was taken back last changed."""
        return len(self._undone[-1].rows) if self._undone else 0

    @property
    def header_to_redo(self) -> tuple[str, ...]:
        """The columns that making it again would give the sheet."""
        return self._undone[-1].header[1] if self._undone else ()
