"""The engine process: the only writer of one library, listening on its socket."""

import asyncio
import contextlib
import logging
import logging.handlers
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.library.database import LibraryError, on_network
from engine.library.read.reader import find_session
from engine.library.write.sharing import Sharing
from engine.library.write.states import Scope
from engine.library.write.trash import settle
from engine.library.write.writer import Writer
from engine.protocol.answers import Accepted, Changed, Done, Leaving, Status
from engine.protocol.commands import (
    AskStatus,
    Command,
    Move,
    Pause,
    Resume,
    Retry,
    Shutdown,
    Stop,
    Submit,
)
from engine.protocol.events import AnyEvent, Counted
from engine.protocol.records import Tally
from engine.service.devices import Found, find_devices
from engine.service.lock import LibraryLock
from engine.service.server.curation_commands import CurationCommands
from engine.service.server.dispatcher import Dispatcher
from engine.service.server.notice import send_notice
from engine.service.server.rewrite_stage import RewriteStage
from engine.service.server.session_log import SessionLogs
from engine.service.server.socket_server import Handler, SocketServer
from engine.service.server.submissions import Submissions
from engine.service.server.writer_thread import WriterThread
from engine.service.socket_path import make_private, socket_path
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
        self._rewriting = RewriteStage(self._write, self._scheduler, self._logs.note)
        self._server = SocketServer(
            self._library,
            detached,
            self._handlers(),
            self._status,
            self._scheduler.want_previews,
            self._stop.set,
        )

    def _handlers(self) -> dict[type[Command[Any]], Handler]:
        """What is done for each command."""
        return {
            Submit: self._submit,
            Stop: self._stop_work,
            Resume: self._resume,
            Retry: self._retry,
            Move: self._move,
            Pause: self._pause,
            AskStatus: lambda _: self._status(),
            Shutdown: self._shutdown,
            **CurationCommands(self._write, self._scheduler, self._publish).handlers(),
        }

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
        server = await asyncio.start_unix_server(self._server.serve, path)
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
            self._server.close()
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
            if self._server or waits or self._rewriting.busy or not self._scheduler.idle:
                self._last_used = time.monotonic()
            elif time.monotonic() - self._last_used >= patience:
                log.info("nothing to do for %g minutes: leaving", patience / 60)
                self._stop.set()

    def _publish(self, event: AnyEvent) -> None:
        if isinstance(event, Counted):
            tally = event.tally
            if tally.waiting and tally.rewriting:
                self._rewriting.wake()
            if not tally.settled:
                self._ended.discard(tally.session)
            elif event.rows is not None and tally.session not in self._ended:
                self._ended.add(tally.session)  # several batches may be its last
                self._note_end(tally)
        self._server.tell(event)

    def _note_end(self, tally: Tally) -> None:
        counts = f"{tally.done} of {tally.images} done, {tally.failed} failed"
        self._logs.note(tally.session, f"at its end: {counts}, {tally.stopped} stopped")
        if not self._server.follow and not tally.stopped:
            task = asyncio.create_task(self._send_notice(tally.session))
            self._notices.add(task)
            task.add_done_callback(self._notices.discard)

    async def _send_notice(self, session: str) -> None:
        info = await asyncio.to_thread(find_session, self._library, session)
        await send_notice(self._settings.notice, info)

    # ---------------------------------------------------------------- commands

    async def _submit(self, wanted: Submit) -> Accepted:
        tally, words = await self._submissions.accept(wanted)
        self._logs.note(tally.session, f"{tally.images} images of {words}")
        self._scheduler.tell(tally)
        self._scheduler.wake()
        return Accepted(tally)

    async def _stop_work(self, wanted: Stop) -> Changed:
        scope = Scope(wanted.session, wanted.rows)
        return self._changed("stopped", wanted.rows, await self._scheduler.stop(scope))

    async def _resume(self, wanted: Resume) -> Changed:
        held = self._scheduler.held
        released = held if wanted.session is None else held & {wanted.session}
        self._scheduler.hold(held - released)
        tallies = await self._write(Writer.resume, Scope(wanted.session, wanted.rows))
        released = released - {tally.session for tally in tallies}
        tallies += [t for t in await self._write(Writer.tallies) if t.session in released]
        return self._changed("resumed", wanted.rows, tallies, work=True)

    async def _retry(self, wanted: Retry) -> Changed:
        tallies = await self._write(Writer.retry, Scope(wanted.session, wanted.rows))
        self._scheduler.hold(self._scheduler.held - {tally.session for tally in tallies})
        return self._changed("tried again", wanted.rows, tallies, work=True)

    async def _move(self, wanted: Move) -> Changed:
        tally = await self._write(Writer.move_session, wanted.session, wanted.to)
        return self._changed(f"moved {wanted.to}", None, [tally])

    async def _pause(self, wanted: Pause) -> Done:
        await self._write(Writer.pause, wanted.paused)
        await self._scheduler.pause(wanted.paused)
        self._rewriting.wake()
        return Done()

    def _changed(
        self, how: str, rows: Sequence[int] | None, tallies: list[Tally], *, work: bool = False
    ) -> Changed:
        """Tell everyone of sessions that changed; `work`: there may be more to do."""
        for tally in tallies:
            self._logs.note(tally.session, how if rows is None else f"{how}: rows {rows}")
            self._scheduler.tell(tally)
        if work:
            self._scheduler.wake()
        return Changed(tallies)

    async def _status(self) -> Status:
        return Status(
            pid=os.getpid(),
            library=str(self._library),
            detached=self._detached,
            fault=self._fault,
            paused=self._scheduler.paused,
            paused_by_user=self._scheduler.paused_by_user,
            held=sorted(self._scheduler.held),
            renderers=self._scheduler.renderers(),
            work=await self._write(Writer.tallies),
        )

    async def _shutdown(self, _: Shutdown) -> Leaving:
        return Leaving(os.getpid())


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
