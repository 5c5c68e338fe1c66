"""What was done and can be undone, for as long as the app is open."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from engine.api import PromptsheetError

T = TypeVar("T")

_MOST = 5000


class Undoable(Protocol):
    """Something that can be done, undone and done again. Blocks; call it in a thread."""

    images: list[str]
    """Ids of the images it concerns."""
    words: str
    """What it does, for a person: `3 images to the trash`."""

    def do(self) -> None:
        """Do it.

        Raises:
            EngineError: it cannot be done.
        """

    def undo(self) -> None:
        """Undo it.

        Raises:
            EngineError: it cannot be undone.
        """


class UndoStack:
    """One action at a time, in the order they were asked for. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "undo_stack")
        self._done: list[Undoable] = []
        self._undone: list[Undoable] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to be undone."""
        return bool(self._done)

    async def in_turn(self, act: Callable[[], T]) -> T:
        """Run `act` in a thread after everything asked for before: undo comes after its action."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    def do(self, undoable: Undoable) -> None:
        """Do something; what was undone before cannot be done again then.

        Raises:
            EngineError: it cannot be done.
        """
        with self._lock:
            undoable.do()
            self._done = [*self._done, undoable][-_MOST:]
            self._undone.clear()

    def undo(self) -> Undoable | None:
        """Undo what was done last; None if there is none.

        Raises:
            EngineError: it cannot be undone; the one before it can be tried next. Where the machine
                is to blame, a full disk say, it can be tried again instead.
        """
        with self._lock:
            if not self._done:
                return None
            undoable = self._done.pop()
            try:
                undoable.undo()
            except PromptsheetError as error:
                if _may_pass(error):
                    self._done.append(undoable)
                raise
            self._undone.append(undoable)
            return undoable

    def redo(self) -> Undoable | None:
        """Do again what was undone last; None if there is nothing.

        Raises:
            EngineError: it cannot be done any more, or, where the machine is to blame, not now.
        """
        with self._lock:
            if not self._undone:
                return None
            undoable = self._undone.pop()
            try:
                undoable.do()
            except PromptsheetError as error:
                if _may_pass(error):
                    self._undone.append(undoable)
                raise
            self._done.append(undoable)
            return undoable


def _may_pass(error: PromptsheetError) -> bool:
    """Whether the same may be done later, since nothing but the machine stood against it."""
    from engine.api import Blame, EngineError  # when the app starts, neither is needed

    return isinstance(error, EngineError) and error.blame is Blame.MACHINE
