"""A Ray cluster on this machine: a head without processors, and nodes that come and go."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import psutil

ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "45",
}
_STORE_BYTES = 80_000_000
_TRIES = 4
T = TypeVar("T")


class RayCluster:
    """Nodes as processes of their own, each with what a machine has: a raylet and its workers."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._nodes: dict[str, Any] = {}

    @property
    def address(self) -> str:
        """Where it is, as RAY_ADDRESS says it."""
        return str(self._cluster.address)

    def add(self, name: str, cpus: float = 1) -> None:
        """A machine joins."""
        self._nodes[name] = _tried(
            lambda: self._cluster.add_node(
                num_cpus=cpus, num_gpus=0, object_store_memory=_STORE_BYTES, node_name=name
            )
        )

    def signal(self, name: str, number: int) -> None:
        """Send a signal to all that runs on a machine, as if the machine itself had it."""
        (raylet,) = self._nodes[name].all_processes["raylet"]
        first = psutil.Process(raylet.process.pid)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                os.kill(process.pid, number)

    def kill(self, name: str) -> None:
        """A machine is switched off."""
        self.signal(name, signal.SIGKILL)

    def kill_raylet(self, name: str) -> None:
        """A machine's part in the cluster is gone; what it had started lives on for a while."""
        (raylet,) = self._nodes[name].all_processes["raylet"]
        os.kill(raylet.process.pid, signal.SIGKILL)

    def kill_head(self) -> None:
        """The head is lost: nobody knows any more which machines there are."""
        for started in self._cluster.head_node.all_processes.values():
            for each in started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each.process.pid, signal.SIGKILL)


@contextlib.contextmanager
def ray_cluster(environment: Mapping[str, str], *nodes: str) -> Iterator[RayCluster]:
    """A cluster with these nodes, which ends with this.

    Args:
        environment: what its processes have beside ours; a token is among it.
        nodes: of one processor each.
    """
    before = dict(os.environ)
    os.environ.update(environment)
    from ray.cluster_utils import Cluster

    try:
        head = {
            "num_cpus": 0,
            "num_gpus": 0,
            "object_store_memory": _STORE_BYTES,
            "include_dashboard": False,
            "node_name": "head",
        }
        cluster = _tried(lambda: Cluster(initialize_head=True, head_node_args=head))
        try:
            found = RayCluster(cluster)
            for name in nodes:
                found.add(name)
            yield found
        finally:
            with contextlib.suppress(Exception):  # some of it may be dead
                cluster.shutdown()
    finally:
        os.environ.clear()
        os.environ.update(before)


def _tried(start: Callable[[], T]) -> T:
    """Start some of it; a raylet ends where its agents take 15 s, as they do on a busy machine."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(Exception):
            return start()
    return start()
