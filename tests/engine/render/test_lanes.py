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


def test_who_gives_up_while_waiting_does_not_wait_on() -> None:
    lanes, gone = Lanes(1), threading.Event()
    assert lanes.enter(1)
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(lanes.enter(1, gone.is_set)))
    waiting.start()
    gone.set()
    lanes.nudge()
    waiting.join(5)
    assert answers == [False]
    lanes.leave(1)
    assert lanes.enter(1), "the one that gave up holds nothing"


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


def test_a_call_hears_whether_another_ran_beside_it() -> None:
    lanes = Lanes(2)
    lanes.enter(1)
    alone = lanes.look()
    assert alone()
    lanes.enter(1)
    beside = lanes.look()
    lanes.leave(1)
    assert not alone(), "another came and went"
    lanes.leave(1)
    assert not beside(), "another was there before"
