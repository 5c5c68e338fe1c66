from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.picture.recipe import Lora, Recipe
from engine.plan.batches import batch_size_holding, plan_batches, power_of_two_within, shape_of


def recipe(width: int = 128, negative: str = "", seed: int = 0) -> Recipe:
    return Recipe("p", negative, seed, width, 128, 12, 4.0, "S", "builtin", "h")


@st.composite
def sheets(draw: st.DrawFn) -> tuple[list[Recipe], int]:
    kinds = draw(st.lists(st.tuples(st.sampled_from([96, 128, 160]), st.sampled_from(["", "no"]))))
    recipes = [recipe(width, negative, seed) for seed, (width, negative) in enumerate(kinds)]
    return recipes, draw(st.integers(1, 40))


@given(sheets())
def test_every_image_is_in_exactly_one_batch_of_its_own_shape(
    plan: tuple[list[Recipe], int],
) -> None:
    recipes, largest = plan
    batches = plan_batches(recipes, lambda _: largest)
    members = [member for batch in batches for member in batch.members]
    assert sorted(members) == list(range(len(recipes)))
    for batch in batches:
        assert len({shape_of(recipes[member]) for member in batch.members}) == 1
        assert batch.size & (batch.size - 1) == 0
        assert len(batch.members) <= batch.size <= largest
        assert batch.size < 2 * len(batch.members)


@given(sheets())
def test_work_begins_at_the_top_of_the_sheet(plan: tuple[list[Recipe], int]) -> None:
    recipes, largest = plan
    firsts = [batch.members[0] for batch in plan_batches(recipes, lambda _: largest)]
    assert firsts == sorted(firsts)


def test_each_model_is_seen_early_and_then_loaded_once_more_at_most() -> None:
    recipes = [replace(recipe(), model=label) for label in "abcabcabcabc"]
    order = [recipes[b.members[0]].model for b in plan_batches(recipes, lambda _: 1)]
    assert order[:3] == ["a", "b", "c"]
    loads = sum(one != other for one, other in pairwise(["", *order]))
    assert loads == 2 * 3 - 1, order


def test_images_with_other_loras_are_not_mixed_and_those_with_the_same_come_together() -> None:
    sets = {"a": (Lora("ink", "d", 1.0),), "b": (Lora("ink", "d", 0.5),), "-": ()}
    recipes = [replace(recipe(), loras=sets[name]) for name in "a-ba-b"]
    batches = plan_batches(recipes, lambda _: 1)
    assert [batch.members[0] for batch in batches] == [0, 3, 1, 4, 2, 5]
    assert [batch.members for batch in plan_batches(recipes, lambda _: 8)] == [
        (0, 3),
        (1, 4),
        (2, 5),
    ]


def test_images_with_and_without_a_negative_prompt_are_not_mixed() -> None:
    batches = plan_batches([recipe(), recipe(negative="x")], lambda _: 8)
    assert [batch.members for batch in batches] == [(0,), (1,)]


def test_a_tail_takes_the_smallest_size_that_holds_it() -> None:
    sizes = [batch.size for batch in plan_batches([recipe()] * 13, lambda _: 8)]
    assert sizes == [8, 8]
    assert [batch_size_holding(n) for n in (1, 2, 3, 4, 5, 8, 9)] == [1, 2, 4, 4, 8, 8, 16]
    assert [power_of_two_within(n) for n in (0, 1, 3, 8, 9)] == [1, 1, 2, 8, 8]
