"""What was done and can be undone, for as long as the app is open."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

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
            EngineError: it cannot be undone; the one before it can be tried next.
        """
        with self._lock:
            if not self._done:
                return None
            undoable = self._done.pop()
            undoable.undo()
            self._undone.append(undoable)
            return undoable

    def redo(self) -> Undoable | None:
        """Do again what was undone last; None if there is nothing.

        Raises:
            EngineError: it cannot be done any more.
        """
        with self._lock:
            if not self._undone:
                return None
            undoable = self._undone.pop()
            undoable.do()
            self._done.append(undoable)
            return undoable
