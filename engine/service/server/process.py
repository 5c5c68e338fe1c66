"""The engine process: the only writer of one library, listening on its socket."""

import asyncio
import contextlib
import logging
import logging.handlers
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.atomic_files import open_to_append
from engine.library.database import LibraryError, on_network
from engine.library.maintain.repair import require_repaired
from engine.library.read.reader import find_session
from engine.library.write.model_changes import models_open, take_new_files
from engine.library.write.open_work import note_stopped
from engine.library.write.requests import is_from_elsewhere
from engine.library.write.sharing import Sharing
from engine.library.write.states import Scope
from engine.library.write.trash import drop_left_sources, settle
from engine.library.write.writer import Writer
from engine.library_folder import disk_fault, writing_fault
from engine.machine import cores, memory
from engine.models.catalog import find_model
from engine.models.loras import KnownLoras, load_loras
from engine.protocol.answers import Accepted, Changed, Done, Leaving, MachineShare, Status
from engine.protocol.commands import (
    AskStatus,
    Command,
    Move,
    Pause,
    RenderHere,
    Resume,
    Retry,
    Shutdown,
    Stop,
    Submit,
)
from engine.protocol.events import AnyEvent, Counted
from engine.protocol.records import Tally
from engine.service.devices import FoundDevices, find_devices
from engine.service.hosts import this_host
from engine.service.lock import BEAT_SECONDS, LibraryLock
from engine.service.server.cluster import Cluster
from engine.service.server.curation_commands import CurationCommands
from engine.service.server.current_settings import CurrentSettings
from engine.service.server.dispatcher import Dispatcher
from engine.service.server.ending import SIGNALS, Ending, Foreground, until_done, waiting
from engine.service.server.notice import reason_to_send, send_notice
from engine.service.server.rendering_here import RenderingHere
from engine.service.server.rewrite_stage import RewriteStage
from engine.service.server.session_log import SessionLogs
from engine.service.server.socket_server import Handler, SocketServer
from engine.service.server.spool_server import SpoolServer
from engine.service.server.submissions import Submissions
from engine.service.server.waiting_client import WaitingClient
from engine.service.server.writer_thread import WriterThread
from engine.service.socket_path import address_of, make_private, socket_path
from engine.settings import Settings, loras_folder, renderers_on_nodes, shared_folder

log = logging.getLogger(__name__)

_CLOSING_SECONDS = 30.0
_LOG_BYTES = 4 << 20
LOG_FILE = "engine.log"


class EngineProcess:
    """The commands clients may give, and the events they may follow."""

    def __init__(
        self,
        settings: Settings,
        current: CurrentSettings,
        writer: Writer,
        found: FoundDevices,
        detached: str,
        *,
        asked: bool = False,
        no_render: bool = False,
        fault: str | None = None,
        foreground: Foreground | None = None,
    ) -> None:
        """An engine process.

        Args:
            settings: what held at the start, and holds until the end.
            current: for what can be changed meanwhile.
            writer: the library's.
            found: the devices to render on.
            detached: how it outlives its terminal, in words.
            asked: someone wants it to render on this host.
            no_render: it only keeps the library, until someone asks it to render.
            fault: what is wrong with it, in words.
            foreground: for one that someone runs, and waits for.
        """
        self._settings = settings
        self._current = current
        self._library = settings.library
        self._write = WriterThread(writer)
        self._stop = asyncio.Event()
        self._last_used = time.monotonic()
        self._detached = detached
        self._logs = SessionLogs(self._library)
        self._ended: set[str] = set()
        self._notices: set[asyncio.Task[None]] = set()
        self._foreground = foreground or Foreground()
        self._signal: signal.Signals | None = None
        self._asked_to_render = asked
        self._fault = " ".join(words for words in (found.fault, fault) if words) or None
        self._found = found
        on_nodes = renderers_on_nodes(settings.render.devices)

        def loras() -> KnownLoras:
            return load_loras(loras_folder(current.look()))

        self._dispatcher = Dispatcher(
            self._write,
            self._library,
            settings,
            found.devices,
            self._publish,
            names=found.names,
            note=self._logs.note,
            loras=loras,
            cluster=(
                Cluster(settings.ray, on_nodes, self._library / LOG_FILE) if on_nodes else None
            ),
        )
        self._submissions = Submissions(
            self._write,
            settings.render,
            self._dispatcher.names,
            settings.engine.reserve_mib,
            loras,
        )
        self._rewriting = RewriteStage(self._write, self._dispatcher, current, self._logs.note)
        self._here = RenderingHere(
            self._write,
            self._library,
            settings.engine.render_on,
            self._dispatcher.stay_off,
            no_render=no_render,
        )
        self._spool = SpoolServer(
            self._library,
            self._write,
            lambda command, client: self._server.answer(command, client),
            self._standing,
            self._stop.set,
        )
        self._server = SocketServer(
            self._library,
            detached,
            self._handlers(),
            self._submit,
            self._status,
            self._dispatcher.want_previews,
            self._stop.set,
        )

    def _handlers(self) -> dict[type[Command[Any]], Handler]:
        """What is done for each command."""
        return {
            Stop: self._stop_work,
            Resume: self._resume,
            Retry: self._retry,
            Move: self._move,
            Pause: self._pause,
            AskStatus: lambda _: self._status(),
            RenderHere: self._render_here,
            Shutdown: self._shutdown,
            **CurationCommands(
                self._write, self._dispatcher, self._publish, self._submissions.turn
            ).handlers(),
        }

    async def run(self, on_ready: Callable[[bool], object]) -> Ending:
        """Serve until asked to stop, or until there was nothing to do for a while.

        Args:
            on_ready: called once commands reach it; told whether other hosts' do.

        Raises:
            LibraryError: the database was moved or deleted.
        """
        loop = asyncio.get_running_loop()
        for each in SIGNALS:
            loop.add_signal_handler(each, self._end_by, each)
        path = socket_path(self._library)
        try:
            make_private(path.parent)
            path.unlink(missing_ok=True)  # a dead one's: we hold the lock
            with address_of(path) as address:
                server = await asyncio.start_unix_server(self._server.serve, address)
            path.chmod(0o600)
            identity = path.stat().st_ino
        except OSError as error:
            if disk_fault(path.parent, error):
                raise
            raise LibraryError(
                f"The engine process cannot listen in {path.parent}: {error.strerror or error}."
                " Set XDG_STATE_HOME to a writable folder on a local disk."
            ) from error
        await self._take_up_work()
        on_ready(spooling := await self._spool.open())
        log.info("listening on %s, %s", path, self._detached)
        rendering = asyncio.create_task(self._dispatcher.run())
        rewriting = asyncio.create_task(self._rewriting.run())
        idling = asyncio.create_task(self._leave_when_idle())
        asked = asyncio.create_task(self._stop.wait())
        lost = asyncio.create_task(self._until_lost())
        done = asyncio.create_task(self._until_done())
        trouble = None
        others = [asyncio.create_task(self._spool.run())] if spooling else []
        try:
            await asyncio.wait(
                {rendering, rewriting, asked, lost, done}, return_when=asyncio.FIRST_COMPLETED
            )
            if lost.done():
                await lost
            if done.done():
                trouble = await done
            await self._dispatcher.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(rendering, _CLOSING_SECONDS)
            if rewriting.done():  # of itself it does not end: something is wrong
                await rewriting
            left = await self._left() if self._foreground.exit_when_done else 0
        except* LibraryError as errors:
            raise _first(errors) from None
        finally:
            for task in (idling, asked, lost, done, rewriting, rendering, *others):
                task.cancel()
            self._spool.close()
            self._server.close()
            server.close()
            if path.exists() and path.stat().st_ino == identity:
                path.unlink()
            self._write.close()
            self._logs.close()
        return Ending(left, trouble, self._signal)

    def _end_by(self, which: signal.Signals) -> None:
        log.info("%s: leaving", which.name)
        self._signal = self._signal or which
        self._stop.set()

    async def _until_done(self) -> str | None:
        if not self._foreground.exit_when_done:
            await asyncio.Event().wait()
        return await until_done(
            lambda: self._write(Writer.tallies),
            self._dispatcher,
            lambda: self._rewriting.busy or bool(self._notices) or self._submissions.turn.locked(),
            self._settings.engine.wait_minutes * 60,
        )

    async def _left(self) -> int | None:
        with contextlib.suppress(OSError, sqlite3.OperationalError):  # the disk is full, say
            return waiting(await self._write(Writer.tallies))
        return None

    async def _take_up_work(self) -> None:
        """Go on where the last engine process ended, unless the user wants to be asked."""
        # One that is to render nothing is not followed by one that does because someone looks on.
        await self._write(note_stopped, self._here.no_render)
        await (self._here.ask() if self._asked_to_render else self._here.decide())
        await self._dispatcher.pause(await self._write(Writer.is_paused))
        # Who waits for the end of all work has been asked already.
        asks = self._settings.engine.autoresume == "ask" and not self._foreground.exit_when_done
        if asks:
            unfinished = await self._write(Writer.tallies)
            self._dispatcher.hold({tally.session for tally in unfinished})

    async def _leave_when_idle(self) -> None:
        patience = self._settings.engine.idle_minutes * 60
        while True:
            await asyncio.sleep(min(patience, 5.0))
            waits = self._dispatcher.paused and not self._dispatcher.off
            if (
                self._server
                or self._spool
                or waits
                or self._rewriting.busy
                or not self._dispatcher.idle
            ):
                self._last_used = time.monotonic()
            elif time.monotonic() - max(self._last_used, self._spool.used) >= patience:
                log.info("nothing to do for %g minutes: leaving", patience / 60)
                self._stop.set()

    async def _until_lost(self) -> None:
        """Look, also while there is nothing to do, whether the library is there, and still ours.

        Raises:
            LibraryError: it is not.
        """
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            with contextlib.suppress(OSError):  # a network disk that is away for a while
                await self._write(Writer.require_ours)

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
        session = tally.session
        counts = f"{tally.done} of {tally.images} done, {tally.failed} failed"
        self._logs.note(session, f"at its end: {counts}, {tally.stopped} stopped")
        self._foreground.tell(tally)
        settings = self._settings.notice
        if tally.stopped or not (settings.command or settings.urls):
            return
        sent, why = reason_to_send(settings, self._server.seen)
        self._logs.note(session, f"notice {'sent' if sent else 'not sent'}: {why}")
        if sent:
            task = asyncio.create_task(self._send_notice(session))
            self._notices.add(task)
            task.add_done_callback(self._notices.discard)

    async def _send_notice(self, session: str) -> None:
        info = await asyncio.to_thread(find_session, self._library, session)
        await send_notice(self._settings.notice, info)

    # ---------------------------------------------------------------- commands

    async def _submit(self, wanted: Submit, client: WaitingClient) -> Accepted:
        await self._asked()
        settings = self._current.look()
        await self._write(Writer.share_in, _sharing(settings))
        tally, words = await self._submissions.accept(
            wanted, client, rewriting=bool(settings.magic.model)
        )
        self._logs.note(tally.session, f"{tally.images} images of {words}")
        self._dispatcher.tell(tally)
        self._dispatcher.wake()
        return Accepted(tally)

    async def _render_here(self, _: RenderHere) -> Status:
        await self._asked(of_the_engine=True)
        return await self._status()

    async def _asked(self, *, of_the_engine: bool = False) -> None:
        """Someone wants work to be done: here, unless they ask from another host."""
        if is_from_elsewhere():
            await self._here.decide()
        else:
            await self._here.ask(of_the_engine=of_the_engine)
        await self._write(note_stopped, self._here.no_render)
        self._rewriting.wake()

    async def _stop_work(self, wanted: Stop) -> Changed:
        scope = Scope(wanted.session, wanted.rows)
        return self._changed("stopped", wanted.rows, await self._dispatcher.stop(scope))

    async def _resume(self, wanted: Resume) -> Changed:
        await self._asked()
        if wanted.new_files:
            await self._take_new_files(wanted.session)
        held = self._dispatcher.held
        released = held if wanted.session is None else held & {wanted.session}
        self._dispatcher.hold(held - released)
        tallies = await self._write(Writer.resume, Scope(wanted.session, wanted.rows))
        released = released - {tally.session for tally in tallies}
        tallies += [t for t in await self._write(Writer.tallies) if t.session in released]
        return self._changed("resumed", wanted.rows, tallies, work=True)

    async def _take_new_files(self, session: str | None) -> None:
        """Go on with the files that models of images to come have now, whatever was planned."""
        found: dict[str, str] = {}
        for label in await self._write(models_open, session):
            if (model := find_model(label)) is not None:
                found[label] = await asyncio.to_thread(model.files.fingerprint)
        for key in await self._write(take_new_files, session, found):
            self._logs.note(key, f"goes on with the files its models have now: {found}")

    async def _retry(self, wanted: Retry) -> Changed:
        await self._asked()
        if wanted.new_files:
            await self._take_new_files(wanted.session)
        tallies = await self._write(Writer.retry, Scope(wanted.session, wanted.rows))
        self._dispatcher.hold(self._dispatcher.held - {tally.session for tally in tallies})
        return self._changed("tried again", wanted.rows, tallies, work=True)

    async def _move(self, wanted: Move) -> Changed:
        tally = await self._write(Writer.move_session, wanted.session, wanted.to)
        return self._changed(f"moved {wanted.to}", None, [tally])

    async def _pause(self, wanted: Pause) -> Done:
        if not wanted.paused:
            await self._asked()
        await self._write(Writer.pause, wanted.paused)
        await self._dispatcher.pause(wanted.paused)
        self._rewriting.wake()
        return Done()

    def _changed(
        self, how: str, rows: Sequence[int] | None, tallies: list[Tally], *, work: bool = False
    ) -> Changed:
        """Tell everyone of sessions that changed; `work`: there may be more to do."""
        for tally in tallies:
            self._logs.note(tally.session, how if rows is None else f"{how}: rows {rows}")
            self._dispatcher.tell(tally)
        if work:
            self._dispatcher.wake()
        return Changed(tallies)

    async def _status(self) -> Status:
        return replace(self._standing(), work=await self._write(Writer.tallies))

    def _standing(self) -> Status:
        """How it is, without its work."""
        return Status(
            pid=os.getpid(),
            library=str(self._library),
            detached=self._detached,
            host=this_host(),
            fault=self._fault,
            paused=self._dispatcher.paused,
            paused_by_user=self._dispatcher.paused_by_user,
            renders=not self._dispatcher.off,
            held=sorted(self._dispatcher.held),
            renderers=self._dispatcher.renderers(),
            work=[],
            loading=self._dispatcher.loading(),
            devices=self._dispatcher.devices(),
            machine=MachineShare(self._found.devices, cores(), memory().total, self._found.hidden),
            nodes_fault=self._dispatcher.nodes_fault,
        )

    async def _shutdown(self, _: Shutdown) -> Leaving:
        # Who looks on starts it again where it just ends. A full disk stops nobody from stopping.
        with contextlib.suppress(LibraryError, OSError, sqlite3.Error):
            await self._write(note_stopped, True)
        return Leaving(os.getpid())


def run_engine(
    settings: Settings,
    detached: str,
    on_ready: Callable[[], object],
    *,
    asked: bool = False,
    no_render: bool = False,
    foreground: Foreground | None = None,
) -> Ending:
    """Take the library and serve it until asked to stop; how that ended.

    Args:
        settings: whose library to serve.
        detached: how this process outlives its terminal, in words.
        on_ready: called once the socket listens.
        asked: someone wants it to render on this host.
        no_render: keep the library, and render nothing until someone asks this process to.
        foreground: for one that someone runs, and waits for.

    Raises:
        LockedError: another engine process has the library.
        LibraryError: the library cannot be used.
        OSError: its folder cannot be written.
    """
    current = CurrentSettings(settings)
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    library = settings.library
    if fault := writing_fault(library):
        raise LibraryError(fault)
    library.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = LibraryLock.take(library)
    fault = _log_to(library / LOG_FILE)
    try:
        require_repaired(library)
        writer = Writer(library, lock.is_ours, _sharing(settings))
        try:
            adopted, requeued = writer.recover()
            settle(writer)
            drop_left_sources(writer)
            if adopted or requeued:
                log.info("after an interruption: %d adopted, %d requeued", adopted, requeued)
            if on_network(library):
                log.info("the library is on a network filesystem: no write-ahead log")
            found = find_devices(settings.render.devices)
            engine = EngineProcess(
                settings,
                current,
                writer,
                found,
                detached,
                asked=asked,
                no_render=no_render,
                fault=fault,
                foreground=foreground,
            )

            def listening(spooling: bool) -> None:
                lock.say_listening(spooling=spooling)
                on_ready()

            ending = asyncio.run(engine.run(listening))
        finally:
            writer.close()
    except Exception:
        log.exception("the engine process ends")
        raise
    finally:
        lock.release()
    log.info("stopped")
    return ending


def update_library(library: Path) -> None:
    """Bring a library of an older version up to date, and let go of it; nothing is rendered.

    Raises:
        LockedError: an engine process has the library.
        LibraryError: the library cannot be used.
        OSError: its folder cannot be written.
    """
    os.umask(0o077)
    if fault := writing_fault(library):
        raise LibraryError(fault)
    lock = LibraryLock.take(library)
    try:
        require_repaired(library)
        Writer(library, lock.is_ours).close()
    finally:
        lock.release()


def _sharing(settings: Settings) -> Sharing:
    return Sharing(shared_folder(settings), settings.share.strip_metadata)


class _Log(logging.handlers.RotatingFileHandler):
    """A log that is no link to some other file."""

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(open_to_append(Path(self.baseFilename)), self.encoding, self.errors)


def _log_to(path: Path) -> str | None:
    """Log into a file; why that is not possible: the work goes on without."""
    logging.raiseExceptions = False  # a full disk is said once, and not for every line
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    try:
        handler = _Log(
            path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        root.addHandler(logging.NullHandler())
        return f"{path} cannot be written: {error.strerror}."
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root.addHandler(handler)
    return None


def _first(errors: BaseExceptionGroup[LibraryError]) -> LibraryError:
    """The first error of a group of groups."""
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
