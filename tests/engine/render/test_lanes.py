"""How many calls run side by side, and that their numbers of threads never mix."""

import threading
from concurrent.futures import ThreadPoolExecutor

from engine.render.lanes import Lanes, Terms


def test_no_more_threads_than_there_are_and_never_two_numbers_at_once() -> None:
    lanes, turn = Lanes(4), threading.Lock()
    running: list[int] = []
    seen: set[tuple[int, ...]] = set()

    def call(threads: int) -> None:
        lanes.enter(Terms(threads))
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


def test_calls_with_other_loras_on_the_model_wait_until_it_has_none_of_a_call() -> None:
    lanes = Lanes(2)
    lanes.enter(Terms(1, "ink"))
    assert lanes.agree(Terms(1, "ink")) and not lanes.agree(Terms(1, "fog"), lambda: True)
    assert not lanes.enter(Terms(1), lambda: True)
    lanes.leave(1)
    assert lanes.agree(Terms(1, "fog"))


def test_who_gives_up_while_waiting_does_not_wait_on() -> None:
    lanes, gone = Lanes(1), threading.Event()
    assert lanes.enter(Terms(1))
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(lanes.enter(Terms(1), gone.is_set)))
    waiting.start()
    gone.set()
    lanes.nudge()
    waiting.join(5)
    assert answers == [False]
    lanes.leave(1)
    assert lanes.enter(Terms(1)), "the one that gave up holds nothing"


def test_a_call_with_more_threads_than_there_are_still_gets_its_turn() -> None:
    lanes = Lanes(2)
    lanes.enter(Terms(64))
    entered = threading.Event()

    def second() -> None:
        lanes.enter(Terms(64))
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
    lanes.enter(Terms(1))
    alone = lanes.look()
    assert alone()
    lanes.enter(Terms(1))
    beside = lanes.look()
    lanes.leave(1)
    assert not alone(), "another came and went"
    lanes.leave(1)
    assert not beside(), "another was there before"
