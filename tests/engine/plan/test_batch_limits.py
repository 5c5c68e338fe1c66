from hypothesis import given
from hypothesis import strategies as st

from engine.plan.batch_limits import images_held, largest_batch

MIB = 1 << 20


def test_a_batch_fits_with_a_fifth_to_spare() -> None:
    assert images_held(4, 400 * MIB, 1000 * MIB) == 8
    assert images_held(4, 400 * MIB, 799 * MIB) == 4
    assert images_held(1, 900 * MIB, 1000 * MIB) == 1, "one is tried, whatever it takes"


@given(st.integers(1, 64), st.integers(0, 1 << 40), st.integers(0, 1 << 40))
def test_what_is_held_is_a_power_of_two_that_fits(size: int, taken: int, room: int) -> None:
    held = images_held(size, taken, room)
    assert held & (held - 1) == 0
    assert held == 1 or held * (taken // size) <= room


def test_what_is_asked_for_is_kept_to_where_memory_allows() -> None:
    assert largest_batch(32, None, gpu=False) == largest_batch(32, 64, gpu=True) == 32
    assert largest_batch(32, 8, gpu=True) == 8
    assert largest_batch(6, None, gpu=True) == 4


def test_where_nothing_is_asked_for_a_gpu_is_measured_and_a_cpu_draws_one_by_one() -> None:
    assert [largest_batch(0, held, gpu=True) for held in (None, 2, 8, 64)] == [4, 2, 8, 16]
    assert [largest_batch(0, held, gpu=False) for held in (None, 64)] == [1, 1]
