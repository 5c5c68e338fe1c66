"""Bringing a model's files here: gone on with where it was cut, checked, and whole or not there.

What comes lies in a hidden folder beside the models, in the order that it will have. When all is
there and has the digests that the Hub tells, the folder gets its name in one step.
"""

import errno
import fcntl
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from engine.errors import reason_of
from engine.library_folder import disk_fault
from engine.models.hub.choosing import HubFile
from engine.models.hub.connection import CutError, Hub, cached_file
from engine.models.hub.messages import RECORD, HubModel, PullProgress, PullRecord
from engine.models.hub.repository import PullError, Repository
from engine.models.recorded import has_digest

_COMING = ".pulling"
_LOCK = ".lock"
_PART = ".part"
_AT_ONCE = 4
"""One connection is slower than most lines."""
_WAITS = (1.0, 3.0, 9.0)
"""Seconds before trying again while nothing more comes."""
_SAID_SECONDS = 0.2
_RATE_SECONDS = 5.0
_KEPT = "What was downloaded is kept: run the same command to continue."
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def folder_of(found: HubModel, models: Path) -> Path:
    """Where a model comes to lie: one folder for each repository and commit."""
    return models / f"{found.repository.folder_name}@{found.commit[:8]}"


def bytes_here(found: HubModel, models: Path) -> int:
    """How much of a model is here already, by the sizes of its files."""
    final = folder_of(found, models)
    coming = final if final.is_dir() else _coming(found.repository, models)
    here = 0
    for file in found.choice.files:
        for place in (coming / file.name, _part_of(coming, file)):
            with suppress(OSError):
                here += min(place.stat().st_size, file.size)
                break
    return here


class Fetch:
    """One model on its way."""

    def __init__(
        self,
        hub: Hub,
        found: HubModel,
        models: Path,
        reserve: int,
        say: Callable[[PullProgress], None],
    ) -> None:
        """Nothing is done yet.

        Args:
            hub: where it comes from.
            found: what it is.
            models: the folder that models are pulled into; made if need be.
            reserve: bytes that stay free on its disk.
            say: told how far it is, several times a second, from a thread of its own.
        """
        self._hub = hub
        self._found = found
        self._models = models
        self._coming = _coming(found.repository, models)
        self._reserve = reserve
        self._count = _ComingBytes(found.size, say)
        self._stop = threading.Event()

    def run(self) -> Path:
        """Bring all of it; the model's folder.

        Raises:
            PullError: it cannot be; what has come stays for the next time.
        """
        final = folder_of(self._found, self._models)
        if bytes_here(self._found, self._models) == self._found.size and final.is_dir():
            return final
        try:
            self._coming.parent.mkdir(parents=True, exist_ok=True)
            if final.is_dir() and not self._coming.exists():
                final.rename(self._coming)  # somebody has deleted some of it: it is made whole
            self._coming.mkdir(exist_ok=True)
            with _alone(self._coming, self._found.repository):
                with self._count.told():
                    self._bring_all()
                self._finish(final)
        except OSError as error:
            raise self._disk_error(error) from None
        return final

    def _bring_all(self) -> None:
        with ThreadPoolExecutor(_AT_ONCE, "pull") as pool:
            coming = [pool.submit(self._bring, file) for file in self._found.choice.files]
            try:
                for each in wait(coming, return_when=FIRST_EXCEPTION).done:
                    each.result()
            finally:
                self._stop.set()
                pool.shutdown(cancel_futures=True)

    def _bring(self, file: HubFile) -> None:
        """See that one file is here, with the digest that the Hub tells."""
        whole, part = self._coming / file.name, _part_of(self._coming, file)
        if whole.is_file() and _is(whole, file):
            self._count.add(file.size, file.name)
            return
        whole.unlink(missing_ok=True)
        whole.parent.mkdir(parents=True, exist_ok=True)
        self._take_from_cache(file, part)
        begun = part.exists()
        self._fill(part, file)
        is_right = _is(part, file)
        if begun and not is_right:  # what was there of it was not
            self._count.add(-file.size, file.name)
            part.unlink()
            self._fill(part, file)
            is_right = _is(part, file)
        if not is_right:
            part.unlink()
            raise PullError(
                f"{file.name} arrived damaged and was discarded. Try again; if it happens again,"
                f" something between here and {self._hub.host} is changing files."
            )
        part.replace(whole)

    def _take_from_cache(self, file: HubFile, part: Path) -> None:
        """Copy what another program has pulled before."""
        cached = Path(cached_file(self._found.repository, file.digest))
        try:
            if not part.exists() and cached.stat().st_size == file.size:
                shutil.copyfile(cached, part)
        except OSError as error:
            if error.errno in _FULL:
                raise

    def _fill(self, part: Path, file: HubFile) -> None:
        """Append to a file until it has its size; where the line is cut, some more times."""
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with os.fdopen(descriptor, "wb") as output:
            have = output.seek(0, os.SEEK_END)
            self._count.add(have, file.name)
            waits = list(_WAITS)
            while have != file.size:
                before = have
                try:
                    have = self._append(output, file, have)
                    cut = "the connection broke off"
                except CutError as error:
                    have, cut = output.seek(0, os.SEEK_END), str(error)
                if have > before:
                    waits = list(_WAITS)
                elif have < file.size:
                    if not waits:
                        raise PullError(f"The pull was interrupted: {cut}. {_KEPT}")
                    self._stop.wait(waits.pop(0))
            output.flush()
            os.fsync(output.fileno())

    def _append(self, output: BinaryIO, file: HubFile, have: int) -> int:
        """Read on from where a file is cut; how long it is then."""
        if have > file.size:
            have = self._cut_to(output, file, have, 0)
        with self._hub.reading(self._found.commit, file.name, have) as (begins, chunks):
            if begins not in (0, have):
                raise CutError(f"{self._hub.host} sent a different piece than requested")
            have = have if begins == have else self._cut_to(output, file, have, 0)
            for chunk in chunks:
                if self._stop.is_set():
                    raise PullError(f"The pull was stopped. {_KEPT}")
                if have + len(chunk) > file.size:
                    self._cut_to(output, file, have, 0)
                    raise CutError(f"{self._hub.host} sent more than the size of {file.name}")
                output.write(chunk)
                have += len(chunk)
                self._count.add(len(chunk), file.name, came=True)
                self._require_room()
        return have

    def _cut_to(self, output: BinaryIO, file: HubFile, have: int, length: int) -> int:
        output.flush()
        output.truncate(length)
        output.seek(length)
        self._count.add(length - have, file.name)
        return length

    def _require_room(self) -> None:
        if shutil.disk_usage(self._models).free < self._reserve:
            raise PullError(
                f"The disk of {self._models} is down to the {self._reserve >> 20} MiB reserve"
                f" (engine.reserve_mib): free some space there. {_KEPT}"
            )

    def _disk_error(self, error: OSError) -> PullError:
        if error.errno in _FULL:
            said = disk_fault(self._models, error) or f"The disk of {self._models} is full."
            return PullError(f"{said} {_KEPT}")
        place = error.filename or self._models
        return PullError(f"{place} cannot be written: {reason_of(error)}. {_KEPT}")

    def _finish(self, final: Path) -> None:
        """Give what is whole now its name."""
        found = self._found
        record = PullRecord(
            found.repository.name,
            found.repository.revision,
            found.commit,
            found.licence,
            found.page,
            found.choice.files,
        )
        wanted = {self._coming / file.name for file in found.choice.files}
        for path in sorted(self._coming.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                with suppress(OSError):  # there is something in it
                    path.rmdir()
            elif path not in wanted:  # of another revision, before
                path.unlink()
        with (self._coming / RECORD).open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(record)))
            file.flush()
            os.fsync(file.fileno())
        for folder in (*{path.parent for path in wanted}, self._coming):
            _sync(folder)
        self._coming.rename(final)
        with suppress(OSError):  # another one is coming
            self._coming.parent.rmdir()
        _sync(self._models)


def _coming(repository: Repository, models: Path) -> Path:
    return models / _COMING / repository.folder_name


def _part_of(coming: Path, file: HubFile) -> Path:
    """Where a file lies that is not whole; one of another revision lies elsewhere."""
    return coming / f"{file.name.replace('/', '--')}.{file.digest[:16]}{_PART}"


@contextmanager
def _alone(coming: Path, repository: Repository) -> Iterator[None]:
    """While nobody else on this machine pulls the same."""
    with (coming / _LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PullError(f"{repository.name} is already being pulled.") from None
        except OSError:
            pass  # a file system that has no locks
        yield


def _is(path: Path, file: HubFile) -> bool:
    """Whether a file has the digest that the Hub tells."""
    return has_digest(path, file.size, file.digest, file.by)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _ComingBytes:
    """Bytes that are here, from all connections, and how fast they come."""

    def __init__(self, total: int, say: Callable[[PullProgress], None]) -> None:
        self._total = total
        self._say = say
        self._lock = threading.Lock()
        self._done = self._come = 0
        self._file = ""
        self._lately = deque[tuple[float, int]]()

    def add(self, size: int, file: str, *, came: bool = False) -> None:
        """More is here.

        Args:
            size: bytes; fewer than none where some were taken back.
            file: of which file.
            came: whether they came over the line just now.
        """
        with self._lock:
            self._done += size
            self._come += size if came else 0
            self._file = file

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say how far it is, again and again, and at the end."""
        ended = threading.Event()

        def tell() -> None:
            while not ended.wait(_SAID_SECONDS):
                self._tell()

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield
        finally:
            ended.set()
            teller.join()
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        with self._lock:
            done, come, file = self._done, self._come, self._file
        self._lately.append((now, come))
        while now - self._lately[0][0] > _RATE_SECONDS:
            self._lately.popleft()
        begun, before = self._lately[0]
        rate = (come - before) / (now - begun) if now > begun else 0.0
        self._say(PullProgress(done, self._total, rate, file))
