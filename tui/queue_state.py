"""What is known of the sessions in the queue: read from the library, and told by the engine."""

from collections.abc import Collection, Mapping, Sequence

from engine.api import Pace, SessionInfo, Tally
from tui.engine_status import EngineStatus
from tui.state_words import session_state
from tui.widgets.session_queue import QueueLine


class QueueState:
    """Sessions with their counts and their pace. Nothing in here waits."""

    def __init__(self) -> None:
        self.sessions: Sequence[SessionInfo] = ()
        """With work left, in the order in which they are rendered; then those that were stopped."""
        self.paces: Mapping[str, Pace] = {}
        """Session → how it gets on, of those with work left."""
        self._tallies: dict[str, Tally] = {}
        self._told: dict[str, float] = {}
        """Session → when its counts were told last."""

    def read(self, sessions: Sequence[SessionInfo], began: float) -> None:
        """Sessions were read; what was told since is newer. `began`: when that began."""
        for info in sessions:
            if self._told.get(info.session, 0.0) < began:
                self._tallies[info.session] = info.tally

    def tell(self, tallies: Mapping[str, Tally], now: float) -> None:
        """The engine process told of sessions."""
        self._tallies.update(tallies)
        self._told.update(dict.fromkeys(tallies, now))

    def counts(self, info: SessionInfo) -> Tally:
        """A session's counts, as they were told or read last."""
        return self._tallies.get(info.session, info.tally)

    def name(self, session: str) -> str:
        """What people call a session; its id, while no more is known."""
        names = (info.name for info in self.sessions if info.session == session)
        return next(names, session)

    @property
    def working(self) -> list[Tally]:
        """The counts of those with work left."""
        return [counts for info in self.sessions if not (counts := self.counts(info)).settled]

    def lines(
        self,
        in_hand: SessionInfo | None,
        status: EngineStatus,
        held: Collection[str],
        now: float,
    ) -> list[QueueLine]:
        """The queue: all that are not at their end; and the one in hand, which may be.

        Args:
            in_hand: the session in hand.
            status: what the engine process does.
            held: sessions that wait until someone lets them go on.
            now: of the monotonic clock.
        """
        here = None if in_hand is None else in_hand.session
        infos = [
            info
            for info in self.sessions
            if info.session == here or (t := self.counts(info)).stopped or not t.settled
        ]
        if in_hand is not None and all(info.session != here for info in infos):
            infos.append(in_hand)
        lines: list[QueueLine] = []
        place = 0
        for info in infos:
            counts, is_held = self.counts(info), info.session in held
            state = session_state(counts, status, held=is_held)
            if counts.settled or is_held:
                lines.append(QueueLine(info, counts, state))
            else:
                place += 1
                left = status.left_words(self.paces.get(info.session), now)
                lines.append(QueueLine(info, counts, state, place, left))
        return lines
