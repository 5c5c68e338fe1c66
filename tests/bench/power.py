"""The power is cut: a disk with a volatile cache loses and tears what it was not told to keep.

One run of rendering, accepting 20,000 rows, migrating, trashing, restoring, emptying and repairing
is noted write by write. Then the power is cut at random moments of each; after each cut the engine
process is started on what is left, everything is checked, and the work is gone on with to its end.
"""

import csv
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.api import Library, PromptsheetError
from engine.settings import load_settings
from tests.bench import volatile_disk
from tests.bench.aftermath import Known, done_images, faults_of, pixels
from tests.bench.home import own_settings
from tests.support.command import Promptsheet
from tests.support.older import damage, make_older

CUTS = 56
ROWS, IMAGES = 24, 2
BIG = 20_000
_SMALL = ROWS * IMAGES
_PHASES = ("render", "accept", "migrate", "trash", "restore", "empty", "repair")


@dataclass
class _Run:
    """What was done on the disk, and what was known after how many writes."""

    library: Path
    known: list[tuple[int, Known]] = field(default_factory=lambda: [(0, Known())])
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    pixels: dict[str, str] = field(default_factory=dict)

    def known_at(self, position: int) -> Known:
        return [known for at, known in self.known if at <= position][-1]


def main(cuts: int | None = None) -> int:
    """Print what was lost, torn or doubled after each cut; how many cuts did harm."""
    cuts = CUTS if cuts is None else cuts
    if reason := volatile_disk.why_not():
        print(f"power: not run, for {reason}.")
        return 0
    seed = time.time_ns() % 10**9
    with tempfile.TemporaryDirectory(prefix="promptsheet-power-") as folder:
        home = Path(folder)
        with own_settings(home):
            run = _record(home)
            return _cut(home, run, cuts, seed)


# -------------------------------------------------------------------- what is done


def _write_sheets(home: Path) -> tuple[Path, Path]:
    small, big = home / "small.csv", home / "big.csv"
    for path, rows, images in ((small, ROWS, IMAGES), (big, BIG, 1)):
        with path.open("w", newline="") as file:
            sheet = csv.writer(file)
            sheet.writerow(["prompt", "seed_number", "num_images", "width", "height", "steps"])
            sheet.writerows(
                [f"{row} red circles on a blue background", row * 10, images, 64, 64, 2]
                for row in range(rows)
            )
    return small, big


def _record(home: Path) -> _Run:
    """Do everything once, every write noted."""
    small, big = _write_sheets(home)
    with volatile_disk.volatile_disk(home) as disk:
        run = _Run(disk.folder / "library")
        promptsheet = Promptsheet(
            run.library, os.environ | {"PROMPTSHEET_LIBRARY": str(run.library)}
        )
        opened = Library(load_settings(run.library))
        known = Known()

        def say(**more: object) -> None:
            nonlocal known
            known = replace(known, **more)  # type: ignore[arg-type]
            run.known.append((disk.position(), known))

        @contextmanager
        def phase(name: str) -> Iterator[None]:
            began, at = time.monotonic(), disk.position()
            yield
            run.spans[name] = (at, disk.position())
            print(
                f"  {name}: {disk.position() - at} writes and flushes,"
                f" {time.monotonic() - began:.0f} s",
                file=sys.stderr,
                flush=True,
            )

        try:
            say(perhaps={"small": _SMALL})
            with phase("render"):
                promptsheet.json("run", small, "--detach", "--name", "small")
                say(whole={"small": _SMALL}, perhaps={})
                while len(known.done) < _SMALL:
                    say(done=done_images(run.library))
                    time.sleep(0.05)
            run.pixels = pixels(run.library)
            opened.engine.pause()
            say(perhaps={"big": BIG})
            with phase("accept"):
                promptsheet.json("run", big, "--detach", "--name", "big")
                say(whole={"small": _SMALL, "big": BIG}, perhaps={})
            opened.engine.stop()
            make_older(run.library)
            os.sync()
            with phase("migrate"):
                opened.engine.start()
            keys = sorted(known.done)
            going, back = frozenset(keys[:20]), frozenset(keys[:10])
            say(asked=going)
            with phase("trash"):
                opened.images.trash(sorted(going))
                say(trashed=going, asked=frozenset())
                opened.sessions.trash(opened.sessions.find("big").session)
            say(asked=back)
            with phase("restore"):
                opened.images.restore(sorted(back))
                say(trashed=going - back, asked=frozenset())
            say(whole={"small": _SMALL}, perhaps={"big": BIG})
            with phase("empty"):
                opened.trash.empty()
                say(perhaps={})
            again = frozenset(keys[-8:])
            opened.images.trash(sorted(again))
            opened.engine.stop()
            damage(run.library)
            os.sync()
            left = known.done - (going - back)
            say(done=left, trashed=again, whole={}, damaged=True)
            with phase("repair"):
                opened.repair()
                say(damaged=False)
        finally:
            opened.engine.stop()
    return run


# -------------------------------------------------------------------- what is left


@dataclass
class _Found:
    faults: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    done: int = 0
    cached: int = 0
    mended: int = 0


def _cut(home: Path, run: _Run, cuts: int, seed: int) -> int:
    chance = random.Random(seed)
    planned: list[tuple[int, str]] = []
    for number in range(cuts):
        name = _PHASES[number % len(_PHASES)]
        first, last = run.spans[name]
        planned.append((chance.randint(first, last), name))
    planned.sort()
    found = _Found()
    began = time.monotonic()
    bad = 0
    left = volatile_disk.cuts(home, [position for position, _ in planned], chance)
    for (position, name), (image, cached) in zip(planned, left, strict=True):
        known = run.known_at(position)
        mended, faults = False, []
        try:
            with volatile_disk.mounted(image, home / "after") as mended:
                library = home / "after" / "library"
                try:
                    faults = _faults_after(library, known, run.pixels)
                finally:
                    Library(load_settings(library)).engine.stop()
        except (OSError, AssertionError, PromptsheetError) as error:
            faults.append(f"{type(error).__name__}: {error}")
        found.cuts[name] += 1
        found.done += len(known.done)
        found.cached += cached
        found.mended += mended
        bad += bool(faults)
        print(
            f"  {name:8} cut after {position} of the writes, {cached} in the cache,"
            f" {len(known.done)} known done: {'; '.join(faults) or 'all there'}",
            file=sys.stderr,
            flush=True,
        )
    each = ", ".join(f"{count} × {name}" for name, count in found.cuts.items())
    print(
        f"power (seed {seed}): {sum(found.cuts.values())} cuts ({each}), {found.cached} writes in"
        f" the cache in all; {found.done} images known to be done, {bad} cuts with a fault;"
        f" {found.mended} times the file system itself had to be mended;"
        f" {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return bad


def _faults_after(library: Path, known: Known, before: dict[str, str]) -> list[str]:
    """Start the engine process on what is left, check, go on to the end, check again."""
    opened = Library(load_settings(library))
    if known.damaged:
        opened.repair()
    opened.engine.start()
    faults = faults_of(library, known)
    if known.damaged:
        return faults
    for info in opened.sessions.unfinished():
        if info.images > _SMALL:
            opened.sessions.stop(info.session)
    opened.engine.resume()
    deadline = time.monotonic() + 300
    while opened.sessions.unfinished():
        if time.monotonic() > deadline:
            return [*faults, "it does not come to an end"]
        time.sleep(0.1)
    after = pixels(library)
    changed = [image for image, digest in after.items() if before.get(image, digest) != digest]
    faults += [f"{len(changed)} images have other pixels"] if changed else []
    small = [info for info in opened.sessions.all() if info.name == "small"]
    faults += [f"{info.done} of {info.images} done" for info in small if info.done < info.images]
    return faults + [f"in the end: {fault}" for fault in faults_of(library, known)]
