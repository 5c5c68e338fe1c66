"""What is done to a session as a whole: named, tagged, trashed, taken up again; and undone."""

import asyncio
from collections.abc import Callable
from functools import partial

from textual.screen import Screen

from engine.api import (
    LibraryError,
    SessionInfo,
)
from tui.app_state import AppState
from tui.rerender import AS_BEFORE, duplicate, started_words
from tui.screens.ask import Ask
from tui.screens.ask_count import AskCount
from tui.screens.changed_models import resume_asking
from tui.screens.export import ExportScreen
from tui.text import clean, count_text, size_text
from tui.undo.actions import renaming, restoring, tagging, trashing
from tui.undo.undoing import ActionDone, Undoing
from tui.workers import work

_NO, _YES = "no, keep it", "yes"
_NO_TAGS = "-"


class SessionActions:
    """What can be done to a session, which is given, for the screen that lists them."""

    def __init__(
        self, node: Screen[None], app_state: AppState, changed: Callable[[], object]
    ) -> None:
        """`changed` is told when the sessions are to be read again."""
        self.node = node
        self._app_state = app_state
        self._library = app_state.library
        self._changed = changed
        self._undoing = Undoing(node, app_state.undo_stack, self._done, self.complain)
        self.undo, self.redo = self._undoing.undo, self._undoing.redo

    def rename(self, info: SessionInfo) -> None:
        """Call it something else."""

        def named(name: str | None) -> None:
            if name is not None and name.strip() not in ("", info.name):
                self._undoing.do(renaming(self._library, info.session, info.name, name.strip()))

        self.node.app.push_screen(Ask(f"New name for {info.name}", info.name), named)

    def tag(self, info: SessionInfo) -> None:
        """Words to find it by."""

        def tagged(text: str | None) -> None:
            if text is not None:
                text = "" if text.strip() == _NO_TAGS else text
                tags = [tag for part in text.split(",") if (tag := part.strip())]
                self._undoing.do(tagging(self._library, info.session, info.tags, tags))

        note = f"separated by commas; {_NO_TAGS} alone removes all"
        ask = Ask(f"Tags of {info.name}", ", ".join(info.tags), note=note)
        self.node.app.push_screen(ask, tagged)

    def trash(self, info: SessionInfo) -> None:
        """To the trash as a whole."""
        undoable = trashing(self._library, info.session, info.name)
        if not info.favourites:
            self._undoing.do(undoable)
            return
        count = count_text(info.favourites, "favourite")
        question = f"{info.name} has {count}. Move all of it to trash?"
        self._if_sure(question, lambda: self._undoing.do(undoable))

    def restore(self, info: SessionInfo) -> None:
        """From the trash, back."""
        self._undoing.do(restoring(self._library, info.session, info.name))

    @work(exclusive=True, group="trash")
    async def empty(self) -> None:
        """Delete for good what is in the trash."""
        try:
            size = await asyncio.to_thread(self._library.trash.size)
        except LibraryError as error:
            self.complain(str(error))
            return

        def emptied() -> str:
            gone = self._library.trash.empty()
            left = f", but not {count_text(len(gone.left), 'file')}" if gone.left else ""
            return f"{size_text(gone.bytes)} deleted{left}"

        what = f"{count_text(size.images, 'image')}, {count_text(size.sessions, 'session')}"
        question = f"Delete everything in the trash for good ({what}, {size_text(size.bytes)})?"
        self._if_sure(question, lambda: self._undoing.carry_out(emptied))

    def _if_sure(self, question: str, act: Callable[[], object]) -> None:
        def sure(answer: str | None) -> None:
            if answer == _YES:
                act()

        self.node.app.push_screen(Ask(question, choices=(_NO, _YES)), sure)

    def again(self, info: SessionInfo) -> None:
        """Ask how many, and render the sheet once more, with new seeds where it names none."""

        def answered(text: str | None) -> None:
            if text is not None:
                self._undoing.carry_out(partial(started, int(text) if text else None))

        def started(count: int | None) -> str:
            begun = duplicate(info, self._library, count)
            self._app_state.started = begun.session
            return started_words(begun)

        question = f"Render {info.name} again with how many images per row?"
        self.node.app.push_screen(AskCount(question, unsaid=AS_BEFORE), answered)

    def stop(self, info: SessionInfo) -> None:
        """Stop it."""
        self._change(self._library.sessions.stop, info)

    def retry(self, info: SessionInfo) -> None:
        """Try failed images again."""
        self._change(self._library.sessions.retry, info)

    def resume(self, info: SessionInfo) -> None:
        """Let it go on."""

        def resume(new_files: bool) -> None:
            self._change(partial(self._library.sessions.resume, new_files=new_files), info)

        resume_asking(self.node.app, info, resume)

    def _change(self, command: Callable[[str], None], info: SessionInfo) -> None:
        def done() -> str:
            command(info.session)
            return ""

        self._undoing.carry_out(done)

    def export(self, info: SessionInfo) -> None:
        """A ZIP of its images, or of its favourites."""
        self.node.app.push_screen(ExportScreen(info, self._library))

    async def _done(self, done: ActionDone) -> None:
        if done.words:
            self.node.notify(clean(done.words), markup=False)
        self._changed()

    def complain(self, words: str) -> None:
        """Say what went wrong."""
        self.node.notify(clean(words), severity="error", markup=False)
