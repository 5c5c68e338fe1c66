"""How the tiles of a large picture are joined, and how one fades into the next."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from engine.picture.tiles import Corner

Pixels = npt.NDArray[np.uint8]


def made_of_tiles(
    size: tuple[int, int], tiles: Iterator[tuple[Corner, Pixels]], overlap: int
) -> Pixels:
    """A picture, height × width × 3, of its tiles as they come in the order of `corners_of`.

    What is computed close to a tile's edge knows nothing of what lies beyond it: there the other
    one's holds, and between they fade.

    Args:
        size: width and height of the picture.
        tiles: the corner of each, and its pixels.
        overlap: what each shares with the next, at least.
    """
    wide, high = size
    made = np.zeros((high, wide, 3), np.uint8)
    # Each column of tiles becomes a strip first: where four meet, no edge shows through.
    strip, at = made[:, :0], 0

    def put_strip() -> None:
        if strip.size:
            _put(made.swapaxes(0, 1), strip.swapaxes(0, 1), at, overlap)

    for (left, top), tile in tiles:
        if not top:
            put_strip()
            strip, at = np.zeros((high, tile.shape[1], 3), np.uint8), left
        _put(strip, tile, top, overlap)
    put_strip()
    return made


def _put(made: Pixels, tile: Pixels, top: int, overlap: int) -> None:
    """Put a tile in its place; it fades in where the one above it is already."""
    place = made[top : top + len(tile)]
    if top:
        share = np.clip((np.arange(overlap) + 0.5 - overlap / 4) / (overlap / 2), 0, 1)
        share = share.astype(np.float32)[:, None, None]
        place[:overlap] = np.round(tile[:overlap] * share + place[:overlap] * (1 - share))
        place[overlap:] = tile[overlap:]
    else:
        place[:] = tile
