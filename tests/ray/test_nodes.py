"""A real Ray cluster on this machine: what is drawn on its nodes, and what becomes of lost ones."""

import importlib.util
import secrets
from pathlib import Path

import psutil
import pytest

from tests.support.command import Promptsheet
from tests.support.ray_cluster import ENVIRONMENT, ray_cluster
from tests.support.runs import pixels_of
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None,
        reason="Ray is not installed: pip install 'promptsheet[ray]'",
    ),
]


IMAGES = 16


def test_nodes_draw_what_this_machine_would_and_a_lost_one_loses_no_image(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    (config / "settings.toml").write_text("[render]\nmax_batch = 1\nthreads = 1\n")
    sheet = tmp_path / "sheet.csv"
    rows = [f"{number} red circles,{number * 10},4,4" for number in range(IMAGES // 4)]
    sheet.write_text("\n".join(["prompt,seed_number,num_images,steps", *rows]))
    token = ENVIRONMENT | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    promptsheet.environment |= token
    with ray_cluster(token, "left") as cluster:
        promptsheet.environment |= {"RAY_ADDRESS": cluster.address}
        promptsheet.json("engine", "start", "--devices", "ray")
        promptsheet.json("run", sheet, "--detach")
        cluster.add("right")
        sessions = 1
        while drew_on(promptsheet) != {"left/cpu", "right/cpu"}:  # who starts first may draw all
            promptsheet.json("run", sheet)
            sessions += 1
        on_nodes = pixels_of(promptsheet)

        promptsheet.json("run", sheet, "--detach")
        wait_for(lambda: promptsheet.sessions()[0]["done"])
        cluster.kill("left")
        wait_for(lambda: promptsheet.sessions()[0]["done"] == IMAGES)
        assert pixels_of(promptsheet) == on_nodes
        assert promptsheet.json("verify")["images"] == (sessions + 1) * IMAGES

        wait_for(lambda: [r["device"] for r in promptsheet.status()["renderers"]] == ["right/cpu"])
        promptsheet.json("engine", "pause")
        wait_for(lambda: not holders())
        promptsheet.json("engine", "stop")

    here = promptsheet.on(tmp_path / "here")
    here.json("engine", "start", "--devices", "cpu")
    here.json("run", sheet)
    assert pixels_of(here) == on_nodes


def drew_on(promptsheet: Promptsheet) -> set[str]:
    """The devices that have drawn, as the session's log has it."""
    log = Path(promptsheet.json("show", "last")["log"])
    lines = log.read_text().splitlines() if log.exists() else []
    return {line.rpartition(" s on ")[2] for line in lines if " s on " in line}


def holders() -> list[int]:
    """Actors that hold a renderer."""
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if "ray::Holder" in " ".join(process.info["cmdline"] or ())
    ]
