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
_NEXT_PAGE, _RIGHT = "\x1b[6~", "\x1b[C"


def main() -> int:
    """Print a table; how many of its figures are beyond what we promise."""
    late = 0
    with isolated() as (promptsheet, home):
        photographs(home / "photos", _PHOTOS, 512)
        print("line | pictures | ten keys, s | page, s | page, kB | move, s | move, kB")
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
    home: Path, environment: Mapping[str, str], line: ThinLine, kind: str, more: str = ""
) -> Iterator[OnThinLine]:
    config = Path(tempfile.mkdtemp(dir=home))
    (config / "settings.toml").write_text(f"[app]\n{more}")
    mine = {"PROMPTSHEET_CONFIG": str(config), "XDG_CACHE_HOME": str(home / "cache")}
    environment = {**environment, **mine}
    app = OnThinLine([str(COMMAND)], environment, SIZE, line, kind)
    try:
        app.wait_for("engine")
        app.quiet()
        yield app
    finally:
        app.close()


def _review(home: Path, line: ThinLine, kind: str) -> float:
    """Seconds until ten keys have reached the screen; prints them beside a page's and a move's."""
    mine = {
        "PROMPTSHEET_LIBRARY": str(home / "photos"),
        "XDG_STATE_HOME": tempfile.mkdtemp(dir=home),
    }
    with _opened(home, os.environ | mine, line, kind) as app:
        app.press("3")
        app.wait_for(f"{_PHOTOS} of {_PHOTOS}")
        app.quiet(3.0)  # also until the next page is made ready
        places = _places(app)
        began, at = time.monotonic(), len(app.output)
        app.press(_NEXT_PAGE)
        app.quiet(2.0)
        page, size = app.read_at - began, len(app.output) - at
        began, at = time.monotonic(), len(app.output)
        app.press(_RIGHT)
        moved = app.wait_for(f"{places + 2}/{_PHOTOS}", at) - began
        app.quiet(2.0)
        move_size = len(app.output) - at
        app.press("\x1b[D")
        app.quiet(2.0)
        at = len(app.output)
        app.press(_NEXT_PAGE)
        app.wait_for(f"{2 * places + 1}/{_PHOTOS}", at)
        began = time.monotonic()
        for _ in range(10):
            app.press(_RIGHT)
            time.sleep(_BEAT)
        keys = app.wait_for(f"{2 * places + 11}/{_PHOTOS}", at) - began
        app.quiet()
    print(
        f"{line} | {kind} | {keys:.1f} | {page:.1f} | {size / 1000:.0f} | {moved:.2f} |"
        f" {move_size / 1000:.1f}",
        flush=True,
    )
    return keys


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
