"""Memory and processors as control groups leave them, read from folders as Linux shows them."""

from pathlib import Path

import pytest

from engine import machine
from engine.control_group import MemoryLimit, memory_limit, processor_limit

V2 = "30 25 0:26 {top} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 {top} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 {top} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
MB = 1_000_000


def machine_with(root: Path, mounts: str, groups: str, files: dict[str, object]) -> Path:
    """A folder that looks like a machine's, to this process."""
    written = {"proc/self/mountinfo": mounts, "proc/self/cgroup": groups} | files
    for name, text in written.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


def test_the_tightest_of_nested_groups_holds(tmp_path: Path) -> None:
    top = "sys/fs/cgroup"
    root = machine_with(
        tmp_path,
        V2.format(top="/"),
        "0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0",
        {
            f"{top}/cpu.max": "max 100000",
            f"{top}/system.slice/memory.max": 64_000 * MB,
            f"{top}/system.slice/slurmstepd.scope/job_7/memory.max": 450 * MB,
            f"{top}/system.slice/slurmstepd.scope/job_7/memory.high": "max",
            f"{top}/system.slice/slurmstepd.scope/job_7/memory.current": 300 * MB,
            f"{top}/system.slice/slurmstepd.scope/job_7/memory.stat": (
                f"anon 1\ninactive_file {40 * MB}\nactive_file {10 * MB}\nfile 5\nactive_file ?"
            ),
            f"{top}/system.slice/slurmstepd.scope/job_7/cpu.max": "350000 100000",
            f"{top}/system.slice/slurmstepd.scope/job_7/step_0/memory.max": "max",
            f"{top}/system.slice/slurmstepd.scope/job_7/step_0/user/task_0/cpu.max": "max 100000",
        },
    )
    assert memory_limit(root) == MemoryLimit(450 * MB, 200 * MB)
    assert processor_limit(root) == 4


def test_what_is_slowed_down_counts_as_the_limit(tmp_path: Path) -> None:
    files: dict[str, object] = {"sys/fs/cgroup/a/memory.max": 900 * MB}
    files["sys/fs/cgroup/a/memory.high"] = 450 * MB
    root = machine_with(tmp_path, V2.format(top="/"), "0::/a", files)
    assert memory_limit(root) == MemoryLimit(450 * MB, 450 * MB)


@pytest.mark.parametrize(
    ("top", "path"),
    [
        ("/", "/docker/1"),
        ("/docker/1", "/docker/1"),  # a container without a namespace of its own
        ("/docker/1", "/docker/1/child"),
        ("/docker/1", "/elsewhere"),
    ],
)
def test_version_1_is_read_alike(tmp_path: Path, top: str, path: str) -> None:
    here = "/docker/1" if top == "/" else ""
    memory, cpu = f"sys/fs/cgroup/memory{here}", f"sys/fs/cgroup/cpu,cpuacct{here}"
    root = machine_with(
        tmp_path,
        V1.format(top=top),
        f"5:cpu,cpuacct:{path}\n4:memory:{path}\n0::/",
        {
            f"{memory}/memory.limit_in_bytes": 450 * MB,
            f"{memory}/memory.usage_in_bytes": 150 * MB,
            f"{memory}/memory.stat": f"inactive_file 1\ntotal_inactive_file {50 * MB}",
            f"{memory}/child/memory.limit_in_bytes": 9223372036854771712,
            f"{cpu}/cpu.cfs_quota_us": 150000,
            f"{cpu}/cpu.cfs_period_us": 100000,
            f"{cpu}/child/cpu.cfs_quota_us": -1,
            f"{cpu}/child/cpu.cfs_period_us": 100000,
        },
    )
    assert memory_limit(root) == MemoryLimit(450 * MB, 350 * MB)
    assert processor_limit(root) == 2


def test_without_limits_or_without_groups_the_machine_itself_holds(tmp_path: Path) -> None:
    assert (memory_limit(tmp_path), processor_limit(tmp_path)) == (None, None)
    files: dict[str, object] = {"sys/fs/cgroup/memory.max": "max", "sys/fs/cgroup/cpu.max": "max"}
    root = machine_with(tmp_path, "nonsense\n" + V2.format(top="/"), "0::/../..", files)
    assert (memory_limit(root), processor_limit(root)) == (None, None)


def test_all_that_is_said_of_memory_is_said_of_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "memory_limit", lambda: MemoryLimit(450 * MB, 100 * MB))
    monkeypatch.setattr(machine, "processor_limit", lambda: 1)
    monkeypatch.setattr(machine, "_gpus", lambda: iter(()))
    assert (machine.memory().total, machine.memory().available) == (450 * MB, 100 * MB)
    assert machine.cores() == 1
    (use,) = machine.devices_in_use()
    assert (use.device, use.used, use.total) == ("cpu", 350 * MB, 450 * MB)
