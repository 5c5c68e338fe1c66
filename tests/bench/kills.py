"""Kills with SIGKILL at random moments: of a run, and of what moves, deletes, migrates, repairs.

The run has 60 images, and engine process and renderer are killed by turns. Of each other kind a
library of 600 finished images and a session of 20,000 rows is copied again each time, and the
process at work is killed at a moment between the beginning and the end of what it does undisturbed.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from engine.api import EngineError, Library, PromptsheetError
from engine.library.files import stage
from engine.library.write.states import Scope
from engine.library.write.trash import trash_images, trash_session
from engine.library.write.writer import Writer
from engine.settings import load_settings
from tests.bench.aftermath import Known, faults_of
from tests.bench.home import own_settings
from tests.support.command import COMMAND, Promptsheet
from tests.support.libraries import new_session, picture, take
from tests.support.older import damage, make_older
from tests.support.runs import pixels_of, run_with_kills, state, write_sheet
from tests.support.waiting import wait_for

RUN_KILLS, KILLS = 20, 12
ROWS, IMAGES, BIG = 150, 4, 20_000
_SMALL, _BIG = "small0", "big000"
_GOING = frozenset(f"{_SMALL}-{row}-{v}" for row in range(2, 77) for v in range(1, IMAGES + 1))
"""Half of the finished images."""


def main(kills: int | None = None) -> int:
    """Print what was lost, doubled or changed; 0 if nothing was."""
    return _run(kills or RUN_KILLS) + _others(kills or KILLS)


def _run(kills: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        sheet = write_sheet(home / "sheet.csv", rows=20, images=3)
        (home / "config").mkdir()
        base = Promptsheet(home, os.environ | {"PROMPTSHEET_CONFIG": str(home / "config")})
        calm, killed = base.on(home / "calm"), base.on(home / "killed")
        try:
            began = time.monotonic()
            calm.json("run", sheet)
            calm_seconds = time.monotonic() - began
            began = time.monotonic()
            run_with_kills(killed, sheet, kills=kills, seed=time.time_ns())
            killed_seconds = time.monotonic() - began
            info, verdict = state(killed), killed.json("verify")
            same = pixels_of(killed) == pixels_of(calm)
        finally:
            for promptsheet in (calm, killed):
                promptsheet("engine", "stop")
    faults = [name for name in ("missing", "orphans", "corrupt", "miscounted") if verdict[name]]
    print(
        f"{kills} kills: {info['done']} of {info['images']} done, {info['failed']} failed,"
        f" verify {faults or 'clean'}, pixels {'as' if same else 'NOT as'} without"
        f" kills; {killed_seconds:.0f} s against {calm_seconds:.0f} s undisturbed",
        flush=True,
    )
    return int(bool(faults) or not same or info["done"] != info["images"])


# -------------------------------------------------------------------- what moves, deletes, …


@dataclass(frozen=True)
class _Begun:
    """What is at work, and may be killed."""

    pid: int
    over: Callable[[], bool]
    """Whether it came to its end."""


@dataclass(frozen=True)
class _Kind:
    """Something that is interrupted."""

    prepare: Callable[[Path], None]
    """Bring a copy of the library to where it begins."""
    begin: Callable[[Library], _Begun]
    """Begin it; returns once it has begun."""
    during: Known
    """What must hold if it is killed."""
    after: Known
    """What must hold once it has come to its end."""


def _others(kills: int) -> int:
    seed = time.time_ns() % 10**9
    chance = random.Random(seed)
    done = frozenset(f"{_SMALL}-{row + 2}-{v + 1}" for row in range(ROWS) for v in range(IMAGES))
    small = Known(done=done, whole={_SMALL: ROWS * IMAGES})
    both = replace(small, whole={_SMALL: ROWS * IMAGES, _BIG: BIG})
    gone = replace(both, trashed=_GOING)
    kinds = {
        "trash": _Kind(lambda _: None, _asked(_trash), replace(both, asked=_GOING), gone),
        "empty": _Kind(
            _full_trash,
            _asked(lambda library: library.trash.empty()),
            replace(small, trashed=_GOING, perhaps={_BIG: BIG}),
            replace(small, trashed=_GOING),
        ),
        "migration": _Kind(make_older, _migrating, both, both),
        "repair": _Kind(
            _torn,
            _repairing,
            Known(done=done, trashed=_GOING, damaged=True),
            Known(done=done, trashed=_GOING),
        ),
    }
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with own_settings(home):
            _make(home / "base")
            for name, kind in kinds.items():
                bad += _loop(name, kind, home, kills, chance, seed)
    return bad


def _make(library: Path) -> None:
    """600 finished images, and a session of 20,000 rows that is stopped."""
    library.mkdir()
    writer = Writer(library)
    try:
        for key, rows, images in ((_SMALL, ROWS, IMAGES), (_BIG, BIG, 1)):
            writer.add_session(replace(new_session(key, rows, images), name=key))
            if key == _BIG:
                writer.stop(Scope(_BIG))
                break
            while writer.tally(key).waiting:
                batch = take(writer)
                drawn = [(image, *picture(image, batch.size)) for image in batch.images]
                writer.finish([(stage(i.key, i.path, data), record) for i, record, data in drawn])
                writer.end(batch, 1.0)
    finally:
        writer.close()


def _loop(name: str, kind: _Kind, home: Path, kills: int, chance: random.Random, seed: int) -> int:
    within, killed, bad, tries = 0.0, 0, 0, 0
    while killed < kills and tries <= 3 * kills:
        # The first is let be: how long it takes says when the others are killed. Where it is over
        # before its moment has come it is quicker than was thought.
        moment = chance.uniform(0, within) if tries else None
        took, over, faults = _attempt(kind, home, moment)
        within = took if moment is None else min(within, took) if over else within
        killed += not over
        tries += 1
        bad += bool(faults)
        if faults:
            when = "undisturbed" if over else f"killed after {took:.2f} s"
            print(f"  {name}, {when}: {'; '.join(faults)}", file=sys.stderr, flush=True)
    print(
        f"{name} (seed {seed}): {killed} kills within {within:.2f} s, {tries - killed} times left"
        f" to come to its end; {bad} with a fault",
        flush=True,
    )
    return bad


def _attempt(kind: _Kind, home: Path, moment: float | None) -> tuple[float, bool, list[str]]:
    """Do it once: how long it was at work, whether it came to its end, what does not hold."""
    library = home / "taken"
    shutil.copytree(home / "base", library)
    opened = Library(load_settings(library))
    try:
        kind.prepare(library)
        begun = kind.begin(opened)
        began = time.monotonic()
        while not (over := begun.over()):
            if moment is not None and time.monotonic() - began >= moment:
                with suppress(ProcessLookupError):
                    os.kill(begun.pid, signal.SIGKILL)
                break
            time.sleep(0.002)
        took = time.monotonic() - began
        known = kind.after if over else kind.during
        try:
            if known.damaged:
                opened.repair()
            opened.engine.start()
            faults = faults_of(library, known)
        except (PromptsheetError, OSError) as error:
            faults = [f"{type(error).__name__}: {error}"]
        return took, over, faults
    finally:
        opened.engine.stop()
        shutil.rmtree(library)


def _asked(ask: Callable[[Library], object]) -> Callable[[Library], _Begun]:
    """What the engine process does for someone who asks."""

    def begin(library: Library) -> _Begun:
        pid = library.engine.start().status.pid
        ended = threading.Event()

        def asking() -> None:
            with suppress(EngineError, OSError):  # killed: whoever asked is told
                ask(library)
                ended.set()

        threading.Thread(target=asking, daemon=True).start()
        return _Begun(pid, ended.is_set)

    return begin


def _trash(library: Library) -> None:
    library.images.trash(sorted(_GOING))
    library.sessions.trash(_BIG)


def _full_trash(library: Path) -> None:
    writer = Writer(library)
    try:
        trash_images(writer, sorted(_GOING), ())
        trash_session(writer, _BIG)
    finally:
        writer.close()


def _migrating(library: Library) -> _Begun:
    log = library.path / "engine.log"
    engine = _start("engine", "run", library=library)
    wait_for(lambda: list(library.path.glob("library-schema-*")))
    # Asking it would wait for the answer, and no moment would come before that.
    return _Begun(engine.pid, lambda: "listening on" in log.read_text())


def _torn(library: Path) -> None:
    _full_trash(library)
    damage(library)


def _repairing(library: Library) -> _Begun:
    repairing = _start("verify", "--repair", library=library)
    wait_for(lambda: list(library.path.glob("library-damaged-*")))
    return _Begun(repairing.pid, lambda: repairing.returncode is not None)


def _start(*arguments: str, library: Library) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [str(COMMAND), *arguments, "--library", str(library.path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Waited for at once when it ends: a dead child is there until then.
    threading.Thread(target=process.wait, daemon=True).start()
    return process
