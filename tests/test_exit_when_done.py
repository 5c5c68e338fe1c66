"""`engine run --exit-when-done`: what a job of a scheduler runs, and what its exit status says."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from engine.library.write.states import Scope
from engine.library.write.writer import Writer
from tests.support.command import Promptsheet
from tests.support.runs import has_done, renderer_pid
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow
RUN = ("engine", "run", "--exit-when-done")


@pytest.mark.usefixtures("quick")
def test_the_exit_status_tells_done_from_a_machine_at_fault_and_from_a_time_limit(
    promptsheet: Promptsheet, config: Path
) -> None:
    # Someone takes rows in where nothing is to be rendered, and hands the library on.
    (config / "settings.toml").write_text('[engine]\nrender_on = ["gpu*"]\n')
    promptsheet.json("prompt", "a red circle", "-n", "64", "--detach")
    promptsheet.json("engine", "stop")
    elsewhere = promptsheet.json(*RUN, status=1)
    assert (elsewhere["waiting"], elsewhere["signal"]) == (64, None)
    assert "gpu*" in elsewhere["reason"]
    (config / "settings.toml").write_text('[engine]\nautoresume = "ask"\n')
    # A scheduler's word reaches all processes of a job, the renderer too.
    job = promptsheet.start(*RUN, stderr=subprocess.PIPE)
    wait_for(lambda: has_done(promptsheet, 1), 300)
    renderer = renderer_pid(promptsheet)
    assert renderer
    for pid in (renderer, job.pid):
        os.kill(pid, signal.SIGUSR1)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 128 + signal.SIGUSR1
    (session,) = promptsheet.sessions()
    left = session["images"] - session["done"]
    assert 0 < left < 64 and f"Ended by SIGUSR1; {left} images still waiting." in said
    writer = Writer(promptsheet.library)
    writer.stop(Scope(None))
    writer.close()
    nothing = promptsheet.json(*RUN)  # what is stopped is not waited for
    assert nothing == {"waiting": 0, "reason": None, "signal": None}
