"""The engine process's end of a Ray cluster: its driver, the devices of its nodes, their renderers.

Nothing here knows Ray: a process of its own does, which is started with the first renderer that is
wanted and started again after it has ended, however it has.
"""

import asyncio
import contextlib
import itertools
import logging
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.atomic_files import open_to_append
from engine.protocol.cluster import (
    ActorBegun,
    AnyFromDriver,
    AnyToDriver,
    EndActor,
    Node,
    Nodes,
    Over,
    Pass,
    Passed,
    StartActor,
    Unreachable,
    Use,
    Using,
)
from engine.protocol.framing import Unpacker, WireError, pack
from engine.service import backoff
from engine.service.server.renderer_client import MachineError, RendererClient, RendererDiedError
from engine.settings import RaySettings, at_ray_address, ray_address

log = logging.getLogger(__name__)

_CONNECTS_SECONDS = 90.0
"""A driver may take so long until it says which nodes there are."""
_PLACED_SECONDS = 105.0
"""And so long until it says that a renderer has its place, or that there is none."""
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class NodeDevice:
    """A place for one renderer on a node."""

    device: str
    """What it is called: `gpu7/cuda:0`, `box3/cpu`; no two have the same."""
    node: Node
    gpu: bool
    cpus: float
    """Processors that a renderer takes of what Ray hands out; 0: it has an accelerator."""

    @property
    def kind(self) -> str:
        """The same for interchangeable ones, as far as is known before one was used."""
        return (self.node.kind or "gpu") if self.gpu else "cpu"


def devices_of(nodes: Sequence[Node], most: int, cpus: float) -> list[NodeDevice]:
    """The places for renderers on nodes: one an accelerator, else by processors.

    Args:
        nodes: of the cluster.
        most: no more than these; accelerators come first.
        cpus: that a renderer takes on nodes without an accelerator; 0: all of a node.
    """
    named = Counter(node.name for node in nodes)

    def places() -> Iterator[NodeDevice]:
        for node in nodes:
            name = node.name if named[node.name] == 1 else f"{node.name}-{node.id[:4]}"
            for number in range(node.gpus):
                yield NodeDevice(f"{name}/cuda:{number}", node, True, 0.0)
            each = cpus or node.cpus
            count = int(node.cpus / each) if each and not node.gpus else 0
            for number in range(count):
                last = f":{number}" if count > 1 else ""
                yield NodeDevice(f"{name}/cpu{last}", node, False, each)

    return sorted(places(), key=lambda place: not place.gpu)[:most]


class ActorBody:
    """A renderer's actor, as `renderer_client.Body`."""

    def __init__(self, cluster: "Cluster", number: int, device: str) -> None:
        self.pid = 0
        """On its node."""
        self.reader = asyncio.StreamReader()
        self.number = number
        self.placed = asyncio.Event()
        """Set when its actor is there, or it has ended."""
        self.use: Use | None = None
        """How busy its device was when it was last told."""
        self._cluster = cluster
        self._device = device
        self._end: str | None = None

    @property
    def alive(self) -> bool:
        """Whether it is there."""
        return self._end is None

    async def send(self, data: bytes) -> None:
        """Send one frame."""
        if self._end is not None:
            raise ConnectionError(self._end)
        await self._cluster.send(Pass(self.number), data)

    async def obituary(self) -> str:
        """How it ended, in words."""
        return self._end or f"the renderer on {self._device} has ended"

    def over(self, reason: str) -> None:
        """It has ended, and this is why."""
        if self._end is None:
            self._end = reason
            self.reader.feed_eof()
            self.placed.set()

    def abandon(self) -> None:
        """Have it end."""
        self._cluster.forget(self.number)
        self.over(f"the renderer on {self._device} was ended")

    async def kill(self) -> None:
        """End it now."""
        self.abandon()


class Cluster:
    """The nodes of one Ray cluster, and the renderers on them."""

    DRIVER = "engine.service.nodes.driver"
    """The module that its driver runs."""

    def __init__(self, settings: RaySettings, most: int, log_file: Path) -> None:
        """One that nobody has asked for yet.

        Args:
            settings: where it is, and how it is used.
            most: renderers.
            log_file: what its driver prints is appended here.
        """
        self.address = ray_address(settings)
        self.at = at_ray_address(self.address)
        """Where it is, behind "the Ray cluster"."""
        self._known = False
        self.fault: str | None = None
        """Why it cannot be used now, in words; None: it can."""
        self.devices: list[NodeDevice] = []
        """The places for renderers that there are now."""
        self._settings = settings
        self._most = most
        self._log_file = log_file
        self._bodies: dict[int, ActorBody] = {}
        self._numbers = itertools.count(1)
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, changed: Callable[[], object]) -> None:
        """Know its nodes until cancelled; `changed` is told when they or `fault` are others."""
        pause: float | None = None
        while True:
            began = asyncio.get_running_loop().time()
            try:
                self.fault = await self._run_driver(changed)
            finally:
                self._lose(self.fault or f"the Ray cluster{self.at} is gone")
            log.warning("the Ray cluster: %s", self.fault)
            changed()
            if asyncio.get_running_loop().time() - began > backoff.LONGEST_PAUSE_SECONDS:
                pause = None
            pause = backoff.next_pause(pause)
            await asyncio.sleep(pause)

    async def _run_driver(self, changed: Callable[[], object]) -> str:
        """Start a driver, and hear it to its end; why it ended."""
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                self.DRIVER,
                "--socket",
                str(theirs.fileno()),
                "--address",
                self.address,
                "--timeout",
                str(self._settings.timeout),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                pass_fds=(theirs.fileno(),),
            )
        except OSError as error:
            ours.close()
            return f"cannot start a process: {error.strerror}"
        finally:
            theirs.close()
        listening = asyncio.create_task(self._listen(process))
        try:
            reader, self._writer = await asyncio.open_connection(sock=ours)
            return await self._hear(reader, changed)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            listening.cancel()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None, "it was asked for"
        while piece := await process.stdout.read(_PIECE):
            with contextlib.suppress(OSError), open_to_append(self._log_file) as output:
                output.write(piece)

    async def _hear(self, reader: asyncio.StreamReader, changed: Callable[[], object]) -> str:
        unpacker: Unpacker[AnyFromDriver] = Unpacker(AnyFromDriver)
        try:
            while True:
                async with asyncio.timeout(None if self._known else _CONNECTS_SECONDS):
                    frame = await unpacker.read(reader)
                match frame.message:
                    case Unreachable(reason):
                        return reason
                    case Nodes(nodes):
                        self._known, self.fault = True, None
                        self.devices = devices_of(nodes, self._most, self._settings.cpus)
                        changed()
                    case ActorBegun(renderer, pid):
                        if (body := self._bodies.get(renderer)) is not None:
                            body.pid = pid
                            body.placed.set()
                    case Passed(renderer):
                        if (body := self._bodies.get(renderer)) is not None:
                            body.reader.feed_data(frame.file)
                    case Using(renderer, use):
                        if (body := self._bodies.get(renderer)) is not None:
                            body.use = use
                    case Over(renderer, reason):
                        if (body := self._bodies.pop(renderer, None)) is not None:
                            body.over(reason)
        except TimeoutError:
            return f"the Ray cluster{self.at} does not answer"
        except (asyncio.IncompleteReadError, ConnectionError):
            return f"the Ray cluster{self.at} is lost: its head, or this machine's part"
        except WireError as error:
            return f"the driver of the Ray cluster is of another version: {error}"

    @property
    def lack(self) -> str:
        """Why it has no device, in words."""
        if self.fault is not None:
            return self.fault
        if not self._known:
            return f"the Ray cluster{self.at} is being asked for its nodes"
        return f"the Ray cluster{self.at} has no node with a device yet"

    def _lose(self, reason: str) -> None:
        self.devices, self._known = [], False
        bodies, self._bodies = list(self._bodies.values()), {}
        for body in bodies:
            body.over(reason)

    async def send(self, message: AnyToDriver, frame: bytes = b"") -> None:
        """Tell the driver.

        Raises:
            ConnectionError: there is none.
        """
        if self._writer is None:
            raise ConnectionError(f"the Ray cluster{self.at} is gone")
        self._writer.write(pack(message, frame))
        await self._writer.drain()

    def forget(self, number: int) -> None:
        """Have a renderer end; what still comes from it is nobody's."""
        if self._bodies.pop(number, None) is not None and self._writer is not None:
            self._writer.write(pack(EndActor(number)))

    async def start(self, place: NodeDevice, timeout: float) -> RendererClient:
        """Start a renderer on a node, and wait for its hello.

        Args:
            place: where.
            timeout: seconds until its hello, once it has its place.

        Raises:
            MachineError: it cannot be had there now.
            RendererDiedError: it ended instead, or said nothing in time.
        """
        body = ActorBody(self, next(self._numbers), place.device)
        self._bodies[body.number] = body
        wanted = StartActor(body.number, place.device, place.node.id, place.gpu, place.cpus)
        try:
            await self.send(wanted)
            async with asyncio.timeout(_PLACED_SECONDS):
                await body.placed.wait()
        except ConnectionError as error:
            self._bodies.pop(body.number, None)
            raise MachineError(str(error)) from error
        except TimeoutError:
            body.over(f"{place.device} has no place for a renderer now")
            self.forget(body.number)
        except BaseException:
            body.abandon()
            raise
        if not body.alive:
            raise MachineError(await body.obituary())
        try:
            return await RendererClient.greeted(place.device, body, timeout)
        except RendererDiedError as error:  # it had no model and no image yet
            raise MachineError(str(error)) from error
        except BaseException:
            body.abandon()
            raise
