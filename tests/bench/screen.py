"""How quick the screen is: first paint, key to screen over 100,000 jobs, bytes of a live table."""

import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence

import pyte

from tests.bench.home import isolated
from tests.support.command import COMMAND, Promptsheet
from tests.support.on_a_pty import OnPty
from tests.support.waiting import wait_for

ROWS = 100_000
SIZE = (160, 48)
_EMPTY_APP = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("READY")
Empty().run()
"""
_CURSOR = "▌".encode()
_KEYS = {"down": "\x1b[B", "up": "\x1b[A", "page down": "\x1b[6~", "page up": "\x1b[5~"}


def main() -> int:
    """Print the figures; 0 if each is within what we promise."""
    with isolated('[app]\nimages = "half-cells"\n') as (promptsheet, _):
        return _first_paint(promptsheet) + _key_to_screen(promptsheet)


def _first_paint(promptsheet: Promptsheet, pairs: int = 7) -> int:
    """Ours and an empty app by turns; most of ours must be within 1.5 times the empty one."""
    ratios, whole = [], []
    for _ in range(pairs):
        empty = _painted([sys.executable, "-c", _EMPTY_APP], promptsheet, "READY")
        ratios.append(_painted([str(COMMAND)], promptsheet, "Sessions") / empty)
        whole.append(_painted([str(COMMAND)], promptsheet, "open a sheet") / empty)
    ratio = statistics.median(ratios)
    print(
        f"first paint: {ratio:.2f} times an empty app's"
        f" ({min(ratios):.2f} to {max(ratios):.2f} in {pairs} pairs);"
        f" the Sheet screen whole: {statistics.median(whole):.2f} times"
    )
    return int(ratio > 1.5)


def _painted(command: Sequence[str], promptsheet: Promptsheet, text: str) -> float:
    app = OnPty(command, promptsheet.environment, SIZE)
    try:
        return app.wait_for(text)
    finally:
        app.close()


class _Screen:
    """What a person sees of a program on a pty."""

    def __init__(self, app: OnPty) -> None:
        self._app = app
        self._fed = 0
        self._screen = pyte.Screen(*SIZE)
        self._stream = pyte.ByteStream(self._screen)

    def line(self, y: int) -> list[tuple[str, str, str]]:
        """Every cell of a line: its character and its colours."""
        return [
            (cell.data, cell.fg, cell.bg) for cell in (self._screen.buffer[y][x] for x in range(60))
        ]

    def lines(self) -> list[list[tuple[str, str, str]]]:
        """The lines of the table, without the title above it."""
        return [self.line(y) for y in range(3, SIZE[1] - 2)]

    def read(self) -> bool:
        """Take in what has come; whether anything has."""
        new = self._app.output[self._fed :]
        self._fed += len(new)
        # pyte does not know these questions and prints their last letter.
        for question in (b"\x1b[?2026$p", b"\x1b[?2048$p", b"\x1b[>0q", b"\x1b[>25u"):
            new = new.replace(question, b"")
        self._stream.feed(new)
        return bool(new)


def _key_to_screen(promptsheet: Promptsheet, presses: int = 60) -> int:
    """With 100,000 jobs and the engine process rendering: from a key to the cursor elsewhere."""
    sheet = promptsheet.library.parent / "many.csv"
    rows = "".join(f"a red circle {number},turbo,1\n" for number in range(ROWS))
    sheet.write_text(f"prompt,rendering,num_images\n{rows}")
    session = promptsheet.json("run", sheet, "--detach")["session"]
    wait_for(lambda: promptsheet.sessions()[0]["done"] > 0, 120)
    app = OnPty([str(COMMAND)], promptsheet.environment, SIZE)
    screen, late = _Screen(app), 0
    try:
        app.wait_for("open a sheet")
        app.press("2")
        app.wait_for("a red circle")
        for names in (("down", "up"), ("page down", "page up")):
            times = sorted(_presses(app, screen, names, presses))
            p95 = times[int(0.95 * (len(times) - 1))]
            late += p95 > 50
            print(
                f"key to screen, {' and '.join(names)}, {ROWS:,} jobs, engine rendering:"
                f" median {statistics.median(times):.1f} ms, p95 {p95:.1f}, most {times[-1]:.1f}"
            )
        print(f"live table: {_bytes_a_frame(app):.1f} kB a frame")
    finally:
        app.close()
    promptsheet("stop", session)
    return late


def _presses(app: OnPty, screen: _Screen, names: Sequence[str], presses: int) -> Iterator[float]:
    pause = random.Random(1)
    for press in range(presses):
        time.sleep(pause.uniform(0.1, 0.3))
        screen.read()
        before, seen = _cursor(screen), len(app.output)
        sent = now = time.perf_counter()
        app.press(_KEYS[names[press % len(names)]])
        # Of a frame only the cells that change are written, so what was written says nothing: a
        # terminal has to take it in. That takes longer than the app does, and does not count.
        arrived = sent
        while _cursor(screen) == before:
            if now - sent > 5:
                raise AssertionError(f"{names[press % len(names)]} did nothing")
            time.sleep(0.0005)
            now = time.perf_counter()
            if len(app.output) > seen:
                arrived, seen = now, len(app.output)
                screen.read()
        yield (arrived - sent) * 1000


def _cursor(screen: _Screen) -> tuple[str, int]:
    """The row under the cursor and its line: the one on a colour of its own."""
    lines = screen.lines()
    colours = [line[2][2] for line in lines]
    usual = statistics.mode(colours)
    place = next((y for y, colour in enumerate(colours) if colour != usual), -1)
    return "".join(cell[0] for cell in lines[place][:8]), place


def _bytes_a_frame(app: OnPty, seconds: float = 5.0) -> float:
    """While nobody presses anything: kilobytes between two silences."""
    frames, size, end = 0, len(app.output), time.perf_counter() + seconds
    start = size
    while time.perf_counter() < end:
        time.sleep(0.01)
        if len(app.output) != size:
            size, frames = len(app.output), frames + 1
    return (size - start) / max(1, frames) / 1000
