"""How much memory a process holds: its peak so far, and its own share now."""

import contextlib
from pathlib import Path

import psutil

_RESET_PEAK = "5\n"


def forget_peak(pid: int) -> None:
    """Reset the peak of a process to what it holds now."""
    with contextlib.suppress(OSError):  # another user's, or gone
        Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK)


def peak_bytes(pid: int) -> int:
    """The most resident memory a process had since it started, or since `forget_peak`; bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"no VmHWM of process {pid}")


def own_bytes(pid: int) -> int:
    """Memory that nobody else shares: what would be free if the process ended; bytes."""
    return int(psutil.Process(pid).memory_full_info().uss)
