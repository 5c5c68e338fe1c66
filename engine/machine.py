"""This machine, as far as this process may use it: its devices, memory and processor."""

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil

from engine.control_group import memory_limit, processor_limit
from engine.visible_gpus import visible_gpus

GPU_PREFIX = "cuda:"
CPU = "cpu"
_PR_SET_PDEATHSIG = 1
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
    """Every NVIDIA GPU that may be used, in their order; the processor where there is none."""
    return list(_gpus()) or [_processor()]


def _gpus() -> Iterator[DeviceUse]:
    with contextlib.suppress(ImportError), _driver() as pynvml:
        for number, handle in _each_handle(pynvml):
            with contextlib.suppress(pynvml.NVMLError):  # one that has fallen off the bus, say
                memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
                percent = 0.0  # of a part of a GPU (MIG) the driver does not tell
                with contextlib.suppress(pynvml.NVMLError):
                    percent = float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)
                device = f"{GPU_PREFIX}{number}"
                yield DeviceUse(device, percent, int(memory.used), int(memory.total))


def _each_handle(pynvml: Any) -> Iterator[tuple[int, Any]]:
    """Torch's numbers of the GPUs that may be used, and the driver's handles of them."""
    chosen = visible_gpus()
    count = pynvml.nvmlDeviceGetCount()
    for number, word in enumerate(map(str, range(count)) if chosen is None else chosen):
        try:
            yield number, _handle(pynvml, word, count)
        except (pynvml.NVMLError, LookupError):
            if chosen is not None:
                return  # nor does CUDA look further


def _handle(pynvml: Any, word: str, count: int) -> Any:
    """The GPU of a number or a name. LookupError, or the driver's own error: there is none."""
    if word.isdecimal():
        return pynvml.nvmlDeviceGetHandleByIndex(int(word))
    if word.startswith("MIG-"):
        return pynvml.nvmlDeviceGetHandleByUUID(word)
    for handle in map(pynvml.nvmlDeviceGetHandleByIndex, range(count)):
        if pynvml.nvmlDeviceGetUUID(handle).startswith(word):
            return handle
    raise LookupError(word)


@dataclass(frozen=True, slots=True)
class Gpu:
    """What of a GPU decides which weights suit it."""

    total: int
    """Bytes of its memory."""
    capability: float
    """NVIDIA's number of what it can compute: from 8.9 on in float8, too."""


def roomiest_gpu() -> Gpu | None:
    """Of the NVIDIA GPUs that may be used the one with most memory; None: there is none."""
    return max(_each_gpu(), key=lambda gpu: gpu.total, default=None)


def may_have_gpu() -> bool:
    """Whether there is a GPU of any maker to be used, as far as is known without torch."""
    if visible_gpus() == ():
        return False
    places = (Path("/dev/kfd"), *Path("/dev/dri").glob("renderD*"))
    return roomiest_gpu() is not None or any(place.exists() for place in places)


def _each_gpu() -> Iterator[Gpu]:
    with contextlib.suppress(ImportError), _driver() as pynvml:
        for _, handle in _each_handle(pynvml):
            with contextlib.suppress(pynvml.NVMLError):
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


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of this machine that this process may have."""

    total: int
    """Bytes: all there is, or what its control group may have."""
    available: int
    """Bytes that can be taken now."""


def memory() -> Memory:
    """What this process may have: of the machine's, or less where a control group says so."""
    machine, limit = psutil.virtual_memory(), memory_limit()
    if limit is None or limit.total >= machine.total:
        return Memory(machine.total, machine.available)
    return Memory(limit.total, min(limit.available, machine.available))


def cores() -> int:
    """Processors that this process may use, at least 1."""
    there = len(os.sched_getaffinity(0))
    return min(there, processor_limit() or there)


def _processor() -> DeviceUse:
    here = memory()
    return DeviceUse(CPU, psutil.cpu_percent(), here.total - here.available, here.total)


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


def die_with_parent() -> None:
    """Have this process killed as soon as the one that started it has ended, however it did."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def leave_signals_to_parent() -> None:
    """Leave Ctrl-C, hang-ups and a job scheduler's word to the process that started this one.

    They reach all processes of a job; what is being drawn comes to the end of its step.
    """
    for each in ("INT", "HUP", "TERM", "USR1", "USR2"):
        signal.signal(signal.Signals[f"SIG{each}"], signal.SIG_IGN)
