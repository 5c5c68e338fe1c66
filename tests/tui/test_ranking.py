"""Two at a time: an order without ties, in no more answers than merge insertion takes."""

import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.ranking import Ranking, most_questions, ratings_of


def asked(ranking: Ranking, worth: dict[str, int]) -> int:
    """Answer by worth to the end; how many questions it took."""
    while ranking.pair is not None:
        first, second = ranking.pair
        assert first != second
        ranking.answer(first=worth[first] > worth[second])
    return len(ranking.answers)


@given(st.permutations(range(1, 30)), st.integers(1, 29))
def test_the_order_is_that_of_the_answers_and_takes_no_more_than_it_may(
    worth: list[int], count: int
) -> None:
    worths = {f"i{n}": value for n, value in enumerate(worth[:count])}
    ranking = Ranking([*worths])
    assert asked(ranking, worths) <= most_questions(count)
    assert ranking.order == sorted(worths, key=worths.__getitem__, reverse=True)


@pytest.mark.parametrize(("count", "most"), [(1, 0), (2, 1), (3, 3), (4, 5), (5, 7)])
def test_of_a_few_every_order_is_found_and_one_takes_the_most(count: int, most: int) -> None:
    """The least there can be: no way of asking finds one of n! orders in fewer."""
    taken = set()
    for values in permutations(range(count)):
        worth = {f"i{n}": value for n, value in enumerate(values)}
        ranking = Ranking([*worth])
        taken.add(asked(ranking, worth))
        assert [worth[thing] for thing in ranking.order] == [*range(count)][::-1]
    assert max(taken) == most == most_questions(count)
    assert most >= math.log2(math.factorial(count))


def test_most_is_about_n_log_n() -> None:
    assert [most_questions(n) for n in (9, 12, 21, 100)] == [19, 30, 66, 534]


@given(st.permutations(range(12)), st.data())
def test_an_answer_taken_back_is_asked_again_and_the_rest_stands(
    worth: list[int], data: st.DataObject
) -> None:
    worths = {f"i{n}": value for n, value in enumerate(worth)}
    ranking = Ranking([*worths])
    count = asked(ranking, worths)
    back = data.draw(st.integers(1, count))
    for _ in range(back):
        assert ranking.take_back()
    assert ranking.pair is not None and not ranking.order
    assert set(Ranking([*worths], ranking.answers).coming()) <= set(worths)
    assert asked(ranking, worths) == count
    again = Ranking([*worths], ranking.answers)
    assert again.order == ranking.order and again.pair is None
    assert not Ranking(["alone"]).take_back()


def test_an_order_becomes_ratings_by_fifths() -> None:
    assert list(ratings_of([*"abcde"]).values()) == [5, 4, 3, 2, 1]
    assert list(ratings_of([*"ab"]).values()) == [5, 3]
    nine = list(ratings_of([*"abcdefghi"]).values())
    assert nine == sorted(nine, reverse=True) and {*nine} == {1, 2, 3, 4, 5}
