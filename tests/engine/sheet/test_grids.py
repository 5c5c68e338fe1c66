"""Cells with several values: what is a list, what is none, and what is said of a faulty one."""

import pytest

from engine.sheet.check import check_table
from engine.sheet.columns import COLUMN
from engine.sheet.editing import Draft
from engine.sheet.grid_cells import (
    GridError,
    grid_of,
    pieces_of,
    stored_grid,
)
from engine.sheet.problem_navigation import Place
from engine.sheet.rows import LoraWeight, RowValues, Severity, Sheet
from engine.sheet.table import Cell, Line, Moment, Table
from engine.sheet.vocabulary import LoraUse, ModelLimits, Vocabulary

VOCABULARY = Vocabulary(
    models={
        "tiny": ModelLimits(4.0, takes_loras=True),
        "square": ModelLimits(1.5, schedulers=("euler",)),
        "a|b": ModelLimits(4.0),
    },
    default_model="tiny",
    wildcards={"colors": ("red", "blue")},
    loras={"ink": LoraUse(), "fog": LoraUse()},
    styles=("pen | ink",),
)


def table_of(*rows: dict[str, Cell]) -> Table:
    header = tuple(dict.fromkeys(name for row in rows for name in row))
    lines = (
        Line(number, tuple(row.get(name, "") for name in header))
        for number, row in enumerate(rows, start=2)
    )
    return Table("sheet.csv", None, header, tuple(lines))


def checked(*rows: dict[str, Cell]) -> Sheet:
    return check_table(table_of(*rows), VOCABULARY)


def values_in(row: dict[str, Cell], column: str) -> list[object]:
    """Of every combination of a row, the value of a column."""
    sheet = checked({"prompt": "a boat", **row})
    assert not [p for p in sheet.problems if p.severity is Severity.ERROR], sheet.problems
    return [getattr(values, column) for values in sheet.rows[0].grid]


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("steps", "10 | 20|30", [10, 20, 30]),
        ("steps", "10|20.0 | +30", [10, 20, 30]),
        ("steps", "3..8", [3, 4, 5, 6, 7, 8]),
        ("steps", "8…3 by 2", [8, 6, 4]),
        ("steps", "2 | 10..20 by 5", [2, 10, 15, 20]),
        ("steps", "{all: 2 | 4}", [2, 4]),
        ("steps", "’10 | 20’", [10, 20]),
        ("steps", "１０ ｜ ２０", [10, 20]),
        ("guidance", "0,5..1,0 by 0,25", [0.5, 0.75, 1.0]),
        ("guidance", "1 | 3,5", [1.0, 3.5]),
        ("scheduler", "EULER | dpmpp 2m karras", ["euler", "dpm++ karras"]),
        ("scheduler", "{all: | euler}", ["", "euler"]),
        ("model", "Tiny | square", ["tiny", "square"]),
        ("style", "auto | pen | ink", None),
        ("style", "auto | anime", ["auto", "anime"]),
        ("magic_prompt", "on | off", [True, False]),
        ("rendering", "turbo|quality", ["turbo", "quality"]),
        ("aspect_ratio", "1:1 | 16:9", ["1:1", "16:9"]),
        ("seed_number", "5 | 7", [5, 7]),
        ("seed_number", "1..3", [1, 2, 3]),
        ("color_palette", "ember | #CBA324 #F86C14", [("ember",), ("#CBA324", "#F86C14")]),
        ("prompt", "a {all: red | blue} boat", ["a red boat", "a blue boat"]),
        ("prompt", "a { ALL :red|{dark|light} blue}", ["a red", "a {dark|light} blue"]),
        ("prompt", "a {all: | wet} cat", ["a cat", "a wet cat"]),
        ("prompt", "{all: 2..4} cats", ["2 cats", "3 cats", "4 cats"]),
        ("negative_prompt", "{all: blurry | grey}", ["blurry", "grey"]),
        ("lora", "ink:{all: 0.4 | 0.8}", [(LoraWeight("ink", 0.4),), (LoraWeight("ink", 0.8),)]),
        ("lora", "ink:{all: 0..1 by 1}", [(LoraWeight("ink", 0.0),), (LoraWeight("ink", 1.0),)]),
        ("lora", "{all: ink:1 | fog:1}", [(LoraWeight("ink", 1.0),), (LoraWeight("fog", 1.0),)]),
    ],
)
def test_a_list_makes_a_combination_of_each_value(
    column: str, cell: str, expected: list[object] | None
) -> None:
    if expected is None:  # its parts are not what stands there: `pen` is no style
        assert checked({"prompt": "a", column: cell}).rows[0].values is None
    else:
        assert values_in({column: cell}, column) == expected


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("prompt", "a {red|blue} boat", "a {red|blue} boat"),
        ("prompt", "[[red|blue]] | 3..8 by 1, [a|b]", "[[red|blue]] | 3..8 by 1, [a|b]"),
        ("prompt", "a \\{all: x\\} boat", "a \\{all: x\\} boat"),
        ("prompt", "a {all} boat, a {all|some} boat", "a {all} boat, a {all|some} boat"),
        ("prompt", '{"all": "red | blue"}', '{"all": "red | blue"}'),
        ("model", "a|b", "a|b"),
        ("style", "pen | ink", "pen | ink"),
        ("color_palette", "#CBA324 | #F86C14", ("#CBA324", "#F86C14")),
        ("lora", "ink:0.4 | fog:0.8", (LoraWeight("ink", 0.4), LoraWeight("fog", 0.8))),
        ("final_prompt", "a {all: red | blue} boat", "a {all: red | blue} boat"),
        ("text_1", "{all: A | B}", "{all: A | B}"),
    ],
)
def test_what_was_one_value_before_there_were_lists_still_is(
    column: str, cell: str, value: object
) -> None:
    (row,) = checked({"prompt": "a boat", column: cell}).rows
    assert row.values is not None and not row.grid
    assert getattr(row.values, column) == value


def test_a_grid_has_every_combination_and_the_last_list_goes_round_first() -> None:
    (row,) = checked(
        {"guidance": "1 | 4", "prompt": "a {all: red | blue} boat", "steps": "2 | 3"}
    ).rows
    assert [(v.prompt, v.steps, v.guidance) for v in row.grid] == [
        (f"a {colour} boat", steps, guidance)
        for colour in ("red", "blue")
        for steps in (2, 3)
        for guidance in (1.0, 4.0)
    ]
    assert row.images == 8, "one of each, where num_images is blank"
    grid = grid_of(row)
    assert grid is not None
    assert [axis.name for axis in grid.axes] == ["prompt", "steps", "guidance"]
    assert grid.place(6) == (1, 0, 1) and grid.cells_of(6)["prompt"] == "a blue boat"


def test_images_of_each_combination_are_counted_and_placed() -> None:
    (row,) = checked({"prompt": "a", "steps": "2 | 3", "num_images": "3"}).rows
    grid = grid_of(row)
    assert row.images == 6 and grid is not None and grid.each == 3
    assert [(grid.place(v), grid.within(v)) for v in (1, 3, 4, 6)] == [
        *(((0,), 1), ((0,), 3)),
        *(((1,), 1), ((1,), 3)),
    ]
    assert grid.is_enlarged(7) and grid.place(10) == (1,)


def plain(values: RowValues, **cells: Cell) -> bool:
    """Whether a plain row with these cells has these values."""
    (row,) = checked(cells).rows
    return row.values == values


def test_a_combination_is_what_a_plain_row_with_its_values_is() -> None:
    row: dict[str, Cell] = {
        "prompt": "a {all: red | blue} boat <lora:fog:0.5>",
        "lora": "ink:{all: 0.2 | 1}",
        "scheduler": "euler | ddim",
        "aspect_ratio": "1:1 | 4:3",
        "seed_number": 7,
        "num_images": 2,
    }
    sheet = checked(row)
    grid = grid_of(sheet.rows[0])
    assert grid is not None and len(grid.combinations) == 16
    for number, values in enumerate(sheet.rows[0].grid):
        cells = grid.cells_of(number * grid.each + 1)
        assert plain(values, **cells), cells


@pytest.mark.parametrize(
    ("column", "cell", "message", "suggestion"),
    [
        ("steps", "10 | | 20", "A value is missing", "10 | 20"),
        ("steps", "10 | 10", "10 is in the list twice", "10"),
        ("steps", "10 | 900", "900 is not a whole number", "10 | 500"),
        ("steps", "1..500", "500 values; 100 are the limit", None),
        ("steps", "10, 20, 30", "To render several values, write 10 | 20 | 30", "10 | 20 | 30"),
        ("steps", "1-5 (+2)", "write 1..5 by 2", "1..5 by 2"),
        ("steps", "10-50 [5]", "write 10..50 by 10", "10..50 by 10"),
        ("steps", "10-12", "write 10..12 by 1", "10..12 by 1"),
        ("guidance", "3 to 8", "write 3..8 by 1", "3..8 by 1"),
        ("steps", "10、20", "write 10 | 20", "10 | 20"),
        ("guidance", "0.5..1", "does not say its step", "0.5..1 by 0.1"),
        ("guidance", "3..8 by 0", "has the step 0", None),
        ("scheduler", "euler, ddim", "write euler | ddim", "euler | ddim"),
        ("scheduler", "euler | ddimm", "scheduler cannot be ddimm", "euler | ddim"),
        ("scheduler", "EULER | euler", "euler is in the list twice", "euler"),
        ("prompt", "a {all: red|blue", "A { without a }", "a {all: red|blue}"),
        ("prompt", "a {all: |} boat", "An empty value is in the list twice", None),
        ("prompt", "a {all: red} boat", "has one value", "a red boat"),
        ("prompt", "a {x|{all: a|b}}", "cannot be inside other braces", None),
        ("prompt", "a {all: __colors__} boat", "picks one", "a {all: red | blue} boat"),
        ("num_images", "1 | 2", "is not a whole number", None),
    ],
)
def test_a_faulty_list_is_said_at_its_cell_with_what_was_meant(
    column: str, cell: str, message: str, suggestion: str | None
) -> None:
    sheet = checked({"prompt": "a boat", column: cell})
    assert sheet.rows[0].values is None
    (problem,) = [p for p in sheet.problems if p.severity is Severity.ERROR]
    assert (problem.row, problem.column, problem.value) == (2, column, cell)
    assert message in problem.message
    assert (suggestion in problem.suggestions) if suggestion else True


def test_a_date_that_was_a_range_says_how_to_keep_it_text() -> None:
    sheet = checked({"prompt": "a", "steps": Moment("2026-08-03", None)})
    assert "Format the column as text" in sheet.problems[0].message


def test_a_rule_that_some_combinations_break_names_them() -> None:
    sheet = checked(
        {
            "prompt": "a",
            "model": "tiny | square",
            "aspect_ratio": "1:1 | 3:1",
            "scheduler": "euler | ddim",
        }
    )
    told = {p.column: p.message for p in sheet.problems}
    assert told["aspect_ratio"].startswith("With model square: 3:1 is wider")
    assert told["scheduler"].startswith("With model square: The model square cannot use ddim")
    assert len(sheet.problems) == 2 and sheet.rows[0].values is None


def test_the_limits_are_said_with_the_numbers() -> None:
    many = checked({"prompt": "a", "steps": "1..100", "guidance": "1..11"})
    assert "steps (100) × guidance (11) = 1,100 combinations" in many.problems[0].message
    rows: list[dict[str, Cell]] = [{"prompt": "a", "steps": "1..100", "guidance": "1..10"}] * 21
    sheet = check_table(table_of(*rows), VOCABULARY)
    assert [p.row for p in sheet.problems] == [22]
    assert "20,000 together, and 0 are left" in sheet.problems[0].message


def test_a_grid_reads_as_repaired_and_doubles_only_its_like() -> None:
    row: dict[str, Cell] = {"prompt": "a", "scheduler": "EULER | Karras", "seed_number": 3}
    sheet = checked(row, row, {**row, "scheduler": "euler"})
    assert sheet.rows[0].cells["scheduler"] == "euler | dpm++ karras"
    assert [p.row for p in sheet.problems if "same as in row" in p.message] == [3]


def test_a_draft_counts_a_grid_and_what_its_edits_leave_of_it() -> None:
    draft = Draft(table_of({"prompt": "a boat", "steps": "2 | 3 | 4"}, {"prompt": "b"}), VOCABULARY)
    assert (draft.images, draft.in_grids) == (3 + 4, 3)
    assert sum(row.num_images for row in draft.work) == 7
    assert [each.num_images for each in draft.blank_counts] == [4]
    draft.edit([2], "steps", "2 | 900")
    assert (draft.images, draft.in_grids) == (4, 0)
    draft.take(Place(2, "steps"), "2 | 500")
    assert (draft.images, draft.in_grids) == (2 + 4, 2)
    draft.undo()
    draft.undo()
    assert (draft.images, draft.in_grids) == (7, 3)


def test_a_prompt_whose_repair_is_refused_is_a_grid_of_it_as_read() -> None:
    draft = Draft(table_of({"prompt": "a\x07 {all: red | blue} boat"}), VOCABULARY)
    assert [v.prompt for v in draft.row(2).grid] == ["a red boat", "a blue boat"]
    draft.keep_as_read(Place(2, "prompt"))
    assert [v.prompt for v in draft.row(2).grid] == ["a\x07 red boat", "a\x07 blue boat"]


def test_a_stored_row_is_a_grid_only_if_it_has_as_many_images_as_one() -> None:
    cells = {"prompt": "a {all: x|y} boat", "steps": "2 | 3"}
    assert stored_grid(cells, 4) is not None
    assert stored_grid(cells, 3) is None
    assert stored_grid({"prompt": "a {all: x|y} boat", "num_images": "4"}, 4) is None
    assert stored_grid({"prompt": "a boat", "model": "a|b"}, 4) is None


def test_a_wildcard_beside_a_list_is_left_to_chance() -> None:
    pieces = pieces_of("a {red|blue} {all: cat | dog}", COLUMN["prompt"], {})
    assert pieces == ("a {red|blue} ", ("cat", "dog"))
    with pytest.raises(GridError, match="100 are the limit"):
        pieces_of(" | ".join(map(str, range(1, 102))), COLUMN["steps"], {})
