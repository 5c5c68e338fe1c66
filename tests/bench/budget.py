"""Measurements within a fixed time: the most valuable first, each figure said as it comes."""

import signal
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Record = Mapping[str, Any]
"""One figure or several that belong together, as JSON has them."""
_WIDTH = 100


class TimeIsUpError(BaseException):
    """The time is over. No mere `Exception`, so that nobody takes it for a fault and goes on."""


@dataclass(frozen=True)
class Measurement:
    """Something to be measured."""

    name: str
    least: float
    """With fewer seconds left it is not begun: it would tell nothing."""
    run: Callable[[], Iterator[Record]]
    """Gives its figures as they come."""
    words: Callable[[Sequence[Record]], str]
    """What the figures say; at least one."""


@dataclass
class Outcome:
    """What came of a measurement."""

    measurement: Measurement
    state: str
    """`measured`, `cut off`, `failed` or `skipped`."""
    seconds: float = 0.0
    reason: str = ""
    """Why there are no figures, or not all."""
    records: list[Record] = field(default_factory=list)


class Budget:
    """Time that is never exceeded."""

    def __init__(self, seconds: float, ending: float) -> None:
        """Args: ending: how many of the seconds are kept for tidying up."""
        self._until = time.monotonic() + seconds
        self._ending = ending

    def left(self) -> float:
        """Seconds for measuring."""
        return self._until - self._ending - time.monotonic()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside, `TimeIsUpError` is raised in the main thread when no time is left.

        It is raised once more at the very end, if tidying up took too long.
        """

        def ring(*_: object) -> None:
            signal.setitimer(signal.ITIMER_REAL, self._ending)
            raise TimeIsUpError

        before = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, max(self.left(), 0.001))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def carry_out(
    measurements: Sequence[Measurement], budget: Budget, say: Callable[[Record], None]
) -> list[Outcome]:
    """Measure one after the other while there is time. A fault of one does not end the others.

    Args:
        measurements: the most valuable first.
        budget: the time there is.
        say: is given each record as it comes, with its measurement's name, and what was left out.
    """
    outcomes: list[Outcome] = []
    for measurement in measurements:
        outcome = Outcome(measurement, "skipped")
        outcomes.append(outcome)
        began = time.monotonic()
        if (left := budget.left()) < measurement.least:
            outcome.reason = f"{max(left, 0):.0f} s left, it needs {measurement.least:.0f}"
        else:
            outcome.state = "measured"
            try:
                with budget.kept():
                    for record in measurement.run():
                        outcome.records.append(record)
                        say({"measurement": measurement.name} | dict(record))
            except TimeIsUpError:
                outcome.state, outcome.reason = "cut off", "no time was left"
            except Exception as error:
                outcome.state = "failed"
                text = " ".join(str(error).split())[-500:]
                # Those that the benchmarks raise themselves are in words.
                worded = type(error) is RuntimeError
                outcome.reason = text if worded else f"{type(error).__name__}: {text}"
        outcome.seconds = time.monotonic() - began
        if outcome.state != "measured":
            left_out = {"state": outcome.state, "reason": outcome.reason}
            say({"measurement": measurement.name} | left_out)
    return outcomes


def table(outcomes: Sequence[Outcome]) -> str:
    """All outcomes: name, seconds, and what they say."""
    wide = max(len(outcome.measurement.name) for outcome in outcomes)
    lines = []
    for outcome in outcomes:
        said = []
        if outcome.state != "measured":
            said.append(f"{outcome.state.upper()}: {outcome.reason}")
        if outcome.records:
            said.append(outcome.measurement.words(outcome.records))
        start = f"{outcome.measurement.name:{wide}}  {outcome.seconds:4.0f} s  "
        text = textwrap.wrap("; ".join(said), max(20, _WIDTH - len(start)))
        lines += [start + text[0], *(" " * len(start) + more for more in text[1:])]
    return "\n".join(lines)
