"""Those who are connected to the engine process: they give commands, or follow its events."""

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from engine import __version__
from engine.errors import PromptsheetError, fault_of
from engine.protocol.answers import PROTOCOL, Answer, Blame, Greeting, Refused, Status
from engine.protocol.commands import (
    AnyCommand,
    Command,
    Follow,
    IllFormedRowError,
    Shutdown,
    Submit,
)
from engine.protocol.events import ALIVE_SECONDS, Alive, AnyEvent, Standing
from engine.protocol.framing import LengthError, Unpacker, WireError, pack
from engine.schema import SCHEMA_VERSION
from engine.service.server.subscriber import Subscriber
from engine.service.server.waiting_client import WaitingClient
from engine.service.socket_path import peer_uid

log = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[Any], Awaitable[Answer]]
"""Carries out one kind of command."""
_UNDERWAY_SECONDS = 0.5
"""After this time, again and again, who waits for an answer is told that it comes."""


class SocketServer:
    """Serves each of them, and tells followers what happens."""

    def __init__(
        self,
        library: Path,
        detached: str,
        handlers: Mapping[type[Command[Any]], Handler],
        submit: Callable[[Submit, WaitingClient], Awaitable[Answer]],
        status: Callable[[], Awaitable[Status]],
        want_previews: Callable[[bool], Awaitable[None]],
        shut_down: Callable[[], None],
    ) -> None:
        """Those of one engine process.

        Args:
            library: which it serves.
            detached: how it outlives its terminal, in words.
            handlers: what is done for each other kind of command than these.
            submit: starts sessions, and says how far that is.
            status: what followers hear first.
            want_previews: told whether anyone looks at previews.
            shut_down: called once the answer to `shutdown` is sent.
        """
        self._library = library
        self._detached = detached
        self._handlers = handlers
        self._submit = submit
        self._status = status
        self._want_previews = want_previews
        self._shut_down = shut_down
        self._subscribers: set[Subscriber] = set()
        self._talking: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._talking)

    @property
    def seen(self) -> list[bool | None]:
        """Of each that follows what happens, whether someone looks at it; None: unknown."""
        return [subscriber.seen for subscriber in self._subscribers]

    def tell(self, event: AnyEvent) -> None:
        """Let followers know of an event."""
        for subscriber in self._subscribers:
            subscriber.offer(event)

    def close(self) -> None:
        """Leave them all."""
        for task in self._talking:
            task.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Greet one that has connected, and do what it asks until it leaves."""
        task = asyncio.current_task()
        assert task is not None
        self._talking.add(task)
        try:
            if peer_uid(writer.get_extra_info("socket")) != os.getuid():
                return
            greeting = Greeting(
                PROTOCOL,
                SCHEMA_VERSION,
                __version__,
                os.getpid(),
                str(self._library),
                self._detached,
            )
            await _send(writer, greeting)
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # it left while something was on its way to it; or we do
        except WireError as error:
            log.info("a client was sent away: %s", error)
            with contextlib.suppress(ConnectionError):
                await _send(writer, Refused(f"Not understood: {error}.", Blame.MESSAGE))
        finally:
            self._talking.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        unpacker: Unpacker[AnyCommand] = Unpacker(AnyCommand)
        while True:
            try:
                command = (await unpacker.read(reader)).message
            except asyncio.IncompleteReadError as error:
                if error.partial:
                    raise WireError("it broke off within a message") from error
                return  # it has left in order
            except LengthError:
                raise
            except WireError as error:
                reason = f"The engine process does not understand this message: {error}."
                await _send(writer, Refused(reason, Blame.MESSAGE))
                continue
            if isinstance(command, Follow):
                await self._follow(command, unpacker, reader, writer)
                return
            await _send(writer, await self._answered(command, reader, writer))
            if isinstance(command, Shutdown):
                self._shut_down()

    async def _answered(
        self, command: AnyCommand, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Answer:
        """The answer to a command; whoever waits for it is told again and again that it comes."""
        client = WaitingClient(reader.at_eof)
        answering = asyncio.create_task(self.answer(command, client))
        try:
            while not (await asyncio.wait({answering}, timeout=_UNDERWAY_SECONDS))[0]:
                if not client.has_left():
                    with contextlib.suppress(ConnectionError):  # what was begun comes to its end
                        await _send(writer, client.underway())
        finally:
            answering.cancel()
        return answering.result()

    async def answer(self, command: AnyCommand, client: WaitingClient) -> Answer:
        """Carry out one command; the answer comes after its effect is committed."""
        try:
            if isinstance(command, Submit):
                return await self._submit(command, client)
            return await self._handlers[type(command)](command)
        except IllFormedRowError as error:
            return Refused(str(error), Blame.MESSAGE)
        except PromptsheetError as error:
            return Refused(str(error))
        except Exception as error:  # ends neither the client nor the work
            log.exception("command %s", type(command).__name__)
            if isinstance(error, OSError):
                return Refused(fault_of(error), Blame.MACHINE)
            if _is_of_the_disk(error):
                said = f"The library cannot be read or written: {fault_of(error)}."
                return Refused(said, Blame.MACHINE)
            reason = f"The engine process failed; see engine.log for details: {error!r}"
            return Refused(reason, Blame.ENGINE)

    async def _follow(
        self,
        wanted: Follow,
        unpacker: Unpacker[AnyCommand],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Send what happens from now on, beginning with where things stand."""
        subscriber = Subscriber(previews=wanted.previews, every=wanted.every, seen=wanted.seen)
        self._subscribers.add(subscriber)
        heard = asyncio.create_task(unpacker.read(reader))
        coming: asyncio.Task[list[AnyEvent]] | None = None
        try:
            await self._tell_who_looks()
            await _send(writer, Standing(await self._status()))
            while True:
                coming = asyncio.create_task(subscriber.take())
                await asyncio.wait(
                    {coming, heard}, timeout=ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if heard.done():
                    again = heard.result().message
                    subscriber.previews = isinstance(again, Follow) and again.previews
                    subscriber.seen = again.seen if isinstance(again, Follow) else None
                    await self._tell_who_looks()
                    heard = asyncio.create_task(unpacker.read(reader))
                if coming.done():
                    for event in coming.result():
                        await _send(writer, event)
                    await subscriber.rest()
                else:
                    coming.cancel()
                    if not heard.done():
                        await _send(writer, Alive())
        except asyncio.IncompleteReadError:
            pass  # it has left
        finally:
            heard.cancel()
            if coming is not None:
                coming.cancel()
            self._subscribers.discard(subscriber)
            await self._tell_who_looks()

    async def _tell_who_looks(self) -> None:
        """Previews are made only while somebody looks at them."""
        await self._want_previews(any(s.previews for s in self._subscribers))


def _is_of_the_disk(error: Exception) -> bool:
    """Whether the database could not do what it was told, and not that it was told nonsense."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


async def _send(writer: asyncio.StreamWriter, message: msgspec.Struct) -> None:
    writer.write(pack(message))
    await writer.drain()
