import os
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.tui.graphics.fake_terminal import (
    KITTY,
    KITTY_OLD,
    XTERM_PLAIN,
    XTERM_SIXEL,
    FakeTerminal,
)
from tui.graphics import protocol
from tui.graphics.protocol import Wish, detect, prepare_terminal

Attach = Callable[..., FakeTerminal]


@pytest.fixture
def attach(monkeypatch: pytest.MonkeyPatch) -> Iterator[Attach]:
    terminals: list[FakeTerminal] = []

    def attach(*answer: tuple[float, bytes], **options: tuple[int, ...]) -> FakeTerminal:
        terminal = FakeTerminal(*answer, **options)
        monkeypatch.setattr(sys, "__stdin__", terminal.stdin)
        monkeypatch.setattr(sys, "__stdout__", terminal.stdout)
        terminals.append(terminal)
        return terminal

    for name in ("NO_COLOR", "TMUX", "STY", "TEXTUAL_COLOR_SYSTEM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(protocol, "_current", protocol._HALF_CELLS)
    yield attach
    for terminal in terminals:
        terminal.close()


@pytest.mark.parametrize("delay", [0, 0.25, 1])
@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (XTERM_SIXEL, "sixel"),
        (XTERM_PLAIN, "half-cells"),
        (KITTY, "kitty"),
        (KITTY_OLD, "half-cells"),
    ],
)
def test_right_however_late_and_nothing_is_typed_into_the_app(
    attach: Attach, answer: bytes, expected: str, delay: float
) -> None:
    terminal = attach((delay, answer))
    found = detect()
    assert found.protocol == expected
    assert found.cell == (9, 18)
    assert found.answered
    assert found.tells_focus is (b"?1004" in answer)
    assert terminal.left_over() == b""


@pytest.mark.parametrize(("state", "tells"), [(0, False), (1, True), (2, True), (4, False)])
def test_a_terminal_that_knows_of_no_focus_does_not_tell(
    attach: Attach, state: int, tells: bool
) -> None:
    attach((0, b"\x1b[?1004;%d$y\x1b[?62c" % state))
    assert detect().tells_focus is tells


@pytest.mark.parametrize("answer", [XTERM_SIXEL, KITTY])
def test_an_answer_in_pieces_is_put_together(attach: Attach, answer: bytes) -> None:
    terminal = attach(*((0.005, bytes([byte])) for byte in answer))
    assert detect().protocol == ("sixel" if answer is XTERM_SIXEL else "kitty")
    assert terminal.left_over() == b""


def test_an_answer_behind_the_fence_is_swallowed_to_its_end(attach: Attach) -> None:
    terminal = attach((0, b"\x1b[?62;4c\x1b[6;1"), (0.03, b"8;9t"))
    assert detect().protocol == "sixel"
    assert terminal.left_over() == b""


@pytest.mark.parametrize(
    "garbage", [b"", b"hello\r", b"\x1b[?62;4", b"\x1bP>|kitty(9.9)", b"\xff\xfe\x00", b"\x1b[c"]
)
def test_silence_and_garbage_mean_half_cells(attach: Attach, garbage: bytes) -> None:
    terminal = attach((0, garbage)) if garbage else attach()
    found = detect(patience=0.15)
    assert found.protocol == "half-cells"
    assert not found.answered
    assert terminal.left_over() == b""


def test_kitty_without_its_ok_is_not_trusted(attach: Attach) -> None:
    attach((0, KITTY.replace(b"OK", b"ENOENT")))
    assert detect().protocol == "half-cells"


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({"TERM": "tmux-256color"}, False),
        ({"TERM": "screen"}, False),
        ({"TMUX": "/tmp/tmux-1/default,1,0"}, False),
        ({"STY": "1.pts"}, False),
        ({"TERM": "xterm-kitty", "TMUX": "inherited"}, True),
        ({}, True),
    ],
)
def test_tmux_and_screen_are_never_asked_what_they_would_take_for_a_title(
    attach: Attach,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    asked: bool,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    terminal = attach((0, b"\x1b[?1;2;4c"))
    assert detect().protocol == "sixel"
    assert (b"\x1b_G" in terminal.questions) is asked
    assert (b"\x1b[>0q" in terminal.questions) is asked


def test_no_colour_leaves_kitty_no_way_to_number_pictures(
    attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    attach((0, KITTY))
    assert detect().protocol == "half-cells"
    assert detect(wish="kitty", patience=0.05).protocol == "half-cells"


def test_a_dumb_terminal_is_asked_nothing(attach: Attach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal = attach((0, KITTY))
    assert detect().protocol == "half-cells"
    assert terminal.questions == b""


@pytest.mark.parametrize("wish", ["sixel", "kitty", "half-cells"])
def test_a_wish_is_followed_and_asks_nothing_that_is_known(attach: Attach, wish: Wish) -> None:
    terminal = attach((0, XTERM_PLAIN), size=(24, 80, 720, 432))
    found = detect(wish=wish)
    assert (found.protocol, found.cell) == (wish, (9, 18))
    assert terminal.questions == b""


def test_a_wish_still_asks_for_an_unknown_cell_size(attach: Attach) -> None:
    terminal = attach((0, XTERM_PLAIN))
    found = detect(wish="sixel")
    assert (found.protocol, found.cell) == ("sixel", (9, 18))
    assert terminal.left_over() == b""


def test_absurd_cell_sizes_are_not_believed(attach: Attach) -> None:
    attach((0, b"\x1b[6;0;0t\x1b[?62;4c"))
    assert detect().cell is None


def test_a_terminal_cannot_smuggle_escapes_in_its_name(attach: Attach) -> None:
    attach((0, b"\x1bP>|evil\x07\x9b31m\x1b\\\x1b[?62c"))
    assert detect().name.isprintable()


def test_without_a_terminal_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123
        monkeypatch.setattr(sys, "__stdin__", nothing)
        assert detect().protocol == "none"
    monkeypatch.setattr(sys, "__stdin__", None)
    assert detect().protocol == "none"


def test_kitty_makes_textual_send_true_colours(attach: Attach) -> None:
    attach((0, KITTY))
    assert prepare_terminal().protocol == "kitty"
    assert os.environ["TEXTUAL_COLOR_SYSTEM"] == "truecolor"
    assert protocol.current().protocol == "kitty"
    assert protocol.cell_size() == (9, 18)


def test_sixel_leaves_the_colours_to_textual(attach: Attach) -> None:
    attach((0, XTERM_SIXEL))
    assert prepare_terminal().protocol == "sixel"
    assert "TEXTUAL_COLOR_SYSTEM" not in os.environ


def test_unprepared_means_half_cells_of_a_fixed_size(attach: Attach) -> None:
    attach(size=(24, 80, 720, 432))
    assert protocol.current().protocol == "half-cells"
    assert protocol.cell_size() == protocol.USUAL_CELL
