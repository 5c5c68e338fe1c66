"""20 kills -9 at random moments of a run of 60 images, engine process and renderer by turns."""

import os
import tempfile
import time
from pathlib import Path

from tests.conftest import Promptsheet
from tests.test_promises import pixels_of, run_with_kills, state, write_sheet

KILLS = 20


def main() -> int:
    """Print what was lost, doubled or changed; 0 if nothing was."""
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
            run_with_kills(killed, sheet, kills=KILLS, seed=time.time_ns())
            killed_seconds = time.monotonic() - began
            info, verdict = state(killed), killed.json("verify")
            same = pixels_of(killed) == pixels_of(calm)
        finally:
            for promptsheet in (calm, killed):
                promptsheet("engine", "stop")
    faults = [name for name in ("missing", "orphans", "corrupt", "miscounted") if verdict[name]]
    print(
        f"{KILLS} kills: {info['done']} of {info['images']} done, {info['failed']} failed,"
        f" verify {faults or 'clean'}, pixels {'as' if same else 'NOT as'} without"
        f" kills; {killed_seconds:.0f} s against {calm_seconds:.0f} s undisturbed"
    )
    return int(bool(faults) or not same or info["done"] != info["images"])
