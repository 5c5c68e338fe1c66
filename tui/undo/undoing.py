"""Doing, undoing and doing again from a screen: in turn, in the stack's thread, said in words."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from textual.dom import DOMNode

from engine.api import PromptsheetError
from tui.undo.stack import Undoable, UndoStack
from tui.workers import work


@dataclass(frozen=True, slots=True)
class ActionDone:
    """What was done."""

    words: str
    images: Sequence[str] = ()
    """Ids of the images it concerns."""
    again: bool = False
    """Whether it was undone, or done again."""
    what: Undoable | None = None
    """Itself, where it can be undone."""


class Undoing:
    """One action at a time, in the order they were asked for on any screen."""

    def __init__(
        self,
        node: DOMNode,
        stack: UndoStack,
        done: Callable[[ActionDone], Coroutine[Any, Any, None]],
        refused: Callable[[str], object],
    ) -> None:
        """`done` is told of what was done, `refused` why something was not."""
        self.node = node
        self._stack = stack
        self._done = done
        self._refused = refused

    def do(self, undoable: Undoable) -> None:
        """Do something that can be undone."""

        def act() -> ActionDone:
            self._stack.do(undoable)
            return ActionDone(undoable.words, undoable.images, what=undoable)

        self._in_turn(act)

    def undo(self) -> None:
        """Undo what was done last."""
        self._in_turn(lambda: self._again(self._stack.undo(), "undone"))

    def redo(self) -> None:
        """Do again what was undone last."""
        self._in_turn(lambda: self._again(self._stack.redo(), "redone"))

    def carry_out(self, act: Callable[[], str]) -> None:
        """Do something for good; it says in words what it has done."""
        self._in_turn(lambda: ActionDone(act()))

    @staticmethod
    def _again(undoable: Undoable | None, what: str) -> ActionDone:
        if undoable is None:
            return ActionDone(f"Nothing to be {what}.", again=True)
        return ActionDone(f"{undoable.words}, {what}", undoable.images, again=True, what=undoable)

    @work(group="undo_stack")
    async def _in_turn(self, act: Callable[[], ActionDone]) -> None:
        try:
            await self._done(await self._stack.in_turn(act))
        except PromptsheetError as error:
            self._refused(str(error))
