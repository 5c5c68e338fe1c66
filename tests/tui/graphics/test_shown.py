"""Of a frame only what becomes another is written, and the terminal shows the frame."""

import re

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import split_graphemes
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tui.graphics.shown import Shown, _cells
from tui.terminal.escape_filter import stand_in

WIDTH, HEIGHT = 24, 4
CONSOLE = Console(color_system="truecolor")
STYLES = [
    Style(),
    Style(color="#102030", bgcolor="#48022a"),
    Style(color="#102030", bgcolor="#000000", bold=True),
    Style(color="color(48)", bgcolor="color(5)"),
    Style(color="red"),
    Style(bgcolor="#48022a", reverse=True),
]
WORDS = ["ab", "a", " ", "   ", "ready", "海", "の海", "▀▀", "12/40", "·"]
pieces = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(STYLES)), max_size=12)
Line = list[tuple[str, Style]]


def strip(line: Line, width: int = WIDTH) -> Strip:
    return Strip([Segment(*piece) for piece in line]).adjust_cell_length(width, STYLES[1])


def whole(lines: list[Line]) -> LayoutUpdate:
    return LayoutUpdate([[strip(line)] for line in lines], Region(0, 0, WIDTH, HEIGHT))


def part(line: Line, y: int, x: int) -> ChopsUpdate:
    """A widget that begins in a column, and reaches to the end of the line."""
    chops: list[dict[int, Strip | None]] = [{0: None, x: None} for _ in range(HEIGHT)]
    chops[y][x] = strip(line, WIDTH - x)
    return ChopsUpdate(chops, [(y, x, WIDTH)], [[x, WIDTH]] * HEIGHT)


class Seen:
    """What a terminal shows that reads this."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.Stream(self.screen)

    def read(self, text: str) -> None:
        self._stream.feed(text)

    def cells(self) -> list[list[object]]:
        """Of a wide one the right half has looks of its own that nobody sees."""
        lines = [[self.screen.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]
        return [[cell if cell.data else "" for cell in line] for line in lines]


@settings(max_examples=40)
@given(
    st.lists(
        st.one_of(
            st.lists(pieces, min_size=HEIGHT, max_size=HEIGHT),
            st.tuples(pieces, st.integers(0, HEIGHT - 1), st.sampled_from([3, 8, 20])),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_the_terminal_shows_each_frame_as_if_all_of_it_were_written(
    frames: list[list[Line] | tuple[Line, int, int]],
) -> None:
    shown, ours, textuals = Shown(), Seen(), Seen()
    for frame in [[[("start", STYLES[0])]] * HEIGHT, *frames]:
        update = part(*frame) if isinstance(frame, tuple) else whole(frame)
        # What a widget cuts a wide character in half with is not the widget's to mend.
        if isinstance(frame, tuple) and textuals.screen.buffer[frame[1]][frame[2]].data == "":
            continue
        text = shown.changes(update, CONSOLE)
        ours.read(text)
        textuals.read(update.render_segments(CONSOLE).replace("\n", ""))
        assert ours.cells() == textuals.cells()
        assert shown.changes(update, CONSOLE) == "", "it is shown"


@given(st.text("ab –…漢😀\u200d\ufe0f\u0301👩💻▀é", max_size=40))
def test_what_is_joined_to_what_is_told_as_in_the_whole_text(text: str) -> None:
    """However little of it is measured."""
    whole_text = "".join(text[start:end] for start, end, width in split_graphemes(text)[0] if width)
    widths = [width for *_, width in split_graphemes(text)[0] if width]
    cells, _ = _cells([Segment(text)], ColorSystem.TRUECOLOR)
    assert "".join(character for character, _ in cells) == whole_text
    assert [i for i, (character, _) in enumerate(cells) if character] == [
        sum(widths[:n]) for n in range(len(widths))
    ]


def test_a_digit_costs_a_word_and_words_are_whole() -> None:
    shown = Shown()
    style = STYLES[1]
    shown.changes(whole([[("rows 1 of 20  12/40 done", style)]] * HEIGHT), CONSOLE)
    text = shown.changes(part([("13/40 done", style)], 2, 14), CONSOLE)
    assert text == "\x1b[3;15H\x1b[38;2;16;32;48;48;2;72;2;42m13/40\x1b[m"
    shown.forget()
    text = shown.changes(part([("13/40 done", style)], 2, 14), CONSOLE)
    assert "13/40 done" in text, "nothing is known"


def test_colours_that_stay_are_not_said_again() -> None:
    line = [("ab", STYLES[1]), ("cd", Style(color="#ffffff", bgcolor="#48022a"))]
    text = Shown().changes(whole([line] + [[]] * 3), CONSOLE)
    assert "\x1b[38;2;16;32;48;48;2;72;2;42mab\x1b[38;2;255;255;255mcd" in text


def test_sixels_stay_until_other_cells_are_written_there() -> None:
    shown = Shown()
    sixels, place = [("ab", STYLES[1]), (stand_in(7) * 10, STYLES[1])], Region(2, 0, 10, 2)
    frame = whole([sixels, sixels, [], []])
    assert stand_in(7) not in shown.changes(frame, CONSOLE)
    assert not shown.has(place, stand_in(7)), "nothing but blanks"
    shown.put(place, stand_in(7))
    dimmed = [(text, Style(bgcolor="#111111")) for text, _ in sixels]
    text = shown.changes(whole([dimmed, dimmed, [], []]), CONSOLE)
    assert shown.has(place, stand_in(7)) and "          " not in text.split("\x1b[3;")[0]
    shown.changes(part([("over it", STYLES[0])], 1, 8), CONSOLE)
    assert not shown.has(place, stand_in(7)) and shown.has(Region(2, 0, 10, 1), stand_in(7))
    text = shown.changes(whole([dimmed, dimmed, [], []]), CONSOLE)
    assert "\x1b[2;9H" in text and "\x1b[1;" not in text
    other = [dimmed[0], (stand_in(8) * 10, STYLES[1])]
    text = shown.changes(whole([other, other, [], []]), CONSOLE)
    assert "\x1b[1;3H" in text and stand_in(8) not in text, "another one's cells are erased"


def test_where_terminals_do_not_agree_on_a_width_the_next_is_in_its_place() -> None:
    line = [("a👩\u200d🚀b", STYLES[0])]
    text = Shown().changes(whole([line] + [[]] * 3), CONSOLE)
    assert re.search("a  \x1b\\[1;2H👩\u200d🚀\x1b\\[1;4Hb", text)


def test_what_is_left_of_half_a_wide_character_is_written_again() -> None:
    shown, wide = Shown(), whole([[("海b", STYLES[0])]] + [[]] * 3)
    shown.changes(wide, CONSOLE)
    shown.changes(part([("x", STYLES[0])], 0, 1), CONSOLE)
    assert "海" in shown.changes(wide, CONSOLE)


def test_without_colours_there_are_none() -> None:
    plain = Console(color_system="standard")
    style = Style(color="#ff0000", bgcolor="#000000")
    assert plain._color_system is ColorSystem.STANDARD
    text = Shown().changes(whole([[("a", style)]] + [[]] * 3), plain)
    assert "38;2" not in text.split("a")[0]
