"""What a client asks of the engine process. Each command is answered after its effect is committed.

A client connects, hears a `Greeting`, gives commands one after the other and hears an answer to
each, `Underway` again and again before one that takes its time; `Follow` turns the connection into
a stream of events instead. Whoever leaves before what a session is drawn on has been copied has
started none.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, ClassVar, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from engine.errors import PromptsheetError
from engine.protocol.answers import (
    Accepted,
    Answer,
    Changed,
    Deleted,
    Done,
    ImagesChanged,
    Leaving,
    Moved,
    Rated,
    Status,
    Tags,
)
from engine.sheet.columns import MOST_COMBINATIONS
from engine.sheet.rows import RowNumber, RowValues

A = TypeVar("A", bound=Answer)
Places: TypeAlias = Literal["first", "last", "up", "down"]


class Command(msgspec.Struct, Generic[A], frozen=True, tag_field="do", forbid_unknown_fields=True):
    """Something to be done; `A` is what the answer is when it was."""

    answer: ClassVar[type[Answer]] = Done


class IllFormedRowError(PromptsheetError):
    """A row that no checker of this version sends; the message says which, and what is wrong."""


class _Numbered(msgspec.Struct):
    number: RowNumber


def _wrong_with(place: int, row: msgspec.Raw, error: Exception) -> str:
    """What is wrong with a row that was not as it should be: which it is, and which field."""
    what, _, path = str(error).partition(" - at `$.")
    try:
        which = f"Row {msgspec.json.decode(row, type=_Numbered).number}"
    except (msgspec.DecodeError, RecursionError):
        which = f"Row {place} of those sent"
    field = path.rstrip("`").removeprefix("values.")
    return f"{which}{', ' if field else ''}{field}: {what[:1].lower()}{what[1:]}."


class RequestedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A checked row, as it is to be rendered."""

    number: RowNumber
    cells: dict[str, str]
    """Known column → text as it reads after repairs."""
    extra: dict[str, str]
    """Columns of the user's own."""
    values: RowValues
    """Of a grid, its first combination."""
    grid: Annotated[list[RowValues], Meta(max_length=MOST_COMBINATIONS)] = []
    """Every combination of a grid; of a plain row none."""

    @property
    def combinations(self) -> Sequence[RowValues]:
        """What is rendered of it, one after the other."""
        return self.grid or (self.values,)


class RowsSource(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where the rows of a session come from; stored with it."""

    file: str
    sheet: str | None = None
    """The worksheet."""
    columns: list[str] = []
    """The header as the user wrote it."""
    parent: str | None = None
    """The session it was made from."""
    path: str | None = None
    """The file's."""
    kept: list[tuple[RowNumber, RowNumber, RowNumber]] = []
    """Rows of the parent that are not rendered again: number now, number there, how many in a
    row."""


class Submit(Command[Accepted], frozen=True, tag="submit"):
    """Render these rows as a session."""

    answer = Accepted
    name: str
    source: RowsSource
    rows: list[msgspec.Raw]
    """`RequestedRow`s, each read when it is its turn: one look at all would be a long one."""

    @staticmethod
    def packed(rows: Iterable[RequestedRow]) -> list[msgspec.Raw]:
        """Rows for the message."""
        encode = msgspec.json.Encoder().encode
        return [msgspec.Raw(encode(row)) for row in rows]

    def requested(self) -> Iterator[RequestedRow]:
        """The rows, one after the other.

        Raises:
            IllFormedRowError: one is not as it should be.
        """
        decode = msgspec.json.Decoder(RequestedRow).decode
        for place, row in enumerate(self.rows, start=1):
            try:
                read = decode(row)
            except (msgspec.DecodeError, RecursionError) as error:
                raise IllFormedRowError(_wrong_with(place, row, error)) from error
            yield read


class Stop(Command[Changed], frozen=True, tag="stop"):
    """Stop after the current step: everything, a session, or rows of it by their numbers."""

    answer = Changed
    session: str | None
    rows: Sequence[RowNumber] | None = None


class Resume(Command[Changed], frozen=True, tag="resume"):
    """Let what was stopped, or waits to be asked for, go on; other fields as of `Stop`."""

    answer = Changed
    session: str | None
    rows: Sequence[RowNumber] | None = None
    new_files: bool = False
    """With the files that its models have now, whatever it was planned with."""


class Retry(Command[Changed], frozen=True, tag="retry"):
    """Let failed images be tried again; fields as of `Resume`."""

    answer = Changed
    session: str | None
    rows: Sequence[RowNumber] | None = None
    new_files: bool = False


class Move(Command[Changed], frozen=True, tag="move"):
    """Render a session sooner or later than others."""

    answer = Changed
    session: str
    to: Places


class Pause(Command[Done], frozen=True, tag="pause"):
    """Render nothing and free the devices, or go on."""

    paused: bool


class AskStatus(Command[Status], frozen=True, tag="status"):
    """How it is."""

    answer = Status


class RenderHere(Command[Status], frozen=True, tag="render"):
    """Render on this host from now on, whatever was said at the start."""

    answer = Status


class Shutdown(Command[Leaving], frozen=True, tag="shutdown"):
    """End after the current step."""

    answer = Leaving


class Favour(Command[Rated], frozen=True, tag="favour"):
    """Make images favourites, or no longer."""

    answer = Rated
    images: Sequence[str]
    on: bool


class Rate(Command[Rated], frozen=True, tag="rate"):
    """Rate images."""

    answer = Rated
    ratings: dict[str, int]
    """Image → 0 to 5."""


class Decide(Command[Rated], frozen=True, tag="decide"):
    """Someone has chosen among the images of a row, or takes that back."""

    answer = Rated
    session: str
    row: RowNumber
    ratings: dict[str, int]
    """As of `Rate`."""
    decided: bool = True


class TrashImages(Command[Moved], frozen=True, tag="trash"):
    """Move images to the trash."""

    answer = Moved
    images: Sequence[str]


class RestoreImages(Command[ImagesChanged], frozen=True, tag="restore"):
    """Bring trashed images back."""

    answer = ImagesChanged
    images: Sequence[str]


class Rename(Command[Done], frozen=True, tag="rename"):
    """Call a session something else."""

    session: str
    name: str


class Tag(Command[Tags], frozen=True, tag="tag"):
    """Give a session these tags and no others."""

    answer = Tags
    session: str
    tags: Sequence[str]


class TrashSession(Command[Done], frozen=True, tag="trash_session"):
    """Stop a session and move all of it to the trash."""

    session: str


class RestoreSession(Command[Done], frozen=True, tag="restore_session"):
    """Bring a session back from the trash."""

    session: str


class EmptyTrash(Command[Deleted], frozen=True, tag="empty_trash"):
    """Delete for good what is in the trash."""

    answer = Deleted


class Follow(Command[Done], frozen=True, tag="follow"):
    """Send events from now on, `events.Standing` first; no answer but these."""

    previews: bool = False
    """Also what is being denoised, as small pictures; asked again, it turns them on or off."""
    every: bool = False
    """Every event as it happens, not a few times a second what is new."""
    seen: bool | None = None
    """Whether someone looks at what is made of the events; None: unknown."""


AnyCommand: TypeAlias = (
    Submit
    | Stop
    | Resume
    | Retry
    | Move
    | Pause
    | AskStatus
    | RenderHere
    | Shutdown
    | Favour
    | Rate
    | Decide
    | TrashImages
    | RestoreImages
    | Rename
    | Tag
    | TrashSession
    | RestoreSession
    | EmptyTrash
    | Follow
)
