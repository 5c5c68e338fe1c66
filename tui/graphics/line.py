"""Pure: the line to the terminal, as far as the terminal's answers tell of it.

A fence is a question that every terminal answers when it has read so far: where its cursor is
(CSI 6 n), which is put to another column for each fence, so that its answer says which it was.
Behind tmux and mosh these answer, and what is known is the line to them.
"""

from collections import deque
from dataclasses import dataclass

_LINE = 2
"""Of the fences: in the first, answers could be taken for F3 with a modifier."""
_COLUMNS = 30
_FIRST_WINDOW = 8_000
"""Bytes on their way while nothing is known of the line."""
_LEAST_WINDOW = 4_096
_PIECE = 20_000
"""Of the largest pieces: the next must be on its way before one has been answered for."""
_SLACK = 0.1
"""Seconds by which what is on its way may delay a key's echo."""
_PATIENCE = 3.0
"""Seconds for an answer, and for what is on its way before it."""
_MOST_PATIENCE = 15.0
_MISSES = 2
"""Answers that never came one after the other, after which none is waited for; where there has
never been one, the first."""
_WEIGHT = 64_000
"""Bytes after which what was measured before counts half as much."""
_TELLING = 4_000
"""Bytes at least of which it tells something how long they took: a busy machine takes time, too."""
_ENOUGH = 12_000
"""Bytes before it is said that the line is thin."""
_LEAST_SECONDS = 0.001
_THIN, _NOT_THIN = 190_000, 260_000
"""Bytes a second below which a line is thin, and above which it is no longer."""
_KEEPS_SECONDS = 60.0
"""After which the shortest round trip is looked for again."""


@dataclass(frozen=True, slots=True)
class _Fence:
    place: tuple[int, int]
    at: float
    """When it was sent."""
    behind: int
    """All bytes that were sent before it."""


class TerminalLine:
    """Bytes on their way to the terminal, and how many it takes."""

    def __init__(self) -> None:
        """A line to a terminal that reads all at once, as long as it is not asked."""
        self.has_fences = False
        """Whether fences are sent."""
        self._written = 0
        self._arrived = 0
        self._fences: deque[_Fence] = deque()
        self._number = 0
        self._answered_at = 0.0
        self._misses = 0
        self._round_trips = (0.0, 0.0)
        """The shortest of this minute, and of the one before; 0: none is known."""
        self._minute = 0.0
        self._bytes = self._seconds = 0.0
        """What arrived, and what that took the line; what is long ago counts less."""
        self._is_guess = False
        """Whether that is less than what the line takes, and not how much it takes."""
        self.is_thin = False

    @property
    def is_paced(self) -> bool:
        """Whether its terminal answers, so that what is on its way is known."""
        return self.has_fences and self._misses < (_MISSES if self.round_trip else 1)

    @property
    def on_its_way(self) -> int:
        """Bytes that the terminal has not answered for."""
        return self._written - self._arrived

    @property
    def awaits_answers(self) -> bool:
        """Whether there are fences that were not answered."""
        return bool(self._fences)

    @property
    def round_trip(self) -> float:
        """Seconds, of an empty line."""
        return min((trip for trip in self._round_trips if trip), default=0.0)

    @property
    def rate(self) -> float:
        """Bytes a second; 0: not known."""
        return self._bytes / max(self._seconds, _LEAST_SECONDS) if self._bytes else 0.0

    @property
    def window(self) -> float:
        """Bytes that may be on their way: as many as keep the line at work, and few more."""
        if not self._bytes:
            return _FIRST_WINDOW
        least = max(_LEAST_WINDOW, min(_PIECE, self.rate))
        return max(least, self.rate * (self.round_trip + _SLACK))

    @property
    def has_room(self) -> bool:
        """Whether more may be sent now."""
        return not self.is_paced or self.on_its_way < self.window

    def wrote(self, count: int) -> None:
        """So many bytes were sent."""
        self._written += count

    def fence(self, now: float) -> str:
        """A fence to be sent behind what was; empty: none is needed.

        On a wide line not each piece needs its own.
        """
        last = self._fences[-1].behind if self._fences else self._arrived
        behind = self._written - last
        if not self.is_paced or behind <= 0 or (self._fences and behind < self.window / 8):
            return ""
        self._number += 1
        place = _LINE, 1 + self._number % _COLUMNS
        fence = f"\x1b7\x1b[{place[0]};{place[1]}H\x1b[6n\x1b8"
        self._fences.append(_Fence(place, now, self._written + len(fence)))
        return fence

    def answered(self, place: tuple[int, int], now: float) -> bool:
        """The terminal says where its cursor was, line and column; whether that was a fence."""
        if place[0] == _LINE:
            self._misses = 0  # however late, it does answer
        if not any(fence.place == place for fence in self._fences):
            return False
        while (fence := self._fences.popleft()).place != place:
            pass
        self._measure(fence, now)
        self._arrived, self._answered_at = max(self._arrived, fence.behind), now
        return True

    def waits(self, now: float) -> float:
        """Seconds until the oldest fence is given up, which this does; 0: there is none."""
        while self._fences and self.is_paced:
            oldest = self._fences[0]
            took = (oldest.behind - self._arrived) / self.rate if self.rate else 0.0
            since = max(oldest.at, self._answered_at)
            left = since + min(_PATIENCE + 2 * (took + self.round_trip), _MOST_PATIENCE) - now
            if left > 0:
                return left
            self._misses += 1
            self._fences.clear()
            self._arrived, self._answered_at = self._written, now
        return 0.0

    def _measure(self, fence: _Fence, now: float) -> None:
        """What the line took for the bytes since the last fence that was answered.

        They came through one after the other: from when the line was free, or from when they were
        sent, both as seen from here.
        """
        count, trip, shortest = fence.behind - self._arrived, now - fence.at, self.round_trip
        if count < _TELLING:
            pass
        elif not shortest or trip <= shortest:
            # What of it is delay and what is bytes is not known yet.
            if not self._bytes:
                self._bytes, self._seconds, self._is_guess = count, trip, True
        else:
            if self._is_guess:
                self._bytes = self._seconds = 0.0
                self._is_guess = False
            fading = 0.5 ** (count / _WEIGHT)
            began = max(fence.at + shortest, self._answered_at)
            self._bytes = self._bytes * fading + count
            self._seconds = self._seconds * fading + max(0.0, now - began)
            if self._bytes >= _ENOUGH:
                self.is_thin = self.rate < (_NOT_THIN if self.is_thin else _THIN)
        self._take_round_trip(trip, now)

    def _take_round_trip(self, seconds: float, now: float) -> None:
        this, before = self._round_trips
        if now - self._minute > _KEEPS_SECONDS:
            self._minute, this, before = now, 0.0, this
        self._round_trips = (min(this, seconds) if this else seconds), before
