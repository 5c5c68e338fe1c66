"""A library of 10,000 sessions and 1,100,000 images: lists, searches, pages, keys; and pictures."""

import os
import random
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from engine.api import Gallery, SessionPages, Wanted
from engine.library.database import open_writer
from engine.library.files import stage
from engine.library.read.reader import list_sessions
from engine.library.records import NewRow, NewSession
from engine.library.write.writer import Writer
from engine.picture.metadata import ImageRecord
from engine.picture.png import encode_png
from engine.picture.recipe import Recipe
from engine.plan.batches import plan_batches
from engine.protocol.commands import RowsSource
from tests.support.command import COMMAND
from tests.support.libraries import CONDITIONS
from tests.support.on_a_pty import OnPty

SESSIONS, ROWS, IMAGES = 10_000, 25, 4
LARGE = 100_000
"""Images of one further session."""
SIZE = (160, 48)
_WORDS = (
    *("red", "blue", "green", "old", "small", "boat", "house", "tree", "lighthouse", "storm"),
    *("night", "sunset", "harbour", "meadow", "winter", "city", "river", "mountain", "cloud"),
    *("garden", "balloon", "horse", "window", "street", "light", "water", "glass", "stone"),
)
_KEYS = ("\x1b[B", "\x1b[A", "\x1b[6~", "\x1b[5~")


def main() -> int:
    """Print the figures; 0 if each is within what we promise."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        began = time.perf_counter()
        fill(home / "library")
        size = (home / "library" / "library.sqlite3").stat().st_size / 1e6
        print(f"made in {time.perf_counter() - began:.0f} s; database {size:.0f} MB")
        _read(home / "library")
        return _app(home, home / "library") + _pictures(home)


def fill(library: Path) -> None:
    """Sessions and images as they are in a database, without their files."""
    library.mkdir()
    db = open_writer(library)
    db.execute("PRAGMA synchronous = OFF")
    chance = random.Random(1)
    db.execute("BEGIN")
    _recipe(db)
    for number in range(SESSIONS):
        _session(db, number + 1, ROWS, IMAGES, chance)
    _session(db, SESSIONS + 1, LARGE // IMAGES, IMAGES, chance)
    db.execute("COMMIT")
    db.execute("ANALYZE")
    db.close()


def _recipe(db: sqlite3.Connection) -> None:
    body = Recipe("a prompt", "", 0, 1024, 1024, 30, 4.0, "DPM", "sdxl", "h").to_json()
    body.pop("seed")
    db.execute("INSERT INTO recipes (id, body) VALUES (1, json(?))", (str(body).replace("'", '"'),))


def _session(
    db: sqlite3.Connection, number: int, rows: int, images: int, chance: random.Random
) -> None:
    count, key, when = rows * images, f"s{number:05d}", 1.7e9 + number * 1000
    db.execute(
        "INSERT INTO sessions (id, key, name, created, finished, position, source, folder, images,"
        " waiting, done, bytes) VALUES (?, ?, ?, ?, ?, ?, '{}', ?, ?, 0, ?, ?)",
        (
            *(number, key, f"campaign {number}", when, when + 60),
            *(number, f"sessions/{key}", count, count, count * 1_500_000),
        ),
    )
    db.execute("INSERT INTO batches (id, session, size) VALUES (?, ?, 4)", (number, number))
    last = db.execute("SELECT coalesce(max(id), 0) FROM rows").fetchone()[0]
    first = last + 1
    db.executemany(
        "INSERT INTO rows (id, session, number, cells, extra, images, waiting, done)"
        " VALUES (?, ?, ?, json_object('prompt', ?), '{}', ?, 0, ?)",
        (
            (first + n, number, n + 2, " ".join(chance.choices(_WORDS, k=12)), images, images)
            for n in range(rows)
        ),
    )
    db.executemany(
        "INSERT INTO images (session, row, variation, key, seed, recipe, batch, slot, file, state,"
        " bytes, digest, finished, rating) VALUES (?, ?, ?, ?, ?, 1, ?, 0, ?, 'done',"
        " 1500000, 'd', ?, ?)",
        (
            (
                *(number, first + n, v, f"{key}-{n + 2}-{v}", n, number, f"{n:04d}-{v}.png"),
                *(when + n, 5 * int(chance.random() < 0.001)),
            )
            for n in range(rows)
            for v in range(1, images + 1)
        ),
    )
    db.execute(
        "UPDATE sessions SET favourites = (SELECT count(*) FROM images WHERE session = ?1"
        " AND favourite = 1) WHERE id = ?1",
        (number,),
    )


def _timed(words: str, act: Callable[[], object], times: int = 7) -> None:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        result = act()
        took.append((time.perf_counter() - began) * 1000)
    print(f"{words}: {statistics.median(took):.1f} ms, most {max(took):.1f} ({result})")


def _found(library: Path, text: str) -> int:
    return len(SessionPages(library, text=text))


def _images(library: Path, session: str, wanted: Wanted) -> int:
    return len(Gallery(library, session, wanted))


def _of_all(library: Path, wanted: Wanted, first: int | None = None) -> int:
    return len(Gallery(library, None, wanted, first=first))


def _read(library: Path) -> None:
    large = f"s{SESSIONS + 1:05d}"
    _timed("all sessions as a list", lambda: len(list_sessions(library)), 3)
    _timed("open the list of sessions", lambda: len(SessionPages(library)))
    pages = SessionPages(library)
    _timed("a page of 64 sessions", lambda: len(pages.page(5000, 5064)))
    for text in ("lighthouse harbour", "lightho", "campaign 77", "red boat storm winter glass"):
        _timed(f"search {text!r}", partial(_found, library, text))
    _timed("open a session's images", lambda: len(Gallery(library, "s05000")))
    _timed(f"open a session of {LARGE:,}", lambda: len(Gallery(library, large)))
    for wanted in (Wanted(order="newest"), Wanted(order="rating")):
        _timed(f"the same, {wanted.order}", partial(_images, library, large, wanted))
    _timed("its rows with a word", lambda: len(Gallery(library, large, Wanted(text="storm"))))
    gallery = Gallery(library, large)
    _timed("a page of 48", lambda: len(gallery.page(50_000, 50_048)))
    _timed("what was finished meanwhile", gallery.take_in)
    _timed("jump to a row", lambda: gallery.index_of_row(20_000))
    _timed(
        "favourites of all sessions", lambda: len(Gallery(library, None, Wanted(favourites=True)))
    )
    _timed("1,100,000 images as one gallery", lambda: len(Gallery(library, None)), 3)
    newest = Wanted(order="newest")
    for text in ("", "lighthouse", "red boat storm winter glass"):
        wanted = replace(newest, text=text)
        gallery = Gallery(library, None, wanted, first=1000)
        _timed(f"the newest of all {text!r}", partial(_of_all, library, wanted, 1000))
        _timed("all of them", partial(_of_all, library, wanted), 3)
        _timed("what was finished meanwhile", gallery.take_in)


@contextmanager
def _opened(home: Path, library: Path, images: str, more: str = "") -> Iterator[OnPty]:
    config = home / f"config-{images}-{bool(more)}"
    config.mkdir(exist_ok=True)
    (config / "settings.toml").write_text(f'[app]\nimages = "{images}"\n{more}')
    environment = os.environ | {
        "PROMPTSHEET_CONFIG": str(config),
        "PROMPTSHEET_LIBRARY": str(library),
        "XDG_STATE_HOME": tempfile.mkdtemp(dir=home),
        "XDG_CACHE_HOME": str(home / "cache"),
    }
    app = OnPty([str(COMMAND)], environment, SIZE)
    try:
        app.wait_for("open a sheet")
        app.quiet(1.0)
        yield app
    finally:
        app.close()


def _app(home: Path, library: Path) -> int:
    """From a key to the screen, on the large library."""
    late = 0
    with _opened(home, library, "half-cells") as app:
        for key, words in (
            ("4", "10,001 sessions"),
            ("3", "100,000 of 100,000"),
            ("2", "1024×1024"),
        ):
            at, began = len(app.output), time.perf_counter()
            app.press(key)
            app.wait_for(words, at)
            took = (time.perf_counter() - began) * 1000
            late += took > 100
            print(f"first paint of area {key} with what is in it: {took:.0f} ms")
            app.quiet(0.6)
        for area in ("4", "3"):
            app.press(area)
            app.quiet(1.0)
            took_all = sorted(_presses(app))
            p95 = took_all[int(0.95 * (len(took_all) - 1))]
            late += p95 > 50
            print(
                f"key to screen in area {area}: median {statistics.median(took_all):.1f} ms,"
                f" p95 {p95:.1f}, most {took_all[-1]:.1f}"
            )
    return late


def _presses(app: OnPty, presses: int = 80) -> Iterator[float]:
    pause = random.Random(1)
    for press in range(presses):
        time.sleep(pause.uniform(0.15, 0.3))
        at, began = len(app.output), time.perf_counter()
        app.press(_KEYS[press // 2 % 2 if press < 60 else 2 + press % 2])
        while len(app.output) == at:
            if time.perf_counter() - began > 2:
                raise AssertionError("a key did nothing")
            time.sleep(0.0005)
        yield (time.perf_counter() - began) * 1000


# -------------------------------------------------------------------- pictures


def photographs(library: Path, count: int = 96, side: int = 1024) -> None:
    """A session of files that are as hard to show as photographs."""
    library.mkdir()
    recipes = [
        Recipe(f"photo {n}", "", n, side, side, 9, 4.0, "S", "sdxl", "h") for n in range(count)
    ]
    rows = [
        NewRow(n + 2, {"prompt": r.prompt}, {}, [r], [f"{n:04d}.png"])
        for n, r in enumerate(recipes)
    ]
    batches = plan_batches(recipes, lambda _: 8)
    writer = Writer(library)
    writer.add_session(NewSession("photos", "photographs", "photos", RowsSource(""), rows, batches))
    chance = np.random.default_rng(1)
    while (batch := writer.next_batch(())) is not None:
        writer.begin(batch, CONDITIONS)
        staged = []
        for image in batch.images:
            coarse = Image.fromarray(chance.integers(0, 256, (12, 12, 3), np.uint8))
            smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)).astype(
                np.int16
            )
            noise = chance.integers(-8, 9, (side, side, 1))
            pixels = (smooth + noise).clip(0, 255).astype(np.uint8)
            record = ImageRecord(image.key, image.recipe, CONDITIONS, batch.size, image.slot, ())
            data = encode_png(pixels, record.to_text())
            staged.append((stage(image.key, image.path, data), record))
        writer.finish(staged)
        writer.end(batch, 1.0)
    writer.close()


def _pictures(home: Path) -> int:
    """Time and bytes of pages of 48 photographs of 1024 × 1024, by protocol."""
    library = home / "photos"
    photographs(library)
    late = 0
    for images in ("kitty", "sixel", "half-cells"):
        for more in ("", 'bandwidth = "low"\n'):
            with _opened(home, library, images, more) as app:
                late += _pages(app, f"{images}{', low bandwidth' if more else ''}")
    return late


def _pages(app: OnPty, words: str) -> int:
    app.press("3")
    app.wait_for("96 of 96")
    app.quiet(1.5, 60)
    app.press("L")  # no large picture: the page alone
    app.quiet(1.5, 60)
    for _ in range(_places(app) > 48):
        app.press("+")
        app.quiet(1.0, 60)
    sizes, times = [], []
    for key in ("\x1b[6~", "\x1b[5~", "\x1b[6~", "\x1b[5~"):
        at, began = len(app.output), time.perf_counter()
        app.press(key)
        last, length = began, at
        while time.perf_counter() - last < 0.7:
            time.sleep(0.002)
            if len(app.output) != length:
                last, length = time.perf_counter(), len(app.output)
        sizes.append(length - at)
        times.append((last - began) * 1000)
    at = len(app.output)
    app.press("\x1b[C")
    app.quiet(0.6)
    moved = len(app.output) - at
    print(
        f"{words}: page of {_places(app)} first {sizes[0] / 1000:.0f} kB in {times[0]:.0f} ms,"
        f" again {statistics.median(sizes[2:]) / 1000:.0f} kB in {statistics.median(times[2:]):.0f}"
        f" ms; a move {moved} bytes"
    )
    return int(statistics.median(times) > 300 or moved > 3000)


def _places(app: OnPty) -> int:
    pages = re.findall(rb"page \d+/(\d+)", app.output)
    return 96 // int(pages[-1]) if pages else 96
