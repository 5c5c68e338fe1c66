"""`promptsheet run` against a plain loop: same rows, same machine, by turns.

(a) `for row: pipe(row).images[0].save()`, (b) the same loop at its best fixed batch,
(c) Promptsheet. Engine start and model load are left out of all three.
"""

import contextlib
import csv
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from engine.machine import computes_bfloat16
from engine.plan.batch_limits import FIRST_ON_GPU
from engine.protocol.events import Computed, Counted
from engine.service.client.connection import connect_or_start
from tests.bench.home import isolated
from tests.bench.resident import forget_peak, peak_bytes
from tests.support.command import Promptsheet

ROUNDS = 3
BATCHES = (4, 8, 16)
TARGETS = {"builtin": (4.0, 1.5, 0.05) if computes_bfloat16() else (2.0, 1.2, 0.05)}
GPU_TARGETS = {"sdxl": (1.5, 1.0, 0.03), "sd15": (3.0, 1.0, 0.03), "turbo": (5.0, 1.0, 0.03)}


@dataclass(frozen=True)
class Case:
    """One model, and what is drawn with it."""

    label: str
    source: Path
    pixels: int
    steps: int
    guidance: float
    images: int
    batches: tuple[int, ...] = BATCHES
    """What the loop is tried at, to find its best."""
    rounds: int = ROUNDS


@dataclass(frozen=True)
class Turn:
    """One measurement."""

    rate: float
    """Images a second; 0 if memory did not hold its batches."""
    idle: float = 0.0
    """Share of the time in which no model computes."""
    bytes: int = 0
    """The peak of its resident memory; of several processes the sum of their peaks."""


@dataclass(frozen=True)
class Measured:
    """What came of a case so far."""

    case: Case
    best: int
    """The batch at which (b) runs."""
    turns: Mapping[str, Sequence[Turn]]
    """a, b and c → a turn for each round."""

    def rate(self, name: str) -> float:
        """Images a second."""
        return median(turn.rate for turn in self.turns[name])

    def gain(self, name: str) -> float:
        """How many times as fast as (a) or (b) the engine is.

        Ratios within a round, so that a machine whose speed drifts does not count.
        """
        pairs = zip(self.turns["c"], self.turns[name], strict=True)
        return median(c.rate / other.rate for c, other in pairs)

    @property
    def idle(self) -> float:
        """Share of the time of (c) in which no model computes."""
        return median(turn.idle for turn in self.turns["c"])


def builtin() -> int:
    """The built-in model; 1 if a target was missed."""
    source = Path(str(files("assets") / "models" / "builtin"))
    return _run(lambda _, __: [Case("builtin", source, 128, 12, 4.0, 48)])


def shapes() -> int:
    """Random weights in the shape of well-known models: small on the CPU, full size on a GPU."""
    return _run(_shapes)


def _run(cases: Callable[[Path, bool], Iterable[Case]]) -> int:
    gpu = Path("/dev/nvidiactl").exists()
    with tempfile.TemporaryDirectory() as name:
        return sum(_bench(case, gpu=gpu) for case in cases(Path(name), gpu))


def _shapes(folder: Path, full: bool) -> Iterator[Case]:
    from tests.bench.random_models import save_sd15, save_sdxl

    pixels, steps = (512, 30) if full else (128, 12)
    save_sd15(folder / "sd15", full=full)
    yield Case("sd15", folder / "sd15", pixels, steps, 5.0, 64)
    yield Case("turbo", folder / "sd15", pixels, 4, 1.0, 64)
    save_sdxl(folder / "sdxl", full=full)
    yield Case("sdxl", folder / "sdxl", 1024 if full else 128, steps, 5.0, 32)


def _bench(case: Case, *, gpu: bool) -> int:
    found = list(measure(case, "cuda:0" if gpu else "cpu"))[-1]
    return _report(found, (GPU_TARGETS if gpu else TARGETS).get(case.label))


def measure(case: Case, device: str) -> Iterator[Measured]:
    """Measure a case on a device; what is known after each round."""
    gpu = device != "cpu"
    rows = [
        {
            "prompt": f"{number} red circles on a blue background",
            "seed": number,
            "width": case.pixels,
            "height": case.pixels,
            "steps": case.steps,
            "guidance": case.guidance,
        }
        for number in range(case.images)
    ]
    with (
        isolated(on_device(device), entry(case, gpu=gpu)) as (ours, home),
        _loop(case, device) as loop,
    ):
        numbers = count()

        def plain(batch: int, images: int) -> Turn:
            out = str(home / f"plain-{next(numbers)}")
            return loop(folder=out, batch=batch, rows=rows[:images])

        most, speeds = max(case.batches), {}
        for batch in (case.batches[0], *case.batches):  # the first is slower than it will be
            speeds[batch] = plain(batch, most).rate
        best = max(speeds, key=lambda batch: speeds[batch])
        sheet = write_sheet(home / "sheet.csv", case, case.images)
        # Loads the model, reads the files, warms every cache. What the first batch on a GPU takes
        # of its memory says how large the next ones are, and they are new to it, too.
        for images in (FIRST_ON_GPU, most) if gpu else (case.images,):
            ours.json("run", write_sheet(home / "warm.csv", case, images))
        for pid in _pids(ours):
            _prefer(pid)
        turns: dict[str, list[Turn]] = {"a": [], "b": [], "c": []}
        for _ in range(case.rounds):
            for name, batch in (("a", 1), ("b", best)):
                turns[name].append(plain(batch, case.images))
            turns["c"].append(_ours(ours, sheet))
            last = "  ".join(f"{name} {turn[-1].rate:.2f}/s" for name, turn in turns.items())
            print(f"  {case.label}: {last}", file=sys.stderr, flush=True)
            yield Measured(case, best, turns)


def on_device(device: str) -> str:
    """The settings (TOML) that keep the engine to one device."""
    return f'[render]\ndevices = ["{device}"]\n'


def entry(case: Case, *, gpu: bool, largest: int = 0) -> str:
    """The model list's entry for a case.

    Args:
        case: whose model it is.
        gpu: whether it is drawn on one: there the engine finds the size of its batches itself.
        largest: images of a batch, if that is to be another.
    """
    rendering = f"{{ steps = {case.steps}, guidance = {case.guidance} }}"
    batch = largest or (0 if gpu else 8)
    return (
        f'[[models]]\nlabel = "{case.label}"\nsource = "{case.source}"\n'
        f"base_resolution = {case.pixels}\n"
        + (f"max_batch = {batch}\n" if batch else "")
        + f"[models.rendering]\ndefault = {rendering}\n"
    )


def write_sheet(path: Path, case: Case, images: int) -> Path:
    """A sheet of as many rows, an image each."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["prompt", "seed_number", "model", "num_images"])
        for number in range(images):
            prompt = f"{number} red circles on a blue background"
            writer.writerow([prompt, number, case.label, 1])
    return path


@contextmanager
def _loop(case: Case, device: str) -> Iterator[Callable[..., Turn]]:
    """The plain loop in its own process, its model loaded."""
    dtype = "float32" if device == "cpu" else "bfloat16"  # on a CPU as diffusers loads it
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.plain_loop", str(case.source), dtype, device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            # What the engine gives its renderers: otherwise (a) and (b) are slower on a busy
            # machine.
            env=os.environ | {"GOMP_SPINCOUNT": "3000"},
        )
        assert process.stdin and process.stdout
        out, into = process.stdout, process.stdin

        def answer() -> dict[str, float]:
            if line := out.readline():
                return dict(json.loads(line))
            said.seek(0)
            raise RuntimeError(f"the plain loop ended: {said.read()[-500:]}")

        def ask(**what: Any) -> Turn:
            into.write(json.dumps(what) + "\n")
            into.flush()
            found = answer()
            return Turn(len(what["rows"]) / found["seconds"], bytes=int(found["bytes"]))

        try:
            _prefer(process.pid)
            answer()
            yield ask
        finally:
            process.kill()  # it keeps nothing
            process.wait()


def _ours(ours: Promptsheet, sheet: Path) -> Turn:
    """One session from its acceptance to its last commit."""
    connection, _ = connect_or_start(ours.library)
    spans: list[tuple[float, float]] = []
    window: list[float] = []

    def watch() -> None:
        for event in connection.follow(every=True):
            match event:
                case Counted(tally):
                    window.append(time.monotonic())
                    if tally.settled:
                        return
                case Computed(began=began, ended=ended):
                    spans.append((began, ended))

    for pid in _pids(ours):
        forget_peak(pid)
    with connection:
        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        done = ours.json("run", sheet)
        watching.join()
    memory = sum(peak_bytes(pid) for pid in _pids(ours))
    idle = 1 - _covered(spans) / (window[-1] - window[0])
    return Turn(done["images"] / done["seconds"], idle, memory)


def _pids(ours: Promptsheet) -> list[int]:
    status = ours.json("engine", "status")
    return [status["pid"], *(renderer["pid"] for renderer in status["renderers"])]


def _prefer(pid: int) -> None:
    """The same priority for all that is measured: a high one, so that neighbours matter little.

    Where this itself was started to give way to others, all give way.
    """
    if os.getpriority(os.PRIO_PROCESS, 0) > 0:
        return
    for thread in psutil.Process(pid).threads():
        for niceness in (-10, 0):  # what an ordinary user may not have is left as it is
            with contextlib.suppress(psutil.AccessDenied, PermissionError):
                os.setpriority(os.PRIO_PROCESS, thread.id, niceness)
                break


def _covered(spans: list[tuple[float, float]]) -> float:
    """How long at least one span runs."""
    total, until = 0.0, 0.0
    for began, ended in sorted(spans):
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total


def _report(found: Measured, target: tuple[float, float, float] | None) -> int:
    case, by, idle = found.case, {name: found.gain(name) for name in "ab"}, found.idle
    memory = {name: max(turn.bytes for turn in turns) >> 20 for name, turns in found.turns.items()}
    print(
        f"{case.label:8} {case.pixels}² {case.steps:2} steps  a {found.rate('a'):.2f}/s"
        f"  b {found.rate('b'):.2f}/s (batch {found.best})  c {found.rate('c'):.2f}/s"
        f"   c/a {by['a']:.2f}"
        f"  c/b {by['b']:.2f}   no model computes {idle:.1%}"
        f"   peak memory a {memory['a']}, b {memory['b']},"
        f" c {memory['c']} MiB (engine + renderer)",
        flush=True,
    )
    if target is None:
        return 0
    missed = by["a"] < target[0] or by["b"] < target[1] or idle > target[2]
    print(
        f"         wanted: c/a {target[0]}, c/b {target[1]}, no model computes"
        f" {target[2]:.0%} at most: {'MISSED' if missed else 'met'}",
        flush=True,
    )
    return int(missed)
