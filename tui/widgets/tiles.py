"""What a contact sheet shows: one picture with its caption, and where pictures come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tile:
    """What stands at one place."""

    key: str
    path: Path | None
    """The picture; None while there is none."""
    label: str
    favourite: bool = False
    words: str = ""
    """In place of a picture: why there is none."""
    failed: bool = False


class Tiles(Protocol):
    """What a contact sheet shows. May be slow: it is asked in a thread."""

    def __len__(self) -> int:
        """How many there are."""

    def tiles(self, start: int, stop: int) -> Sequence[Tile]:
        """Those from position `start` up to, not with, `stop`."""

    def keys(self, start: int, stop: int) -> Sequence[str]:
        """Their keys."""
