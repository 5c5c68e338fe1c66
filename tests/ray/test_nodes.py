"""A real Ray cluster on this machine: what is drawn on its nodes, and what becomes of lost ones."""

import contextlib
import importlib.util
import json
import signal
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import psutil
import pytest

from tests.support.command import Promptsheet
from tests.support.ray_cluster import (
    HEAD,
    NotBegunError,
    RayCluster,
    own_environment,
    ray_cluster,
)
from tests.support.runs import pixels_of
from tests.support.waiting import wait_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),  # a minute of a processor, and all that others leave of it
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None,
        reason="Ray is not installed: pip install 'promptsheet[ray]'",
    ),
]


IMAGES = 8
_SECONDS = 240
"""For what takes ten on a machine that does nothing else."""


def test_nodes_draw_what_this_machine_would_and_a_lost_one_loses_no_image(
    promptsheet: Promptsheet, config: Path, tmp_path: Path
) -> None:
    (config / "settings.toml").write_text("[render]\nmax_batch = 1\nthreads = 1\n")
    sheet = tmp_path / "sheet.csv"
    rows = [f"{number} red circles,{number * 10},4,2" for number in range(IMAGES // 4)]
    sheet.write_text("\n".join(["prompt,seed_number,num_images,steps", *rows]))
    token = own_environment()
    promptsheet.environment |= token
    with cluster_or_skip(token) as cluster:
        promptsheet.environment |= {"RAY_ADDRESS": cluster.address}
        promptsheet.json("engine", "start", "--devices", "ray")
        promptsheet.json("run", sheet, "--detach")
        cluster.add("right")
        sessions = 1
        while drew_on(promptsheet) != {"head/cpu", "right/cpu"}:  # who starts first may draw all
            promptsheet.json("run", sheet)
            sessions += 1
        on_nodes = pixels_of(promptsheet)

        driver = driver_of(promptsheet)
        listening = [
            where
            for process in (driver, *cluster.processes(HEAD), *cluster.processes("right"))
            for where in listens_at(process)
        ]
        assert listening and all(ip_address(where).is_loopback for where in listening)

        told = json.loads(promptsheet("doctor", "--json").stdout)["ray"]
        assert told["token"] == "asked for" and {"node head", "node right"} <= told.keys()

        # A scheduler's word reaches all processes of a job; the driver leaves it to the engine's.
        driver.send_signal(signal.SIGTERM)
        promptsheet.json("run", sheet, "--detach")
        wait_for(lambda: promptsheet.sessions()[0]["done"], _SECONDS)
        cluster.kill("right")
        wait_for(lambda: promptsheet.sessions()[0]["done"] == IMAGES, _SECONDS)
        assert pixels_of(promptsheet) == on_nodes
        assert promptsheet.json("verify")["images"] == (sessions + 1) * IMAGES
        assert driver_of(promptsheet) == driver

        wait_for(lambda: devices(promptsheet) == ["head/cpu"], _SECONDS)
        promptsheet.json("engine", "pause")
        wait_for(lambda: not holders(cluster), _SECONDS)
        promptsheet.json("engine", "stop")

    here = promptsheet.on(tmp_path / "here")
    here.json("engine", "start", "--devices", "cpu")
    here.json("run", sheet)
    assert pixels_of(here) == on_nodes


@contextlib.contextmanager
def cluster_or_skip(environment: dict[str, str]) -> Iterator[RayCluster]:
    """A cluster whose head renders, too; where Ray itself does not begin it, the test is skipped.

    The same for a node of it.
    """
    try:
        with ray_cluster(environment, cpus=1) as cluster:
            yield cluster
    except NotBegunError as error:
        pytest.skip(str(error))


def devices(promptsheet: Promptsheet) -> list[str]:
    """Where renderers are."""
    return [renderer["device"] for renderer in promptsheet.status()["renderers"]]


def driver_of(promptsheet: Promptsheet) -> psutil.Process:
    """The driver of its engine process."""
    (driver,) = (
        process
        for process in psutil.Process(promptsheet.status()["pid"]).children()
        if "engine.service.nodes.driver" in process.cmdline()
    )
    return driver


def listens_at(process: psutil.Process) -> set[str]:
    """The addresses that it listens at."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return {
            each.laddr.ip.removeprefix("::ffff:")
            for each in process.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN
        }
    return set()


def drew_on(promptsheet: Promptsheet) -> set[str]:
    """The devices that have drawn, as the session's log has it."""
    log = Path(promptsheet.json("show", "last")["log"])
    lines = log.read_text().splitlines() if log.exists() else []
    return {line.rpartition(" s on ")[2] for line in lines if " s on " in line}


def holders(cluster: RayCluster) -> list[int]:
    """Actors that hold a renderer on the head."""
    found = []
    for process in cluster.processes(HEAD):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [process.pid] if "ray::Holder" in " ".join(process.cmdline()) else []
    return found
