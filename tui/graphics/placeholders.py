"""The marks by which kitty's placeholder cells say which row and column of a picture they show.

They are read off a picture that textual-image has drawn; its own encoders and widgets work on the
event loop and are not used beyond that.
https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

import contextlib
import io
import sys
from collections.abc import Iterator
from functools import cache

from PIL import Image
from rich.console import Console

_MARKS = 297
"""As many as kitty knows, and so the most rows or columns of a picture."""


@cache
def diacritics() -> str:
    """The mark of row or column 0, of 1, and so on: 297."""
    with _no_terminal():
        from textual_image.renderable import TGPImage

        console = Console(file=io.StringIO(), width=_MARKS)
        row = TGPImage(Image.new("L", (_MARKS, 1)), width=_MARKS, height=1)
        cells = "".join(segment.text for segment in console.render(row))
    # Each cell is a placeholder and the marks of its row, of its column and of the picture.
    return cells[2 : 4 * _MARKS : 4]


@contextlib.contextmanager
def _no_terminal() -> Iterator[None]:
    """Keep textual-image from the terminal.

    While it is imported it would ask whether pictures are shown, with a patience of 0.1 s, and
    leave later answers to be taken for key presses; a picture that it draws it sends at once.
    """
    terminal = sys.__stdout__
    sys.__stdout__ = io.TextIOWrapper(io.BytesIO())  # type: ignore[misc]
    try:
        yield
    finally:
        sys.__stdout__ = terminal  # type: ignore[misc]
