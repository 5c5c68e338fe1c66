"""How long another commit waits while the engine process accepts a session of 100,000 rows."""

import csv
import subprocess
import time
from pathlib import Path
from statistics import median

from engine.protocol.commands import Tag
from engine.service.client.connection import connect_or_start
from tests.bench.home import isolated
from tests.support.command import Promptsheet

ROWS = 100_000
MOST_SECONDS = 0.2


def main() -> int:
    """Print the time acceptance takes, and what others waited; 1 if that was too long."""
    with isolated() as (promptsheet, home):
        waits, seconds = _measure(promptsheet, _write_sheet(home / "sheet.csv"))
    worst = sorted(waits)[-3:]
    print(
        f"{ROWS} rows accepted: `run --detach` took {seconds:.1f} s; {len(waits)} commits beside it"
        f" waited {1000 * median(waits):.0f} ms in the median, the longest"
        f" {', '.join(f'{1000 * wait:.0f}' for wait in worst)} ms"
        f" (wanted: {1000 * MOST_SECONDS:.0f} at most)",
        flush=True,
    )
    return int(worst[-1] > MOST_SECONDS)


def _write_sheet(path: Path) -> Path:
    with path.open("w", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["prompt", "seed_number", "num_images"])
        sheet.writerows([f"{row} red circles on a blue background", row, 1] for row in range(ROWS))
    return path


def _measure(promptsheet: Promptsheet, sheet: Path) -> tuple[list[float], float]:
    """What each of many small commits waited, and the seconds the whole took."""
    session = promptsheet.json("prompt", "a red circle")["session"]
    promptsheet.json("engine", "pause")  # nothing is rendered: only the acceptance is measured
    connection, _ = connect_or_start(promptsheet.library)
    waits: list[float] = []
    with connection:
        began = time.monotonic()
        words = ("run", sheet, "--detach", "--json")
        running = promptsheet.start(*words, forked=False, stdout=subprocess.DEVNULL)
        while running.poll() is None:
            asked = time.monotonic()
            connection.ask(Tag(session, [str(len(waits))]))
            waits.append(time.monotonic() - asked)
            time.sleep(0.02)
        seconds = time.monotonic() - began
    assert running.returncode == 0
    return waits, seconds
