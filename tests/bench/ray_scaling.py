"""How many images a second one writer takes from renderers on a cluster's nodes.

They sleep instead of drawing (`tests.bench.sleeping`); all else is as it is: the head, a node,
actors, the driver, frames, files, commits. What an image takes of processors hardly depends on
what else the machine does; what it takes of time does.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

from engine.library.records import NewSession
from engine.library.write.writer import Writer
from engine.models.catalog import find_model
from engine.protocol.events import AnyEvent, Computed, Counted
from tests.bench import sleeping
from tests.support.libraries import new_session
from tests.support.ray_cluster import RayCluster, own_environment, ray_cluster

ACTORS = (1, 8, 16, 32, 64)
SECONDS = (1.0, 0.1)
"""That an image takes; so long, and with as many renderers as there are, so short."""
_AT_ONCE = "4"
"""So many actors are begun side by side: a machine with few processors would begin none in time."""
_COLUMNS = "{:>9} {:>10} {:>9} {:>10} {:>15} {:>15} {:>15} {:>15}"
_PAPER_GPUS = 1000


@dataclass(frozen=True, slots=True)
class Spent:
    """What had been spent at some moment, in seconds."""

    time: float
    writer_time: float
    writer: float
    """Of a processor, as the next two."""
    engine: float
    driver: float


def main() -> None:
    """Print a line for each number of renderers, and what that means for many more."""
    # So that what sleeps can be imported on the nodes.
    environment = own_environment() | {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "RAY_worker_maximum_startup_concurrency": _AT_ONCE,
    }
    before = dict(os.environ)
    os.environ.update(environment)
    most = int(os.environ.get("BENCH_ACTORS", max(ACTORS)))
    numbers = [number for number in ACTORS if number <= most]
    print(
        _COLUMNS.format(
            *("renderers", "s an image", "images/s", "of what"),
            *("writer", "its thread", "engine process", "driver"),
        )
    )
    units = (
        "",
        "",
        "",
        "they could",
        "ms an image",
        "CPU ms/image",
        "CPU ms/image",
        "CPU ms/image",
    )
    print(_COLUMNS.format(*units), flush=True)
    try:
        with ray_cluster(environment) as cluster:
            cluster.add("node", cpus=max(numbers))
            wanted = [(number, SECONDS[0]) for number in numbers] + [(numbers[-1], SECONDS[1])]
            costs = [_measure(cluster, *each) for each in wanted]
    finally:
        os.environ.clear()
        os.environ.update(before)
    _on_paper(costs)


def _on_paper(costs: Sequence[Spent]) -> None:
    """What follows for a studio with many GPUs, from what images took of those who handle them."""
    many = costs[-1]
    slowest = max(many.writer_time, many.engine, many.driver)
    processors = max(many.engine, many.driver)
    print(
        f"One writer takes an image in {1000 * slowest:.1f} ms here, so {1 / slowest:.0f} a second;"
        f" where its disk does not hold it up, {1 / processors:.0f}. {_PAPER_GPUS} GPUs keep busy"
        f" where each takes {_PAPER_GPUS * slowest:.0f} s for an image"
        f" ({_PAPER_GPUS * processors:.0f} s with such a disk), in batches of one.",
        flush=True,
    )


class _Timed(ThreadPoolExecutor):
    """The writer's thread, and for how long it was at work."""

    time = 0.0
    cpu = 0.0

    def submit(self, call: Any, /, *arguments: Any, **named: Any) -> Any:
        def timed() -> Any:
            began, cpu = time.perf_counter(), time.thread_time()
            try:
                return call(*arguments, **named)
            finally:
                self.time += time.perf_counter() - began
                self.cpu += time.thread_time() - cpu

        return super().submit(timed)


def _session(images: int, steps: int) -> NewSession:
    builtin = find_model("builtin")
    assert builtin is not None
    found = new_session(rows=images // 4, images=4, largest=1)
    model_hash = builtin.files.fingerprint()

    def ours(recipe: Any) -> Any:
        return replace(recipe, steps=steps, model_hash=model_hash)

    rows = [replace(row, recipes=[ours(recipe) for recipe in row.recipes]) for row in found.rows]
    return replace(found, rows=rows)


def _measure(cluster: RayCluster, actors: int, seconds: float) -> Spent:
    """Print how fast images come from so many renderers; what one takes."""
    images = max(40, min(1200, actors * 16)) // 4 * 4
    pools: list[_Timed] = []
    spent: list[Spent] = []
    driver: list[psutil.Process] = []

    def pool(*arguments: Any) -> ThreadPoolExecutor:
        if arguments[1:] != ("writer",):
            return ThreadPoolExecutor(*arguments)
        pools.append(_Timed(*arguments))
        return pools[-1]

    def tell(event: AnyEvent) -> bool:
        if isinstance(event, Computed):
            driver[:] = driver or psutil.Process().children()
            theirs = sum(sum(process.cpu_times()[:2]) for process in driver)
            ours = time.process_time()
            spent.append(Spent(time.perf_counter(), pools[0].time, pools[0].cpu, ours, theirs))
        return isinstance(event, Counted) and event.tally.settled

    with tempfile.TemporaryDirectory() as folder:
        writer = Writer(Path(folder), lambda: True)
        steps = round(seconds / sleeping.STEP_SECONDS)
        writer.add_session(_session(images, steps))
        with patch("engine.service.server.writer_thread.ThreadPoolExecutor", pool):
            asyncio.run(sleeping.serve(writer, actors, tell, cluster.address))
        writer.close()
    # From the first third to the last but one image: all renderers are there by then.
    last = len(spent) - actors - 1
    first = min(len(spent) // 3, last - 1)
    begin, end, count = spent[first], spent[last], last - first
    each = Spent(
        *(getattr(end, name) - getattr(begin, name) for name in Spent.__slots__),
    )
    cost = Spent(*(getattr(each, name) / count for name in Spent.__slots__))
    print(
        _COLUMNS.format(
            actors,
            f"{seconds:.1f}",
            f"{1 / cost.time:.1f}",
            f"{seconds / cost.time / actors:.0%}",
            *(
                f"{1000 * spent:.1f}"
                for spent in (cost.writer_time, cost.writer, cost.engine, cost.driver)
            ),
        ),
        flush=True,
    )
    return cost
