"""Watching the engine process from a thread; the app takes the news when it has time for it."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.api import (
    Absent,
    Counted,
    Curated,
    Devices,
    DeviceState,
    EngineEvent,
    Gone,
    Library,
    Load,
    Loading,
    Mismatched,
    Paused,
    Previewed,
    Revived,
    Silent,
    Standing,
    Stepped,
    Tally,
)
from tui.engine_status import EngineFacts, EngineStatus, Link, LoadBegun, status_of


@dataclass
class News:
    """What has happened since it was last asked for."""

    status: EngineStatus = field(default_factory=EngineStatus)
    """What the engine does."""
    said: list[str] = field(default_factory=list)
    """What became of it, to be told once."""
    steps: Mapping[str, Stepped] = field(default_factory=dict)
    """Device → its running batch."""
    devices: Sequence[DeviceState] = ()
    """What is rendered on."""
    tallies: dict[str, Tally] = field(default_factory=dict)
    """Session → its counts, for those that changed."""
    rows: dict[str, set[int] | None] = field(default_factory=dict)
    """Session → numbers of rows that changed; None: any may have."""
    finished: dict[str, Path] = field(default_factory=dict)
    """Session → its newest image."""
    settled: list[str] = field(default_factory=list)
    """Sessions that have come to their end."""
    held: frozenset[str] = frozenset()
    """Sessions that wait until someone lets them go on."""
    curated: set[str] = field(default_factory=set)
    """Sessions whose favourites, names, tags or trash changed."""
    preview: Previewed | None = None
    """The newest."""
    order: bool = False
    """Whether sessions may have come, gone, or changed places."""


class EngineWatch(threading.Thread):
    """Gathers events into news. A daemon: it dies with the app, mid-wait if need be."""

    def __init__(self, library: Library) -> None:
        super().__init__(name="watch", daemon=True)
        self._feed = library.engine.feed()
        self._lock = threading.Lock()
        self._changed = False
        self._news = News()
        self._told = EngineFacts()

    def run(self) -> None:
        """Take events until the app ends."""
        for event in self._feed:
            with self._lock:
                self._take_in(event)
                self._changed = True

    def follow_as(self, *, previews: bool, seen: bool | None) -> None:
        """Whether someone looks at previews now, and at the app at all; None: unknown."""
        self._feed.follow_as(previews=previews, seen=seen)

    @property
    def rendering(self) -> bool:
        """Whether images are being rendered, as far as is known."""
        return status_of(self._told).works

    def take(self) -> News | None:
        """The news; None if there is none."""
        with self._lock:
            if not self._changed:
                return None
            news, self._news, self._changed = self._news, News(), False
            told = self._told
            news.status, news.held, news.steps = status_of(told), told.held, dict(told.steps)
            news.devices = told.devices
            return news

    def _take_in(self, event: EngineEvent) -> None:
        news, told = self._news, self._told
        match event:
            case Absent(reason):
                self._told = EngineFacts(Link.ABSENT, reason)
            case Gone():
                self._told = EngineFacts(Link.ABSENT)
            case Silent(reason):
                self._told = EngineFacts(Link.SILENT, reason)
            case Revived(reason):
                self._told = EngineFacts(Link.STARTING)
                news.said.append(reason)
            case Mismatched(reason):
                self._told = EngineFacts(Link.OTHER_VERSION, reason)
            case Standing(status):
                self._told = told = EngineFacts(
                    Link.HERE,
                    host=status.host if event.elsewhere else "",
                    paused=status.paused or "",
                    paused_by_user=status.paused_by_user,
                    not_here=not status.renders and not status.paused_by_user,
                    held=frozenset(status.held),
                    moved=time.monotonic(),
                    devices=tuple(status.devices),
                )
                self._load(status.loading)
                news.order = True
                for tally in status.work:
                    self._count(tally, None, [])
            case Curated(sessions):
                news.curated.update(sessions)
            case Paused(reason):
                told.paused, told.paused_by_user = reason or "", event.by_user
                told.not_here = event.not_here
                told.steps.clear()
                told.moved = time.monotonic()
            case Loading(loads):
                self._load(loads)
            case Devices(devices):
                told.devices = tuple(devices)
                there = {device.device for device in devices}
                told.steps = {d: step for d, step in told.steps.items() if d in there}
            case Stepped():
                told.steps[event.device] = event
                told.moved = time.monotonic()
            case Previewed():
                news.preview = event
            case Counted(tally):
                told.held -= {tally.session}
                if event.held and not tally.settled:
                    told.held |= {tally.session}
                if tally.settled:
                    news.settled.append(tally.session)
                self._count(tally, event.rows, event.finished)

    def _load(self, loads: Sequence[Load]) -> None:
        now = time.monotonic()
        for load in loads:
            if load.device not in self._told.loads:
                self._told.steps.pop(load.device, None)  # of a batch that has ended
        self._told.loads = {
            load.device: LoadBegun(load.model, now - load.seconds) for load in loads
        }
        self._told.moved = now

    def _count(self, tally: Tally, rows: list[int] | None, finished: list[str]) -> None:
        session, told = tally.session, self._told
        told.moved = time.monotonic()
        if tally.settled:
            told.work.pop(session, None)
            told.steps = {d: step for d, step in told.steps.items() if step.session != session}
        else:
            told.work[session] = tally
        self._news.tallies[session] = tally
        self._news.order |= rows is None
        known = self._news.rows.get(session, set())
        self._news.rows[session] = None if rows is None or known is None else known | set(rows)
        if finished:
            self._news.finished[session] = Path(finished[-1])
