"""What is done to a session as a whole: named, tagged, trashed, taken up again; and undone."""

import asyncio
from collections.abc import Callable
from functools import partial

from engine.api import (
    LibraryError,
    PromptsheetError,
    SessionInfo,
)
from tui.changed_models import resume_asking
from tui.rerender import duplicate, started_words
from tui.screens.area import AreaScreen
from tui.screens.ask import Ask
from tui.screens.export import ExportScreen
from tui.text import clean, count_text, size_text
from tui.undo.actions import renaming, restoring, tagging, trashing
from tui.undo.stack import Undoable
from tui.workers import work

_NO, _YES = "no, leave it", "yes"
_NO_TAGS = "-"


class SessionDeeds(AreaScreen):
    """An area with a session under the cursor, which is meant."""

    _trashed = False
    """Whether the sessions in the trash are looked at."""

    @property
    def session(self) -> SessionInfo | None:
        """The one meant."""
        raise NotImplementedError

    def reload(self) -> None:
        """Something was done: read the sessions again."""
        raise NotImplementedError

    def action_rename(self) -> None:
        """Call it something else."""
        if (info := self.session) is None:
            return

        def named(name: str | None) -> None:
            if name is not None and name.strip() not in ("", info.name):
                self._do(renaming(self.app_state.library, info.session, info.name, name.strip()))

        self.app.push_screen(Ask(f"What to call {info.name}?", info.name), named)

    def action_tag(self) -> None:
        """Words to find it by."""
        if (info := self.session) is None:
            return

        def tagged(text: str | None) -> None:
            if text is not None:
                text = "" if text.strip() == _NO_TAGS else text
                tags = [tag for part in text.split(",") if (tag := part.strip())]
                self._do(tagging(self.app_state.library, info.session, info.tags, tags))

        note = f"commas between them; {_NO_TAGS} alone for none"
        self.app.push_screen(Ask(f"Tags of {info.name}", ", ".join(info.tags), note=note), tagged)

    def action_trash(self) -> None:
        """To the trash as a whole; from the trash, back."""
        if (info := self.session) is None:
            return
        if self._trashed:
            self._do(restoring(self.app_state.library, info.session, info.name))
            return
        undoable = trashing(self.app_state.library, info.session, info.name)
        if not info.favourites:
            self._do(undoable)
            return

        def sure(answer: str | None) -> None:
            if answer == _YES:
                self._do(undoable)

        count = count_text(info.favourites, "favourite")
        question = f"{info.name} has {count}. To the trash with all of it?"
        self.app.push_screen(Ask(question, choices=(_NO, _YES)), sure)

    @work(exclusive=True, group="trash")
    async def action_empty(self) -> None:
        """Delete for good what is in the trash."""
        try:
            size = await asyncio.to_thread(self.app_state.library.trash.size)
        except LibraryError as error:
            self._complain(str(error))
            return

        def sure(answer: str | None) -> None:
            if answer == _YES:
                self._empty()

        what = f"{count_text(size.images, 'image')}, {count_text(size.sessions, 'session')}"
        question = f"Delete what is in the trash for good ({what}, {size_text(size.bytes)})?"
        self.app.push_screen(Ask(question, choices=(_NO, _YES)), sure)

    @work(group="undo_stack")
    async def _empty(self) -> None:
        def emptied() -> str:
            gone = self.app_state.library.trash.empty()
            left = f", but not {count_text(len(gone.left), 'file')}" if gone.left else ""
            return f"{size_text(gone.bytes)} deleted{left}"

        await self._carry_out(emptied)

    def action_duplicate(self) -> None:
        """Render the same sheet once more, with new seeds where the sheet names none."""
        if (info := self.session) is not None:
            self._duplicate(info)

    @work(group="undo_stack")
    async def _duplicate(self, info: SessionInfo) -> None:
        def done() -> str:
            started = duplicate(info, self.app_state.library)
            self.app_state.started = started.session
            return started_words(started)

        await self._carry_out(done)

    def action_change(self, what: str) -> None:
        """Stop, resume, or try failed images again."""
        sessions = self.app_state.library.sessions
        if (info := self.session) is None:
            return

        def resume(new_files: bool) -> None:
            self._change(partial(sessions.resume, new_files=new_files), info)

        if what == "resume":
            resume_asking(self.app, info, resume)
        else:
            self._change(sessions.stop if what == "stop" else sessions.retry, info)

    @work(group="undo_stack")
    async def _change(self, command: Callable[[str], None], info: SessionInfo) -> None:
        def done() -> str:
            command(info.session)
            return ""

        await self._carry_out(done)

    def action_export(self) -> None:
        """A ZIP of its images, or of its favourites."""
        if (info := self.session) is not None:
            self.app.push_screen(ExportScreen(info, self.app_state.library))

    # ---------------------------------------------------------------- done and undone

    def action_undo(self) -> None:
        """Undo what was done last."""
        self._step(self.app_state.undo_stack.undo, "undone")

    def action_redo(self) -> None:
        """Do again what was undone last."""
        self._step(self.app_state.undo_stack.redo, "done again")

    def _do(self, undoable: Undoable) -> None:
        def done() -> Undoable:
            self.app_state.undo_stack.do(undoable)
            return undoable

        self._step(done, "")

    @work(group="undo_stack")
    async def _step(self, act: Callable[[], Undoable | None], what: str) -> None:
        def words() -> str:
            undoable = act()
            if undoable is None:
                return f"Nothing to be {what}."
            return f"{undoable.words}{f', {what}' if what else ''}"

        await self._carry_out(words)

    async def _carry_out(self, act: Callable[[], str]) -> None:
        """Do something in a thread; say what it was, or why it was not."""
        try:
            words = await self.app_state.undo_stack.in_turn(act)
        except PromptsheetError as error:
            self._complain(str(error))
            return
        self._carried_out(words)

    def _carried_out(self, words: str) -> None:
        if words:
            self.notify(clean(words), markup=False)
        self.reload()

    def _complain(self, words: str) -> None:
        self.notify(clean(words), severity="error", markup=False)
