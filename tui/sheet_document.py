"""The sheet on the Sheet screen: where its rows come from, what would be missed, what undo brings.

Knows no screen. Its draft is changed by the table that shows it; from threads it is only read.
"""

import os
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from weakref import WeakKeyDictionary

from engine.api import STATES, Draft, SessionInfo, Tally

REST_A_ROW = 2e-5
"""Seconds without a change, for each row, before work begins that goes through all of them."""

Stamp = tuple[int, int]
"""A file's time of change and its size."""


def stamp_of(path: Path) -> Stamp | None:
    """What tells whether a file was saved again; None if it is not there. Asks the disk."""
    try:
        about = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size


def sheet_name(draft: Draft) -> str:
    """What a draft is called; not yet cleaned."""
    return draft.file or "typed prompts"


@dataclass(frozen=True, slots=True)
class Revision:
    """A draft as it stood."""

    draft: Draft
    number: int

    @classmethod
    def of(cls, draft: Draft) -> "Revision":
        """As it stands now."""
        return cls(draft, draft.revision)


@dataclass(frozen=True, slots=True)
class Opened:
    """A draft, and where its rows come from."""

    draft: Draft
    path: Path | None = None
    stamp: Stamp | None = None
    """Of the file, when it was last read."""
    origin: str | None = None
    """The session that the rows come from."""
    restored: SessionInfo | None = None
    """The session that this is the whole sheet of."""
    marks: Collection[Hashable] = ()
    """The marked rows."""
    behind: Path | None = None
    """Where another app left it behind, until it is shown."""


class SheetDocument:
    """What is shown, and what undo and redo exchange it with past its first and last change."""

    def __init__(self) -> None:
        self.draft: Draft | None = None
        self.path: Path | None = None
        self.stamp: Stamp | None = None
        self.origin: str | None = None
        self.restored: SessionInfo | None = None
        self.before: Opened | None = None
        """What another sheet took the place of, and would be missed: undo brings it back."""
        self.after: Opened | None = None
        """What undo put away for it."""
        self._saved: WeakKeyDictionary[Draft, int] = WeakKeyDictionary()
        """Draft → which revision of it was saved or started last."""

    def open(self, opened: Opened, marks: Collection[Hashable] = ()) -> str:
        """Have another sheet in the place of what is there, with the rows that are marked in it.

        Returns:
            The name of what undo brings back; empty if nothing would be missed.
        """
        now, missed = self.now(marks), ""
        if now is not None and self._is_missed(now):
            self.before, self.after, missed = now, None, sheet_name(now.draft)
        self._take_up(opened)
        return missed

    def exchange(self, direction: int, marks: Collection[Hashable] = ()) -> Opened | None:
        """Have the sheet before (-1) or after (1) in the place of what is there; None: no such."""
        now, other = self.now(marks), self.before if direction < 0 else self.after
        if now is None or other is None:
            return None
        self.before, self.after = (None, now) if direction < 0 else (now, None)
        self._take_up(other)
        return other

    def fall_back(self) -> Opened | None:
        """Where nothing is shown, have the sheet that undo would bring; None: there is none."""
        if self.draft is not None or (other := self.before) is None:
            return None
        self.before = None
        self._take_up(other)
        return other

    def renew(self, again: Draft, marks: Collection[Hashable] = ()) -> set[int]:
        """Have another draft of the same sheet; the marks on rows that read as before."""
        before, self.draft = self.draft, again
        if before is None:
            return set()
        both = set(before.numbers).intersection(again.numbers, marks)
        return {n for n in both if again.row(n).cells == before.row(n).cells}

    def is_saved(self, saved: Revision) -> None:
        """A draft as it stood is in a file or a session now."""
        self._saved[saved.draft] = saved.number

    @property
    def missed(self) -> Draft | None:
        """What is shown, or undo and redo can bring, if it is in no file and no session yet."""
        sheets = (self.now(), self.before, self.after)
        return next((s.draft for s in sheets if s is not None and self._is_missed(s)), None)

    def is_stopped(self, held: Collection[str]) -> bool:
        """Whether the session that this is the sheet of waits until it is resumed, as `held` do."""
        session = self.restored
        return session is not None and bool(
            session.stopped or (session.waiting and session.session in held)
        )

    def count(self, tallies: Mapping[str, Tally]) -> None:
        """The images of the session that this is the sheet of have other states now."""
        session = self.restored
        if session is not None and (tally := tallies.get(session.session)):
            self.restored = replace(session, **{name: getattr(tally, name) for name in STATES})

    def now(self, marks: Collection[Hashable] = ()) -> Opened | None:
        """What is shown, with the rows that are marked."""
        if self.draft is None:
            return None
        return Opened(self.draft, self.path, self.stamp, self.origin, self.restored, marks)

    def _take_up(self, opened: Opened) -> None:
        self.draft, self.path, self.stamp = opened.draft, opened.path, opened.stamp
        self.origin, self.restored = opened.origin, opened.restored

    def _is_missed(self, sheet: Opened) -> bool:
        draft = sheet.draft
        if self._saved.get(draft) == draft.revision or sheet.behind is not None:
            return False  # what was left behind lies there until it is shown
        return draft.changed or (sheet.path is None and sheet.origin is None)
