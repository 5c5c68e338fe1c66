"""Cells copied in a spreadsheet program and pasted where prompts are typed."""

import pytest

from engine.sheet.pasted import pasted_rows


def test_pasted_cells_with_names_are_columns() -> None:
    text = (
        'Prompt\tAspect Ratio\tmine\r\n"a sign: ""open""\nat night"\t16:9\tx\r\n'
        'a 5" nail\t\ty\r\n\r\n'
    )
    assert pasted_rows(text) == [
        {"prompt": 'a sign: "open"\nat night', "aspect_ratio": "16:9", "mine": "x"},
        {"prompt": 'a 5" nail', "mine": "y"},
    ]


def test_without_names_the_longest_texts_are_the_prompts_and_nothing_is_lost() -> None:
    assert pasted_rows("1\ta red boat at sea\t16:9\n2\ta hill, by day\t02:03:00\tx") == [
        {"column A": "1", "prompt": "a red boat at sea", "aspect_ratio": "16:9"},
        {
            "column A": "2",
            "prompt": "a hill, by day",
            "aspect_ratio": "02:03:00",
            "column D": "x",
        },
    ]


def test_one_column_of_cells_with_line_breaks_keeps_them_together() -> None:
    assert pasted_rows('"a boat,\nred"\na hill\n') == [
        {"prompt": "a boat,\nred"},
        {"prompt": "a hill"},
    ]


def test_two_columns_of_one_name_keep_both() -> None:
    assert pasted_rows("prompt\tx\tx\na\t1\t2")[0] == {"prompt": "a", "x": "1", "x (column C)": "2"}


@pytest.mark.parametrize(
    "text", ["a boat\na hill", '"WOMBAT" on a wall\na hill', "", 'a "b', '"a\nb']
)
def test_lines_of_prompts_are_no_cells(text: str) -> None:
    assert pasted_rows(text) == []


def test_a_quote_mark_left_open_does_not_have_a_long_text_read_over_and_over() -> None:
    # Hours, where each line is tried as its end.
    assert pasted_rows('"a boat at sea\n' + "more and more\n" * 200_000) == []
