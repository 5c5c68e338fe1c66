"""Watching the engine process from a thread; the app takes the news when it has time for it."""

import base64
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.api import EngineFeed


@dataclass(frozen=True, slots=True)
class Step:
    """How far the batch on one device is."""

    session: str
    step: int
    steps: int
    row: int
    """Of the first of its images."""
    images: int
    """How many are drawn together."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What is being denoised on one device."""

    session: str
    device: str
    row: int
    variation: int
    picture: bytes
    """A small JPEG file."""


@dataclass
class News:
    """What has happened since it was last asked for."""

    engine: str = "off"
    """`off`, `idle`, `rendering`, `paused`, `silent` or `other version`."""
    reason: str = ""
    """Why it is paused, or cannot be used; why it is off, if something waits."""
    said: list[str] = field(default_factory=list)
    """What became of it, to be told once."""
    steps: dict[str, Step] = field(default_factory=dict)
    """Device → its running batch."""
    tallies: dict[str, dict[str, Any]] = field(default_factory=dict)
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
    preview: Preview | None = None
    """The newest."""
    order: bool = False
    """Whether sessions may have come, gone, or changed places."""


class EngineWatch(threading.Thread):
    """Gathers events into news. A daemon: it dies with the app, mid-wait if need be."""

    def __init__(self, library: Path) -> None:
        super().__init__(name="watch", daemon=True)
        self._feed = EngineFeed(library)
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

    def _take_in(self, event: dict[str, Any]) -> None:
        news = self._news
        match event["event"]:
            case "absent":
                news.engine, news.reason = "off", event["reason"]
                news.steps.clear()
                news.held = frozenset()
            case "silent":
                news.engine, news.reason = "silent", event["reason"]
                news.steps.clear()
            case "revived":
                news.said.append(event["reason"])
            case "mismatch":
                news.engine, news.reason = "other version", event["reason"]
            case "status":
                news.held = frozenset(event["held"])
                going = [work for work in event["work"] if work["session"] not in news.held]
                news.engine, news.reason = "rendering" if going else "idle", ""
                news.order = True
                self._pause(event["paused"])
                for tally in event["work"]:
                    self._tally(tally, None, [])
            case "curated":
                news.curated.update(event["sessions"])
            case "paused":
                self._pause(event["reason"])
            case "step":
                news.engine = "rendering"
                news.steps[event["device"]] = Step(
                    event["session"], event["step"], event["steps"], event["row"], event["images"]
                )
            case "preview":
                news.preview = Preview(
                    event["session"],
                    event["device"],
                    event["row"],
                    event["variation"],
                    base64.b64decode(event["picture"]),
                )
            case "tally":
                self._tally(event, event["rows"], event["finished"])
                news.held -= {event["session"]}
                if event["held"] and not event["settled"]:
                    news.held |= {event["session"]}
                if event["settled"]:
                    news.settled.append(event["session"])
                    if not any(step.session != event["session"] for step in news.steps.values()):
                        news.engine = "idle"
                    news.steps = {
                        d: s for d, s in news.steps.items() if s.session != event["session"]
                    }
                elif not event["held"]:
                    news.engine = "rendering"

    def _pause(self, reason: str | None) -> None:
        if reason:
            self._news.engine, self._news.reason = "paused", reason
        elif self._news.engine == "paused":
            self._news.engine, self._news.reason = "rendering", ""

    def _tally(self, tally: dict[str, Any], rows: list[int] | None, finished: list[str]) -> None:
        session = tally["session"]
        self._news.tallies[session] = tally
        self._news.order |= rows is None
        known = self._news.rows.get(session, set())
        self._news.rows[session] = None if rows is None or known is None else known | set(rows)
        if finished:
            self._news.finished[session] = Path(finished[-1])
