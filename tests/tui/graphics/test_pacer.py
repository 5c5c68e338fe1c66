"""Pictures on their way to the terminal, over a line that is made of numbers."""

from collections import deque
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App

from tui.graphics import protocol
from tui.graphics.line import TerminalLine
from tui.graphics.outlet import Outlet
from tui.graphics.pacer import Pacer

KEYS = [n * 0.03 for n in range(10)]


@dataclass
class Picture:
    """Pieces of so many bytes; not wanted any more once it is dropped."""

    name: str
    pieces: int
    size: int = 4000
    large: bool = False
    whole: bool = False
    dropped: bool = False
    sent: int = 0

    @property
    def has_begun(self) -> bool:
        return self.whole and 0 < self.sent < self.pieces and not self.dropped

    @property
    def is_over(self) -> bool:
        return self.dropped or self.sent == self.pieces

    def piece(self) -> str:
        self.sent += 1
        return f"{self.name}{self.sent}".ljust(self.size)


@dataclass
class Terminal:
    """At the far end of a line with a rate and a delay; it answers fences when it has read them."""

    rate: float
    delay: float
    answers: bool = True
    now: float = 100.0
    line: TerminalLine = field(default_factory=TerminalLine)
    read: list[tuple[float, str]] = field(default_factory=list)
    on_its_way: deque[tuple[float, str]] = field(default_factory=deque)
    _answers: deque[tuple[float, tuple[int, int]]] = field(default_factory=deque)
    _free_at: float = 0.0

    def __post_init__(self) -> None:
        self.line.has_fences = True
        self.pacer = Pacer(self.line, self.write)

    def write(self, text: str) -> None:
        self.line.wrote(len(text))
        self._free_at = max(self._free_at, self.now) + len(text) / self.rate
        self.on_its_way.append((self._free_at + self.delay / 2, text))
        if self.answers and "\x1b[6n" in text:
            line, column = text.split("H")[0].removeprefix("\x1b7\x1b[").split(";")
            self._answers.append((self._free_at + self.delay, (int(line), int(column))))

    def frame(self, name: str, size: int = 600) -> None:
        self.write(name.ljust(size))
        self.pacer.pump(self.now)

    def run(self, seconds: float) -> None:
        """Let time pass, in steps of a frame."""
        end = self.now + seconds
        while self.now < end:
            self.now += 0.01
            while self.on_its_way and self.on_its_way[0][0] <= self.now:
                self.read.append(self.on_its_way.popleft())
            while self._answers and self._answers[0][0] <= self.now:
                at, place = self._answers.popleft()
                assert self.line.answered(place, at)
            self.pacer.pump(self.now)

    def when(self, name: str) -> float:
        return next(at for at, text in self.read if text.strip() == name)

    def names(self) -> list[str]:
        return [text.strip() for _, text in self.read if not text.startswith("\x1b7")]

    def measured(self) -> "Terminal":
        """After the app's first frames."""
        self.frame("small")
        self.run(1.0)
        for _ in range(3):
            self.frame("screen", 8000)
            self.run(1.0)
        self.read.clear()
        return self


@pytest.mark.parametrize(
    ("rate", "delay", "seconds"), [(125_000, 0.1, 1.0), (31_250, 0.3, 2.5), (2_000_000, 0.02, 0.4)]
)
def test_ten_keys_overtake_a_page_that_is_on_its_way_and_the_page_takes_no_longer(
    rate: float, delay: float, seconds: float
) -> None:
    terminal = Terminal(rate, delay).measured()
    for number in range(30):
        terminal.pacer.put(Picture(f"p{number}:", 4))
    terminal.pacer.put(Picture("large", 40, large=True))
    terminal.run(0.5)
    began = terminal.now
    for number in range(10):
        terminal.run(0.03)
        terminal.pacer.rest(terminal.now)
        terminal.frame(f"key {number}")
    terminal.run(seconds)
    assert terminal.when("key 9") - began < seconds
    terminal.run(30)
    page = 160 * 4000 / rate
    assert terminal.read[-1][0] - began < page + 1.5 + delay


def test_pieces_as_large_as_a_sixel_thumbnail_keep_the_line_at_work() -> None:
    terminal = Terminal(31_250, 0.3).measured()
    began = terminal.now
    terminal.pacer.put(Picture("p", 30, 17_500))
    terminal.run(30)
    assert terminal.when("p30") - began < 1.05 * 30 * 17_500 / 31_250 + 0.3


def test_what_the_line_takes_is_found_out() -> None:
    for rate, delay in ((125_000, 0.1), (31_250, 0.3), (1_000_000, 0.3), (20_000_000, 0.001)):
        terminal = Terminal(rate, delay).measured()
        terminal.pacer.put(Picture("p", 60))
        terminal.run(15)
        assert terminal.line.is_thin == (rate < 200_000)
        if terminal.line.is_thin:
            assert 0.8 < terminal.line.rate / rate < 1.3


def test_a_terminal_that_never_answers_gets_everything_soon_and_is_asked_no_more() -> None:
    terminal = Terminal(1e9, 0.0, answers=False)
    for number in range(30):
        terminal.pacer.put(Picture(f"p{number}:", 4))
    terminal.run(3.1)
    assert len(terminal.names()) == 120
    asked = sum("\x1b[6n" in text for _, text in terminal.read)
    terminal.frame("later")
    terminal.run(5.0)
    assert sum("\x1b[6n" in text for _, text in terminal.read) == asked


def test_a_late_answer_paces_again() -> None:
    terminal = Terminal(125_000, 0.1, answers=False)
    terminal.frame("screen")
    terminal.run(10.0)
    terminal.frame("screen")
    terminal.run(10.0)
    assert not terminal.line.is_paced
    terminal.line.answered((2, 2), terminal.now)
    assert terminal.line.is_paced


def test_a_terminal_that_never_answers_holds_no_frame_back() -> None:
    app = App[None]()
    outlet = Outlet(app)
    outlet.line.has_fences = True
    outlet.line.wrote(100_000)
    outlet.line.fence(10.0)
    assert outlet.frame_in(10.0) == 0, "it may be one that answers nothing"


def test_frames_go_on_when_the_terminal_answers_no_more_and_no_picture_waits() -> None:
    app = App[None]()
    outlet = Outlet(app)
    line = outlet.line
    line.has_fences = True
    line.wrote(100)
    fence = line.fence(10.0)
    assert line.answered((2, int(fence.split(";")[1].split("H")[0])), 10.1)
    line.wrote(100_000)
    assert line.fence(10.2)
    assert outlet.frame_in(10.3) > 0, "it has much to read"
    assert outlet.frame_in(40.0) == 0, "whoever read it is gone, as when tmux is left"


def test_small_pictures_go_before_large_ones_and_what_was_dropped_is_not_sent() -> None:
    terminal = Terminal(125_000, 0.1).measured()
    large, gone = Picture("large", 3, large=True), Picture("gone", 50)
    terminal.pacer.put(large)
    terminal.pacer.put(gone)
    terminal.pacer.put(Picture("small", 2))
    terminal.pacer.pump(terminal.now)
    gone.dropped = True
    at = gone.sent
    terminal.run(3.0)
    assert terminal.names()[at:] == ["small1", "small2", "large1", "large2", "large3"]


def test_between_the_messages_of_a_picture_of_kittys_no_other_comes() -> None:
    terminal = Terminal(31_250, 0.3).measured()
    terminal.pacer.put(Picture("large", 8, large=True, whole=True))
    terminal.run(0.2)
    terminal.pacer.put(Picture("small", 2))
    terminal.run(5.0)
    assert terminal.names() == [*(f"large{n}" for n in range(1, 9)), "small1", "small2"]


acts = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 6), st.booleans(), st.booleans()),
        st.tuples(st.just("drop"), st.integers(0, 9)),
        st.tuples(st.just("key")),
        st.tuples(st.just("frame"), st.integers(1, 20_000)),
        st.tuples(st.just("wait"), st.floats(0.01, 0.5)),
        st.tuples(st.just("silent"), st.booleans()),
    ),
    max_size=30,
)


@settings(max_examples=40)
@given(acts, st.sampled_from([31_250.0, 125_000.0, 1e7]), st.sampled_from([0.001, 0.1, 0.3]))
def test_whatever_happens_all_that_is_wanted_arrives_once_and_in_order(
    done: list[tuple[object, ...]], rate: float, delay: float
) -> None:
    terminal = Terminal(rate, delay)
    pictures: list[Picture] = []
    for act in done:
        match act:
            case ("put", int(pieces), bool(large), bool(whole)):
                pictures.append(Picture(f"{len(pictures)}:", pieces, 4000, large, whole))
                terminal.pacer.put(pictures[-1])
            case ("drop", int(number)) if number < len(pictures):
                pictures[number].dropped = True
            case ("key",):
                terminal.pacer.rest(terminal.now)
                terminal.frame("key")
            case ("frame", int(size)):
                terminal.frame("frame", size)
            case ("wait", float(seconds)):
                terminal.run(seconds)
            case ("silent", bool(silent)):
                terminal.answers = not silent
    for _ in range(80):
        terminal.run(0.5 if terminal.pacer.is_busy or terminal.on_its_way else 0.0)
    names = terminal.names()
    for picture in pictures:
        mine = [name for name in names if name.startswith(picture.name)]
        assert mine == [f"{picture.name}{n + 1}" for n in range(picture.sent)]
        assert picture.dropped or picture.sent == picture.pieces


def test_frames_are_two_seconds_apart_where_the_user_wants_little_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outlet = Outlet(App())
    outlet._frame_at = 10.0
    low = replace(protocol.current(), bandwidth="low")
    full = replace(low, bandwidth="full")
    for terminal, wait in ((low, 1.5), (replace(low, bandwidth="auto"), 0.0), (full, 0.0)):
        monkeypatch.setattr("tui.graphics.outlet.current", lambda terminal=terminal: terminal)
        assert outlet.frame_in(10.5) == wait
