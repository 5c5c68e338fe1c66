"""How an engine process on another host gets on, by what can be read of it in the library."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from engine.library.database import LibraryError, database_path, is_new, reading
from engine.library.read.counts import Curation, counts_and_curation, unfinished_tallies
from engine.library.read.reader import newest_image
from engine.library.write.open_work import open_work
from engine.protocol.answers import Status
from engine.protocol.events import Alive, AnyEvent, Counted, Curated, Standing
from engine.protocol.framing import Unpacker, WireError
from engine.protocol.records import Tally
from engine.service.lock import Holder, Pulse
from engine.service.spool import STANDING, SpoolError, body_of, open_spool, read_file

LOOK_SECONDS = 1.0
"""Between looks: each asks a network file system for a few hundred bytes while nothing changes."""
_HEADER_BYTES = 100


def status_elsewhere(library: Path, holder: Holder) -> Status:
    """How the engine process on another host is, and what work it has.

    Raises:
        LibraryError: the database cannot be read.
    """
    status = _standing(library, holder)
    if is_new(library):
        return status
    with reading(library) as db:
        work = unfinished_tallies(db)
    return replace(status, work=work)


def _standing(library: Path, holder: Holder) -> Status:
    """What it wrote of itself; where it has not, what the lock and the database say."""
    try:
        with open_spool(library) as folder:
            data, _ = read_file(folder, STANDING)
        status = Unpacker[Status](Status).unpack(body_of(data)).message
    except (SpoolError, WireError, OSError):
        status = None
    if status is None or (status.pid, status.host) != (holder.pid, holder.host):
        paused = open_work(library).paused
        status = Status(
            pid=holder.pid,
            library=str(library),
            detached=f"Promptsheet {holder.version}",
            host=holder.host,
            fault=None,
            paused=None,
            paused_by_user=paused,
            renders=True,
            held=[],
            renderers=[],
            work=[],
        )
    if status.paused_by_user:
        status = replace(status, paused=status.paused or "paused by you")
    elif not status.renders:
        status = replace(status, paused=_does_not_render(holder.host))
    return replace(status, library=str(library))


def _does_not_render(host: str) -> str:
    return (
        f"the engine process on {host} does not render; `promptsheet engine start` there lets it."
        " To render on this host: `promptsheet engine stop`, then `promptsheet engine start`"
    )


class LookingOn:
    """What happens in an engine process on another host, as far as the library tells."""

    def __init__(self, library: Path, holder: Holder) -> None:
        """Args: holder: as `held_elsewhere` found it."""
        self._library = library
        self._pulse = Pulse(library, holder)
        self._status: Status | None = None
        self._stamp: object = None
        self._is_fresh = False
        """Whether it became another at the last look. A disk's clock ticks some hundred times a
        second: a change right after that look may have left it as it was."""
        self._tallies: dict[str, Tally] = {}
        self._curated: dict[str, Curation] = {}

    def __iter__(self) -> Iterator[AnyEvent]:
        """Events as they are found, until the other host has the library no more.

        `Standing` first. There are no steps, no previews and no single rows among them.
        """
        while self._pulse.beats():
            try:
                yield from self._news()
            except (LibraryError, sqlite3.Error, OSError):
                # It is amid a change, or its disk is away; the next look may tell.
                yield Alive()
            time.sleep(LOOK_SECONDS)

    def _news(self) -> list[AnyEvent]:
        status = _standing(self._library, self._pulse.holder)
        events: list[AnyEvent] = []
        stamp = _stamp(self._library)
        counted: list[AnyEvent] = []
        if (differs := stamp != self._stamp) or self._is_fresh:
            counted = self._counts(status)
            self._stamp, self._is_fresh = stamp, differs
        if status != self._status:
            self._status = status
            work = [tally for tally in self._tallies.values() if not tally.settled]
            events.append(Standing(replace(status, work=work), elsewhere=True))
        return events + counted or [Alive()]

    def _counts(self, status: Status) -> list[AnyEvent]:
        """What has changed in the database since the last look; nothing at the first."""
        first = self._stamp is None
        tallies, curated = counts_and_curation(self._library)
        events: list[AnyEvent] = []
        for key, tally in tallies.items():
            before = self._tallies.get(key)
            if tally != before and not first:
                done = before.done if before else 0
                newest = newest_image(self._library, key) if tally.done > done else None
                files = [str(newest)] if newest else []
                events.append(Counted(tally, key in status.held, None, files))
        differ = [k for k in {*curated, *self._curated} if curated.get(k) != self._curated.get(k)]
        if differ and not first:
            events.append(Curated(sorted(differ)))
        self._tallies, self._curated = tallies, curated
        return events


def _stamp(library: Path) -> object:
    """Something that is another after each change of the database: to look is cheap."""
    path = database_path(library)
    try:
        with path.open("rb") as file:  # opened again: a network file system asks its server
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return b""
    log = path.with_name(f"{path.name}-wal")
    try:
        about = log.stat()
    except OSError:
        return header
    return header, about.st_size, about.st_mtime_ns
