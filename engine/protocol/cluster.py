"""What the engine process and the driver of a Ray cluster say to each other.

The driver is the one process that knows Ray. Behind `Pass` and `Passed` come frames of
`engine.protocol.rendering`, as a renderer on this machine has them on its own wire.
"""

from typing import TypeAlias

import msgspec


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A machine of the cluster, as Ray knows it."""

    id: str
    name: str
    """As people call it; two may have the same."""
    gpus: int
    """Accelerators that Ray counts there."""
    cpus: float
    kind: str = ""
    """Of its accelerators, where Ray knows it."""


class Use(msgspec.Struct, frozen=True):
    """How busy a device is, measured on its own machine."""

    percent: float
    """Of its computing."""
    used: int
    """Bytes of its memory."""
    total: int


class ToDriver(msgspec.Struct, frozen=True, tag_field="do", forbid_unknown_fields=True):
    """From the engine process."""


class StartActor(ToDriver, frozen=True, tag="start"):
    """Have a renderer on a node; answered by `ActorBegun`, or by `Over`."""

    renderer: int
    """What it is called from now on; never used twice."""
    device: str
    """What its device is called, in words for people."""
    node: str
    """Id of the node."""
    gpu: bool
    """Whether it has an accelerator; else it has processors."""
    cpus: float
    """Processors that it takes of what Ray hands out."""


class Pass(ToDriver, frozen=True, tag="pass"):
    """One frame to a renderer, which comes behind it."""

    renderer: int


class EndActor(ToDriver, frozen=True, tag="end"):
    """End a renderer and free what it holds."""

    renderer: int


class FromDriver(msgspec.Struct, frozen=True, tag_field="tells", forbid_unknown_fields=True):
    """From the driver."""


class Nodes(FromDriver, frozen=True, tag="nodes"):
    """The machines that are in the cluster now; told when that changes."""

    nodes: list[Node]


class Unreachable(FromDriver, frozen=True, tag="unreachable"):
    """The cluster does not answer; the driver ends."""

    reason: str
    """In words: why, and what to do."""


class ActorBegun(FromDriver, frozen=True, tag="placed"):
    """The renderer's actor is there; its hello comes by itself."""

    renderer: int
    pid: int
    """On its node."""


class Passed(FromDriver, frozen=True, tag="passed"):
    """Whole frames from a renderer, which come behind it."""

    renderer: int


class Using(FromDriver, frozen=True, tag="using"):
    """How busy a renderer's device is."""

    renderer: int
    use: Use


class Over(FromDriver, frozen=True, tag="over"):
    """A renderer has ended, or could not be had; nothing more comes from it."""

    renderer: int
    reason: str
    """In words."""


AnyToDriver: TypeAlias = StartActor | Pass | EndActor
AnyFromDriver: TypeAlias = Nodes | Unreachable | ActorBegun | Passed | Using | Over
