"""The memory of engine process, renderer and an app over one session of 4,000 images."""

import csv
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median

import psutil

from engine import api
from engine.settings import load_settings
from tests.bench.home import isolated
from tests.bench.resident import own_bytes, peak_bytes
from tests.support.command import COMMAND, Promptsheet
from tests.support.on_a_pty import OnPty

IMAGES = 4000
"""A prompt each: the embeddings that are kept (32 MiB) are full before the second half."""
GROWTH_MIB = 8.0
"""Of one process, the most that counts as flat: MiB per 1,000 images, over the second half. Until
then every cache has found its size."""
APP_MIB = 150.0
_SHAPES = ((64, 64), (96, 64), (64, 128), (128, 128))
_SECONDS = 0.25
_MIB = 1 << 20


@dataclass(frozen=True)
class Sample:
    """One look at all processes."""

    done: int
    """Images finished by then."""
    mib: dict[str, float]
    """Process → memory of its own."""


def main() -> int:
    """Print medians by quarter and the growth; how many processes grow, or are too large."""
    with isolated() as (promptsheet, home):
        samples, peaks = _watch(promptsheet, _write_sheet(home / "sheet.csv"))
    return _report(samples, peaks)


def _write_sheet(path: Path) -> Path:
    """As many texts and a few shapes, so that whatever is kept by text or shape is kept."""
    with path.open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["prompt", "seed_number", "num_images", "width", "height", "steps"])
        for row in range(IMAGES):
            prompt = f"{row % 7 + 1} red circles, picture {row}, on a blue background"
            sheet.writerow([prompt, row, 1, *_SHAPES[row % len(_SHAPES)], 2])
    return path


def _watch(promptsheet: Promptsheet, sheet: Path) -> tuple[list[Sample], dict[str, float]]:
    """Samples of one session, an app on its Jobs screen beside it; each process's peak, MiB."""
    promptsheet.json("prompt", "a red circle")  # loads the model
    promptsheet.json("run", sheet, "--detach")
    app = OnPty([str(COMMAND)], promptsheet.environment, (120, 36))
    app.wait_for("Jobs")
    app.press("2")
    library = api.Library(load_settings(promptsheet.library))
    pids = {"app": app.pid}
    samples: list[Sample] = []
    try:
        while True:
            state = library.engine.status()
            assert state is not None
            pids["engine"] = state.status.pid
            pids["renderer"] = state.status.renderers[0].pid
            work = state.status.work
            done = work[0].done if work else IMAGES
            mib = {name: own_bytes(pid) / _MIB for name, pid in pids.items()}
            samples.append(Sample(done, mib))
            if not work:
                return samples, {name: peak_bytes(pid) / _MIB for name, pid in pids.items()}
            if len(samples) % 40 == 0:
                print(f"  {done} of {IMAGES}: {_words(mib)}", file=sys.stderr, flush=True)
            time.sleep(_SECONDS)
    finally:
        app.close()


def _words(mib: dict[str, float]) -> str:
    return ", ".join(f"{name} {size:.0f} MiB" for name, size in mib.items())


def _report(samples: Sequence[Sample], peaks: dict[str, float]) -> int:
    faults = 0
    for name in peaks:
        at = [(sample.done, sample.mib[name]) for sample in samples]
        quarters = [
            median([size for done, size in at if low <= done / IMAGES <= low + 0.25])
            for low in (0.0, 0.25, 0.5, 0.75)
        ]
        late = [(done, size) for done, size in at if done >= IMAGES / 2]
        growth = 1000 * linear_regression(*zip(*late, strict=True)).slope
        most = APP_MIB if name == "app" else float("inf")
        fault = growth > GROWTH_MIB or peaks[name] > most
        faults += fault
        print(
            f"{name:9} own memory by quarter {' '.join(f'{size:.0f}' for size in quarters)} MiB,"
            f" growth {growth:+.1f} MiB per 1,000 images in the second half,"
            f" peak resident {peaks[name]:.0f} MiB{': TOO MUCH' if fault else ''}",
            flush=True,
        )
    cores = psutil.cpu_count()
    print(f"{len(samples)} samples over {IMAGES} images on {cores} cores", flush=True)
    return faults
