"""A Ray cluster on this machine: each node a process of its own, with what a machine has.

Nothing of it runs in this process. It listens to this machine alone, and asks for a token.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from tests.support.ray_node import BEGUN
from tests.support.waiting import wait_for

LOOPBACK = "127.0.0.1"
HEAD = "head"
_ROOT = Path(__file__).parents[2]
_SECONDS = 240
"""For what takes five on a machine that does nothing else."""


def own_environment() -> dict[str, str]:
    """What whoever has to do with a cluster on this machine has in its environment."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        # Else it takes 127.0.0.1 for a mistake, and listens where other machines reach it.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # A busy machine takes its time.
        "RAY_raylet_start_wait_time_s": "120",
        "RAY_agent_register_timeout_ms": "120000",
        "RAY_worker_register_timeout_seconds": "120",
        "RAY_enable_worker_prestart": "0",
        "RAY_prestart_worker_first_driver": "0",
    }


class NotBegunError(Exception):
    """Ray did not start a head or a node; the message says why."""


class RayCluster:
    """Nodes as processes of their own, each with what a machine has: a raylet and its workers."""

    def __init__(self, environment: dict[str, str], ip: str = LOOPBACK) -> None:
        """None of it is there yet.

        Args:
            environment: `own_environment()`.
            ip: of the head.
        """
        self.address = f"{ip}:{_free_port(ip)}"
        """Where it is, as RAY_ADDRESS says it."""
        self._environment = os.environ | environment
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}

    def begin(self, cpus: float = 0) -> None:
        """The head is begun, at the same address each time.

        Raises:
            NotBegunError: Ray does not start it here.
        """
        _, port = self.address.split(":")
        ip = self.address.removesuffix(f":{port}")
        self._start(HEAD, cpus, ip, (f"--port={port}",))

    def add(
        self, name: str, cpus: float = 1, ip: str = LOOPBACK, within: Sequence[str] = ()
    ) -> None:
        """A machine joins.

        Args:
            name: what it is called.
            cpus: that it has.
            ip: its address.
            within: the beginning of the command line that starts it.

        Raises:
            NotBegunError: Ray does not start it here.
        """
        self._start(name, cpus, ip, (f"--address={self.address}",), within)

    def _start(
        self, name: str, cpus: float, ip: str, words: Sequence[str], within: Sequence[str] = ()
    ) -> None:
        command = [*within, sys.executable, "-m", "tests.support.ray_node", *words]
        command += [f"--name={name}", f"--cpus={cpus}", f"--ip={ip}"]
        with tempfile.NamedTemporaryFile() as log:
            self._nodes[name] = subprocess.Popen(
                command,
                env=self._environment,
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

            def said() -> str:
                return Path(log.name).read_text(errors="replace")

            def ended() -> bool:
                return BEGUN in said() or self._nodes[name].poll() is not None

            with contextlib.suppress(AssertionError):
                wait_for(ended, _SECONDS)
            if BEGUN not in said():
                self.kill(name)
                raise NotBegunError(f"Ray does not start {name} here: {said()[-300:]}")

    def processes(self, name: str) -> list[psutil.Process]:
        """What runs on a machine."""
        with contextlib.suppress(psutil.NoSuchProcess):
            first = psutil.Process(self._nodes[name].pid)
            return [first, *first.children(recursive=True)]
        return []

    def signal(self, name: str, number: int) -> None:
        """Send a signal to all that runs on a machine, as if the machine itself had it."""
        for process in self.processes(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)

    def kill(self, name: str) -> None:
        """A machine is switched off."""
        self.signal(name, signal.SIGKILL)
        self._nodes.pop(name).wait()

    def signal_raylet(self, name: str, number: int) -> None:
        """Send a signal to a machine's part in the cluster alone, not to what it has started."""
        for process in self.processes(name):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.name() == "raylet":
                    process.send_signal(number)

    def end(self) -> None:
        """Nothing of it is left."""
        for name in list(self._nodes):
            self.kill(name)


@contextlib.contextmanager
def ray_cluster(environment: dict[str, str], *nodes: str, cpus: float = 0) -> Iterator[RayCluster]:
    """A cluster with these nodes, which ends with this.

    Args:
        environment: `own_environment()`.
        nodes: of one processor each.
        cpus: processors of the head.

    Raises:
        NotBegunError: Ray does not start it here.
    """
    cluster = RayCluster(environment)
    try:
        cluster.begin(cpus)
        for name in nodes:
            cluster.add(name)
        yield cluster
    finally:
        cluster.end()


def _free_port(ip: str) -> int:
    with socket.create_server((ip, 0)) as found:
        return int(found.getsockname()[1])
