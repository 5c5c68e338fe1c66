"""What becomes of an action that cannot be undone, or not now."""

import pytest

from engine.api import Blame, EngineError
from tui.undo.stack import UndoStack


class Refusing:
    """An action whose undoing, and doing again, is refused as long as someone is to blame."""

    words = "an action"

    def __init__(self) -> None:
        self.images: list[str] = []
        self.blame: Blame | None = None

    def do(self) -> None:
        if self.blame is not None:
            raise EngineError("refused", self.blame)

    undo = do


def test_what_the_machine_alone_stands_against_can_be_undone_and_done_again_later() -> None:
    stack, action = UndoStack(), Refusing()
    stack.do(action)
    action.blame = Blame.MACHINE
    with pytest.raises(EngineError):
        stack.undo()
    action.blame = None
    assert stack.undo() is action
    action.blame = Blame.MACHINE
    with pytest.raises(EngineError):
        stack.redo()
    action.blame = None
    assert stack.redo() is action


@pytest.mark.parametrize("blame", [Blame.REQUEST, Blame.ENGINE])
def test_what_can_never_be_undone_does_not_stand_before_what_can(blame: Blame) -> None:
    stack, sound, refused = UndoStack(), Refusing(), Refusing()
    stack.do(sound)
    stack.do(refused)
    refused.blame = blame
    with pytest.raises(EngineError):
        stack.undo()
    assert stack.undo() is sound
