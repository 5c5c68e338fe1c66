"""Single cells: understood, repaired, or asked about."""

from dataclasses import replace

import pytest

from engine.sheet.check import ModelLimits, check_table
from engine.sheet.columns import PALETTES, SCHEDULERS
from engine.sheet.rows import Severity
from engine.sheet.table import Broken, Cell, Moment
from tests.support.sheets import VOCABULARY, check, check_cell, severities, table

ERROR, WARNING, REPAIRED = Severity.ERROR, Severity.WARNING, Severity.REPAIRED


@pytest.mark.parametrize(
    ("cell", "ratio"),
    [("16:9", "16:9"), (" 2:3 ", "2:3"), ("16 : 9", "16:9"), ("10:16", "10:16"), ("", "1:1")],
)
def test_plain_ratios_pass_in_silence(cell: Cell, ratio: str) -> None:
    row, problems = check_cell("aspect_ratio", cell)
    assert row.values is not None
    assert row.values.aspect_ratio == ratio
    assert problems == []


@pytest.mark.parametrize(
    ("cell", "ratio"),
    [
        ("16x9", "16:9"),
        ("16/9", "16:9"),
        ("4×3", "4:3"),
        ("16：9", "16:9"),
        ("02:03", "2:3"),
        ("'2:3", "2:3"),
        ("1024x1024", "1:1"),
        ("1536*512", "3:1"),
        ("1024 x 1792 px", "4:7"),
        ("ASPECT_16_9", "16:9"),
        ("Square", "1:1"),
        ("02:03:00", "2:3"),
        ("04:09:00 PM", "16:9"),
        ("16:09:00", "16:9"),
        (Moment("02:03:00", 7380), "2:3"),
        (Moment("21:09:00", 76_140), "21:9"),
        (Moment("64:27:00", 232_020), "64:27"),
        (16 / 24 + 9 / 1440, "16:9"),
        (2 / 24 + 3 / 1440, "2:3"),
    ],
)
def test_ratios_typed_otherwise_or_turned_into_a_time_are_repaired(cell: Cell, ratio: str) -> None:
    row, problems = check_cell("aspect_ratio", cell)
    assert severities(problems) == [REPAIRED]
    assert row.values is not None
    assert row.values.aspect_ratio == row.cells["aspect_ratio"] == ratio


def test_a_repair_shows_before_and_after() -> None:
    _, problems = check_cell("aspect_ratio", Moment("02:03:00", 7380))
    assert "02:03:00 → 2:3" in problems[0].message
    assert problems[0].value == "02:03:00"


@pytest.mark.parametrize(
    ("cell", "suggestions"),
    [
        (Moment("2026-03-04", None), ("3:4", "4:3")),
        ("2026-03-04", ("3:4", "4:3")),
        (Moment("00:03:00", 180), ()),
        (Moment("00:02:03", 123), ("2:3",)),
        (Moment("07:13:00", 25_980), ("7:13",)),
        (1.7778, ("16:9",)),
        ("2.35:1", ("21:9",)),
        ("16;9", ("16:9",)),
        ("16 _ 9", ("16:9",)),
        ("0;9", ()),
        (1.0, ("1:1",)),
        ("0:3", ()),
        ("wide", ("1:1", "5:4", "4:5", "4:3", "3:4", "3:2", "2:3", "16:10")),
        (True, ()),
        (float("nan"), ()),
        (-1e300, ()),
        ("9" * 5000, ()),
    ],
)
def test_an_unclear_ratio_asks_and_never_guesses(cell: Cell, suggestions: tuple[str, ...]) -> None:
    row, problems = check_cell("aspect_ratio", cell)
    assert row.values is None
    assert severities(problems) == [ERROR]
    assert problems[0].suggestions == suggestions


def test_a_ratio_beyond_the_rows_own_model_is_an_error_with_the_nearest_allowed() -> None:
    sheet = check(
        ("prompt", "aspect_ratio", "model"),
        ("a", "4:1", "wide"),
        ("b", "4:1", ""),
        ("c", "1:5", "wide"),
        ("d", "3:1", "builtin"),
    )
    assert [row.number for row in sheet.ready] == [2, 5]
    assert [(p.row, p.column, p.suggestions) for p in sheet.problems] == [
        (3, "aspect_ratio", ("3:1",)),
        (4, "aspect_ratio", ("1:4",)),
    ]
    assert "wider than the model builtin can draw (up to 3:1)" in sheet.problems[0].message


def test_a_suggested_ratio_is_one_the_rows_model_can_draw() -> None:
    header = ("prompt", "aspect_ratio", "model")
    sheet = check(header, ("a", "2.9", "3.0"), ("b", "2.9", "wide"), ("c", "0.1", "wide"))
    assert [problem.suggestions for problem in sheet.problems] == [("2:1",), ("3:1",), ("1:3",)]


def test_a_ratio_that_no_model_can_draw_is_found_even_where_the_model_is_unknown() -> None:
    sheet = check(("prompt", "aspect_ratio", "model"), ("a", "99:1", "unknown"))
    assert [problem.column for problem in sheet.problems] == ["aspect_ratio", "model"]
    sheet = check(("prompt", "aspect_ratio", "model"), ("a", "2:1", "unknown"))
    assert [problem.column for problem in sheet.problems] == ["model"]


@pytest.mark.parametrize(
    ("cell", "number"), [("42", 42), (42, 42), (3.0, 3), (0, 0), (2147483647.0, 2147483647)]
)
def test_whole_numbers_pass_in_silence(cell: Cell, number: int) -> None:
    row, problems = check_cell("seed_number", cell)
    assert row.values is not None
    assert row.values.seed_number == number
    assert type(row.values.seed_number) is int
    assert problems == []


@pytest.mark.parametrize(
    ("cell", "number"), [("00042", 42), ("3.0", 3), ("0,000", 0), ("'7", 7), ("+5", 5)]
)
def test_whole_numbers_typed_otherwise_are_repaired(cell: str, number: int) -> None:
    row, problems = check_cell("seed_number", cell)
    assert severities(problems) == [REPAIRED]
    assert row.values is not None
    assert row.values.seed_number == number


@pytest.mark.parametrize(
    ("cell", "suggestions"),
    [
        (True, ()),
        ("1_0", ()),
        ("-3", ("",)),
        (-1.0, ("",)),
        (1.5, ()),
        (2147483648, ("",)),
        (1e300, ("",)),
        (float("inf"), ()),
        ("random", ()),
        ("²", ()),
        ("٣", ()),
        ("9" * 5000, ("",)),
        ("1,234", ("1234",)),
        ("1,000", ("1000",)),
        ("+2.000", ("2000",)),
        ("12\u202f000", ("12000",)),
        ("1.000.000", ("1000000",)),
        ("5 images", ("5",)),
        (Moment("2026-03-04", None), ()),
    ],
)
def test_what_is_no_seed_is_an_error(cell: Cell, suggestions: tuple[str, ...]) -> None:
    row, problems = check_cell("seed_number", cell)
    assert row.values is None
    assert severities(problems) == [ERROR]
    assert problems[0].suggestions == suggestions


@pytest.mark.parametrize(
    ("column", "cell", "suggestions"),
    [
        ("num_images", 0, ("1",)),
        ("num_images", "-4", ("1",)),
        ("num_images", 20_000, ("10000",)),
        ("steps", 1000, ("500",)),
        ("width", "8", ("16",)),
        ("height", 1e300, ("16384",)),
        ("guidance", "51", ("50",)),
        ("guidance", "-1,5", ("0",)),
        ("guidance", "7.5%", ("7.5",)),
        ("strength", 2, ("1",)),
        ("strength", "many", ()),
    ],
)
def test_for_a_number_out_of_range_the_nearest_in_it_is_suggested(
    column: str, cell: Cell, suggestions: tuple[str, ...]
) -> None:
    _, problems = check_cell(column, cell)
    assert problems[0].severity is ERROR
    assert problems[0].suggestions == suggestions


@pytest.mark.parametrize(
    ("column", "cell", "suggestions"),
    [
        ("rendering", "banana", ("default", "turbo", "quality")),
        ("visibility", "xyz", ("private", "public")),
        ("model", "quux", ("builtin", "wide", "strange", "3.0")),
        ("color_palette", "xyzzy", PALETTES),
        ("color_palette", "#12", ()),
        ("scheduler", "zzz", SCHEDULERS[:8]),
    ],
)
def test_for_a_word_that_is_like_none_of_the_choices_they_are_suggested(
    column: str, cell: Cell, suggestions: tuple[str, ...]
) -> None:
    _, problems = check_cell(column, cell)
    assert problems[0].severity is ERROR
    assert problems[0].suggestions == suggestions


@pytest.mark.parametrize(("cell", "good"), [(1, True), (10_000, True), (0, False), (10_001, False)])
def test_num_images_keeps_its_range(cell: int, good: bool) -> None:
    row, _ = check_cell("num_images", cell)
    assert (row.values is not None) is good


def test_true_and_1_are_different_cells_of_one_column() -> None:
    sheet = check(("prompt", "num_images"), ("a", 1), ("b", True), ("c", 1.0))
    assert [row.number for row in sheet.ready] == [2, 4]


@pytest.mark.parametrize("cell", ["quality", "QUALITY", " Quality "])
def test_capitals_and_spaces_of_a_choice_do_not_matter(cell: str) -> None:
    row, problems = check_cell("rendering", cell)
    assert row.values is not None
    assert row.values.rendering == row.cells["rendering"] == "quality"
    assert problems == []


def test_another_word_for_a_choice_is_repaired() -> None:
    row, problems = check_cell("rendering", "FAST")
    assert row.values is not None
    assert row.values.rendering == "turbo"
    assert severities(problems) == [REPAIRED]


def test_a_misspelt_choice_is_an_error_that_suggests_the_nearest() -> None:
    _, problems = check_cell("rendering", "qualty")
    assert severities(problems) == [ERROR]
    assert problems[0].suggestions[0] == "quality"
    assert "turbo, default or quality" in problems[0].message


def test_a_style_is_named_once_among_the_choices_though_users_have_one_of_that_name() -> None:
    words = replace(VOCABULARY, styles=("anime", "general", "comic"))
    [problem] = check_table(table(("prompt", "style"), ("a", "cmic")), words).problems
    assert problem.message.endswith("auto, general, realistic, design, 3d, anime or comic.")
    assert problem.suggestions == ("comic",)


@pytest.mark.parametrize(
    ("cell", "on"),
    [("on", True), ("Yes", True), (True, True), (1.0, True), ("off", False), (False, False)],
)
def test_a_switch_takes_what_people_and_spreadsheets_write(cell: Cell, on: bool) -> None:
    row, _ = check_cell("magic_prompt", cell)
    assert row.values is not None
    assert row.values.magic_prompt is on


def test_model_labels_are_found_whatever_their_capitals() -> None:
    row, problems = check_cell("model", "BUILTIN")
    assert row.values is not None
    assert row.values.model == "builtin"
    assert problems == []


def test_a_label_that_became_a_number_is_repaired() -> None:
    row, problems = check_cell("model", 3.0)
    assert row.values is not None
    assert row.values.model == "3.0"
    assert severities(problems) == [REPAIRED]


def test_an_unknown_model_is_an_error_that_names_the_models_there_are() -> None:
    _, problems = check_cell("model", "bultin")
    assert severities(problems) == [ERROR]
    assert problems[0].suggestions == ("builtin",)
    assert "wide" in problems[0].message


@pytest.mark.parametrize(
    ("cell", "colours", "found"),
    [
        ("Ember", ("ember",), []),
        ("#cba324 #F86C14", ("#CBA324", "#F86C14"), []),
        ("cba324, F86C14", ("#CBA324", "#F86C14"), [REPAIRED]),
        ("#abc", ("#AABBCC",), [REPAIRED]),
        (123456.0, ("#123456",), [REPAIRED]),
        (" ".join(["#111111"] * 6), None, [ERROR]),
        ("embr", None, [ERROR]),
        (1122.0, None, [ERROR]),
        ("#12", None, [ERROR]),
    ],
)
def test_palettes(cell: Cell, colours: tuple[str, ...] | None, found: list[Severity]) -> None:
    row, problems = check_cell("color_palette", cell)
    assert severities(problems) == found
    assert (row.values.color_palette if row.values else None) == colours


def test_the_zeros_a_number_lost_are_suggested() -> None:
    assert check_cell("color_palette", 1122.0)[1][0].suggestions == ("#001122",)


@pytest.mark.parametrize("cell", [Broken("#REF!"), "#REF!", "#N/A", Broken("")])
@pytest.mark.parametrize("column", ["seed_number", "style", "negative_prompt", "aspect_ratio"])
def test_a_cell_that_shows_an_error_never_counts_as_blank(column: str, cell: Cell) -> None:
    row, problems = check_cell(column, cell)
    assert row.values is None
    assert severities(problems) == [ERROR]


def test_a_prompt_that_is_a_number_a_truth_or_a_date_is_still_words() -> None:
    sheet = check(("prompt",), (1984.0,), (True,), (Moment("2026-03-04", None),), (1e18,))
    assert [row.values.prompt for row in sheet.ready if row.values] == [
        *("1984", "TRUE", "2026-03-04", "1000000000000000000")
    ]
    assert [(p.row, p.severity) for p in sheet.problems] == [(4, WARNING), (5, WARNING)]


def test_letters_that_are_no_text_are_an_error_and_harm_nothing() -> None:
    sheet = check(("prompt", "other"), ("caf\udce9", "\ud800"))
    assert severities(sheet.problems) == [ERROR]
    sheet.problems[0].value.encode()
    sheet.rows[0].extra["other"].encode()


@pytest.mark.parametrize(
    ("column", "cell", "text"),
    [
        ("rendering", "“quality”", "quality"),
        ("style", "'3d", "3d"),
        ("style", "anime\u200b", "anime"),
        ("model", "‘builtin’", "builtin"),
        ("color_palette", '"ember"', "ember"),
        ("color_palette", "“#cba324”", "#CBA324"),
        ("aspect_ratio", "“16:9”", "16:9"),
        ("aspect_ratio", "１６：９", "16:9"),
        ("seed_number", "‘42’", "42"),
        ("num_images", "\ufeff4", "4"),
        ("magic_prompt", "AUTO", "on"),
        ("prompt", "'=a boat", "=a boat"),
        ("prompt", "a\x07 boat\x1b[31m", "a boat[31m"),
    ],
)
def test_quote_marks_and_letters_nobody_sees_are_left_out_and_said(
    column: str, cell: str, text: str
) -> None:
    row, problems = check_cell(column, cell)
    assert severities(problems) == [REPAIRED]
    assert row.cells[column] == text
    assert row.values is not None


@pytest.mark.parametrize(
    "prompt", ["“a” and ‘b’", "'a boat'", "=1+1", "two\nlines\tand a tab", "👩‍🚀"]
)
def test_a_prompts_own_marks_stay(prompt: str) -> None:
    row, problems = check_cell("prompt", prompt)
    assert row.values is not None
    assert row.values.prompt == prompt
    assert problems == []


IDEOGRAM = ("PROMPT", "VISIBILITY", "ASPECT_RATIO", "MAGIC_PROMPT", "MODEL", "SEED", "RENDERING")


@pytest.mark.parametrize("label", ["2a", "V_2A", 2.0, "1.0"])
def test_a_model_of_ideograms_asks_once_which_of_ours_it_stands_for(label: Cell) -> None:
    cells = ("a boat", "PUBLIC", "16x9", "AUTO", label, 7, "FAST")
    asked = check(IDEOGRAM, cells)
    problem = next(p for p in asked.problems if p.severity is ERROR)
    assert (problem.row, problem.column, problem.suggestions[0]) == (2, "model", "builtin")
    assert "model_names" in problem.message
    named = replace(
        VOCABULARY, model_names={"2A": "wide", "v_2a": "wide", "2.0": "wide", "1": "wide"}
    )
    sheet = check_table(table(IDEOGRAM, cells), named)
    values = sheet.rows[0].values
    assert values is not None
    assert (values.model, values.rendering, values.visibility) == ("wide", "turbo", "public")
    assert (values.aspect_ratio, values.magic_prompt, values.seed_number) == ("16:9", True, 7)
    assert {p.severity for p in sheet.problems if p.row > 1} == {REPAIRED}


def test_the_api_generation_of_ideograms_columns_is_read_too() -> None:
    header = ("prompt", "resolution", "magic_prompt_option", "style_type", "rendering_speed")
    sheet = check(header, ("a", "RESOLUTION_1024_768", "OFF", "RENDER_3D", "TURBO"))
    values = sheet.rows[0].values
    assert values is not None
    assert (values.aspect_ratio, values.magic_prompt) == ("4:3", False)
    assert (values.style, values.rendering) == ("3d", "turbo")


def test_a_model_name_that_stands_for_no_model_is_said() -> None:
    lost = replace(VOCABULARY, model_names={"2a": "gone"})
    problem = check_table(table(("prompt", "model"), ("a", "2a")), lost).problems[0]
    assert "`" not in problem.message
    assert "map 2a to gone" in problem.message
    assert problem.suggestions[0] == "builtin"


def test_an_apostrophe_before_a_prompt_is_asked_about_and_kept_until_then() -> None:
    row, [problem] = check_cell("prompt", "'a red boat")
    assert row.values
    assert row.values.prompt == "'a red boat"
    assert (problem.severity, problem.suggestions) == (Severity.WARNING, ("a red boat",))
    assert check_cell("prompt", "'quoted' words")[1] == []


@pytest.mark.parametrize(
    "prompt", ["{!a|b} cat", "a __color(x=red)__", "${c=red} a", "%{a $$ b}", "a __~color__ b"]
)
def test_what_other_tools_mean_by_signs_in_wildcards_is_warned_of(prompt: str) -> None:
    _, problems = check_cell("prompt", prompt)
    assert severities(problems) == [WARNING]
    assert "has no meaning here" in problems[0].message


@pytest.mark.parametrize(
    ("label", "told"),
    [
        (4.0, "use drawn for Ideogram 4"),
        ("4.5", "4.5 cannot be downloaded"),
        ("V_4", "use drawn for Ideogram 4"),
        ("V_4_TURBO", "put turbo in the column rendering"),
        ("ideogram-v4", "use drawn for Ideogram 4"),
    ],
)
def test_a_label_of_the_web_tools_fourth_model_offers_ours_first(label: Cell, told: str) -> None:
    ours = {**VOCABULARY.models, "drawn": ModelLimits(max_ratio=6.0, captions=True)}
    rows = table(("prompt", "model"), ("a", label))
    [problem] = check_table(rows, replace(VOCABULARY, models=ours)).problems
    assert problem.suggestions[0] == "drawn" and told in problem.message
    [without] = check_table(rows, VOCABULARY).problems
    assert without.suggestions[0] == "builtin" and "which you do not have" in without.message
