"""A library on many nodes: what breaks, and how fast one writer is. With real Ray, on one machine.

Renderers sleep instead of drawing (`tests.bench.sleeping`); all else is as it is: the head, nodes,
actors, driver, frames, files, commits.
"""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from engine.library.maintain.verify import verify
from engine.library.read.reader import list_images
from engine.library.records import NewSession
from engine.library.write.writer import Writer
from engine.models.catalog import find_model
from engine.protocol.events import AnyEvent, Computed, Counted
from tests.support.libraries import new_session
from tests.support.ray_cluster import ENVIRONMENT, RayCluster, ray_cluster
from tests.support.waiting import wait_for

ACTORS = (1, 4, 16, 32, 64)
IMAGES = 80
_KEY = "k3f9x2"
_FREEZE_SECONDS = 15.0


def main() -> int:
    """Print how many faults there were, and how it scales; 0 if no image was lost or doubled."""
    # So that what sleeps can be imported on the nodes.
    root = str(Path(__file__).parents[2])
    token = ENVIRONMENT | {"RAY_AUTH_TOKEN": secrets.token_hex(32), "PYTHONPATH": root}
    os.environ |= token
    worst = sum(_fault(token, *each) for each in _FAULTS)
    for steps in (100, 5):
        with ray_cluster(token) as cluster:
            cluster.add("node", cpus=max(_actors()))
            for actors in _actors():
                _scale(cluster, actors, steps)
    return worst


def _actors() -> list[int]:
    most = int(os.environ.get("BENCH_ACTORS", max(ACTORS)))
    return [number for number in ACTORS if number <= most]


def _session(images: int, steps: int) -> NewSession:
    builtin = find_model("builtin")
    assert builtin is not None
    found = new_session(rows=images // 4, images=4, largest=1)
    model_hash = builtin.files.fingerprint()

    def ours(recipe: Any) -> Any:
        return replace(recipe, steps=steps, model_hash=model_hash)

    rows = [replace(row, recipes=[ours(recipe) for recipe in row.recipes]) for row in found.rows]
    return replace(found, rows=rows)


# ---------------------------------------------------------------- faults


def _lose_none(cluster: RayCluster) -> None:
    """Two nodes, and nothing happens."""


def _kill(cluster: RayCluster) -> None:
    cluster.kill("b")


def _freeze(cluster: RayCluster) -> None:
    cluster.signal("b", signal.SIGSTOP)


def _part(cluster: RayCluster) -> None:
    cluster.kill_raylet("b")


def _come(cluster: RayCluster) -> None:
    cluster.kill("a")
    cluster.kill("b")
    cluster.add("d")


_FAULTS: tuple[tuple[str, Callable[[RayCluster], None], bool, tuple[str, ...]], ...] = (
    ("nothing, on 2 nodes", _lose_none, False, ("a", "b")),
    ("nothing, on 3 nodes", _lose_none, False, ("a", "b", "c")),
    ("a node is killed", _kill, False, ("a", "b", "c")),
    ("a node is frozen", _freeze, False, ("a", "b", "c")),
    ("a node's raylet is gone", _part, False, ("a", "b", "c")),
    ("all nodes go, another comes", _come, False, ("a", "b")),
    ("the engine process is killed", _lose_none, True, ("a", "b", "c")),
    ("the head is lost, and another begun", RayCluster.kill_head, True, ("a", "b", "c")),
)
"""What happens, how, whether the engine process is begun anew, and on which nodes."""


def _fault(
    token: dict[str, str],
    name: str,
    happen: Callable[[RayCluster], None],
    again: bool,
    nodes: tuple[str, ...],
) -> int:
    """Have it happen after a quarter of the images; how many images are not there exactly once."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library"
        library.mkdir()
        writer = Writer(library, lambda: True)
        writer.add_session(_session(IMAGES, steps=30))
        writer.close()
        began = time.monotonic()

        def done() -> int:
            return sum(image.state == "done" for image in list_images(library, _KEY))

        happened = 0.0
        with ray_cluster(token, *nodes) as cluster:
            engine = _engine(library, cluster.address)
            wait_for(lambda: done() >= IMAGES // 4, 300)
            happened = time.monotonic()
            happen(cluster)
            if again:
                engine.kill() if happen is _lose_none else time.sleep(5)
                engine.wait() if happen is _lose_none else None
            if happen is not RayCluster.kill_head:
                if again:
                    engine = _engine(library, cluster.address)
                wait_for(lambda: done() == IMAGES, 300)
                ended = time.monotonic()
        if happen is RayCluster.kill_head:
            engine.kill()
            with ray_cluster(token, *nodes) as cluster:
                engine = _engine(library, cluster.address)
                wait_for(lambda: done() == IMAGES, 300)
                ended = time.monotonic()
                engine.kill()
        else:
            engine.kill()
        engine.wait()
        images = list_images(library, _KEY)
        wrong = sum(image.state != "done" for image in images)
        verdict = verify(library)
        files = Counter(image.file for image in images)
        wrong += sum(count != 1 for count in files.values()) + (not verdict.whole)
        print(
            f"{name}: {len(files)} images, {'all once, verified' if not wrong else 'WRONG'};"
            f" {happened - began:.0f} s before, {ended - happened:.0f} s after",
            flush=True,
        )
        return wrong


def _engine(library: Path, address: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.sleeping", "--engine", str(library), address],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "serving\n"
    return process


# ---------------------------------------------------------------- scaling


class _Timed(ThreadPoolExecutor):
    """The writer's thread, and for how long it was at work."""

    busy = 0.0

    def submit(self, call: Any, /, *arguments: Any, **named: Any) -> Any:
        def timed() -> Any:
            began = time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self.busy += time.perf_counter() - began

        return super().submit(timed)


def _scale(cluster: RayCluster, actors: int, steps: int) -> None:
    """Print how fast images of a second, or of next to nothing, come from so many renderers."""
    from tests.bench.sleeping import STEP_SECONDS, serve

    images = max(40, min(800, actors * 12)) // 4 * 4
    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(Path(folder), lambda: True)
        writer.add_session(_session(images, steps))
        came: list[float] = []
        writing: list[float] = []
        ours: list[float] = []
        pools: list[_Timed] = []

        def pool(*arguments: Any) -> ThreadPoolExecutor:
            if arguments[1:] != ("writer",):
                return ThreadPoolExecutor(*arguments)
            pools.append(_Timed(*arguments))
            return pools[-1]

        def tell(event: AnyEvent) -> bool:
            if isinstance(event, Computed):
                came.append(time.perf_counter())
                writing.append(pools[0].busy)
                ours.append(time.process_time())
            return isinstance(event, Counted) and event.tally.settled

        with patch("engine.service.server.writer_thread.ThreadPoolExecutor", pool):
            asyncio.run(serve(writer, actors, tell, cluster.address))
        writer.close()
    # From the first third to the last but one image: all renderers are there by then.
    first, last = len(came) // 3, len(came) - actors - 1
    first = min(first, last - 1)
    seconds = came[last] - came[first]
    rate = (last - first) / seconds
    print(
        f"{actors:3} renderers, {steps * STEP_SECONDS:.2f} s an image: {rate:.1f} images/s,"
        f" {rate * steps * STEP_SECONDS / actors:.0%} of what they could;"
        f" the writer's thread {(writing[last] - writing[first]) / seconds:.0%},"
        f" the engine process {(ours[last] - ours[first]) / seconds:.0%} of a processor",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
