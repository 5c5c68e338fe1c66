"""A caption as a person reads it: its outline, and beside that its boxes, drawn to scale."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from engine.api import ElementBox, OutlineLine, outline_of
from tui.text import clean

_COLUMNS, _ROWS = 20, 9
"""Cells of a sketch, at most."""
_PICTURE, _THING, _WORDS = "┏━┓┃┗┛", "┌─┐│└┘", "╔═╗║╚╝"
"""Corners and sides of a frame: top left, top, top right, side, bottom left, bottom right."""


@dataclass(frozen=True, slots=True)
class CaptionText:
    """A caption, ready to be shown."""

    outline: Content
    sketch: Content | None
    """None: it has no boxes."""


def caption_text(prompt: str, width: int, height: int) -> CaptionText | None:
    """What is shown of a final prompt; None: it is no caption.

    Args:
        prompt: the final one.
        width: pixels of the picture.
        height: likewise.
    """
    found = outline_of(prompt)
    if found is None:
        return None
    lines = [_line(each) for each in found.lines]
    drawn = sketch(found.boxes, width, height) if found.boxes else None
    joined = Content("\n").join(lines)
    return CaptionText(joined, Content("\n".join(drawn)) if drawn else None)


def _line(line: OutlineLine) -> Content:
    label = (f"{line.label} ", "$text-secondary") if line.label else ""
    blocks = [("██", colour) for colour in line.colours]
    parts = [label, clean(line.words), " " if blocks else "", *blocks]
    return Content.assemble(*(part for part in parts if part))


def prompt_lines(prompt: str) -> list[str]:
    """A final prompt in lines: one, or those of a caption's outline."""
    found = outline_of(prompt)
    if found is None:
        return [clean(prompt)]
    return [clean(f"{line.label} {line.words}".strip()) for line in found.lines]


def sketch(boxes: Sequence[ElementBox], width: int, height: int) -> list[str]:
    """Lines that show where elements are: each box with its number, words with double lines.

    Args:
        boxes: as parts of the picture.
        width: of the picture, in any unit.
        height: likewise. A cell is twice as high as it is wide.
    """
    columns = min(_COLUMNS, max(6, round(_ROWS * 2 * width / height)))
    rows = min(_ROWS, max(3, round(columns * height / width / 2)))
    grid = [[" "] * columns for _ in range(rows)]
    _frame(grid, 0, 0, rows - 1, columns - 1, _PICTURE)
    corners: list[tuple[int, int, str]] = []
    for box in boxes:
        top, bottom = (round(side * (rows - 1)) for side in (box.top, box.bottom))
        left, right = (round(side * (columns - 1)) for side in (box.left, box.right))
        _frame(grid, top, left, bottom, right, _WORDS if box.is_text else _THING)
        corners.append((top, left, str(box.number)))
    for top, left, number in corners:
        for at, figure in enumerate(number, start=min(left, columns - len(number))):
            grid[top][at] = figure
    return ["".join(row) for row in grid]


def _frame(grid: list[list[str]], top: int, left: int, bottom: int, right: int, signs: str) -> None:
    for at in range(left, right + 1):
        grid[top][at] = grid[bottom][at] = signs[1]
    for at in range(top, bottom + 1):
        grid[at][left] = grid[at][right] = signs[3]
    grid[top][left], grid[top][right] = signs[0], signs[2]
    grid[bottom][left], grid[bottom][right] = signs[4], signs[5]


class CaptionView(Horizontal):
    """Shows a caption; takes no room without one."""

    DEFAULT_CSS = """
    CaptionView { height: auto; display: none; }
    CaptionView.-there { display: block; }
    CaptionView .sketch { width: auto; margin-right: 1; display: none; text-wrap: nowrap; }
    CaptionView.-boxes .sketch { display: block; }
    CaptionView .outline { width: 1fr; height: auto; }
    """

    def compose(self) -> ComposeResult:
        """The sketch, and beside it the outline."""
        yield Static("", classes="sketch", markup=False)
        yield Static("", classes="outline", markup=False)

    def show(self, caption: CaptionText | None) -> None:
        """Show one, or none."""
        self.set_class(caption is not None, "-there")
        self.set_class(caption is not None and caption.sketch is not None, "-boxes")
        if caption is not None:
            self.query_one(".sketch", Static).update(caption.sketch or "")
            self.query_one(".outline", Static).update(caption.outline)
