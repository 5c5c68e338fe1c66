"""An engine process on another host, node-a, without renderers; who tests it is on node-b."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from engine.library.write.writer import Writer
from engine.service import lock as lock_module
from engine.service.devices import FoundDevices
from engine.service.lock import LibraryLock
from engine.service.server import spool_server
from engine.service.server.current_settings import CurrentSettings
from engine.service.server.process import EngineProcess
from engine.settings import Settings

_names = threading.local()


def be_on_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every folder on a network file system, and threads that are on hosts of their own."""
    monkeypatch.setattr(lock_module, "on_network", lambda _: True)
    monkeypatch.setattr(lock_module, "_flock", lambda *_: True)
    monkeypatch.setattr(lock_module, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(lock_module, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(spool_server, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(socket, "gethostname", lambda: getattr(_names, "host", "node-b"))


@contextmanager
def on_node_a() -> Iterator[None]:
    """This thread is on that host."""
    _names.host = "node-a"
    try:
        yield
    finally:
        del _names.host


class NodeA:
    """The engine process there."""

    def __init__(self, settings: Settings) -> None:
        """Args: settings: whose library."""
        self._settings = settings
        self.renders = True
        """Whether someone asked for rendering there."""
        self.lock: LibraryLock
        self._ready = threading.Event()
        self.engine: EngineProcess

    def take(self) -> LibraryLock:
        """Only take the lock, and say that requests are taken in."""
        self._settings.library.mkdir(mode=0o700, exist_ok=True)
        self.lock = LibraryLock.take(self._settings.library)
        self.lock.say_listening(spooling=True)
        return self.lock

    def serve(self) -> None:
        """Be it, in this thread, until it is told to stop."""
        library = self._settings.library
        library.mkdir(mode=0o700, exist_ok=True)
        self.lock = LibraryLock.take(library)
        writer = Writer(library, self.lock.is_ours)
        try:
            asyncio.run(self._serve(writer))
        finally:
            writer.close()
            self.lock.release()

    async def _serve(self, writer: Writer) -> None:
        self.engine = EngineProcess(
            self._settings,
            CurrentSettings(self._settings),
            writer,
            FoundDevices(["cpu"], {"cpu": "cpu"}),
            "in a test",
            asked=self.renders,
        )
        self._loop = asyncio.get_running_loop()
        self.spool = self.engine._spool
        await self.engine._take_up_work()
        self.lock.say_listening(spooling=await self.spool.open())
        running = asyncio.create_task(self.spool.run())
        self._ready.set()
        await self.engine._stop.wait()
        running.cancel()
        self.spool.close()
        self.engine._write.close()
        self.engine._logs.close()

    @contextmanager
    def running(self) -> Iterator["NodeA"]:
        """It runs in a thread of its own."""
        fault: list[BaseException] = []

        def run() -> None:
            with on_node_a():
                try:
                    self.serve()
                except BaseException as error:
                    fault.append(error)
                    self._ready.set()

        thread = threading.Thread(target=run)
        thread.start()
        self._ready.wait(30)
        if fault:
            raise fault[0]
        try:
            yield self
        finally:
            self.stop()
            thread.join(30)

    def stop(self) -> None:
        """Let go of the library."""
        with suppress(RuntimeError):  # it has stopped
            self._loop.call_soon_threadsafe(self.engine._stop.set)
