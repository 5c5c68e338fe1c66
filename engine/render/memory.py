"""What one call of a pipeline takes of a device's memory, and what there is for it."""

import resource

import psutil
import torch

from engine.machine import memory


def total_bytes(device: str) -> int:
    """All the memory of a device that this process may have."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_properties(device).total_memory
    return memory().total


class CallMemory:
    """Measures one call: make it before, ask it after.

    On a GPU torch counts its own. On the CPU the process's peak is all there is: if loading the
    model took more than the call did, `taken` is too large, never too small.
    """

    def __init__(self, device: str, side_by_side: int) -> None:
        """Args: side_by_side: calls that may run there at once."""
        self._gpu = device if device.startswith("cuda") else None
        self._calls = side_by_side
        if self._gpu:
            torch.cuda.reset_peak_memory_stats(self._gpu)
        self._before = self._now()

    def _now(self) -> int:
        if self._gpu:
            return torch.cuda.memory_allocated(self._gpu)
        return int(psutil.Process().memory_info().rss)

    def taken(self) -> int:
        """Bytes the call took at its peak, beyond what was there before it."""
        if self._gpu:
            peak = torch.cuda.max_memory_allocated(self._gpu)
        else:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        return max(0, peak - self._before)

    def room(self) -> int:
        """Bytes of the device's memory for each of the calls that may run there at once.

        Of all there is, not of what happens to be free, so that it is the same each time.
        """
        return max(0, total_bytes(self._gpu or "cpu") - self._before) // self._calls
