"""How the app gets on over a thin line: keys while a page is sent, pages, moves, bytes on Jobs."""

import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.bench.home import isolated
from tests.bench.past import photographs
from tests.support.command import COMMAND, Promptsheet
from tests.support.thin_line import OnThinLine, ThinLine
from tests.support.waiting import wait_for

SIZE = (160, 48)
LINES = (ThinLine(0.1, 125_000), ThinLine(0.3, 31_250))
KINDS = ("kitty", "sixel", "half-cells")
MOST_SECONDS = {LINES[0]: 1.0, LINES[1]: 2.5}
"""Until ten quick keys have reached the screen while a page is on its way."""
_PHOTOS = 150
_BEAT = 0.03
_WATCHED = 30.0
_SILENCE = 2.0
"""Seconds after which no more of a page comes."""
_NEXT_PAGE, _LEFT, _RIGHT = "\x1b[6~", "\x1b[D", "\x1b[C"
_PICTURES = re.compile(
    rb"\x1bP0;0;0q[^\x1b]*\x1b\\|\x1b_G[^\x1b]*\x1b\\|" + "▀|\U0010eeee".encode()
)
"""Sixels, kitty's messages and cells, half-cells: the top line's counters are no part of a page."""


def main() -> int:
    """Print a table; how many of its figures are beyond what we promise."""
    late = 0
    with isolated() as (promptsheet, home):
        photographs(home / "photos", _PHOTOS, 512)
        print(
            "line | pictures | ten keys, s | page, s | without pacing, s | page, kB | move, s |"
            " move, kB"
        )
        for line in LINES:
            for kind in KINDS:
                keys = _review(home, line, kind)
                late += kind != "half-cells" and keys > MOST_SECONDS[line]
        print("line | pictures | bandwidth | Jobs, kB a minute | frames a minute")
        _work(promptsheet)
        for line in LINES:
            for kind in KINDS:
                _jobs(promptsheet, home, line, kind, "")
        for kind in KINDS:
            _jobs(promptsheet, home, LINES[0], kind, "low")
            _jobs(promptsheet, home, LINES[0], kind, "full")
    return late


@contextmanager
def _opened(
    home: Path,
    environment: Mapping[str, str],
    line: ThinLine,
    kind: str,
    more: str = "",
    *,
    answers: bool = True,
) -> Iterator[OnThinLine]:
    config = Path(tempfile.mkdtemp(dir=home))
    (config / "settings.toml").write_text(f"[app]\n{more}")
    mine = {"PROMPTSHEET_CONFIG": str(config), "XDG_CACHE_HOME": str(home / "cache")}
    environment = {**environment, **mine}
    app = OnThinLine([str(COMMAND)], environment, SIZE, line, kind, answers=answers)
    try:
        app.wait_for("engine")
        app.quiet()
        yield app
    finally:
        app.close()


def _review(home: Path, line: ThinLine, kind: str) -> float:
    """Seconds until ten keys have reached the screen; prints them beside a page's and a move's."""
    unpaced, size = 0.0, 0
    if kind != "half-cells":
        with _in_review(home, line, kind, answers=False) as app:
            unpaced, _ = _page(app)
    with _in_review(home, line, kind) as app:
        places = _places(app)
        page, size = _page(app)
        began, at = time.monotonic(), len(app.output)
        app.press(_RIGHT)
        moved = app.wait_for(f"{places + 2}/{_PHOTOS}", at) - began
        _, end = _pictures_end(app, at)
        move_size = end - at
        app.press(_LEFT)
        _pictures_end(app, end)
        at = len(app.output)
        app.press(_NEXT_PAGE)
        app.wait_for(f"{2 * places + 1}/{_PHOTOS}", at)
        began = time.monotonic()
        for _ in range(10):
            app.press(_RIGHT)
            time.sleep(_BEAT)
        keys = app.wait_for(f"{2 * places + 11}/{_PHOTOS}", at) - began
    print(
        f"{line} | {kind} | {keys:.1f} | {page:.1f} | {unpaced:.1f} | {size / 1000:.0f} |"
        f" {moved:.2f} | {move_size / 1000:.1f}",
        flush=True,
    )
    return keys


@contextmanager
def _in_review(
    home: Path, line: ThinLine, kind: str, *, answers: bool = True
) -> Iterator[OnThinLine]:
    mine = {
        "PROMPTSHEET_LIBRARY": str(home / "photos"),
        "XDG_STATE_HOME": tempfile.mkdtemp(dir=home),
    }
    with _opened(home, os.environ | mine, line, kind, answers=answers) as app:
        app.press("3")
        app.wait_for(f"{_PHOTOS} of {_PHOTOS}")
        _pictures_end(app, 0)
        time.sleep(1.0)  # also until the next page is made ready
        while not answers:  # until it is not asked any more
            at = len(app.output)
            app.press(_RIGHT)
            app.press(_LEFT)
            _pictures_end(app, at)
            answers = b"\x1b[6n" not in app.output[at:]
        yield app


def _page(app: OnThinLine) -> tuple[float, int]:
    """Seconds for the next page, and its bytes."""
    began, at = time.monotonic(), len(app.output)
    app.press(_NEXT_PAGE)
    came, end = _pictures_end(app, at)
    return came - began, end - at


def _pictures_end(app: OnThinLine, at: int) -> tuple[float, int]:
    """When the last of the pictures had come that came beyond `at`, and up to where it came."""
    asked = time.monotonic()
    end, came = at, asked
    while time.monotonic() < max(asked, came) + _SILENCE + 2 * app.line.delay:
        new = bytes(app.output[end:])
        if found := [match.end() for match in _PICTURES.finditer(new)]:
            end += found[-1]
            came = app.when(end)
        time.sleep(0.1)
    return came, end


def _places(app: OnThinLine) -> int:
    pages = re.findall(rb"page \d+/(\d+)", app.output)
    count = int(pages[-1])
    # Pages are even: of `places` each, the last may be shorter.
    return next(n for n in range(_PHOTOS // count, _PHOTOS) if -(-_PHOTOS // n) == count)


def _work(promptsheet: Promptsheet) -> None:
    sheet = promptsheet.library.parent / "many.csv"
    rows = "".join(f"a red circle {number},turbo,1\n" for number in range(20_000))
    sheet.write_text(f"prompt,rendering,num_images\n{rows}")
    promptsheet.json("run", sheet, "--detach")
    wait_for(lambda: promptsheet.sessions()[0]["done"] > 0, 120)


def _jobs(promptsheet: Promptsheet, home: Path, line: ThinLine, kind: str, bandwidth: str) -> None:
    more = f'bandwidth = "{bandwidth}"\n' if bandwidth else ""
    with _opened(home, promptsheet.environment, line, kind, more) as app:
        app.press("2")
        app.wait_for("a red circle")
        time.sleep(5.0)
        at, end = len(app.output), time.monotonic() + _WATCHED
        while time.monotonic() < end:
            time.sleep(0.05)
        sent = bytes(app.output[at:])
    minute = 60 / _WATCHED
    frames = sent.count(b"\x1b[?2026h") * minute
    print(
        f"{line} | {kind} | {bandwidth or 'as it is'} | {len(sent) * minute / 1000:.0f} |"
        f" {frames:.0f}",
        flush=True,
    )
