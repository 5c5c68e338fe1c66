import pytest

from engine.sheet.headers import letters, map_header
from engine.sheet.rows import Severity, SheetError
from tests.support.sheets import check


def test_exact_headers_are_taken_in_any_order_without_a_word() -> None:
    known, problems = map_header(("seed_number", "prompt"), 1)
    assert known == {0: "seed_number", 1: "prompt"}
    assert problems == []


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("PROMPT", "prompt"),
        ("Prompts", "prompt"),
        ("Negative Prompt", "negative_prompt"),
        ("negative-prompt", "negative_prompt"),
        ("Seed", "seed_number"),
        ("Aspect Ratio", "aspect_ratio"),
        ("AR", "aspect_ratio"),
        ("Count", "num_images"),
        ("Colour Palette", "color_palette"),
        ("Rendering Speed", "rendering"),
    ],
)
def test_headers_of_others_are_mapped_and_shown_as_repaired(written: str, name: str) -> None:
    header = (written,) if name == "prompt" else ("prompt", written)
    known, problems = map_header(header, 1)
    assert name in known.values()
    assert [(p.row, p.column, p.severity, p.value) for p in problems] == [
        (1, name, Severity.REPAIRED, written)
    ]


def test_an_exact_name_wins_over_another_word_for_the_same() -> None:
    known, problems = map_header(("Prompts", "prompt"), 1)
    assert known == {1: "prompt"}
    assert problems == []


@pytest.mark.parametrize("second", ["seed_number", "SEED NUMBER"])
def test_two_columns_for_the_same_are_never_guessed_between(second: str) -> None:
    with pytest.raises(SheetError, match="Columns B and C both mean `seed_number`"):
        map_header(("prompt", "seed_number", second), 1)


def test_two_foreign_headers_for_the_same_are_never_guessed_between() -> None:
    with pytest.raises(SheetError, match="both mean `num_images`"):
        map_header(("prompt", "Count", "Quantity"), 1)


def test_without_a_prompt_column_the_message_says_what_is_there() -> None:
    with pytest.raises(SheetError, match=r"no `prompt` column.*`name`, `price`"):
        map_header(("name", "price"), 1)


def test_column_letters_are_those_of_a_spreadsheet_program() -> None:
    assert [letters(n) for n in (0, 25, 26, 51, 52, 701, 702, 16_383)] == [
        *("A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD")
    ]


def test_other_words_for_a_picture_are_understood_unless_the_column_is_the_users() -> None:
    header = ("prompt", "Init Image", "denoising", "Note")
    known, problems = map_header(header, 1)
    assert known == {0: "prompt", 1: "image", 2: "strength"}
    assert {p.severity for p in problems} == {Severity.REPAIRED}
    known, problems = map_header(header, 1, own={1})
    assert known == {0: "prompt", 2: "strength"}
    assert (Severity.WARNING, "Init Image") in [(p.severity, p.value) for p in problems]


@pytest.mark.parametrize("header", ["num", "N", "n.", "Images"])
def test_a_header_of_numbered_lists_is_asked_about_and_makes_no_images(header: str) -> None:
    sheet = check((header, "prompt"), (1, "a cat"), (250, "a dog"))
    assert [row.values and row.values.num_images for row in sheet.rows] == [4, 4]
    assert [row.extra for row in sheet.rows] == [{header: "1"}, {header: "250"}]
    [problem] = sheet.problems
    assert (problem.row, problem.severity, problem.suggestions) == (
        1,
        Severity.WARNING,
        ("num_images",),
    )
    assert map_header((header, "prompt", "num_images"), 1)[1] == []
