"""What the screens share: the library, the session in hand, what is kept between starts."""

import contextlib
import json
import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from textual.message import Message

from engine.api import Library, Settings, current_folder, written_beside
from tui.engine_status import EngineStatus
from tui.pulling import Pulling
from tui.undo.stack import UndoStack

if TYPE_CHECKING:  # the app paints before it needs any of what this loads
    from engine.api import DeviceState, ImageInfo

_RECENT = 12


@dataclass
class TakeInHand(Message):
    """A session is the one to work with now, and an area is where to go."""

    session: str
    area: str
    at: "ImageInfo | None" = None
    """The image that is to be under the cursor; in Jobs, its row."""


@dataclass
class SeeAll(Message):
    """The images of all sessions are to be seen on the Review screen."""

    text: str
    """What they are filtered by; empty: nothing."""


@dataclass
class RowToReview(Message):
    """The images of a row are to be looked at on the Review screen."""

    session: str
    row: int


@dataclass
class RowsToSheet(Message):
    """Rows are to be refined on the Sheet screen, and may then start a session of their own."""

    rows: Sequence[Mapping[str, str]]
    """Each one's cells, by column; known columns and the user's own alike."""
    parent: str
    """The session they come from, which the new one remembers."""
    name: str
    """What to call the sheet."""


@dataclass
class SessionToSheet(Message):
    """A session is to be on the Sheet screen again, whole, as it was written."""

    session: str


@dataclass
class ModelCame(Message):
    """A model is in the list now for which a cell of the sheet asked."""

    text: str
    """What the cell says."""
    label: str
    """What the model is called."""


@dataclass
class KeysChanged(Message):
    """Actions have other keys from now on."""

    keys: Mapping[str, str]
    """Action → its keys, for those that have others than the table's."""


@dataclass
class AppMemory:
    """Where the app was left. Nothing is lost with it but comfort."""

    mode: str = "sheet"
    session: str | None = None
    recent: list[str] = field(default_factory=list)
    """Sheets, the last opened first."""
    folder: str = ""
    """Where images were copied to last."""
    pictures: list[str] = field(default_factory=list)
    """Folders whose pictures were put on the sheet, the last first."""
    made: list[int] | None = None
    """How many images of the library were done, and had failed, when the app was last there."""

    def opened(self, sheet: Path) -> None:
        """Put `sheet`, a whole path, first."""
        path = str(sheet)
        self.recent = [path, *(other for other in self.recent if other != path)][:_RECENT]

    def looked_in(self, folder: str) -> None:
        """Put a folder of pictures first."""
        self.pictures = [folder, *(other for other in self.pictures if other != folder)][:_RECENT]


@dataclass
class AppState:
    """One for the whole app."""

    library: Library
    memory: AppMemory
    folder: Path = field(default_factory=current_folder)
    """Where the app was started: files are looked for and saved there at first."""
    sheet: Path | None = None
    """A sheet named on the command line."""
    handed: RowsToSheet | None = None
    """Rows that the Sheet screen is to take when it is next shown."""
    away: tuple[int, int] | None = None
    """Images that were done, and that failed, between the last time the app was there and its
    start; None: not counted yet."""
    held: frozenset[str] = frozenset()
    """Sessions that wait until someone lets them go on, as far as is known."""
    status: EngineStatus = field(default_factory=EngineStatus)
    """What the engine does."""
    devices: "Sequence[DeviceState]" = ()
    """What it renders on."""
    started: str | None = None
    """A session that was started without being taken in hand: whoever goes to Jobs means it."""
    undo_stack: UndoStack = field(default_factory=UndoStack)
    """What can be undone."""
    pulling: Pulling = field(default_factory=Pulling)
    """The model that is being pulled."""
    counting: threading.Lock = field(default_factory=threading.Lock)
    """Held while the images are counted: the first count alone tells what is news."""

    @property
    def settings(self) -> Settings:
        """What holds."""
        return self.library.settings


def count_made(app_state: AppState) -> list[int]:
    """How many images are done, and have failed; the first time, also how many are news.

    Call in a thread.

    Raises:
        LibraryError: not a library this version can read.
    """
    with app_state.counting:
        made = [*app_state.library.sessions.images_made()]
        if app_state.away is None:
            before = app_state.memory.made or made
            done, failed = (max(0, now - then) for now, then in zip(made, before, strict=True))
            app_state.away = done, failed
    return made


def _file(library: Library) -> Path:
    return library.state_folder() / f"app-{zlib.crc32(str(library.path).encode()):08x}.json"


def recall(library: Library) -> AppMemory:
    """Where the app was left with this library; a fresh memory where that cannot be read."""
    try:
        return AppMemory(**json.loads(_file(library).read_text()))
    except (OSError, ValueError, TypeError):
        return AppMemory()


def remember(library: Library, memory: AppMemory) -> None:
    """Keep it for the next start, if the disk lets us."""
    with contextlib.suppress(OSError):
        path = _file(library)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with written_beside(path, mode=0o600) as (_, file):
            file.write(json.dumps(asdict(memory)).encode())
