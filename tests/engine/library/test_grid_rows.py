"""Rows that are grids, as the library has them: their results, and a labelled picture of them."""

from pathlib import Path

import pytest
from PIL import Image

from engine.errors import PromptsheetError
from engine.library.read.grid_picture import GridAxes, grid_pictures
from engine.library.read.reader import list_images
from engine.library.read.results import columns_of, results_of
from engine.library.read.stored_rows import stored_rows
from engine.library.records import NewRow, NewSession
from engine.library.write.trash import trash_images
from engine.library.write.writer import Writer
from engine.picture.recipe import Recipe
from engine.plan.batches import plan_batches
from engine.protocol.commands import RowsSource
from engine.sheet.grid_cells import Grid, stored_grid
from engine.sheet.grid_table import GridTable
from tests.support.libraries import Rendered, take

KEY = "k3f9x2"
CELLS = {"prompt": "a {all: red | 日本} boat", "steps": "2 | 3 | 4", "style": "auto"}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def recipe(prompt: str, steps: int, seed: int) -> Recipe:
    return Recipe(prompt, "", seed, 8, 8, steps, 4.0, "S", "builtin", "h")


@pytest.fixture
def filled(writer: Writer, rendered: Rendered) -> Writer:
    """A grid of two prompts and three numbers of steps, finished, and a plain row."""
    drawn = [recipe(f"a {c} boat", steps, 7) for c in ("red", "日本") for steps in (2, 3, 4)]
    plain = recipe("a | b", 2, 99)
    rows = [
        NewRow(3, CELLS, {"mine": "x"}, drawn, [f"0003-{n}.png" for n in range(6)]),
        NewRow(4, {"prompt": "a | b {c|d}"}, {}, [plain], ["0004-1.png"]),
    ]
    batches = plan_batches([*drawn, plain], lambda _: 8)
    writer.add_session(NewSession(KEY, "a test", "a-test", RowsSource("s.csv"), rows, batches))
    for _ in range(len(batches)):
        batch = take(writer)
        writer.finish(rendered(batch))
        writer.end(batch, 1.0)
    return writer


def test_each_line_of_the_results_is_the_plain_row_of_its_combination(filled: Writer) -> None:
    found = list(results_of(filled.library, KEY))
    assert [(r.cells["prompt"], r.cells["steps"]) for r in found[:6]] == [
        (f"a {colour} boat", steps) for colour in ("red", "日本") for steps in ("2", "3", "4")
    ]
    assert {(r.cells["seed_number"], r.cells["num_images"]) for r in found[:6]} == {("7", "1")}
    assert found[6].cells["prompt"] == "a | b {c|d}"
    assert "steps" in columns_of(filled.library, KEY)


def test_a_stored_grid_knows_each_images_place_whatever_was_thrown_away(filled: Writer) -> None:
    images = list_images(filled.library, KEY)
    trash_images(filled, [images[1].image], ())
    grid_row, plain = stored_rows(filled.library, KEY)
    assert plain.grid is None and plain.combination(1) is plain
    assert grid_row.grid is not None and grid_row.each == 1
    assert grid_row.grid.place(6) == (1, 2)
    alone = grid_row.combination(5)
    assert (alone.cells["prompt"], alone.cells["steps"], alone.images) == ("a 日本 boat", "3", 1)
    assert alone.first_seed == 7


def test_a_grid_is_one_labelled_picture_with_each_image_in_its_place(
    filled: Writer, tmp_path: Path
) -> None:
    seen: list[tuple[int, int]] = []
    images = list_images(filled.library, KEY)
    (filled.library / str(images[5].file)).unlink()
    done = grid_pictures(
        *(filled.library, KEY, tmp_path / "a.png", frozenset({3}), GridAxes(across="prompt")),
        progress=lambda *at: seen.append(at),
    )
    assert (done.files, done.images, done.lost) == ([tmp_path / "a.png"], 6, [images[5].image])
    assert seen[-1] == (6, 6)
    with Image.open(tmp_path / "a.png") as picture:
        drawn = picture.convert("RGB")
        # All have one seed, which is their colour here; the lost one has a frame alone.
        colours = drawn.getcolors(1 << 20)
        assert {colour: count for count, colour in colours or ()}[7, 7, 7] == 5 * 64
    with pytest.raises(FileExistsError):
        grid_pictures(filled.library, KEY, tmp_path / "a.png", None, GridAxes())


@pytest.mark.parametrize(
    ("rows", "axes", "words"),
    [
        (frozenset({4}), GridAxes(), "Row 4 is not a grid"),
        (frozenset({3, 9}), GridAxes(), "Row 9 is not a grid"),
        (None, GridAxes(down="guidance"), "Row 3: This row has no list guidance: it has prompt, s"),
        (None, GridAxes("steps", "steps"), "cannot be both across and down"),
    ],
)
def test_what_is_no_grid_is_refused_by_its_number(
    filled: Writer, tmp_path: Path, rows: frozenset[int] | None, axes: GridAxes, words: str
) -> None:
    with pytest.raises(PromptsheetError, match=words):
        grid_pictures(filled.library, KEY, tmp_path / "a.png", rows, axes)
    assert not list(tmp_path.glob("*.png"))


def grid_of_three() -> Grid:
    cells = {"prompt": "{all: a | b}", "steps": "1..3", "guidance": "1 | 2", "num_images": "2"}
    grid = stored_grid(cells, 24)
    assert grid is not None
    return grid


def test_every_image_has_one_place_however_the_table_is_turned() -> None:
    table = GridTable.of(grid_of_three(), enlarged=True)
    assert (table.columns, table.rows, table.pages) == (("1", "2", "3"), ("1", "2"), 8)
    ways = set()
    for _ in range(20):
        places = {table.where(variation) for variation in range(1, 49)}
        assert len(places) == 48
        for variation in range(1, 49):
            assert table.variation(*table.where(variation)) == variation
        ways.add((table.across, table.down))
        table = table.turned
    assert len(ways) == 20, "all pairs of five axes"
    assert table == GridTable.of(grid_of_three(), enlarged=True)


def test_a_table_of_one_list_has_one_row_and_can_be_stood_up() -> None:
    grid = stored_grid({"steps": "1..3"}, 3)
    assert grid is not None
    table = GridTable.of(grid)
    assert (table.columns, table.rows, table.pages) == (("1", "2", "3"), ("",), 1)
    assert (table.turned.columns, table.turned.rows) == (("",), ("1", "2", "3"))
    assert table.arranged("", "steps").rows == ("1", "2", "3")
