"""How busy this machine's devices are."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

GPU_PREFIX = "cuda:"


@dataclass(frozen=True, slots=True)
class DeviceUse:
    """One device, now."""

    device: str
    percent: float
    """Of its computing."""
    used: int
    """Bytes of its memory."""
    total: int


def devices_in_use() -> list[DeviceUse]:
    """Every NVIDIA GPU, in the order of the driver; the processor where there is none."""
    return list(_gpus()) or [_processor()]


def _gpus() -> Iterator[DeviceUse]:
    try:
        import pynvml
    except ImportError:
        return
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return
    try:
        for number in range(pynvml.nvmlDeviceGetCount()):
            with contextlib.suppress(pynvml.NVMLError):  # one that has fallen off the bus, say
                handle = pynvml.nvmlDeviceGetHandleByIndex(number)
                memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
                percent = float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
                device = f"{GPU_PREFIX}{number}"
                yield DeviceUse(device, percent, int(memory.used), int(memory.total))
    finally:
        pynvml.nvmlShutdown()


def _processor() -> DeviceUse:
    memory = psutil.virtual_memory()
    return DeviceUse("cpu", psutil.cpu_percent(), memory.total - memory.available, memory.total)
