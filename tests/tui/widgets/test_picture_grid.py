"""Where pictures lie on a page, and what is drawn around them."""

import pytest
from rich.style import Style

from tui.widgets.picture_grid import (
    NO_PLACE,
    SIZES,
    PictureGrid,
    PlaceLook,
    Tile,
    grid_for,
    zoom_for,
)

BESIDE_A_PREVIEW = (120, 46)
"""What Review has for its grid on 200×50 cells."""


def drawn(grid: PictureGrid, looks: dict[int, PlaceLook]) -> list[str]:
    """Every line of the grid, without its pictures."""
    height = grid.rows * grid.height + grid.tight
    lines = []
    for y in range(height):
        segments = grid.line(
            y, lambda number: looks.get(number, NO_PLACE), Style(), lambda _: Style()
        )
        lines.append("".join(segment.text for segment in segments))
    return lines


def look(label: str, **about: bool) -> PlaceLook:
    known = {"here": False, "ranged": False, "marked": False} | about
    tile = Tile(label, None, label, favourite=known.pop("favourite", False))
    return PlaceLook(tile, **known)


def test_a_batch_of_256_is_seen_whole_beside_the_large_picture() -> None:
    zoom = zoom_for(BESIDE_A_PREVIEW, 256, least=0)
    assert grid_for(BESIDE_A_PREVIEW, zoom).places >= 256
    assert zoom_for(BESIDE_A_PREVIEW, 257_000, least=0) == zoom_for(BESIDE_A_PREVIEW, 1, least=0)


@pytest.mark.parametrize("zoom", range(len(SIZES)))
@pytest.mark.parametrize("area", [(48, 20), (72, 32), BESIDE_A_PREVIEW, (3, 3)])
def test_places_are_alike_and_none_reaches_out_of_the_page(
    area: tuple[int, int], zoom: int
) -> None:
    grid = grid_for(area, zoom)
    cells: set[tuple[int, int]] = set()
    for number in range(grid.places):
        x, y = grid.corner(number)
        columns, rows = grid.picture
        assert columns >= 1
        assert rows >= 1
        picture = {(x + i, y + j) for i in range(columns) for j in range(rows)}
        assert not picture & cells, "two pictures share a cell"
        cells |= picture
        assert grid.at(x, y) == number
        for box in grid.around(number):
            assert 0 <= box.x <= box.x + box.width <= max(3, area[0])
            assert 0 <= box.y <= box.y + box.height <= max(3, area[1])
            around = {(box.x + i, box.y + j) for i in range(box.width) for j in range(box.height)}
            assert not around & picture, "what is drawn around a picture lies over it"


@pytest.mark.parametrize("zoom", range(len(SIZES)))
def test_the_cursor_has_a_closed_frame_with_the_label_right_below_its_picture(zoom: int) -> None:
    grid = grid_for(BESIDE_A_PREVIEW, zoom)
    number = grid.columns + 1
    lines = drawn(grid, {number: look("3·1", here=True)})
    (x, y), (columns, rows) = grid.corner(number), grid.picture
    frame = [line[x - 1 : x + columns + 1] for line in lines[y - 1 : y + rows + 1]]
    assert frame[0] == "╭" + "─" * columns + "╮"
    assert all((line[0], line[-1]) == ("│", "│") for line in frame[1:-1])
    assert (frame[-1][0], frame[-1][-1]) == ("╰", "╯")
    assert "3·1" in frame[-1]


def test_only_the_label_above_the_cursor_gives_way_to_its_frame_where_places_are_small() -> None:
    grid = PictureGrid(2, 2, 6, 3, tight=True)
    looks = {0: look("2·1"), 1: look("2·2"), 2: look("3·1", here=True), 3: look("3·2")}
    assert drawn(grid, looks) == [
        "            ",
        "            ",
        "            ",
        "╭────╮ 2·2  ",
        "│    │      ",
        "│    │      ",
        "╰3·1─╯ 3·2  ",
    ]


def test_marks_stand_beside_the_label_and_a_long_one_is_cut_between_characters() -> None:
    grid = PictureGrid(3, 1, 10, 4)
    looks = {
        0: look("2·1", marked=True, favourite=True),
        1: look("日本の海と船"),
        2: look("3·1", ranged=True, marked=True),
    }
    last = drawn(grid, looks)[-1]
    assert last == "  ●★ 2·1   日本の…  └ ● 3·1  ┘"
