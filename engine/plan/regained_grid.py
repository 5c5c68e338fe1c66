"""The lists of a grid, from the rows that its images would be: where only these are left."""

from collections.abc import Mapping

from engine.sheet.columns import COLUMN, Kind
from engine.sheet.grid_cells import can_vary, stored_grid

_SEED = "seed_number"


def regained_lists(rows: Mapping[int, Mapping[str, str]]) -> dict[str, str]:
    """Cells with lists that give all of these rows; empty: they are no grid, or not all are there.

    Args:
        rows: variation → the cells of the plain row that gives this image, its seed among them.
    """
    if set(rows) != set(range(1, len(rows) + 1)):
        return {}
    differing: dict[str, str] = {}
    for name, column in COLUMN.items():
        values = list(dict.fromkeys(cells.get(name, "") for cells in rows.values()))
        if name == _SEED or len(values) == 1 or not can_vary(column):
            continue
        if any(sign in value for value in values for sign in "{}|"):
            return {}
        listed = " | ".join(values)
        in_braces = column.kind in (Kind.TEXT, Kind.LORAS) or "" in values
        differing[name] = f"{{all: {listed.strip()}}}" if in_braces else listed
    combined = 1
    for name in differing:
        combined *= len({cells.get(name, "") for cells in rows.values()})
    if not differing or len(rows) % combined:
        return {}
    lists = {**differing, "num_images": str(len(rows) // combined)}
    grid = stored_grid({**rows[1], **lists}, len(rows))
    if grid is None:
        return {}
    first = int(rows[1].get(_SEED) or 0)
    for variation, cells in rows.items():
        told = grid.cells_of(variation)
        seed = str(first + grid.within(variation) - 1)
        if cells.get(_SEED) != seed or any(told.get(n, "") != cells.get(n, "") for n in differing):
            return {}
    return lists
