"""Those who are connected to the engine process: they give commands, or follow its events."""

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine import __version__
from engine.library.database import LibraryError
from engine.schema import SCHEMA_VERSION
from engine.service.server.session_planning import RefusedError
from engine.service.server.subscriber import Subscriber
from engine.service.wire import (
    ALIVE_SECONDS,
    PROTOCOL,
    Assembler,
    Greeting,
    WireError,
    encode,
    peer_uid,
)
from engine.settings import SettingsError

log = logging.getLogger(__name__)

Command = Callable[..., Awaitable[dict[str, Any]]]


class SocketServer:
    """Serves each of them, and tells followers what happens."""

    def __init__(
        self,
        library: Path,
        detached: str,
        commands: Mapping[str, Command],
        want_previews: Callable[[bool], Awaitable[None]],
        shut_down: Callable[[], None],
    ) -> None:
        """Those of one engine process.

        Args:
            library: which it serves.
            detached: how it outlives its terminal, in words.
            commands: by name; `status` is what followers hear first.
            want_previews: told whether anyone looks at previews.
            shut_down: called once the answer to `shutdown` is sent.
        """
        self._library = library
        self._detached = detached
        self._commands = commands
        self._want_previews = want_previews
        self._shut_down = shut_down
        self._subscribers: set[Subscriber] = set()
        self._talking: set[asyncio.Task[None]] = set()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._talking)

    @property
    def seen(self) -> list[bool | None]:
        """Of each that follows what happens, whether someone looks at it; None: nobody can tell."""
        return [subscriber.seen for subscriber in self._subscribers]

    def tell(self, event: dict[str, Any]) -> None:
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
            await _send(writer, asdict(greeting))
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # it left while something was on its way to it; or we do
        except (WireError, ValueError) as error:  # the latter: asyncio's, of a line without an end
            log.info("a client was sent away: %s", error)
            with contextlib.suppress(ConnectionError):
                await _send(writer, {"ok": False, "error": f"This is not wanted_by: {error}."})
        finally:
            self._talking.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assembler = Assembler()
        while (line := await reader.readline()).endswith(b"\n"):
            message = assembler.feed(line)
            if message is None:
                continue
            name = str(message.pop("do", None))
            if name == "follow":
                subscriber = Subscriber(
                    previews=bool(message.get("previews")),
                    every=bool(message.get("every")),
                    seen=message.get("seen"),
                )
                await self._follow(reader, writer, subscriber)
                return
            await _send(writer, await self._answer(name, message))
            if name == "shutdown":
                self._shut_down()

    async def _answer(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command; the answer comes after its effect is committed."""
        command = self._commands.get(name)
        if command is None:
            return {"ok": False, "error": f"There is no command {name!r}."}
        try:
            return {"ok": True} | await command(**arguments)
        except (RefusedError, LibraryError, SettingsError, OSError) as error:
            return {"ok": False, "error": str(error)}
        except sqlite3.Error as error:
            log.exception("command %s", name)
            return {"ok": False, "error": f"The library cannot be written: {error}."}
        except Exception as error:  # whatever is wrong with it, who gave it waits for an answer
            log.exception("command %s", name)
            return {"ok": False, "error": f"{name}: not wanted_by: {error!r}"}

    async def _follow(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, subscriber: Subscriber
    ) -> None:
        """Send what happens from now on, beginning with where things stand."""
        self._subscribers.add(subscriber)
        heard = asyncio.create_task(reader.readline())
        try:
            await self._tell_who_looks()
            status = await self._answer("status", {})
            await _send(writer, {"event": "status"} | status)
            while status["ok"]:
                coming = asyncio.create_task(subscriber.take())
                await asyncio.wait(
                    {coming, heard}, timeout=ALIVE_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                if heard.done():
                    if not (line := heard.result()):
                        return
                    message = Assembler().feed(line)
                    subscriber.previews = bool(message and message.get("previews"))
                    subscriber.seen = message.get("seen") if message else None
                    await self._tell_who_looks()
                    heard = asyncio.create_task(reader.readline())
                if coming.done():
                    for event in coming.result():
                        await _send(writer, event)
                    await subscriber.rest()
                else:
                    coming.cancel()
                    if not heard.done():
                        await _send(writer, {"event": "alive"})
        finally:
            heard.cancel()
            self._subscribers.discard(subscriber)
            await self._tell_who_looks()

    async def _tell_who_looks(self) -> None:
        """Previews are made only while somebody looks at them."""
        await self._want_previews(any(s.previews for s in self._subscribers))


async def _send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    for line in encode(message):
        writer.write(line)
    await writer.drain()
