"""Pure: an order without ties out of answers to "which of these two is better?", few of them."""

import math
from collections.abc import Generator, Iterator, Sequence
from typing import TypeAlias

Pair: TypeAlias = tuple[str, str]
_Questions: TypeAlias = Generator[Pair, bool, list[str]]


def most_questions(count: int) -> int:
    """How many answers the order of so many things takes at most.

    Ford and Johnson, A Tournament Problem, 1959: the sum of ⌈log2(3k/4)⌉ for k from 1 to `count`.
    """
    return sum(math.ceil(math.log2(3 * k / 4)) for k in range(2, count + 1))


class Ranking:
    """Merge insertion, as a list of answers: taking one back is to leave out the last."""

    def __init__(self, things: Sequence[str], answers: Sequence[bool] = ()) -> None:
        """An order to be found.

        Args:
            things: at least one, each once.
            answers: those there are already: whether the first of each pair is the better.
        """
        self._things = list(things)
        self.answers = list(answers)
        self._go_through()

    def _go_through(self) -> None:
        self.pair: Pair | None = None
        """Which two are asked for; None: the order is known."""
        self.order: list[str] = []
        """The best first; empty until it is known."""
        asking = _sorted(self._things)
        try:
            self.pair = next(asking)
            for answer in self.answers:
                self.pair = asking.send(answer)
        except StopIteration as known:
            self.pair, self.order = None, known.value[::-1]

    def answer(self, *, first: bool) -> None:
        """The first of the two is better, or the second."""
        if self.pair is not None:
            self.answers.append(first)
            self._go_through()

    def take_back(self) -> bool:
        """Ask the last question again; whether there was one."""
        if not self.answers:
            return False
        self.answers.pop()
        self._go_through()
        return True

    def coming(self) -> Iterator[str]:
        """What may be asked for next, whatever the answer is now."""
        if self.pair is not None:
            for answer in (True, False):
                yield from Ranking(self._things, [*self.answers, answer]).pair or ()


def _sorted(things: list[str]) -> _Questions:
    """The worst first."""
    if len(things) < 2:
        return list(things)
    beaten: dict[str, str] = {}
    for first, second in zip(things[::2], things[1::2], strict=False):
        better, worse = (first, second) if (yield first, second) else (second, first)
        beaten[better] = worse
    chain = yield from _sorted(list(beaten))
    # What lost against the worst winner is worse than all: that asks for nothing.
    waiting: list[tuple[str, str | None]] = [(beaten[winner], winner) for winner in chain]
    chain.insert(0, waiting.pop(0)[0])
    waiting += [(things[-1], None)] * (len(things) % 2)
    for thing, winner in _in_groups(waiting):
        low, high = 0, len(chain) if winner is None else chain.index(winner)
        while low < high:
            middle = (low + high) // 2
            if (yield thing, chain[middle]):
                low = middle + 1
            else:
                high = middle
        chain.insert(low, thing)
    return chain


def _in_groups(waiting: list[tuple[str, str | None]]) -> Iterator[tuple[str, str | None]]:
    """Such that each goes among one less than a power of two: groups of 2, 2, 6, 10, 22, …."""
    start, size, power = 0, 2, 2
    while start < len(waiting):
        yield from reversed(waiting[start : start + size])
        start, power = start + size, power * 2
        size = power - size


def ratings_of(order: Sequence[str]) -> dict[str, int]:
    """An order as ratings: the best fifth gets 5, the next 4, down to 1."""
    return {thing: 5 - 5 * place // len(order) for place, thing in enumerate(order)}
