"""The engine process: the only writer of one library, listening on its socket."""

import asyncio
import contextlib
import logging
import logging.handlers
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.library.database import LibraryError, on_network
from engine.library.read.reader import find_session
from engine.library.records import Tally
from engine.library.write.sharing import Sharing
from engine.library.write.states import Scope
from engine.library.write.trash import settle
from engine.library.write.writer import Writer
from engine.service.devices import Found, find_devices
from engine.service.lock import LibraryLock
from engine.service.server.curation_commands import Keeping
from engine.service.server.dispatcher import Dispatcher, tally_event
from engine.service.server.notice import send_notice
from engine.service.server.rewrite_stage import RewriteStage
from engine.service.server.session_log import SessionLogs
from engine.service.server.socket_server import Command, SocketServer
from engine.service.server.submissions import Submissions
from engine.service.server.writer_thread import WriterThread
from engine.service.wire import (
    LINE_BYTES,
    make_private,
    socket_path,
)
from engine.settings import Settings

log = logging.getLogger(__name__)

_CLOSING_SECONDS = 30.0
_LOG_BYTES = 4 << 20


class EngineProcess:
    """The commands clients may give, and the events they may follow."""

    def __init__(
        self,
        settings: Settings,
        writer: Writer,
        found: Found,
        detached: str,
    ) -> None:
        """Args: found: the devices to render on. detached: how, in words."""
        self._settings = settings
        self._library = settings.library
        self._write = WriterThread(writer)
        self._stop = asyncio.Event()
        self._last_used = time.monotonic()
        self._detached = detached
        self._logs = SessionLogs(self._library)
        self._ended: set[str] = set()
        self._notices: set[asyncio.Task[None]] = set()
        self._fault = found.fault
        devices, names = found.devices, found.names
        named = {names.get(device, device) for device in devices}
        self._submissions = Submissions(self._write, settings.render, named)
        self._scheduler = Dispatcher(
            self._write,
            self._library,
            settings,
            devices,
            self._publish,
            names=names,
            note=self._logs.note,
        )
        self._rewriting = RewriteStage(self._write, self._scheduler, self._publish, self._logs.note)
        commands: dict[str, Command] = {
            "submit": self._submit,
            "stop": self._stop_work,
            "resume": self._resume,
            "retry": self._retry,
            "move": self._move,
            "pause": self._pause,
            "status": self._status,
            "shutdown": self._shutdown,
            **Keeping(self._write, self._scheduler, self._publish).commands(),
        }
        self._clients = SocketServer(
            self._library, detached, commands, self._scheduler.want_previews, self._stop.set
        )

    async def run(self, on_ready: Callable[[], object]) -> None:
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
        server = await asyncio.start_unix_server(self._clients.serve, path, limit=2 * LINE_BYTES)
        path.chmod(0o600)
        identity = path.stat().st_ino
        await self._take_up_work()
        on_ready()
        log.info("listening on %s, %s", path, self._detached)
        rendering = asyncio.create_task(self._scheduler.run())
        rewriting = asyncio.create_task(self._rewriting.run())
        idling = asyncio.create_task(self._leave_when_idle())
        asked = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({rendering, rewriting, asked}, return_when=asyncio.FIRST_COMPLETED)
            await self._scheduler.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(rendering, _CLOSING_SECONDS)
            if rewriting.done():  # of itself it does not end: something is wrong
                await rewriting
        except* LibraryError as errors:
            raise _first(errors) from None
        finally:
            for task in (idling, asked, rewriting, rendering):
                task.cancel()
            self._clients.close()
            server.close()
            if path.exists() and path.stat().st_ino == identity:
                path.unlink()
            self._write.close()
            self._logs.close()

    async def _take_up_work(self) -> None:
        """Go on where the last engine process ended, unless the user wants to be asked."""
        await self._scheduler.pause(await self._write(Writer.is_paused))
        if self._settings.engine.autoresume == "ask":
            unfinished = await self._write(Writer.tallies)
            self._scheduler.hold({tally.session for tally in unfinished})

    async def _leave_when_idle(self) -> None:
        patience = self._settings.engine.idle_minutes * 60
        while True:
            await asyncio.sleep(min(patience, 5.0))
            waits = self._scheduler.paused and not self._scheduler.paused_by_user
            if self._clients or waits or self._rewriting.busy or not self._scheduler.idle:
                self._last_used = time.monotonic()
            elif time.monotonic() - self._last_used >= patience:
                log.info("nothing to do for %g minutes: leaving", patience / 60)
                self._stop.set()

    def _publish(self, event: dict[str, Any]) -> None:
        if event["event"] == "tally":
            session = event["session"]
            event["held"] = session in self._scheduler.held
            if event["waiting"] and event["rewriting"]:
                self._rewriting.wake()
            if not event["settled"]:
                self._ended.discard(session)
            elif event["rows"] is not None and session not in self._ended:
                self._ended.add(session)  # several batches may be its last
                self._note_end(event)
        self._clients.tell(event)

    def _note_end(self, tally: dict[str, Any]) -> None:
        session = tally["session"]
        counts = f"{tally['done']} of {tally['images']} done, {tally['failed']} failed"
        self._logs.note(session, f"at its end: {counts}, {tally['stopped']} stopped")
        if not self._clients.follow and not tally["stopped"]:
            task = asyncio.create_task(self._send_notice(session))
            self._notices.add(task)
            task.add_done_callback(self._notices.discard)

    async def _send_notice(self, session: str) -> None:
        info = await asyncio.to_thread(find_session, self._library, session)
        await send_notice(self._settings.notice, info)

    # ---------------------------------------------------------------- commands

    async def _submit(
        self,
        name: str,
        source: dict[str, Any],
        rows: list[str],
    ) -> dict[str, Any]:
        tally, words = await self._submissions.accept(name, source, rows)
        self._logs.note(tally.session, f"{tally.images} images of {words}")
        return self._woken(tally)

    def _woken(self, tally: Tally) -> dict[str, Any]:
        """Tell everyone of a session that has work again."""
        self._publish(tally_event(tally))
        self._scheduler.wake()
        return asdict(tally)

    async def _stop_work(
        self, session: str | None, rows: list[int] | None = None
    ) -> dict[str, Any]:
        return self._changed("stopped", rows, await self._scheduler.stop(Scope(session, rows)))

    async def _resume(self, session: str | None, rows: list[int] | None = None) -> dict[str, Any]:
        held = self._scheduler.held
        released = held if session is None else held & {session}
        self._scheduler.hold(held - released)
        tallies = await self._write(Writer.resume, Scope(session, rows))
        released = released - {tally.session for tally in tallies}
        tallies += [t for t in await self._write(Writer.tallies) if t.session in released]
        return self._changed("resumed", rows, tallies, work=True)

    async def _retry(self, session: str | None, rows: list[int] | None = None) -> dict[str, Any]:
        tallies = await self._write(Writer.retry, Scope(session, rows))
        self._scheduler.hold(self._scheduler.held - {tally.session for tally in tallies})
        return self._changed("tried again", rows, tallies, work=True)

    async def _move(self, session: str, to: str) -> dict[str, Any]:
        tally = await self._write(Writer.move_session, session, to)
        return self._changed(f"moved {to}", None, [tally])

    async def _pause(self, paused: bool) -> dict[str, Any]:
        await self._write(Writer.pause, paused)
        await self._scheduler.pause(paused)
        self._rewriting.wake()
        return {}

    def _changed(
        self, how: str, rows: list[int] | None, tallies: list[Tally], *, work: bool = False
    ) -> dict[str, Any]:
        """Tell everyone of sessions that changed; `work`: there may be more to do."""
        for tally in tallies:
            self._logs.note(tally.session, how if rows is None else f"{how}: rows {rows}")
            self._publish(tally_event(tally))
        if work:
            self._scheduler.wake()
        return {"sessions": [asdict(tally) for tally in tallies]}

    async def _status(self) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "library": str(self._library),
            "detached": self._detached,
            "fault": self._fault,
            "paused": self._scheduler.paused,
            "paused_by_user": self._scheduler.paused_by_user,
            "held": sorted(self._scheduler.held),
            "renderers": self._scheduler.renderers(),
            "work": [asdict(tally) for tally in await self._write(Writer.tallies)],
        }

    async def _shutdown(self) -> dict[str, Any]:
        return {"pid": os.getpid()}


def run_engine(settings: Settings, detached: str, on_ready: Callable[[], object]) -> None:
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
        writer = Writer(library, lock.is_ours, _sharing(settings))
        try:
            adopted, requeued = writer.recover()
            settle(writer)
            if adopted or requeued:
                log.info("after an interruption: %d adopted, %d requeued", adopted, requeued)
            if on_network(library):
                log.info("the library is on a network filesystem: no write-ahead log")
            found = find_devices(settings.render.devices)
            engine = EngineProcess(settings, writer, found, detached)

            def listening() -> None:
                lock.say_listening()
                on_ready()

            asyncio.run(engine.run(listening))
        finally:
            writer.close()
    except Exception:
        log.exception("the engine process ends")
        raise
    finally:
        lock.release()
    log.info("stopped")


def _sharing(settings: Settings) -> Sharing:
    folder = settings.share.folder
    return Sharing(folder.expanduser() if folder else None, settings.share.strip_metadata)


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def _first(errors: BaseExceptionGroup[LibraryError]) -> LibraryError:
    """The first error of a group of groups."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
