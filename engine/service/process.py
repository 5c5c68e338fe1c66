"""The engine process: the only writer of one library, listening on its socket."""

import asyncio
import contextlib
import json
import logging
import logging.handlers
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine import __version__
from engine.library.database import SCHEMA_VERSION, LibraryError, on_network
from engine.library.records import Tally
from engine.library.trash import settle
from engine.library.writer import Writer
from engine.models.catalog import load_models
from engine.picture.recipe import Recipe
from engine.plan.batches import power_of_two_within
from engine.service.accept import RefusedError, RequestedRow, plan_session
from engine.service.keeping import Keeping
from engine.service.lock import LibraryLock
from engine.service.scheduler import Scheduler, tally_event
from engine.service.wire import (
    LINE_BYTES,
    PROTOCOL,
    Assembler,
    Greeting,
    WireError,
    encode,
    make_private,
    peer_uid,
    socket_path,
)
from engine.service.writer_thread import WriterThread
from engine.settings import Settings, SettingsError

log = logging.getLogger(__name__)

_BACKLOG = 1000
_CLOSING_SECONDS = 30.0
_LOG_BYTES = 4 << 20
_GPU_NODES = ("/dev/nvidiactl", "/dev/kfd")


class _Subscriber:
    """A client that follows events. One that does not keep up misses steps, never counts."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def offer(self, event: dict[str, Any]) -> None:
        if self.queue.qsize() < _BACKLOG or event["event"] != "step":
            self.queue.put_nowait(event)


class EngineProcess:
    """The commands clients may give, and the events they may follow."""

    def __init__(
        self, settings: Settings, writer: Writer, devices: list[str], detached: str
    ) -> None:
        self._settings = settings
        self._library = settings.library
        self._write = WriterThread(writer)
        self._subscribers: set[_Subscriber] = set()
        self._clients: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._last_used = time.monotonic()
        self._detached = detached
        self._scheduler = Scheduler(self._write, self._library, settings, devices, self._publish)
        self._commands: dict[str, Callable[..., Awaitable[dict[str, Any]]]] = {
            "submit": self._submit,
            "stop": self._stop_session,
            "resume": self._resume,
            "retry": self._retry,
            "status": self._status,
            "shutdown": self._shutdown,
            **Keeping(self._write, self._scheduler, self._publish).commands(),
        }

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until asked to stop, or until there was nothing to do for a while.

        Raises:
            LibraryError: the database was moved or deleted.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._stop.set)
        path = socket_path(self._library)
        make_private(path.parent)
        path.unlink(missing_ok=True)  # a dead one's: we hold the lock
        server = await asyncio.start_unix_server(self._serve, path, limit=2 * LINE_BYTES)
        path.chmod(0o600)
        identity = path.stat().st_ino
        on_ready()
        log.info("listening on %s, %s", path, self._detached)
        rendering = asyncio.create_task(self._scheduler.run())
        idling = asyncio.create_task(self._leave_when_idle())
        asked = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({rendering, asked}, return_when=asyncio.FIRST_COMPLETED)
            await self._scheduler.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(rendering, _CLOSING_SECONDS)
        except* LibraryError as errors:
            raise errors.exceptions[0] from None
        finally:
            for task in (idling, asked, rendering, *self._clients):
                task.cancel()
            server.close()
            if path.exists() and path.stat().st_ino == identity:
                path.unlink()
            self._write.close()

    async def _leave_when_idle(self) -> None:
        patience = self._settings.engine.idle_minutes * 60
        while True:
            await asyncio.sleep(min(patience, 5.0))
            if self._clients or self._scheduler.paused or not self._scheduler.idle:
                self._last_used = time.monotonic()
            elif time.monotonic() - self._last_used >= patience:
                log.info("nothing to do for %g minutes: leaving", patience / 60)
                self._stop.set()

    def _publish(self, event: dict[str, Any]) -> None:
        for subscriber in self._subscribers:
            subscriber.offer(event)

    # ---------------------------------------------------------------- clients

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
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
        except (ConnectionError, WireError, ValueError) as error:
            log.info("a client left: %s", error)
        finally:
            self._clients.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assembler = Assembler()
        while (line := await reader.readline()).endswith(b"\n"):
            message = assembler.feed(line)
            if message is None:
                continue
            name = str(message.pop("do", None))
            if name == "follow":
                await self._follow(reader, writer)
                return
            await _send(writer, await self._answer(name, message))
            if name == "shutdown":
                self._stop.set()

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
        except (TypeError, KeyError, ValueError) as error:
            log.exception("command %s", name)
            return {"ok": False, "error": f"{name}: not understood: {error!r}"}

    async def _follow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send every event from now on, beginning with where things stand."""
        subscriber = _Subscriber()
        self._subscribers.add(subscriber)
        gone = asyncio.create_task(reader.read(1))
        try:
            await _send(writer, {"event": "status"} | await self._status())
            while not gone.done():
                coming = asyncio.create_task(subscriber.queue.get())
                await asyncio.wait({coming, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():
                    coming.cancel()
                    return
                await _send(writer, coming.result())
        finally:
            gone.cancel()
            self._subscribers.discard(subscriber)

    # ---------------------------------------------------------------- commands

    async def _submit(
        self, name: str, source: dict[str, Any], rows: list[dict[str, Any]]
    ) -> dict[str, Any]:
        models = load_models()

        def largest(recipe: Recipe) -> int:
            limit = self._settings.render.max_batch or models[recipe.model].max_batch
            return power_of_two_within(limit)

        taken = await self._write(Writer.session_keys)
        requested = [RequestedRow.from_json(row) for row in rows]
        new = await asyncio.to_thread(
            plan_session, name, source, requested, models, largest=largest, taken=taken
        )
        tally = await self._write(Writer.add_session, new)
        return self._woken(tally)

    def _woken(self, tally: Tally) -> dict[str, Any]:
        """Tell everyone of a session that has work again."""
        self._publish(tally_event(tally))
        self._scheduler.wake()
        return asdict(tally)

    async def _stop_session(self, session: str) -> dict[str, Any]:
        return asdict(await self._scheduler.stop_session(session))

    async def _resume(self, session: str) -> dict[str, Any]:
        return self._woken(await self._write(Writer.resume, session))

    async def _retry(self, session: str) -> dict[str, Any]:
        return self._woken(await self._write(Writer.retry, session))

    async def _status(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "library": str(self._library),
            "detached": self._detached,
            "paused": self._scheduler.paused,
            "renderers": self._scheduler.renderers(),
            "work": [asdict(tally) for tally in await self._write(Writer.tallies)],
        }

    async def _shutdown(self) -> dict[str, Any]:
        return {"pid": os.getpid()}


async def _send(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    for line in encode(message):
        writer.write(line)
    await writer.drain()


def run_engine(settings: Settings, detached: str, on_ready: Callable[[], None]) -> None:
    """Take the library and serve it until asked to stop.

    Args:
        settings: whose library to serve.
        detached: how this process outlives its terminal, in words.
        on_ready: called once the socket listens.

    Raises:
        LockedError: another engine process has the library.
        LibraryError: the library cannot be used.
        OSError: its folder cannot be written.
    """
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    library = settings.library
    library.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = LibraryLock.take(library)
    _log_to(library / "engine.log")
    try:
        writer = Writer(library, lock.is_ours)
        try:
            adopted, requeued = writer.recover()
            settle(writer)
            if adopted or requeued:
                log.info("after an interruption: %d adopted, %d requeued", adopted, requeued)
            if on_network(library):
                log.info("the library is on a network filesystem: no write-ahead log")
            engine = EngineProcess(settings, writer, _devices(settings), detached)
            asyncio.run(engine.run(on_ready))
        finally:
            writer.close()
    except Exception:
        log.exception("the engine process ends")
        raise
    finally:
        lock.release()
    log.info("stopped")


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def _devices(settings: Settings) -> list[str]:
    """The devices to render on; torch is asked, in a process of its own, only if there are GPUs."""
    named = settings.render.devices
    if "auto" not in named:
        return list(named)
    if not any(Path(node).exists() for node in _GPU_NODES):
        return ["cpu"]
    found = subprocess.run(
        [sys.executable, "-P", "-m", "engine.render.devices"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    try:
        return list(json.loads(found.stdout))
    except ValueError:
        log.error("torch does not start: %s", found.stderr[-2000:])
        return ["cpu"]
