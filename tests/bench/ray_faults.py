"""What becomes of a session on a cluster's nodes while they break: 80 images, drawn in earnest.

The built-in model draws them, on nodes of one processor each, and on this machine alone before.
`python -m tests.bench.ray_faults FILE` is the part in a network of its own.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.bench.home import isolated
from tests.support.command import Promptsheet
from tests.support.ray_cluster import RayCluster, own_environment
from tests.support.runs import pixels_of
from tests.support.waiting import wait_for

ROWS, EACH = 20, 4
IMAGES = ROWS * EACH
_SETTINGS = "[render]\nmax_batch = 2\nthreads = 1\n"
_SECONDS = 900.0
_DREW = re.compile(r" s on (\S+)/cpu$")
_COLUMNS = "{:36} {:7} {:9} {:9} {:7} {:24} {}"


def main() -> int:
    """Print what followed from each; how many times it was not what should."""
    head = ("what happens", "images", "each once", "verified", "pixels", "drawn by", "s after it")
    print(_COLUMNS.format(*head), flush=True)
    with isolated(_SETTINGS) as (promptsheet, home):
        sheet = _write_sheet(home / "sheet.csv")
        promptsheet.json("engine", "start", "--devices", "cpu")
        promptsheet.json("run", sheet)
        here = _digests(promptsheet)
        promptsheet.json("engine", "stop")
        wrong = _whole_life(promptsheet.on(home / "nodes"), sheet, here)
        (home / "here.json").write_text(json.dumps(here))
        return wrong + _in_a_network_of_its_own(home / "here.json")


def _digests(promptsheet: Promptsheet) -> dict[str, str]:
    """`row-variation` of the last session → the digest of its pixels."""
    return {
        image: hashlib.sha256(pixels).hexdigest()
        for image, pixels in pixels_of(promptsheet).items()
    }


def _write_sheet(path: Path) -> Path:
    rows = [
        f"{row} red circles on a blue background,{row * 10},{EACH},turbo" for row in range(ROWS)
    ]
    path.write_text("\n".join(["prompt,seed_number,num_images,rendering", *rows]))
    return path


class Studio:
    """A library that nodes of one cluster render, and what they should draw."""

    def __init__(
        self, promptsheet: Promptsheet, cluster: RayCluster, sheet: Path, here: dict[str, str]
    ) -> None:
        self.promptsheet, self.cluster, self.sheet = promptsheet, cluster, sheet
        self.here = here
        """What this machine draws."""
        self.wrong = 0

    def start(self) -> None:
        """Start the engine process."""
        self.promptsheet.json("engine", "start", "--devices", "ray")

    def warm(self, *names: str) -> None:
        """Wait until these nodes, and no others, have drawn something."""
        while self.drew(self.promptsheet.json("prompt", "a dot", "-n", "12")["session"]).keys() != {
            *names
        }:
            pass

    def drew(self, session: str) -> Counter[str]:
        """Node → batches, as the session's log has it."""
        log = Path(self.promptsheet.json("show", session)["log"])
        lines = log.read_text().splitlines() if log.exists() else []
        return Counter(found[1] for line in lines if (found := _DREW.search(line)))

    def done(self) -> int:
        """Images of the last session that are there."""
        return int(self.promptsheet.sessions()[0]["done"])

    def report(self, what: str, happen: Callable[[], object], *names: str) -> None:
        """Render the sheet, have something happen after a quarter of it, and print what followed.

        Args:
            what: happens, in words.
            happen: does it.
            names: of the nodes that are there.
        """
        self.warm(*names)
        session = self.promptsheet.json("run", self.sheet, "--detach")["session"]
        wait_for(lambda: self.done() >= IMAGES // 4, _SECONDS)
        happen()
        happened = time.monotonic()
        wait_for(lambda: self.done() == IMAGES, _SECONDS)
        seconds = time.monotonic() - happened
        images = self.promptsheet.json("show", session)["list"]
        files = Counter(image["file"] for image in images if image["state"] == "done")
        once = len(images) == len(files) == IMAGES and set(files.values()) == {1}
        whole = self.promptsheet("verify").returncode == 0
        same = _digests(self.promptsheet) == self.here
        self.wrong += (not once) + (not whole) + (not same)
        drew = ", ".join(f"{name} {count}" for name, count in sorted(self.drew(session).items()))
        print(
            _COLUMNS.format(
                what,
                len(files),
                "yes" if once else "NO",
                "yes" if whole else "NO",
                "equal" if same else "OTHERS",
                drew,
                f"{seconds:.0f}",
            ),
            flush=True,
        )


@contextlib.contextmanager
def _studio(
    promptsheet: Promptsheet, sheet: Path, here: dict[str, str], ip: str
) -> Iterator[Studio]:
    environment = own_environment()
    cluster = RayCluster(environment, ip)
    promptsheet.environment |= environment | {"RAY_ADDRESS": cluster.address}
    try:
        cluster.begin()
        yield Studio(promptsheet, cluster, sheet, here)
    finally:
        promptsheet("engine", "stop")
        cluster.end()


def _whole_life(promptsheet: Promptsheet, sheet: Path, here: dict[str, str]) -> int:
    """All that may happen to nodes, one after the other; how often it went wrong."""
    with _studio(promptsheet, sheet, here, "127.0.0.1") as studio:
        cluster = studio.cluster

        def engine_killed() -> None:
            os.kill(promptsheet.status()["pid"], signal.SIGKILL)
            studio.start()

        def all_others() -> None:
            for name in ("a", "b", "f"):
                cluster.kill(name)
            cluster.add("g")
            cluster.add("h")

        def another_head() -> None:
            cluster.end()
            cluster.begin()
            cluster.add("i")
            cluster.add("j")

        cluster.add("a")
        cluster.add("b")
        studio.start()
        studio.report("nothing, on 2 nodes", lambda: None, "a", "b")
        cluster.add("c")
        studio.report("nothing, on 3 nodes", lambda: None, "a", "b", "c")
        studio.report("a node is killed", lambda: cluster.kill("c"), "a", "b", "c")
        cluster.add("d")
        studio.report(
            "a node freezes (SIGSTOP)", lambda: cluster.signal("d", signal.SIGSTOP), "a", "b", "d"
        )
        cluster.kill("d")
        cluster.add("e")
        studio.report(
            "a raylet freezes, its actor goes on",
            lambda: cluster.signal_raylet("e", signal.SIGSTOP),
            *("a", "b", "e"),
        )
        cluster.kill("e")
        cluster.add("f")
        studio.report("the engine process is killed", engine_killed, "a", "b", "f")
        studio.report("all nodes go, others come", all_others, "a", "b", "f")
        studio.report("the head is lost, another begun", another_head, "g", "h")
        return studio.wrong


# ---------------------------------------------------------------- the network

_HERE, _WIRE = "10.77.0.1", "wire"


def _in_a_network_of_its_own(here: Path) -> int:
    """The same where wires can be cut: in a network that this process makes for itself."""
    alone = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"]).returncode:
        print("the network to a node is cut: not run, for no network can be made here")
        return 0
    part = [*alone, sys.executable, "-m", "tests.bench.ray_faults", str(here)]
    return subprocess.run(part).returncode


def parted(here: dict[str, str]) -> int:
    """The network to a node is cut, and mended; in a network namespace, as its root."""
    _ip("link", "set", "lo", "up")
    _ip("link", "add", "hub", "type", "bridge")
    _ip("address", "add", f"{_HERE}/24", "dev", "hub")
    _ip("link", "set", "hub", "up")
    with contextlib.ExitStack() as machines, isolated(_SETTINGS) as (promptsheet, home):
        sheet = _write_sheet(home / "sheet.csv")
        with _studio(promptsheet, sheet, here, _HERE) as studio:
            for number, name in enumerate("abc", 1):
                within, ip = machines.enter_context(_machine(number)), f"10.77.0.{number + 1}"
                studio.cluster.add(name, ip=ip, within=within)
            studio.start()
            studio.report("nothing, each node has its network", lambda: None, *"abc")
            studio.report("the network to a node is cut", lambda: _plug(3, "down"), *"abc")
            _plug(3, "up")
            studio.cluster.kill("c")
            studio.cluster.add("c", ip="10.77.0.4", within=within)
            studio.report("it is cut for 20 s", lambda: _unplug_for(3, 20), *"abc")
        return studio.wrong


@contextlib.contextmanager
def _machine(number: int) -> Iterator[list[str]]:
    """A network of its own, on a wire to the hub; how a command line begins that runs there."""
    holds = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    try:
        there = f"/proc/{holds.pid}/ns/net"
        ours = Path("/proc/self/ns/net").readlink()
        wait_for(lambda: Path(there).readlink() != ours)
        within = ["nsenter", f"--net={there}"]
        wire, end = f"{_WIRE}{number}", f"end{number}"
        _ip("link", "add", wire, "type", "veth", "peer", "name", end)
        _ip("link", "set", end, "netns", str(holds.pid))
        _ip("link", "set", wire, "master", "hub", "up")
        _ip("link", "set", "lo", "up", within=within)
        _ip("address", "add", f"10.77.0.{number + 1}/24", "dev", end, within=within)
        _ip("link", "set", end, "up", within=within)
        yield within
    finally:
        holds.kill()
        holds.wait()


def _plug(number: int, how: str) -> None:
    _ip("link", "set", f"{_WIRE}{number}", how)


def _unplug_for(number: int, seconds: float) -> None:
    _plug(number, "down")
    time.sleep(seconds)
    _plug(number, "up")


def _ip(*words: str, within: list[str] | None = None) -> None:
    subprocess.run([*(within or ()), "ip", *words], check=True)


if __name__ == "__main__":
    sys.exit(parted(json.loads(Path(sys.argv[1]).read_text())))
