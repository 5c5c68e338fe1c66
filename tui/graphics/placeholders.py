"""The marks by which kitty's placeholder cells say which row and column of a picture they show.

They are textual-image's; its encoders and widgets work on the event loop and are not used.
https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

from functools import cache

from textual_image import _terminal

from tui.graphics.protocol import cell_size


@cache
def diacritics() -> str:
    """The mark of row or column 0, of 1, and so on: 297."""
    # It would question the terminal while it is imported, with a patience of 0.1 s, and leave later
    # answers to be taken for key presses.
    _terminal.capture_terminal_response = _refuse  # type: ignore[assignment]
    _terminal.get_cell_size._result = _terminal.CellSize(*cell_size())  # type: ignore[attr-defined]
    from textual_image.renderable.tgp import _NUMBER_TO_DIACRITIC

    return "".join(map(chr, _NUMBER_TO_DIACRITIC))


def _refuse(*_: object, **__: object) -> None:
    raise _terminal.TerminalError("the terminal has been asked already")
