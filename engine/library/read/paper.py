"""How a contact sheet can look."""

from dataclasses import dataclass
from typing import Literal

Under = Literal["row", "variation", "seed", "prompt"]
UNDER: tuple[Under, ...] = ("row", "variation", "seed", "prompt")
"""What can stand under a thumbnail."""
MOST_COLUMNS = 20
_MILLIMETRES = {
    "a4": (210.0, 297.0),
    "a3": (297.0, 420.0),
    "a5": (148.0, 210.0),
    "letter": (215.9, 279.4),
    "legal": (215.9, 355.6),
}
_ON_ITS_SIDE = "-landscape"
PAPERS = tuple(f"{name}{way}" for name in _MILLIMETRES for way in ("", _ON_ITS_SIDE))


@dataclass(frozen=True, slots=True)
class PageLook:
    """How a contact sheet is to look."""

    columns: int = 4
    """1 to `MOST_COLUMNS`."""
    paper: str = PAPERS[0]
    """One of `PAPERS`."""
    under: tuple[Under, ...] = UNDER
    """What stands under the thumbnails."""

    @property
    def millimetres(self) -> tuple[float, float]:
        """Width and height of the paper."""
        width, height = _MILLIMETRES[self.paper.removesuffix(_ON_ITS_SIDE)]
        return (height, width) if self.paper.endswith(_ON_ITS_SIDE) else (width, height)
