"""One engine process a library: a lock that dies with its holder, and a heartbeat for other hosts.

Where one kernel sees both who holds a library and who wants it, `flock` decides: it is free the
moment its holder dies. On a file system that several hosts mount, each may have locks of its own
(sshfs, bindfs, NFS with local_lock, Lustre with localflock, BeeGFS). So the lock file also says who
holds the library, and counts heartbeats. For a host that is not the holder's:

- a beat of late means held: it is refused at once;
- else it watches the counter by its own clock (clocks of hosts may be years apart), and takes the
  library only if the counter stands still;
- whoever takes it writes its name there, waits a while, and opens the database only if its name
  still stands there: of several that come at once, the last to write has it;
- a holder reads the file before every commit, and stops at once when another's name stands there:
  it may have been suspended while another took over. Its last commit is over before the other's
  wait is.

Who takes over from a holder that only fell silent goes on with a copy of the database: one that was
suspended amid a commit ends that in files that are no longer the library's.
"""

import errno
import fcntl
import json
import logging
import os
import secrets
import socket
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import msgspec

from engine import __version__
from engine.errors import PromptsheetError
from engine.library.database import on_network, replace_with_copy

log = logging.getLogger(__name__)

LOCK_FILE = "engine.lock"
BEAT_SECONDS = 2.0
"""Between heartbeats."""
STALE_SECONDS = 12.0
"""A counter that stands still for so long is no living holder's."""
SETTLE_SECONDS = 4.0
"""How long a new holder waits for another one that came at the same time."""
_LOOK_SECONDS = 0.5
_PATIENCE = 1.0
_FILE_BYTES = 1024
_READING = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""A named pipe of that name, in a folder that others write too, is not waited for."""
_NO_FLOCK = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""What file systems say that have no locks."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a library, or held it last."""

    pid: int
    host: str
    version: str
    started: float
    listens: bool = False
    """Whether it has come so far that commands reach it."""
    spooling: bool = False
    """Whether commands of other hosts do, too: see `engine.service.spool`."""
    boot: str = ""
    """Of its host: containers of one machine share it, copies of one machine share the name."""
    born: str = ""
    """When its process began, as its kernel counts."""
    token: str = ""
    """No other holder's."""
    beat: int = 0
    """Rises while it lives."""
    left: bool = False
    """Whether it has let go."""
    local: bool = True
    """Whether it had the library on a disk of its own machine."""
    opening: bool = False
    """It has not waited, or copied, as it has to before it opens the database."""

    def __str__(self) -> str:
        try:
            since = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.started))
        except (OverflowError, ValueError, OSError):  # no clock shows that
            since = "an unknown time"
        return f"process {self.pid} on {self.host}, Promptsheet {self.version}, since {since}"

    @property
    def is_here(self) -> bool:
        """Whether it is of this very host, and this start of it."""
        return (self.host, self.boot) == (socket.gethostname(), _boot())

    @property
    def is_alive_here(self) -> bool:
        """Whether it is a process of this host that is there still."""
        return not self.left and self.is_here and self.born == _born(self.pid)


class LockedError(PromptsheetError):
    """Another engine process holds the library."""

    def __init__(self, library: Path, holder: Holder | None) -> None:
        self.holder = holder
        if holder is not None and not holder.is_here:
            super().__init__(elsewhere(library, holder))
            return
        who = str(holder) if holder else "another one"
        super().__init__(f"The library {library} is held by an engine process: {who}.")


def elsewhere(library: Path, holder: Holder) -> str:
    """What to say to someone who wants a library that another host holds."""
    return (
        f"The library {library} is in use on {holder.host}, by {holder}. To render on this host,"
        f" stop it with `promptsheet engine stop --library {library}` first; its work is kept."
    )


class LibraryLock:
    """The lock of one library, held from `take` until `release` or the end of the process."""

    def __init__(self, path: Path, descriptor: int, holder: Holder, *, shared: bool) -> None:
        """A lock that was taken. Args: shared: other hosts may see the file."""
        self._path = path
        self._descriptor = descriptor
        self._holder = holder
        self._shared = shared
        self._turn = threading.Lock()
        self._ended = threading.Event()

    @classmethod
    def take(cls, library: Path) -> Self:
        """Take the lock; may wait where another host held it last, or may come now.

        Raises:
            LockedError: someone else has it.
            OSError: the library's folder cannot be written.
        """
        path = library / LOCK_FILE
        token = secrets.token_hex(8)
        me = Holder(
            os.getpid(),
            socket.gethostname(),
            __version__,
            time.time(),
            boot=_boot(),
            born=_born(os.getpid()),
            token=token,
        )
        deadline = time.monotonic() + _PATIENCE
        while True:
            # Not inherited by renderers: a child would keep the lock beyond our death.
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(path, flags, 0o600)
            try:
                flocked = _flock(descriptor, fcntl.LOCK_EX)
                if flocked is False:
                    # Someone who only asks whether it is held, holds it for an instant.
                    if time.monotonic() > deadline:
                        raise LockedError(library, read_holder(library))
                    os.close(descriptor)
                    time.sleep(0.05)
                    continue
                shared = on_network(library) or flocked is None
                last = _read(descriptor)
                # On one disk of one machine `flock` shows that the last holder is dead.
                proven = not shared and (last is None or last.local)
                if last is not None and not proven:
                    _require_gone(library, last)
                # Of what was this host's last, nobody else opens the database without a wait.
                waits = not proven and (last is None or not last.is_here or last.opening)
                overtakes = last is not None and (last.opening or not last.left)
                me = replace(me, local=not shared, opening=waits and overtakes)
                lock = cls(path, descriptor, me, shared=shared)
                lock._write()
                if (now := read_holder(library)) is None or now.token != token:
                    # Deleted between opening and locking: someone may have a newer one.
                    if time.monotonic() > deadline:
                        raise LockedError(library, now)
                    os.close(descriptor)
                    continue
                if waits:
                    time.sleep(SETTLE_SECONDS)
                    if not lock.is_ours():
                        raise LockedError(library, read_holder(library))
            except BaseException:
                os.close(descriptor)
                raise
            break
        threading.Thread(target=lock._beat, name="heartbeat", daemon=True).start()
        if waits and overtakes:
            try:
                # It may be suspended amid a commit, and end that before it looks here.
                replace_with_copy(library)
            except BaseException:
                lock.release()
                raise
            lock._say_opened()
        return lock

    def say_listening(self, *, spooling: bool = False) -> None:
        """Let everyone know that commands reach the holder from now on.

        Args:
            spooling: those of other hosts, too.
        """
        with self._turn:
            self._holder = replace(self._holder, listens=True, spooling=spooling)
            self._write()

    def _say_opened(self) -> None:
        with self._turn:
            self._holder = replace(self._holder, opening=False)
            self._write()

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                with self._turn:
                    if self._ended.is_set() or not self.is_ours():
                        return
                    self._holder = replace(self._holder, beat=self._holder.beat + 1)
                    self._write()
            except OSError as error:  # a network disk that is away for a while
                log.warning("heartbeat: %s", error)

    def _write(self) -> None:
        # Always as long, so that nobody reads the end of what was there before.
        os.ftruncate(self._descriptor, _FILE_BYTES)
        os.pwrite(self._descriptor, json.dumps(asdict(self._holder)).encode().ljust(_FILE_BYTES), 0)
        if self._shared:
            os.fsync(self._descriptor)  # else NFS would keep it to this host

    def is_ours(self) -> bool:
        """Whether our name still stands in the file: someone may have deleted it, or taken over.

        Raises:
            OSError: it cannot be read.
        """
        try:
            # Opened again: NFS asks the server then.
            descriptor = os.open(self._path, _READING)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            found = _read(descriptor)
        finally:
            os.close(descriptor)
        return found is not None and found.token == self._holder.token

    def release(self) -> None:
        """Let the next one in. The file stays: deleting it would let two in."""
        with self._turn:
            self._ended.set()
            try:
                if self.is_ours():
                    self._holder = replace(self._holder, left=True)
                    self._write()
            except OSError as error:  # the next one waits for a while
                log.warning("leaving: %s", error)
            os.close(self._descriptor)


def _flock(descriptor: int, kind: int) -> bool | None:
    """Lock a file without waiting; False: someone else has, None: its file system cannot."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_FLOCK:
            return None
        raise
    return True


def _require_gone(library: Path, last: Holder) -> None:
    """See to it that the last holder does not live.

    Raises:
        LockedError: it does, or may.
    """
    if last.left:
        return
    if last.is_here:
        if last.is_alive_here:  # by another mount of the same file system, say
            raise LockedError(library, last)
        return
    if abs(_age(library)) < STALE_SECONDS:
        raise LockedError(library, last)
    deadline = time.monotonic() + STALE_SECONDS
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        now = read_holder(library)
        if now is None or now.left:
            return
        if (now.token, now.beat) != (last.token, last.beat):
            raise LockedError(library, now)


def _age(library: Path) -> float:
    """Seconds since the last heartbeat, by the clock of the disk where it can be asked."""
    beaten = (library / LOCK_FILE).stat().st_mtime
    try:
        with tempfile.TemporaryFile(dir=library) as clock:
            clock.write(b"?")
            clock.flush()
            now = os.fstat(clock.fileno()).st_mtime
    except OSError:  # it can only be read
        now = time.time()
    return now - beaten


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _born(pid: int) -> str:
    """When a process of this host began, in ticks since the boot; empty: there is none."""
    try:
        # Behind the name, which may hold anything, a bracket too.
        state, *ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state in "ZX" else ticks[18]  # killed, and not yet buried


def _read(descriptor: int) -> Holder | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, _FILE_BYTES, 0), type=Holder)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def read_holder(library: Path) -> Holder | None:
    """Who holds the library or took it last, as far as the file says."""
    try:
        descriptor = os.open(library / LOCK_FILE, _READING)
    except OSError:
        return None
    try:
        return _read(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def held_elsewhere(library: Path) -> Holder | None:
    """The living holder on another host; None if there is none, as far as beats say.

    A beat of late tells, by the clock of the disk. Where hosts whose clocks differ set the times of
    files, it is that a beat has come since this was last asked.
    """
    holder = read_holder(library)
    if holder is None or holder.left or holder.is_here:
        return None
    if holder.local and not on_network(library):  # a disk of this machine, which had another name
        return None
    now = time.monotonic()
    known, beaten = _seen.get(library, (holder, float("-inf")))
    if known.token != holder.token:
        beaten = float("-inf")
    elif known.beat != holder.beat:
        beaten = now
    _seen[library] = holder, beaten
    if now - beaten < STALE_SECONDS:
        return holder
    try:
        return holder if abs(_age(library)) < STALE_SECONDS else None
    except OSError:
        return None


_seen: dict[Path, tuple[Holder, float]] = {}
"""Who was last seen to hold a library, and when they were seen to beat, by our own clock."""


class Pulse:
    """Whether who holds a library, on another host, still lives: by its beat and our own clock."""

    def __init__(self, library: Path, holder: Holder) -> None:
        """Args: holder: as `held_elsewhere` found it."""
        self._library = library
        self._holder = holder
        self._heard = time.monotonic()

    def beats(self) -> bool:
        """Whether it holds the library still, as far as is known."""
        now = read_holder(self._library)
        if now is not None and (now.token != self._holder.token or now.left):
            return False
        if now is not None and now.beat != self._holder.beat:
            self._holder, self._heard = now, time.monotonic()
        return time.monotonic() - self._heard < STALE_SECONDS

    @property
    def holder(self) -> Holder:
        """Who it is, as last heard."""
        return self._holder

    def next_holder(self) -> Holder | None:
        """Who has the library on another host by now, watched from now on; None: nobody has."""
        holder = held_elsewhere(self._library)
        if holder is not None:
            self._holder, self._heard = holder, time.monotonic()
        return holder


def is_locked(library: Path) -> bool:
    """Whether an engine process holds the library now."""
    try:
        # To ask is not to write: a library may be on a medium that cannot be written.
        descriptor = os.open(library / LOCK_FILE, _READING)
    except OSError:
        return False  # it is not there, or not for us: starting an engine process says which
    try:
        flocked = _flock(descriptor, fcntl.LOCK_SH)
        if flocked is False:
            return True
        holder = _read(descriptor)
    except OSError:
        return False  # it is no file
    finally:
        os.close(descriptor)
    if holder is None or holder.left:
        return False
    if flocked and holder.local and not on_network(library):
        return False  # it is dead, or holds what this was copied from
    return holder.is_alive_here if holder.is_here else held_elsewhere(library) is not None
