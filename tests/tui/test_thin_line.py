"""The whole app at the far end of a thin line."""

import os
import time
from pathlib import Path

import pytest

from tests.bench.past import photographs
from tests.support.command import COMMAND
from tests.support.thin_line import OnThinLine, ThinLine
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow


def test_keys_reach_the_screen_while_most_of_a_page_is_still_to_come(
    config: Path, tmp_path: Path
) -> None:
    photographs(tmp_path / "photos", 20, 256)
    (config / "settings.toml").write_text("")
    environment = os.environ | {
        "PROMPTSHEET_LIBRARY": str(tmp_path / "photos"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    line = ThinLine(delay=0.1, rate=60_000)
    app = OnThinLine([str(COMMAND)], environment, (120, 36), line, "sixel")
    try:
        app.wait_for("open a sheet")
        app.press("3")
        app.wait_for("\x1bP0;0;0q")
        began = len(app.output)
        for _ in range(5):
            app.press("l")
            time.sleep(0.03)
        app.wait_for("6/20", began)
        before = len(app.output) - began
        # More comes behind it than before it, or they waited behind the pictures.
        wait_for(lambda: len(app.output) - began > 2 * before)
    finally:
        app.close()
