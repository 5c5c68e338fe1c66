"""What must be put right in textual-image before its encoders are used."""

from functools import cache
from importlib.metadata import version

from textual_image import _sixel, _terminal

from tui.graphics.protocol import cell_size

_MENDED = (0, 12)


@cache
def mend_textual_image() -> None:
    """Stop its questions to the terminal and correct its sixels; needed once.

    It would ask while it is imported, with a patience of 0.1 s, and leave later answers to be
    taken for key presses.
    """
    _terminal.capture_terminal_response = _refuse  # type: ignore[assignment]
    _terminal.get_cell_size._result = _terminal.CellSize(*cell_size())  # type: ignore[attr-defined]
    if tuple(map(int, version("textual-image").split(".")[:2])) == _MENDED:
        _sixel._ColorTracker.select = _select  # type: ignore[method-assign]


def _refuse(*_: object, **__: object) -> None:
    raise _terminal.TerminalError("the terminal has been asked already")


def _select(self: _sixel._ColorTracker, color: int) -> _sixel.AnyBytes:
    """Define a colour and select it.

    The original only defines it at first and paints at once, but defining does not select in
    xterm and foot: the first run of every colour appears in the one before.
    """
    if color == self._active:
        return b""
    self._active = color
    if color in self._defined:
        return _sixel._COLOR_SELECT[color]
    self._defined.add(color)
    return self._registers[color] + _sixel._COLOR_SELECT[color]
