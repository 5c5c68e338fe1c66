"""`show`, `sessions` and `verify` of sessions of 100,000 rows: their seconds and their memory."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.library.records import NewRow, NewSession
from engine.library.write.writer import Writer
from engine.picture.metadata import ImageRecord
from engine.picture.recipe import Conditions, Recipe
from engine.plan.batches import plan_batches
from engine.protocol.commands import RowsSource
from tests.support.command import COMMAND, Promptsheet

ROWS = 100_000
MOST_SECONDS, MOST_MIB = 3.0, 150.0
"""Of `show`, in words and as JSON, with an image a row."""
_BATCH = 8
_VERSIONS = {"torch": "2.13.0", "diffusers": "0.42.1", "transformers": "5.0.0"}
_CONDITIONS = Conditions("cuda:0", "bfloat16", 2, "sdpa", False, _VERSIONS)


@dataclass(frozen=True)
class Cost:
    """What one command took."""

    seconds: float
    processor: float
    """Seconds of it on a processor: what it would take on a machine with nothing else to do."""
    mib: float
    """The most resident memory it had."""
    bytes: int
    """Of what it printed."""


def fill(library: Path, rows: int, images: int, key: str = "large0") -> None:
    """A finished session made by the library's own writer, without its files.

    Args:
        library: made if need be.
        rows: how many.
        images: of each row.
        key: the session's id.
    """
    library.mkdir(exist_ok=True)
    recipes = [
        Recipe(
            prompt=f"{row} red circles on a blue background, in the style of an old postcard",
            negative_prompt="blurry, low quality",
            seed=row * 10 + variation,
            width=1024,
            height=1024,
            steps=30,
            guidance=4.0,
            scheduler="DPMSolverMultistepScheduler",
            model="sdxl",
            model_hash="0123456789abcdef",
        )
        for row in range(rows)
        for variation in range(images)
    ]
    batches = plan_batches(recipes, lambda _: _BATCH)
    new = [
        NewRow(
            number=row + 2,
            cells={"prompt": recipes[row * images].prompt, "num_images": str(images)},
            extra={"customer": f"customer {row % 97}"},
            recipes=recipes[row * images : (row + 1) * images],
            files=[f"{row + 2:06d}-{variation + 1}.png" for variation in range(images)],
        )
        for row in range(rows)
    ]
    source = RowsSource("sheet.csv", columns=["prompt", "num_images", "customer"])
    writer = Writer(library)
    try:
        writer.add_session(NewSession(key, f"session {key}", key, source, new, batches))
        with writer.transaction() as db:
            for slot in range(_BATCH):
                record = ImageRecord("", recipes[0], _CONDITIONS, _BATCH, slot, ())
                db.execute(
                    "UPDATE images SET state = 'done', bytes = 1500000, finished = 1.7e9 + id,"
                    " digest = printf('%032x', id), conditions = ? WHERE slot = ?",
                    (json.dumps(record.conditions_json()), slot),
                )
    finally:
        writer.close()


_LAUNCH = """
import json, resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss]), file=sys.stderr)
"""


def cost_of(promptsheet: Promptsheet, *arguments: str) -> Cost:
    """Run a command to its end, what it prints thrown away.

    It is started by a small process: a process counts as its own the memory that the one it was
    started from had.
    """
    began = time.monotonic()
    with subprocess.Popen(
        [sys.executable, "-S", "-c", _LAUNCH, str(COMMAND), *arguments],
        env=promptsheet.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout and process.stderr
        count = 0
        while chunk := process.stdout.read(1 << 20):
            count += len(chunk)
        said = process.stderr.read().decode()
    seconds = time.monotonic() - began
    status, processor, kib = json.loads(said.splitlines()[-1])
    assert status == 0, (arguments, said)
    return Cost(seconds, processor, kib / 1024, count)


def main() -> int:
    """Print what each command costs; how many cost too much."""
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        for images in (1, 4):
            library = Path(folder) / f"library-{images}"
            began = time.monotonic()
            fill(library, ROWS, images)
            print(f"{ROWS:,} rows × {images} made in {time.monotonic() - began:.0f} s", flush=True)
            faults += _measure(library, images)
    return faults


def _measure(library: Path, images: int) -> int:
    promptsheet = Promptsheet(library, os.environ | {"PROMPTSHEET_LIBRARY": str(library)})
    commands: Sequence[tuple[str, ...]] = (("show", "last"), ("show", "last", "--json"))
    faults = 0
    for command in commands:
        cost = cost_of(promptsheet, *command)
        # On a busy machine a command waits for the others: its own seconds are what counts.
        late = images == 1 and min(cost.seconds, cost.processor) > MOST_SECONDS
        fault = late or cost.mib > MOST_MIB
        faults += fault
        print(
            f"  {' '.join(command):18} {cost.seconds:5.1f} s ({cost.processor:.1f} s of a"
            f" processor), {cost.mib:4.0f} MiB, {cost.bytes / 1e6:.0f} MB printed"
            f"{': TOO MUCH' if fault else ''}",
            flush=True,
        )
    return faults


if __name__ == "__main__":
    sys.exit(main())
