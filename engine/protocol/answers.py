"""What the engine process answers: what it has done, or why it has not."""

from enum import StrEnum
from typing import TypeAlias

import msgspec

from engine import __version__
from engine.protocol.cluster import Use
from engine.protocol.records import Emptied, Tally, Trashed
from engine.schema import SCHEMA_VERSION

PROTOCOL = 8


class Answer(msgspec.Struct, frozen=True, tag_field="answer", forbid_unknown_fields=True):
    """To a command.

    Those that can be had of an engine process of another version, how it is and that it ends, are
    open, as is what they hold: fields are only added to them.
    """


class Greeting(msgspec.Struct, frozen=True):
    """What the engine process says first. Read by other versions, too: fields are only added."""

    protocol: int
    schema: int
    version: str
    """Of the code."""
    pid: int
    library: str
    detached: str
    """How it outlives the terminal, in words."""

    def mismatch(self) -> str | None:
        """Why this client and that engine process cannot work together; None if they can."""
        if (self.protocol, self.schema, self.version) == (PROTOCOL, SCHEMA_VERSION, __version__):
            return None
        return (
            f"The engine process {self.pid} runs Promptsheet {self.version} (protocol"
            f" {self.protocol}, schema {self.schema}); this is {__version__} (protocol"
            f" {PROTOCOL}, schema {SCHEMA_VERSION}). Stop it with `promptsheet engine stop`: its"
            " work is kept and continues with the version that starts next."
        )


class Blame(StrEnum):
    """Whose doing a refusal is."""

    REQUEST = "request"
    """What was asked for cannot be: the words say why."""
    MACHINE = "machine"
    """The disk is full, or another fault of the machine; the same may be asked again later."""
    MESSAGE = "message"
    """The message was not one of the protocol's; nothing was done."""
    ENGINE = "engine"
    """The engine process failed: a fault of ours, with more in its log."""


class Refused(Answer, frozen=True, tag="refused", forbid_unknown_fields=False):
    """It was not done."""

    reason: str
    """In words for the person who asked."""
    blame: Blame = Blame.REQUEST


class Underway(Answer, frozen=True, tag="underway", forbid_unknown_fields=False):
    """It is being done: said again and again before what came of it."""

    copied: int = 0
    """Pictures that are in the library, of those that a session is drawn on."""
    of: int = 0
    """How many these are; 0 while none are copied."""


class Done(Answer, frozen=True, tag="done"):
    """It was done, and there is no more to say."""


class Accepted(Answer, frozen=True, tag="accepted"):
    """A session is in the library, and its work has begun."""

    tally: Tally


class Changed(Answer, frozen=True, tag="changed"):
    """Sessions whose images changed their state."""

    sessions: list[Tally]


class Rated(Answer, frozen=True, tag="rated"):
    """Images whose rating changed."""

    before: dict[str, int]
    """Image → what it was rated before."""
    decided: bool = False
    """Whether the row, where it is about one, was decided before."""


class ImagesChanged(Answer, frozen=True, tag="images"):
    """Images that changed, by their ids."""

    images: list[str]


class Moved(Answer, frozen=True, tag="moved"):
    """What came of moving images to the trash."""

    trashed: Trashed


class Tags(Answer, frozen=True, tag="tags"):
    """A session's tags as they were stored."""

    tags: list[str]


class Deleted(Answer, frozen=True, tag="deleted"):
    """What was deleted for good."""

    emptied: Emptied


class Leaving(Answer, frozen=True, tag="leaving", forbid_unknown_fields=False):
    """The engine process ends."""

    pid: int


class LiveRenderer(msgspec.Struct, frozen=True):
    """A renderer that is there now."""

    pid: int
    device: str
    model: str | None
    """Label of the model that was loaded last."""


class DeviceState(msgspec.Struct, frozen=True):
    """A device that is rendered on, and how it is."""

    device: str
    """`cuda:0`; on another machine `gpu7/cuda:0`."""
    node: str
    """The other machine's name; empty: it is this one's."""
    model: str | None
    """Label of the model that was loaded last; None: none is."""
    use: Use | None
    """How busy it is, told by the other machine; None: it has not told, or is this one."""
    trouble: str = ""
    """Why it is left alone, or for which models it is; empty: it is not."""


class Load(msgspec.Struct, frozen=True):
    """What a device is being made ready with."""

    device: str
    model: str | None
    """Label of the model that is being loaded; None: the renderer itself is being started."""
    seconds: float
    """For how long already."""


class MachineShare(msgspec.Struct, frozen=True):
    """What of its machine the engine process may use."""

    devices: list[str]
    """Those it renders on."""
    cores: int
    memory: int
    """Bytes of the machine's memory: what its control group may have."""
    hidden: str | None
    """Why none of the machine's GPUs may be used, in words."""


class Status(Answer, frozen=True, tag="status", forbid_unknown_fields=False):
    """How the engine process is."""

    pid: int
    library: str
    detached: str
    """How it outlives the terminal, in words."""
    host: str
    """Its name."""
    fault: str | None
    """What is wrong with the devices or the log, if anything is."""
    paused: str | None
    """Why nothing is rendered although something waits."""
    paused_by_user: bool
    renders: bool
    """Whether it renders at all: not where it only keeps the library, or on another host."""
    held: list[str]
    """Sessions that wait until someone lets them go on."""
    renderers: list[LiveRenderer]
    work: list[Tally]
    """Sessions with unfinished work."""
    loading: list[Load] = []
    """What has to be ready before more is rendered."""
    devices: list[DeviceState] = []
    """All that are rendered on; those of other machines come and go."""
    machine: MachineShare | None = None
    nodes_fault: str | None = None
    """Why the devices of other machines cannot be used now."""


AnyAnswer: TypeAlias = (
    Refused
    | Underway
    | Done
    | Accepted
    | Changed
    | ImagesChanged
    | Moved
    | Rated
    | Tags
    | Deleted
    | Leaving
    | Status
)
