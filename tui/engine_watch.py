"""Watching the engine process from a thread; the app takes the news when it has time for it."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from engine.api import (
    Absent,
    Counted,
    Curated,
    EngineEvent,
    Library,
    Mismatched,
    Paused,
    Previewed,
    Revived,
    Silent,
    Standing,
    Stepped,
    Tally,
)


@dataclass
class News:
    """What has happened since it was last asked for."""

    engine: str = "off"
    """`off`, `idle`, `rendering`, `paused`, `silent` or `other version`."""
    reason: str = ""
    """Why it is paused, or cannot be used; why it is off, if something waits."""
    said: list[str] = field(default_factory=list)
    """What became of it, to be told once."""
    steps: dict[str, Stepped] = field(default_factory=dict)
    """Device → its running batch."""
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

    def run(self) -> None:
        """Take events until the app ends."""
        for event in self._feed:
            with self._lock:
                self._take_in(event)
                self._changed = True

    def follow_as(self, *, previews: bool, seen: bool | None) -> None:
        """Whether someone looks at previews now, and at the app at all; None: nobody can tell."""
        self._feed.follow_as(previews=previews, seen=seen)

    @property
    def rendering(self) -> bool:
        """Whether images are being rendered, as far as is known."""
        return self._news.engine in ("rendering", "paused")

    def take(self) -> News | None:
        """The news; None if there is none."""
        with self._lock:
            if not self._changed:
                return None
            news, self._changed = self._news, False
            self._news = News(news.engine, news.reason, steps=dict(news.steps), held=news.held)
            return news

    def _take_in(self, event: EngineEvent) -> None:
        news = self._news
        match event:
            case Absent(reason):
                news.engine, news.reason = "off", reason
                news.steps.clear()
                news.held = frozenset()
            case Silent(reason):
                news.engine, news.reason = "silent", reason
                news.steps.clear()
            case Revived(reason):
                news.said.append(reason)
            case Mismatched(reason):
                news.engine, news.reason = "other version", reason
            case Standing(status):
                news.held = frozenset(status.held)
                going = [work for work in status.work if work.session not in news.held]
                news.engine, news.reason = "rendering" if going else "idle", ""
                news.order = True
                self._pause(status.paused)
                for tally in status.work:
                    self._count(tally, None, [])
            case Curated(sessions):
                news.curated.update(sessions)
            case Paused(reason):
                self._pause(reason)
            case Stepped():
                news.engine = "rendering"
                news.steps[event.device] = event
            case Previewed():
                news.preview = event
            case Counted(tally):
                self._count(tally, event.rows, event.finished)
                session = tally.session
                news.held -= {session}
                if event.held and not tally.settled:
                    news.held |= {session}
                if tally.settled:
                    news.settled.append(session)
                    others = {d: s for d, s in news.steps.items() if s.session != session}
                    if not others:
                        news.engine = "idle"
                    news.steps = others
                elif not event.held:
                    news.engine = "rendering"

    def _pause(self, reason: str | None) -> None:
        if reason:
            self._news.engine, self._news.reason = "paused", reason
        elif self._news.engine == "paused":
            self._news.engine, self._news.reason = "rendering", ""

    def _count(self, tally: Tally, rows: list[int] | None, finished: list[str]) -> None:
        session = tally.session
        self._news.tallies[session] = tally
        self._news.order |= rows is None
        known = self._news.rows.get(session, set())
        self._news.rows[session] = None if rows is None or known is None else known | set(rows)
        if finished:
            self._news.finished[session] = Path(finished[-1])
