"""The lists of a grid, told again by what its images say of themselves."""

from engine.plan.regained_grid import regained_lists
from engine.sheet.grid_cells import stored_grid


def rows_of(cells: dict[str, str], images: int, seed: int = 7) -> dict[int, dict[str, str]]:
    grid = stored_grid(cells, images)
    assert grid is not None
    return {
        n: {**grid.cells_of(n), "seed_number": str(seed + grid.within(n) - 1), "num_images": "1"}
        for n in range(1, images + 1)
    }


def test_what_differs_between_the_images_of_a_lost_row_becomes_its_lists_again() -> None:
    cells = {"prompt": "{all: a red boat | a blue one}", "steps": "2 | 3 | 4", "num_images": "2"}
    rows = rows_of(cells, 12)
    assert regained_lists(rows) == cells
    blank = rows_of({"prompt": "a", "scheduler": "{all: | euler}"}, 2)
    assert regained_lists(blank)["scheduler"] == "{all: | euler}"


def test_rows_that_are_no_grid_or_not_all_there_stay_plain() -> None:
    rows = rows_of({"prompt": "a", "steps": "2 | 3 | 4"}, 3)
    assert regained_lists({n: row for n, row in rows.items() if n != 2}) == {}
    plain = {n: {"prompt": "a boat", "seed_number": str(6 + n)} for n in (1, 2, 3)}
    assert regained_lists(plain) == {}
    drawn = {n: {"prompt": f"a {n} boat", "seed_number": str(6 + n)} for n in (1, 2, 3)}
    assert regained_lists(drawn) == {}, "wildcards: each has its own seed"
    sizes = {n: {"width": str(n), "height": str(n), "seed_number": "7"} for n in (1, 2)}
    assert regained_lists(sizes) == {}
