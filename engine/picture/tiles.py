"""Where the tiles lie that a large picture is made in."""

Corner = tuple[int, int]
"""Left and top, in pixels."""


def corners_of(size: tuple[int, int], side: int, overlap: int) -> list[Corner]:
    """The corners of tiles that cover a picture, from the left, each column from the top.

    Args:
        size: width and height.
        side: of a tile; all are as large, or as the picture where that is smaller.
        overlap: what a tile shares with the next, at least; less than a side.
    """
    across, down = (_starts(length, side, overlap) for length in size)
    return [(left, top) for left in across for top in down]


def _starts(length: int, side: int, overlap: int) -> list[int]:
    last = max(0, length - side)
    return [*range(0, last, side - overlap), last]
