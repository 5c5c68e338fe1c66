"""What the engine does: the one status that all screens show, and how it follows from what is told.

The facts are gathered by `EngineWatch`; `status_of` alone makes something of them, `AppState` holds
what came of it, and whoever shows it asks for its words.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

from tui.keys import key_of
from tui.text import clean, clock_text, count_text, shorten

if TYPE_CHECKING:
    from engine.api import DeviceState, Pace, Stepped, Tally

_MOST_STEPS = 4
"""Devices whose steps are said one by one."""
_STILL_SECONDS = 15.0
"""For so long without a step or an image nobody calls it slow; large models on a CPU take it."""


class Link(Enum):
    """What is known of the engine process."""

    UNKNOWN = 0
    HERE = 1
    STARTING = 2
    ABSENT = 3
    SILENT = 4
    OTHER_VERSION = 5


class Doing(StrEnum):
    """What the engine does. The values are words of the screen."""

    UNKNOWN = "looking"
    OFF = "off"
    STARTING = "starting"
    LOADING = "loading"
    REWRITING = "rewriting"
    RENDERING = "rendering"
    IDLE = "idle"
    PAUSED = "paused"
    SILENT = "silent"
    OTHER_VERSION = "other version"


_WORKING = {Doing.STARTING, Doing.LOADING, Doing.REWRITING, Doing.RENDERING, Doing.PAUSED}
GLYPHS = {
    Doing.UNKNOWN: "…",
    Doing.OFF: "○",
    Doing.STARTING: "◌",
    Doing.LOADING: "◌",
    Doing.REWRITING: "✎",
    Doing.RENDERING: "◐",
    Doing.IDLE: "●",
    Doing.PAUSED: "‖",
    Doing.SILENT: "!",
    Doing.OTHER_VERSION: "!",
}


@dataclass(frozen=True, slots=True)
class LoadBegun:
    """A model that is being loaded, or (no model) a renderer that is being started."""

    model: str | None
    began: float
    """On this process's monotonic clock."""


@dataclass
class EngineFacts:
    """What was heard of the engine process, as it was said: facts, and no conclusions."""

    link: Link = Link.UNKNOWN
    reason: str = ""
    """Of the link: why none runs although something waits, or why it cannot be used."""
    host: str = ""
    """Its name where it is another than this one, of which no steps are heard."""
    paused: str = ""
    """Why nothing is rendered, as it says."""
    paused_by_user: bool = False
    not_here: bool = False
    """Whether nothing is rendered on its host until someone asks for it."""
    held: frozenset[str] = frozenset()
    """Sessions that wait until someone lets them go on."""
    work: dict[str, "Tally"] = field(default_factory=dict)
    """Session → its counts, of those that are not settled."""
    loads: dict[str, LoadBegun] = field(default_factory=dict)
    """Device → what has to be ready there first."""
    steps: dict[str, "Stepped"] = field(default_factory=dict)
    """Device → the last step of its batch."""
    devices: "Sequence[DeviceState]" = ()
    """What is rendered on."""
    moved: float = 0.0
    """When something was last got on with, on this process's monotonic clock."""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the engine does now."""

    doing: Doing = Doing.UNKNOWN
    reason: str = ""
    """Why it is paused, or cannot be used; why it is off, if something waits."""
    paused_by_user: bool = False
    not_here: bool = False
    """Whether it is paused because nobody asked for work on its host."""
    done: int = 0
    images: int = 0
    """Of all sessions that are being rendered."""
    prompts: int = 0
    """That a language model is still to rewrite before anything is rendered."""
    steps: str = ""
    """Where each device is in its batch: `12/30`; of many, how many are at it."""
    loading: str = ""
    """The model that is being loaded; empty while only a renderer starts."""
    device: str = ""
    """Where that is."""
    host: str = ""
    """Where it is, if not on this host."""
    since: float = 0.0
    """When the loading began, or when something last moved; on the monotonic clock."""

    @property
    def works(self) -> bool:
        """Whether images are being rendered, or will be as soon as they can."""
        return self.doing in _WORKING

    @property
    def why_still(self) -> str:
        """Why nothing is rendered, and what to do about it; empty while it is, or by your word."""
        still = {Doing.OFF, Doing.SILENT, Doing.OTHER_VERSION, Doing.PAUSED}
        return self.reason if self.doing in still and not self.paused_by_user else ""

    @property
    def resume_helps(self) -> bool:
        """Whether the reason itself says so."""
        return "Resume in Jobs" in self.reason

    def forms(self, now: float) -> tuple[str, ...]:
        """It in words, from long to short. `now`: of the monotonic clock."""
        glyph = GLYPHS[self.doing]
        forms: tuple[str, ...]
        match self.doing:
            case Doing.STARTING | Doing.LOADING:
                forms = self._loading_forms(now)
            case Doing.RENDERING:
                count = f"rendering {self.done:,}/{self.images:,}"
                step = f"step {self.steps}" if self.steps[:1].isdigit() else self.steps
                more = f"no progress for {still:.0f} s" if (still := self.still(now)) else step
                forms = (f"{count} · {more}", count) if more else (count,)
            case Doing.REWRITING:
                forms = (f"rewriting {count_text(self.prompts, 'prompt')}", "rewriting prompts")
            case Doing.PAUSED if self.paused_by_user:
                goes_on = f"{key_of('jobs.pause')} in Jobs continues"
                forms = (f"paused by you · {goes_on}", "paused by you")
            case Doing.PAUSED if self.not_here:
                forms = (f"not rendering here: {clean(self.reason)}", "not rendering here")
            case Doing.PAUSED:
                forms = (f"paused: {clean(self.reason)}",)
            case _:
                forms = (f"engine: {self.doing}",)
        if self.host:
            host, short = clean(self.host), tuple(form.removeprefix("engine: ") for form in forms)
            whose = (f"engine on {host}: {form}" for form in short)
            forms = (*whose, f"{host}: {short[-1]}", short[-1])
        return tuple(f"{glyph} {form}" for form in forms)

    def fitting(self, room: int, now: float) -> str:
        """It in words, in at most `room` characters."""
        forms = self.forms(now)
        return next((form for form in forms if len(form) <= room), shorten(forms[0], room))

    def _loading_forms(self, now: float) -> tuple[str, ...]:
        if not self.since:
            return ("engine: starting",)
        seconds = f"{max(0.0, now - self.since):.0f} s"
        what = f"loading {clean(self.loading)}" if self.loading else "starting"
        return f"{what} on {clean(self.device)} · {seconds}", f"{what} · {seconds}"

    def still(self, now: float) -> float:
        """For how many seconds nothing has moved although it renders; 0 while that is usual."""
        if self.doing != Doing.RENDERING or not self.since:
            return 0.0
        seconds = now - self.since
        return seconds if seconds > _STILL_SECONDS else 0.0

    def pace_words(self, pace: "Pace | None", now: float) -> list[str]:
        """Time left and pace, while it renders; the longer nothing moves, the worse they get."""
        left = self.left_words(pace, now)
        if not left or pace is None or not pace.images_per_second:
            return []
        still = self.still(now)
        slower = _STILL_SECONDS / still if still else 1.0
        return [f"ETA {left}", f"{pace.images_per_second * slower:.1f} img/s"]

    def left_words(self, pace: "Pace | None", now: float) -> str:
        """Time left alone: `00:04:10`; nothing while nothing is rendered, or none is known."""
        if self.doing != Doing.RENDERING or pace is None or not pace.seconds_left:
            return ""
        still = self.still(now)
        return clock_text(pace.seconds_left + (still - _STILL_SECONDS if still else 0.0))


def _steps_words(steps: "Collection[Stepped]") -> str:
    """`12/30 3/30`; of many devices only how many are at it."""
    if len(steps) > _MOST_STEPS:
        return f"on {count_text(len(steps), 'device')}"
    return " ".join(f"{step.step}/{step.steps}" for step in steps)


_LINKS: Mapping[Link, Doing] = {
    Link.UNKNOWN: Doing.UNKNOWN,
    Link.STARTING: Doing.STARTING,
    Link.ABSENT: Doing.OFF,
    Link.SILENT: Doing.SILENT,
    Link.OTHER_VERSION: Doing.OTHER_VERSION,
}


def status_of(told: EngineFacts) -> EngineStatus:
    """What the engine does, from what was told of it.

    A pause goes before all else: what is still being computed then comes to its end, and no more.
    A model that is being loaded is said only while nothing else is rendered.
    """
    if told.link is not Link.HERE:
        return EngineStatus(_LINKS[told.link], told.reason)
    return replace(_at_work(told), host=told.host)


def _at_work(told: EngineFacts) -> EngineStatus:
    if told.paused:
        return EngineStatus(Doing.PAUSED, told.paused, told.paused_by_user, told.not_here)
    going = [tally for tally in told.work.values() if tally.session not in told.held]
    if not going:
        return EngineStatus(Doing.IDLE)
    if told.loads and not told.steps:
        device, load = min(told.loads.items(), key=lambda item: item[1].began)
        doing = Doing.LOADING if load.model else Doing.STARTING
        return EngineStatus(doing, loading=load.model or "", device=device, since=load.began)
    prompts = sum(tally.rewriting for tally in going)
    if prompts and all(t.waiting == t.rewriting and not t.rendering for t in going):
        return EngineStatus(Doing.REWRITING, prompts=prompts)
    return EngineStatus(
        Doing.RENDERING,
        done=sum(tally.done for tally in going),
        images=sum(tally.images for tally in going),
        steps=_steps_words(told.steps.values()),
        since=0.0 if told.host else told.moved,
    )
