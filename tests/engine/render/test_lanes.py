"""How many calls run side by side, and that their numbers of threads never mix."""

import threading
from concurrent.futures import ThreadPoolExecutor

from engine.render.lanes import Lanes


def test_no_more_threads_than_there_are_and_never_two_numbers_at_once() -> None:
    lanes, turn = Lanes(4), threading.Lock()
    running: list[int] = []
    seen: set[tuple[int, ...]] = set()

    def call(threads: int) -> None:
        lanes.enter(threads)
        with turn:
            running.append(threads)
            seen.add(tuple(running))
        with turn:
            running.remove(threads)
        lanes.leave(threads)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(call, [1, 1, 2, 4, 8, 1, 2, 2, 1] * 40))
    for together in seen:
        assert len(set(together)) == 1
        assert len(together) == 1 or sum(together) <= 4


def test_a_call_with_more_threads_than_there_are_still_gets_its_turn() -> None:
    lanes = Lanes(2)
    lanes.enter(64)
    entered = threading.Event()

    def second() -> None:
        lanes.enter(64)
        entered.set()

    other = threading.Thread(target=second)
    other.start()
    assert not entered.wait(0.05)
    lanes.leave(64)
    assert entered.wait(5)
    other.join()
    lanes.leave(64)
    lanes.wait_empty()
