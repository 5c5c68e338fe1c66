"""The driver: the one process that knows Ray. It carries frames between the engine and actors.

A process of its own, since Ray's core ends the process it is in when the cluster is lost. It dies
with the engine process, and its actors die with it.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import re
import socket
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from engine import __version__
from engine.machine import die_with_parent, leave_signals_to_parent
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
    Using,
)
from engine.protocol.framing import Unpacker, pack, parts_of
from engine.protocol.rendering import AnyToRenderer, RenderBatch
from engine.service.nodes.holder import TICK_SECONDS, Heard, RendererHolder
from engine.settings import asks_for_ray_token, at_ray_address

T = TypeVar("T")
log = logging.getLogger(__name__)

_LOOK_SECONDS = 3.0
"""So often the cluster is asked which nodes it has."""
_PLACE_SECONDS = 90.0
"""A node may take so long to have an actor: two seconds, where it has room and is not busy."""
_LABEL = "accelerator_type:"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PLAIN = {
    "temporarily unavailable": "its connection broke",
    "not schedulable": "its machine has left the cluster, or has less than Ray counted there",
    "killed by `ray.kill`": "it was ended",
}
"""What Ray says → what it means here."""
_RAISED = re.compile(r"[\w.]*(Error|Exception): ")


class _LostError(Exception):
    """An actor is gone, or was never there; the message says why, in words."""


class Driver:
    """Carries frames between the engine process and the actors of one cluster."""

    HOLDER: type[RendererHolder] = RendererHolder
    """What actors are made of."""

    def __init__(self, ray: Any, writer: asyncio.StreamWriter, timeout: float) -> None:
        """Args: ray: the module, connected. writer: to the engine process. timeout: of a node."""
        self._ray = ray
        self._writer = writer
        self._timeout = max(timeout, 2 * TICK_SECONDS)
        self._actors: dict[int, _Actor] = {}
        self._nodes: list[Node] = []

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Work until the engine process is gone."""
        looking = asyncio.create_task(self._look())
        unpacker: Unpacker[AnyToDriver] = Unpacker(AnyToDriver)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                frame = await unpacker.read(reader)
                match frame.message:
                    case StartActor() as wanted:
                        self._actors[wanted.renderer] = _Actor(self, wanted)
                    case Pass(renderer):
                        if (actor := self._actors.get(renderer)) is not None:
                            actor.outgoing.put_nowait(frame.file)
                    case EndActor(renderer):
                        if (actor := self._actors.pop(renderer, None)) is not None:
                            actor.end()
        looking.cancel()

    def tell(self, message: AnyFromDriver, frames: bytes = b"") -> None:
        """Tell the engine process."""
        self._writer.write(pack(message, frames))

    def over(self, renderer: int, reason: str) -> None:
        """A renderer has ended."""
        if self._actors.pop(renderer, None) is not None:
            self.tell(Over(renderer, reason))

    async def flow(self) -> None:
        """Wait while the engine process does not keep up."""
        await self._writer.drain()

    async def _look(self) -> None:
        """Say which nodes there are, whenever that has changed."""
        while True:
            found = await asyncio.to_thread(self._ray.nodes)
            nodes = _nodes(found)
            if nodes != self._nodes:
                self._nodes = nodes
                self.tell(Nodes(nodes))
            await asyncio.sleep(_LOOK_SECONDS)

    def made(self, wanted: StartActor) -> Any:
        """A handle of the actor that is wanted; Ray makes it meanwhile."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        options = self._ray.remote(self.HOLDER).options(
            num_gpus=1 if wanted.gpu else 0,
            num_cpus=0 if wanted.gpu else wanted.cpus,
            # The engine process is the one that tries again, and knows what was drawn.
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(wanted.node, soft=False),
        )
        return options.remote(wanted.device, wanted.cpus, gpu=wanted.gpu)

    def end(self, handle: Any) -> None:
        """End an actor, wherever it is in its life."""
        with contextlib.suppress(Exception):  # whatever Ray says to it: nothing more can be done
            self._ray.kill(handle)

    async def answer(self, call: Any, device: str, seconds: float) -> Any:
        """What an actor's method gives.

        Raises:
            _LostError: it is gone, or gives no sign of life.
        """
        try:
            return await _within(asyncio.wrap_future(call.future()), seconds)
        except TimeoutError:
            raise _LostError(f"no sign of life of {device} for {seconds:.0f} s") from None
        except self._ray.exceptions.RayActorError as error:
            raise _LostError(f"the renderer on {device} is gone: {_words(error)}") from error
        except self._ray.exceptions.RayError as error:
            raise _LostError(f"the renderer on {device} failed: {_words(error)}") from error

    @property
    def timeout(self) -> float:
        """Seconds without a sign of life after which a node is given up."""
        return self._timeout


class _Actor:
    """One renderer on a node, from its start to its end."""

    def __init__(self, driver: Driver, wanted: StartActor) -> None:
        self.outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        """Frames for it."""
        self._driver = driver
        self._wanted = wanted
        self._handle: Any = None
        self._running = asyncio.create_task(self._run())

    def end(self) -> None:
        """End it."""
        self._running.cancel()
        if self._handle is not None:
            self._driver.end(self._handle)

    async def _run(self) -> None:
        number = self._wanted.renderer
        try:
            await self._begin()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear())
                group.create_task(self._say())
        except* _LostError as lost:
            reason = str(lost.exceptions[0])
        except* Exception as errors:
            log.exception("renderer %d", number)
            reason = f"the renderer on {self._wanted.device} is lost: {errors.exceptions[0]}"
        self._driver.over(number, reason)
        if self._handle is not None:
            self._driver.end(self._handle)

    async def _ask(self, call: Any, seconds: float | None = None) -> Any:
        return await self._driver.answer(call, self._wanted.device, seconds or self._driver.timeout)

    async def _begin(self) -> None:
        wanted = self._wanted
        self._handle = await asyncio.to_thread(self._driver.made, wanted)
        try:
            version, pid = await self._ask(self._handle.version.remote(), _PLACE_SECONDS)
        except _LostError as error:
            raise _LostError(_not_placed(wanted, error)) from error
        if version != __version__:
            raise _LostError(
                f"{wanted.device} has Promptsheet {version}, and this is {__version__}: install the"
                " same version on all machines of the cluster"
            )
        self._driver.tell(ActorBegun(wanted.renderer, pid))
        await self._ask(self._handle.begin.remote())

    async def _hear(self) -> None:
        number = self._wanted.renderer
        while True:
            heard: Heard = await self._ask(self._handle.hear.remote())
            if heard.frames:
                self._driver.tell(Passed(number), heard.frames)
                await self._driver.flow()
            if heard.use is not None:
                self._driver.tell(Using(number, heard.use))
            if heard.over is not None:
                raise _LostError(heard.over)

    async def _say(self) -> None:
        unpacker: Unpacker[AnyToRenderer] = Unpacker(AnyToRenderer)
        while True:
            frame = await self.outgoing.get()
            message = unpacker.unpack(*parts_of(frame)).message
            if isinstance(message, RenderBatch):
                await self._bring({**message.sources, **message.loras})
            # Looking for a model's files may take a while; `hear` tells whether the node lives.
            await self._ask(self._handle.say.remote(frame), 3600.0)

    async def _bring(self, files: dict[str, str]) -> None:
        """Send the node what it does not have of the files that a batch needs."""
        if not files:
            return
        for digest in await self._ask(self._handle.lacking.remote(list(files))):
            try:
                data = await asyncio.to_thread(Path(files[digest]).read_bytes)
            except OSError:
                continue  # the renderer says that it is not there
            await self._ask(self._handle.keep.remote(digest, data), 3600.0)


async def _within(future: Awaitable[T], seconds: float) -> T:
    async with asyncio.timeout(seconds):
        return await future


def _not_placed(wanted: StartActor, error: Exception) -> str:
    if "no sign of life" in str(error):
        return (
            f"{wanted.device} had no place for a renderer within {_PLACE_SECONDS:.0f} s: other work"
            " of the Ray cluster has it, or the machine is overloaded"
        )
    return str(error)


def _words(error: Exception) -> str:
    """The line of what Ray says that tells why."""
    text = _COLOURS.sub("", str(error))
    if "No module named 'engine'" in text:
        return "Promptsheet is not installed there: pip install 'promptsheet[ray]'"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for words, plain in _PLAIN.items():
        if words in text:
            return plain
    raised = [line for line in lines if _RAISED.match(line)]
    telling = [line for line in lines if line.startswith("The actor")]
    return (raised or telling or lines or [type(error).__name__])[-1].rstrip(".")


def _nodes(found: Iterable[dict[str, Any]]) -> list[Node]:
    """The nodes that are there, by name."""
    nodes = [_node(each) for each in found if each["Alive"]]
    return sorted(nodes, key=lambda node: (node.name, node.id))


def _node(found: dict[str, Any]) -> Node:
    """A node as Ray's list has it."""
    has, name = found["Resources"], found["NodeName"]
    # Where nobody gave it one, Ray calls it by its address.
    if not name or name == found["NodeManagerAddress"]:
        name = found["NodeManagerHostname"]
    kinds = (each.removeprefix(_LABEL) for each in has if each.startswith(_LABEL))
    return Node(
        found["NodeID"], name, int(has.get("GPU", 0)), float(has.get("CPU", 0)), next(kinds, "")
    )


def _connected(address: str) -> Any:
    """Ray, connected to a cluster.

    Raises:
        Exception: whatever Ray says.
    """
    if asks_for_ray_token():
        # Ray itself looks for one only where nobody says which cluster is meant.
        os.environ["RAY_AUTH_MODE"] = "token"
    import ray

    ray.init(
        address=address,
        namespace="promptsheet",
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    return ray


def _unreachable(address: str, error: Exception) -> str:
    """Why there is no cluster, in words."""
    if isinstance(error, ImportError):
        return "Ray is not installed here: pip install 'promptsheet[ray]'"
    said = " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__
    return (
        f"no Ray cluster answers{at_ray_address(address)}: {said}. On this machine"
        " `ray start --head` begins one, and `ray start --address=HOST:6379` joins one"
    )


async def _serve(
    kind: type[Driver], connection: socket.socket, address: str, timeout: float, ray: Any
) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    if isinstance(ray, Exception):
        writer.write(pack(Unreachable(_unreachable(address, ray))))
        await writer.drain()
        return
    await kind(ray, writer, timeout).serve(reader)


def main(kind: type[Driver] = Driver) -> None:
    """Entry point: the engine process starts this with one end of a socket pair."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--socket", type=int)
    arguments.add_argument("--address")
    arguments.add_argument("--timeout", type=float, help="of a node, in seconds")
    arguments.add_argument("--look", metavar="ADDRESS", help="only say which nodes there are")
    options = arguments.parse_args()
    die_with_parent()
    leave_signals_to_parent()
    logging.basicConfig(level=logging.WARNING)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told that this is used
    address = options.look or options.address
    ray: Any
    try:
        ray = _connected(address)
    except Exception as error:  # whatever Ray says
        log.exception("no cluster at %s", address)
        ray = error
    leave_signals_to_parent()  # Ray, too, has taken some
    if options.look:
        failed = isinstance(ray, Exception)
        answer = Unreachable(_unreachable(address, ray)) if failed else Nodes(_nodes(ray.nodes()))
        os.write(1, msgspec.json.encode(answer) + b"\n")
        os._exit(0)
    connection = socket.socket(fileno=options.socket)
    asyncio.run(_serve(kind, connection, address, options.timeout, ray))
    os._exit(0)  # what Ray would tidy up ends by itself with its driver


if __name__ == "__main__":
    main()
