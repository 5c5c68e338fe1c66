from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.plan.changed import RowNow, RowThen, changes_between


def then(*prompts: str) -> list[RowThen]:
    return [RowThen(n, {"prompt": p}, 100 + n) for n, p in enumerate(prompts, start=2)]


def now(*prompts: str) -> list[RowNow]:
    return [RowNow(n, {"prompt": p}) for n, p in enumerate(prompts, start=2)]


def test_an_edited_row_keeps_the_seed_that_was_drawn() -> None:
    found = changes_between(then("a", "b", "c"), now("a", "B", "c"))
    assert (found.same, found.changed, found.to_render) == ({2: 2, 4: 4}, {3: 3}, [3])
    assert found.seeds == {3: 103}
    assert found.columns == {3: ("prompt",)}
    assert (found.added, found.removed) == ((), ())


def test_a_row_that_moved_is_the_same_row() -> None:
    found = changes_between(then("a", "b", "c"), now("new", "a", "b", "c"))
    assert found.same == {3: 2, 4: 3, 5: 4}
    assert (found.changed, found.added, found.removed) == ({}, (2,), ())
    assert changes_between(then("a", "b", "c"), now("a", "c")).removed == (3,)


def test_a_row_that_was_edited_and_pushed_down_keeps_its_seed() -> None:
    found = changes_between(then("a", "b"), now("new", "a", "B"))
    assert (found.same, found.changed, found.added) == ({3: 2}, {4: 3}, (2,))
    assert found.seeds == {4: 103}


def test_equal_rows_are_each_rendered_once() -> None:
    found = changes_between(then("a", "a"), now("a", "a", "a"))
    assert found.same == {2: 2, 3: 3}
    assert found.added == (4,)


def test_a_row_that_failed_is_rendered_again_with_the_seed_that_was_drawn() -> None:
    before = [replace(row, failed=row.number == 3) for row in then("a", "b", "c")]
    found = changes_between(before, now("a", "b", "c"))
    assert (found.same, found.failed, found.to_render) == ({2: 2, 4: 4}, {3: 3}, [3])
    assert found.seeds == {3: 103}
    assert (found.changed, found.added, found.removed) == ({}, (), ())


def test_a_seed_written_into_the_sheet_is_a_change() -> None:
    edited = [RowNow(2, {"prompt": "a", "seed_number": "102"})]
    found = changes_between(then("a"), edited)
    assert (found.changed, found.seeds) == ({2: 2}, {})
    assert found.columns == {2: ("seed_number",)}


_PROMPTS = st.lists(st.sampled_from("abcd"), max_size=8)


@given(_PROMPTS, _PROMPTS)
def test_every_row_is_accounted_for_once(old: list[str], new: list[str]) -> None:
    before, after = then(*old), now(*new)
    found = changes_between(before, after)
    assert sorted([*found.same, *found.to_render]) == [row.number for row in after]
    used = [*found.same.values(), *found.changed.values(), *found.removed]
    assert sorted(used) == [row.number for row in before]
    assert changes_between(before, now(*old)).to_render == []
    cells = {row.number: row.cells for row in before}
    assert all(cells[o] == after[n - 2].cells for n, o in found.same.items())
