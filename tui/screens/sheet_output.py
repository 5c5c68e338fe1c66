"""Where the Sheet screen's rows go: into a session that is started, or into a file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from textual.screen import Screen

from engine.api import (
    Checked,
    Draft,
    Library,
    PromptsheetError,
    SheetError,
    gist,
)
from tui.app_state import AppState, TakeInHand
from tui.report import copy_line
from tui.screens.ask import Ask, AskWhere
from tui.sheet_document import Opened, Revision, stamp_of
from tui.text import clean, count_text
from tui.workers import hand_over, hand_to, work


@dataclass(frozen=True, slots=True)
class SheetStarted:
    """A session was started."""

    session: str
    warning: str | None
    saved: Revision | None
    """What the session has whole, and nobody need save."""


@dataclass(frozen=True, slots=True)
class PicturesCopied:
    """How many pictures that are drawn on the library has by now."""

    done: int
    of: int


class _NotWantedError(Exception):
    """Raised out of a start that was given up while pictures were copied."""


class Starter(Protocol):
    """Who starts sessions, and says what became of it."""

    def started(self, accepted: SheetStarted) -> None:
        """It was started."""

    def not_started(self, reason: str) -> None:
        """It was not."""

    def is_copying(self, copied: PicturesCopied) -> None:
        """Before it can be started, pictures are copied."""


class SheetStarting:
    """Starts the sheet as a session, or resumes the one that it is of."""

    def __init__(self, node: Screen[None], starter: Starter, library: Library) -> None:
        self.node = node
        self.is_waiting = False
        """Whether a start has not been answered yet: another one would make a second session."""
        self._draws_on_pictures = False
        self._is_given_up = False
        self._starter = starter
        self._library = library

    def start(self, sheet: Opened, since: str | None) -> None:
        """Start the ready rows; with `since`, those of them that differ from that session."""
        self.is_waiting, self._draws_on_pictures, self._is_given_up = True, False, False
        self._start(sheet, since)

    @property
    def may_be_given_up(self) -> bool:
        """Whether pictures are copied for it, or are about to be."""
        return self.is_waiting and self._draws_on_pictures

    def give_up(self) -> None:
        """Start nothing, if pictures are still being copied; else it is too late."""
        self._is_given_up = True

    @work(thread=True, group="start")
    def _start(self, sheet: Opened, since: str | None) -> None:
        draft, name = sheet.draft, sheet.restored.name if sheet.restored else None
        revision = Revision.of(draft)
        checked = Checked.of_draft(draft, sheet.path)
        if sheet.path is None and sheet.origin is None:
            name = gist(checked.sheet.ready[0].cells.get("prompt", ""))[:40]
        rows = checked.sheet.ready
        self._draws_on_pictures = any(row.values and row.values.image for row in rows)
        try:
            if since is not None:
                checked = checked.only_changed(self._library.sheets.changes_since(since, checked))
            if not checked.sheet.ready:  # it was changed back meanwhile
                hand_over(self._refused, "Nothing has changed, so there is nothing to render.")
                return
            started = self._library.sessions.start(
                checked,
                name=name or None,
                parent=since or sheet.origin,
                progress=self._progress,
            )
        except _NotWantedError:
            hand_over(self._refused, "Start cancelled; no pictures were copied.")
        except PromptsheetError as error:
            hand_over(self._refused, str(error))
        else:
            whole = len(checked.sheet.rows) == len(checked.sheet.ready) + draft.left_out
            saved = revision if whole else None
            hand_over(self._accepted, SheetStarted(started.session, started.warning, saved))

    def _progress(self, done: int, total: int) -> None:
        """In the thread of the start."""
        told = not total or hand_over(self._starter.is_copying, PicturesCopied(done, total))
        if done < total and (self._is_given_up or not told):
            raise _NotWantedError

    def _refused(self, reason: str) -> None:
        self.is_waiting = False
        self._starter.not_started(reason)

    def _accepted(self, accepted: SheetStarted) -> None:
        self.is_waiting = False
        self._starter.started(accepted)

    @work(thread=True, exclusive=True, group="resume")
    def resume(self, session: str) -> None:
        """Let a session go on, as it was started."""
        try:
            self._library.sessions.resume(session)
        except PromptsheetError as error:
            hand_over(self._starter.not_started, str(error))
        else:
            hand_over(self.node.post_message, TakeInHand(session, "jobs"))


@dataclass(frozen=True, slots=True)
class Saved:
    """A draft is in a file."""

    revision: Revision
    over: Path | None
    """The sheet's own file, if it was replaced."""


class SheetSaving:
    """Asks for a file's name, and writes the sheet there, or a template."""

    def __init__(
        self, node: Screen[None], app_state: AppState, saved: Callable[[Saved], object]
    ) -> None:
        self.node = node
        self._library = app_state.library
        self._folder = app_state.folder
        self._saved = saved

    def save(self, sheet: Opened) -> None:
        """Ask where the corrected copy goes; or what has no file yet."""
        out = sheet.draft.left_out
        if not out:
            self._save(sheet, without_left_out=False)
            return
        rows = count_text(out, "row")
        keeping, leaving = f"including the {rows} left out", f"without the {rows}"

        def chosen(answer: str | None) -> None:
            if answer is not None:
                self._save(sheet, without_left_out=answer == leaving)

        self.node.app.push_screen(Ask("Save", choices=[keeping, leaving]), chosen)

    def _save(self, sheet: Opened, *, without_left_out: bool) -> None:
        draft, path, revision = sheet.draft, sheet.path, Revision.of(sheet.draft)

        def write(target: Path, overwrite: bool) -> str:
            pictures = draft.vocabulary.picture_folder
            if path is None:
                rows, notes = self._library.sheets.save_new(
                    draft,
                    target,
                    overwrite=overwrite,
                    pictures=pictures,
                    without_left_out=without_left_out,
                )
                words = f"{target.name}: {count_text(rows, 'row')} written."
            elif stamp_of(path) != sheet.stamp:
                raise SheetError(f"{path.name} changed on disk; try again once it has reloaded.")
            else:
                copy = self._library.sheets.save_copy(
                    draft,
                    path,
                    target,
                    overwrite=overwrite,
                    pictures=pictures,
                    without_left_out=without_left_out,
                )
                words, notes = copy_line(copy), copy.notes
            words = " ".join([words, *notes])
            over = path if path is not None and target.samefile(path) else None
            hand_to(self.node, self._saved, Saved(revision, over))
            return words

        if path is None:
            question, note = "Save as", "Saves a .csv file."
        else:
            question = "Save a corrected copy as"
            note = "Your file is not changed unless you enter its own name."
            if draft.table.uncopied:
                note = " ".join(
                    [note, *draft.table.uncopied, "A name ending in .csv saves only the rows."]
                )

        def ask(name: Path) -> None:
            self.node.app.push_screen(AskWhere(question, name, write, note=note), self._written)

        self._find_name(draft, path, ask)

    @work(thread=True, exclusive=True, group="name")
    def _find_name(self, draft: Draft, path: Path | None, ask: Callable[[Path], None]) -> None:
        """Which names are taken, the disk knows."""
        sheets = self._library.sheets
        hand_over(
            ask, sheets.new_name(draft, self._folder) if path is None else sheets.free_name(path)
        )

    def write_template(self) -> None:
        """Ask where a sheet to fill in goes."""

        def write(target: Path, overwrite: bool) -> str:  # noqa: ARG001
            self._library.sheets.write_template(target, full=True)
            return f"Template saved: {target}"

        name = self._folder / "prompts.xlsx"
        note = "An empty sheet with choices and notes: .xlsx, .ods or .csv."
        ask = AskWhere("Save template as", name, write, note=note)
        self.node.app.push_screen(ask, self._written)

    def _written(self, words: str | None) -> None:
        if words:
            self.node.notify(clean(words), markup=False)
