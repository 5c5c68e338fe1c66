"""A sheet held against the session that was made from it: what a start would render anew."""

from dataclasses import dataclass
from pathlib import Path

from engine.api import (
    Changes,
    Checked,
    Draft,
    Library,
    LibraryError,
    SessionInfo,
)
from tui.text import shorten

_NAME = 24


@dataclass(frozen=True, slots=True)
class SessionDiff:
    """The session, and what differs from it."""

    session: SessionInfo
    changes: Changes


def find_diff(
    draft: Draft, path: Path | None, session: str | None, library: Library
) -> SessionDiff | None:
    """What differs from the session the sheet was rendered as; None if there is none.

    Reads the database: not for the event loop.

    Args:
        draft: the sheet.
        path: its file.
        session: the session it was restored from; None: whichever was made from the file.
        library: the one that is looked through.
    """
    try:
        if session is None and path is not None:
            session = library.sessions.of_sheet(path, draft.worksheet)
        if session is None:
            return None
        info = library.sessions.find(session)
        return SessionDiff(info, library.sheets.changes_since(session, Checked.of_draft(draft)))
    except LibraryError:
        return None


def diff_lines(diff: SessionDiff | None) -> list[str]:
    """For the totals: how many rows are as they were, and what starts the others."""
    if diff is None:
        return []
    changes = diff.changes
    lines = [
        f"Δ {len(changes.same):,} kept, {len(changes.changed):,} changed,"
        f" {len(changes.added):,} new, {len(changes.removed):,} gone"
        + (f", {len(changes.failed):,} failed" if changes.failed else "")
        + f" since {shorten(diff.session.name, _NAME)}"
    ]
    if count := len(changes.to_render):
        return [*lines, f"S starts {'this one' if count == 1 else f'these {count:,}'} alone"]
    return [*lines, "Nothing to render anew."]


def row_text(diff: SessionDiff | None, number: int) -> str:
    """What became of one row since then; empty while it is as it was."""
    if diff is None:
        return ""
    if number in diff.changes.added:
        return "Δ new"
    if number in diff.changes.failed:
        return "Δ failed then"
    if columns := diff.changes.columns.get(number):
        kept = "; the seed stays" if number in diff.changes.seeds else ""
        return f"Δ changed: {', '.join(columns)}{kept}"
    return ""
