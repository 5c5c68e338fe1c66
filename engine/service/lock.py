"""One engine process a library: a lock that dies with its holder."""

import fcntl
import json
import os
import socket
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from engine import __version__

LOCK_FILE = "engine.lock"
_PATIENCE = 1.0
_FILE_BYTES = 512


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a library."""

    pid: int
    host: str
    version: str
    started: float
    listens: bool = False
    """Whether it has come so far that commands reach it."""

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.started))
        return f"process {self.pid} on {self.host}, Promptsheet {self.version}, since {since}"


class LockedError(Exception):
    """Another engine process holds the library."""

    def __init__(self, library: Path, holder: Holder | None) -> None:
        self.holder = holder
        who = str(holder) if holder else "another one"
        super().__init__(f"The library {library} is held by an engine process: {who}.")


class LibraryLock:
    """The lock of one library, held from `take` until `release` or the end of the process."""

    def __init__(self, path: Path, descriptor: int, holder: Holder) -> None:
        self._path = path
        self._descriptor = descriptor
        self._holder = holder

    @classmethod
    def take(cls, library: Path) -> Self:
        """Take the lock.

        Raises:
            LockedError: someone else has it.
        """
        path = library / LOCK_FILE
        deadline = time.monotonic() + _PATIENCE
        while True:
            # Not inherited by renderers: a child would keep the lock beyond our death.
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                # Someone who only asks whether it is held, holds it for an instant.
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                raise LockedError(library, read_holder(library)) from None
            if _is_still(path, descriptor):
                break
            os.close(descriptor)  # deleted between opening and locking: someone has a newer one
        holder = Holder(os.getpid(), socket.gethostname(), __version__, time.time())
        lock = cls(path, descriptor, holder)
        lock._write()
        return lock

    def say_listening(self) -> None:
        """Let everyone know that commands reach the holder from now on."""
        self._holder = replace(self._holder, listens=True)
        self._write()

    def _write(self) -> None:
        # Always as long, so that nobody reads the end of what was there before.
        os.ftruncate(self._descriptor, _FILE_BYTES)
        os.pwrite(self._descriptor, json.dumps(asdict(self._holder)).encode().ljust(_FILE_BYTES), 0)

    def is_ours(self) -> bool:
        """Whether the lock file is still the one we hold: someone may have deleted it."""
        return _is_still(self._path, self._descriptor)

    def release(self) -> None:
        """Let the next one in. The file stays: deleting it would let two in."""
        os.close(self._descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False


def read_holder(library: Path) -> Holder | None:
    """Who last took the lock, as far as the file says."""
    try:
        body = json.loads((library / LOCK_FILE).read_text())
        return Holder(
            int(body["pid"]),
            str(body["host"]),
            str(body["version"]),
            float(body["started"]),
            bool(body.get("listens")),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def is_locked(library: Path) -> bool:
    """Whether an engine process holds the library now."""
    try:
        descriptor = os.open(library / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
