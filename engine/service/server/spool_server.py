"""Commands from other hosts, taken in from the library's spool and answered there."""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import PromptsheetError, reason_of
from engine.library.database import LibraryError
from engine.library.write.answered_requests import answer_to, forget_requests, note_answer
from engine.library.write.requests import on_behalf_of
from engine.library.write.writer import Writer
from engine.protocol.answers import Answer, Blame, Refused, Status
from engine.protocol.commands import AnyCommand, Shutdown
from engine.protocol.framing import Unpacker, WireError, pack
from engine.protocol.requests import ONLY_ON_ITS_HOST, Request
from engine.service.backoff import next_pause
from engine.service.hosts import this_host
from engine.service.server.waiting_client import WaitingClient
from engine.service.server.writer_thread import WriterThread
from engine.service.spool import (
    ANSWER,
    REQUEST,
    STANDING,
    TAKEN,
    SpoolError,
    body_of,
    disk_now,
    id_of,
    make_spool,
    names_in,
    open_spool,
    read_file,
    remove,
    remove_pictures,
    tidy,
    write_file,
)

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""Between looks into the folder: nothing tells of what other hosts write there."""
_TIDY_SECONDS = 3600.0
_UNREAD_SECONDS = 86400.0
"""What lies there for so long, nobody waits for."""
_WAITED_FOR_SECONDS = 900.0
"""Nobody waits longer for one that lay there before this engine process came: who asked has died.

Of those that come later no clock is asked, as hosts may set times of files by their own."""
_LOADING_SECONDS = 2.0
_AT_ONCE = 8
"""Requests that are carried out at once: of a flood, the rest waits in the folder and not before
the writer or among the threads, which everything else needs too."""

CarryOut = Callable[[AnyCommand, WaitingClient], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class _TakenRequest:
    """A request that was taken in."""

    data: bytes
    age: float
    """Seconds that it may have lain there already, by the clock of the disk."""


class SpoolServer:
    """Takes requests in, has each carried out once, and says how the engine process is."""

    def __init__(
        self,
        library: Path,
        write: WriterThread,
        carry_out: CarryOut,
        standing: Callable[[], Status],
        shut_down: Callable[[], None],
    ) -> None:
        """That of one engine process.

        Args:
            library: which it serves.
            write: its writer.
            carry_out: does what a command asks for; the answer.
            standing: how the engine process is, without its work: that is in the database.
            shut_down: called once the answer to `shutdown` is there.
        """
        self._library = library
        self._write = write
        self._carry_out = carry_out
        self._standing = standing
        self._shut_down = shut_down
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._left_alone: set[str] = set()
        self._before: set[str] | None = None
        """Ids of requests that were there before this engine process."""
        self._stood = b""
        self._saying = asyncio.Lock()
        self._tidied = float("-inf")
        self._fault = ""
        self.used = float("-inf")
        """When something was last asked, on the monotonic clock."""

    def __bool__(self) -> bool:
        """Whether something is being carried out."""
        return bool(self._at_work)

    async def open(self) -> bool:
        """Make the folder, and say there how things stand; whether it can be used."""
        try:
            await asyncio.to_thread(make_spool, self._library)
            with suppress(OSError):  # the disk is full, say; the next look says it
                await self._say_standing()
        except (PromptsheetError, OSError) as error:
            log.warning("other hosts cannot ask: %s", reason_of(error))
            return False
        return True

    async def run(self) -> None:
        """Take in what comes, until cancelled."""
        while True:
            try:
                await self._look()
                self._fault = ""
            except (SpoolError, OSError, sqlite3.Error) as error:  # a disk that is away, say
                if (fault := reason_of(error)) != self._fault:
                    log.warning("requests of other hosts: %s", fault)
                    self._fault = fault
                if isinstance(error, SpoolError):
                    await self._make_again()
            await asyncio.sleep(LOOK_SECONDS)

    async def _make_again(self) -> None:
        """Have the folder again, for this user alone, if someone deleted it or opened it to all.

        Never where the library was, or where its disk is mounted no more.
        """
        with suppress(PromptsheetError, OSError, sqlite3.Error):
            await self._write(Writer.require_ours)
            await asyncio.to_thread(make_spool, self._library)
            self._stood = b""

    def close(self) -> None:
        """Leave what is being carried out: whoever comes next answers it."""
        for task in self._at_work.values():
            task.cancel()

    async def _look(self) -> None:
        found = await asyncio.to_thread(self._found)
        if self._before is None:
            self._before = set(found)
        for request in found:
            if request not in self._at_work:
                task = asyncio.create_task(self._serve(request))
                self._at_work[request] = task
        await self._say_standing()
        if time.monotonic() - self._tidied > _TIDY_SECONDS:
            await asyncio.to_thread(tidy, self._library, _UNREAD_SECONDS)
            there = set(await asyncio.to_thread(self._found))
            await self._write(forget_requests, there)
            self._tidied = time.monotonic()

    async def _say_standing(self) -> None:
        """Write how things stand for other hosts, if that has changed."""
        async with self._saying:
            status = self._standing()
            # Seconds go on by themselves: now and then is often enough.
            loads = [(load, load.seconds // _LOADING_SECONDS) for load in status.loading]
            rounded = [msgspec.structs.replace(load, seconds=at) for load, at in loads]
            stands = msgspec.json.encode(msgspec.structs.replace(status, loading=rounded))
            if stands != self._stood:
                await asyncio.to_thread(self._write_standing, pack(status))
                self._stood = stands

    def _write_standing(self, data: bytes) -> None:
        with open_spool(self._library) as folder:
            write_file(folder, STANDING, data, kept=False)

    def _found(self) -> list[str]:
        """Ids of requests that are there, in the order in which they were written."""
        with open_spool(self._library) as folder:
            found: dict[str, float] = {}
            for name in names_in(folder):
                request = id_of(name, TAKEN) or id_of(name, REQUEST)
                if request is not None and name not in self._left_alone:
                    try:
                        about = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    except FileNotFoundError:  # whoever asked has taken it back
                        continue
                    found[request] = min(about.st_mtime, found.get(request, about.st_mtime))
            return sorted(found, key=lambda request: (found[request], request))

    async def _serve(self, request: str) -> None:
        """Answer one request."""
        try:
            async with self._turns:
                taken = await asyncio.to_thread(self._take, request)
                if taken is None:
                    return
                answer: Answer | None = await self._write(answer_to, request)
                leaves = False
                if answer is None:
                    answer, leaves = await self._answer(request, taken)
                    await self._note(request, answer)
            with suppress(SpoolError, OSError):  # whoever asked finds it done
                await self._say_standing()
            # Beside others' turns: on a full disk it waits for what one of them frees.
            await self._give(request, answer)
            if leaves:
                self._shut_down()
        except LibraryError as error:  # it is another's by now, and the answer is theirs to give
            log.warning("request %s: %s", request, error)
        except Exception as error:  # one request's trouble ends neither others nor the work
            log.warning("request %s: %s", request, reason_of(error))
            await asyncio.sleep(LOOK_SECONDS)  # the next look tries again
        finally:
            del self._at_work[request]

    def _take(self, request: str) -> _TakenRequest | None:
        """Take a request in, so that whoever asked can take it back no more; None: it cannot be."""
        with open_spool(self._library) as folder:
            for name in (request + TAKEN, request + REQUEST):
                if name in self._left_alone:
                    continue
                try:
                    data, about = read_file(folder, name)
                    if name.endswith(REQUEST):
                        taken = request + TAKEN
                        os.rename(name, taken, src_dir_fd=folder, dst_dir_fd=folder)
                        os.fsync(folder)
                        now = os.stat(taken, dir_fd=folder, follow_symlinks=False)
                        if now.st_ino != about.st_ino:
                            raise SpoolError("it was another file a moment ago")
                    old = self._before is not None and request in self._before
                    return _TakenRequest(data, _age(folder, about.st_mtime) if old else 0.0)
                except FileNotFoundError:
                    continue
                except SpoolError as error:
                    self._left_alone |= {name, request + TAKEN}
                    log.warning("%s is left alone: %s", name, error)
        return None

    async def _answer(self, request: str, taken: _TakenRequest) -> tuple[Answer, bool]:
        """Carry a request out; what is answered, and whether the engine process ends then."""
        try:
            asked, command = await asyncio.to_thread(_understood, taken.data)
        except WireError as error:
            reason = f"The engine process does not understand this request: {error}."
            return Refused(reason, Blame.MESSAGE), False
        if mismatch := asked.mismatch(this_host()):
            return Refused(mismatch, Blame.MESSAGE), False
        if why := ONLY_ON_ITS_HOST.get(type(command)):
            return Refused(f"This cannot be done from another host: {why}."), False
        if taken.age > _WAITED_FOR_SECONDS:
            return Refused("This request was too old when it was found: ask again."), False
        self.used = time.monotonic()
        log.info("%s asks: %s", asked.host, type(command).__name__)
        with on_behalf_of(request):
            answer = await self._carry_out(command, WaitingClient())
        return answer, isinstance(command, Shutdown) and not isinstance(answer, Refused)

    async def _note(self, request: str, answer: Answer) -> None:
        """Have it known that this was answered, also where nothing was changed for it."""
        try:
            await self._write(note_answer, request, answer)
        except (OSError, sqlite3.Error) as error:  # a full disk: it stays what it was
            log.warning("request %s: %s", request, reason_of(error))

    async def _give(self, request: str, answer: Answer) -> None:
        """Put the answer where it is waited for; on a full disk, again and again."""
        pause = None
        while True:
            try:
                await asyncio.to_thread(self._put, request, pack(answer))
                return
            except OSError as error:
                log.warning("answer to %s: %s", request, reason_of(error))
                pause = next_pause(pause)
                await asyncio.sleep(pause)

    def _put(self, request: str, data: bytes) -> None:
        with open_spool(self._library) as folder:
            write_file(folder, request + ANSWER, data)
            remove(folder, request + TAKEN)
            os.fsync(folder)
        remove_pictures(self._library, request)


def _age(folder: int, written: float) -> float:
    try:
        return disk_now(folder) - written
    except OSError:  # a disk that is full, say: what frees room on it must not wait for some
        return 0.0


def _understood(data: bytes) -> tuple[Request, AnyCommand]:
    """A request and its command.

    Raises:
        WireError: it is none of the protocol's.
    """
    requests: Unpacker[Request] = Unpacker(Request)
    commands: Unpacker[AnyCommand] = Unpacker(AnyCommand)
    asked = requests.unpack(body_of(data)).message
    return asked, commands.unpack(bytes(asked.command)).message
