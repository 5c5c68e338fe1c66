"""What rendering would take, in words."""

from engine.api import BlankCount
from tui.cost_words import blank_words


def test_a_blank_number_of_images_is_said_as_it_is() -> None:
    plain, drawn_on = BlankCount(False, 4, 7), BlankCount(True, 1, 2)
    assert blank_words([plain]) == "blank num_images: 4"
    assert blank_words([drawn_on]) == "blank num_images: 1 on a picture"
    assert blank_words([plain, drawn_on]) == "blank num_images: 4, and 1 on a picture"
    assert blank_words([]) == ""
