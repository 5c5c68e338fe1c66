"""What the Sheet screen says of a whole sheet."""

import pytest

from engine.sheet.editing import Draft
from tests.support.sheets import VOCABULARY, table
from tui.screens.sheet_words import totals_text


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (("prompt",), "default images per row: 4 (*)"),
        (("prompt", "image"), "default images per row: 4, 1 with a source (*)"),
    ],
)
def test_of_rows_that_are_still_to_be_written_the_totals_say_what_a_blank_number_means(
    header: tuple[str, ...], words: str
) -> None:
    draft = Draft(table(header, ("", *["a.jpg"][: len(header) - 1])), VOCABULARY)
    assert draft.ready == 0
    assert totals_text(draft, None).plain.splitlines()[-1] == words
