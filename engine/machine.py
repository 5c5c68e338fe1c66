"""This machine: how busy its devices are, and what its processor can do."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

GPU_PREFIX = "cuda:"
CPU = "cpu"
_PROCESSOR = Path("/proc/cpuinfo")
_BFLOAT16 = {"avx512_bf16", "amx_bf16"}
"""Instructions that multiply in bfloat16, as Linux calls them."""


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
    with contextlib.suppress(ImportError), _driver() as pynvml:
        for number in range(pynvml.nvmlDeviceGetCount()):
            with contextlib.suppress(pynvml.NVMLError):  # one that has fallen off the bus, say
                handle = pynvml.nvmlDeviceGetHandleByIndex(number)
                memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
                percent = float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
                device = f"{GPU_PREFIX}{number}"
                yield DeviceUse(device, percent, int(memory.used), int(memory.total))


@dataclass(frozen=True, slots=True)
class Gpu:
    """What of a GPU decides which weights suit it."""

    total: int
    """Bytes of its memory."""
    capability: float
    """NVIDIA's number of what it can compute: from 8.9 on in float8, too."""


def roomiest_gpu() -> Gpu | None:
    """The NVIDIA GPU with most memory; None: there is none."""
    return max(_each_gpu(), key=lambda gpu: gpu.total, default=None)


def may_have_gpu() -> bool:
    """Whether there is a GPU of any maker, as far as is known without torch."""
    places = (Path("/dev/kfd"), *Path("/dev/dri").glob("renderD*"))
    return roomiest_gpu() is not None or any(place.exists() for place in places)


def _each_gpu() -> Iterator[Gpu]:
    with contextlib.suppress(ImportError), _driver() as pynvml:
        for number in range(pynvml.nvmlDeviceGetCount()):
            with contextlib.suppress(pynvml.NVMLError):
                handle = pynvml.nvmlDeviceGetHandleByIndex(number)
                major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
                memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
                yield Gpu(int(memory.total), major + minor / 10)


@contextlib.contextmanager
def _driver() -> Iterator[Any]:
    """NVIDIA's driver; none of what is inside is done where it does not answer.

    Raises:
        ImportError: what talks to it is not installed, or it does not answer.
    """
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise ImportError(str(error)) from error
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def _processor() -> DeviceUse:
    memory = psutil.virtual_memory()
    return DeviceUse("cpu", psutil.cpu_percent(), memory.total - memory.available, memory.total)


@cache
def processor_facts() -> tuple[str, ...]:
    """What Linux says of the processor, `name : value` a line; nothing elsewhere."""
    try:
        return tuple(_PROCESSOR.read_text(encoding="utf-8", errors="replace").splitlines())
    except OSError:
        return ()


def computes_bfloat16() -> bool:
    """Whether the processor has bfloat16 arithmetic of its own: AVX512-BF16, or AMX's.

    Others imitate it: one without (AVX2, one thread) drew the built-in model 5 times as slowly as
    in float32. Pixels differ by half a level in the mean, by more than 8 in .3 % of bytes.
    """
    flags = (line for line in processor_facts() if line.startswith("flags"))
    return not _BFLOAT16.isdisjoint(next(flags, "").split())


def usual_dtype(device: str) -> str:
    """What models compute in on a device, where nobody says otherwise: torch's name."""
    return "bfloat16" if device != CPU or computes_bfloat16() else "float32"
