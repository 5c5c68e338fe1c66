"""What followers hear of the engine process as it happens."""

from typing import TypeAlias

import msgspec

from engine.protocol.answers import DeviceState, Load, Status
from engine.protocol.records import Tally

ALIVE_SECONDS = 2.0
"""Followers hear something at least as often, be it `Alive`."""


class Event(msgspec.Struct, frozen=True, tag_field="event", forbid_unknown_fields=True):
    """Something that happened."""


class Standing(Event, frozen=True, tag="standing"):
    """How things stand; the first thing a follower hears."""

    status: Status
    elsewhere: bool = False
    """Whether it is on another host, of which no steps are heard. By the client's own side."""


class Counted(Event, frozen=True, tag="counted"):
    """A session's counts changed."""

    tally: Tally
    held: bool
    """It waits until someone lets it go on."""
    rows: list[int] | None
    """Numbers of the rows that changed; None: any of them may have."""
    finished: list[str] = []
    """Image files that are there since the last time, relative to the library."""


class Curated(Event, frozen=True, tag="curated"):
    """What people decide changed: ratings, decided rows, sessions' names and tags, the trash."""

    sessions: list[str]


class Paused(Event, frozen=True, tag="paused"):
    """Work waits, or goes on."""

    reason: str | None
    by_user: bool = False
    """Whether the user paused it, so that nothing but their word ends it."""
    not_here: bool = False
    """Whether nothing is rendered on this host until someone asks for it."""


class Loading(Event, frozen=True, tag="loading"):
    """A model is being loaded, or a renderer started; or is no longer."""

    loads: list[Load]
    """All that are, on all devices."""


class Devices(Event, frozen=True, tag="devices"):
    """Devices of other machines came or went, or are otherwise busy."""

    devices: list[DeviceState]
    """All that are rendered on."""


class Stepped(Event, frozen=True, tag="stepped"):
    """A device has done a step of its batch."""

    session: str
    device: str
    row: int
    """Of the first of the batch's images."""
    variation: int
    images: int
    """How many are drawn together."""
    step: int
    steps: int


class Previewed(Event, frozen=True, tag="previewed"):
    """What is being denoised."""

    session: str
    device: str
    row: int
    variation: int
    picture: bytes
    """A small JPEG file."""


class Computed(Event, frozen=True, tag="computed"):
    """A batch is computed; for measuring, told only to those who hear every event."""

    session: str
    device: str
    images: int
    began: float
    """Seconds on the renderer's monotonic clock."""
    ended: float


class Alive(Event, frozen=True, tag="alive"):
    """Nothing else has happened for a while: the engine process is there."""


class Absent(Event, frozen=True, tag="absent"):
    """No engine process runs. Said by the client's own side."""

    reason: str = ""
    """Why none was started, if something waits."""


class Gone(Event, frozen=True, tag="gone"):
    """The engine process is there no more; what comes of that is said next, by the client's side.

    Said by the client's own side.
    """


class Revived(Event, frozen=True, tag="revived"):
    """The engine process had ended, and was started. Said by the client's own side."""

    reason: str


class Silent(Event, frozen=True, tag="silent"):
    """The engine process does not answer. Said by the client's own side."""

    reason: str


class Mismatched(Event, frozen=True, tag="mismatched"):
    """The engine process is of another version. Said by the client's own side."""

    reason: str


AnyEvent: TypeAlias = (
    Standing
    | Counted
    | Curated
    | Paused
    | Loading
    | Devices
    | Stepped
    | Previewed
    | Computed
    | Alive
    | Absent
    | Gone
    | Revived
    | Silent
    | Mismatched
)
