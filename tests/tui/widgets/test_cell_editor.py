"""What a cell's editor completes where several choices may stand in it."""

from tui.widgets.cell_editor import LastSuggester, parted


def test_what_is_behind_the_last_comma_is_what_is_written() -> None:
    assert parted("ink:0.8, fo") == ("ink:0.8, ", "fo")
    assert parted("fo") == ("", "fo")
    assert parted("ink,") == ("ink,", "")


async def test_it_is_completed_and_the_rest_stays() -> None:
    suggester = LastSuggester(["Ink wash", "fog bank"])
    assert await suggester.get_suggestion("ink") == "ink wash"
    assert await suggester.get_suggestion("ink:0.5, FOG") == "ink:0.5, FOG bank"
    assert await suggester.get_suggestion("ink, ") is None
    assert await suggester.get_suggestion("x") is None
