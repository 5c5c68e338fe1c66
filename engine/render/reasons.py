"""Whose fault an error is, and why in words: the model's, the machine's, the device's, memory's."""

import errno
import re

from engine.models.helpers import helper_reason
from engine.protocol.rendering import Cause

_TOO_LONG = re.compile(r"prompt has ([0-9]+) tokens, exceeds max_sequence_length=([0-9]+)")
"""As Ideogram 4's pipeline says it."""
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_DEVICE_WORDS = ("CUDA error", "HIP error", "CUDA driver", "NVIDIA driver", "No CUDA GPUs")


def plain(error: Exception) -> str:
    """An error in a line: what kind it is, and its words."""
    text = " ".join(str(error).split()) or "no reason given"
    if found := _TOO_LONG.search(text):
        return (
            f"the final prompt has {found[1]} tokens, more than the model's limit of {found[2]}:"
            " shorten it"
        )
    return f"{type(error).__name__}: {text}"


def device_reason(error: Exception, device: str) -> str | None:
    """In words, if the GPU itself has failed: nothing this process computes there is right then."""
    text = str(error)
    if device == "cpu" or not any(words in text for words in _DEVICE_WORDS):
        return None
    return (
        f"the GPU {device} failed: {plain(error)[:200]}. Check it with `nvidia-smi`, then retry,"
        " or render on another device"
    )


def load_reason(error: Exception, device: str) -> tuple[Cause, str]:
    """Whose fault it is that a model was not loaded, and why, in words."""
    if lost := device_reason(error, device):
        return Cause.MACHINE, lost
    if is_machines(error):
        return Cause.MACHINE, plain(error)
    if reason := helper_reason(error):
        return Cause.NOT_NOW, reason
    if isinstance(error, ImportError):  # of what this model alone may need
        return Cause.NOT_NOW, f"a package that the model needs is not usable: {plain(error)}"
    return Cause.DISK if is_disks(error) else Cause.LOAD, plain(error)


def is_disks(error: Exception) -> bool:
    """Whether the disk is full or reports errors."""
    return isinstance(error, OSError) and error.errno in _DISK_ERRORS


def is_machines(error: Exception) -> bool:
    """Whether the machine allows no more threads, processes or open files."""
    if isinstance(error, OSError):
        return error.errno in (errno.EAGAIN, errno.EMFILE, errno.ENFILE)
    return "can't start new thread" in str(error)


def memory_reason(error: Exception) -> str | None:
    """In words, if `error` means that memory ran out."""
    kind, text = type(error).__name__, str(error).lower()
    memory = (
        isinstance(error, MemoryError)
        or kind == "OutOfMemoryError"
        or "out of memory" in text
        or "can't allocate memory" in text
    )
    return (
        "out of memory: choose a smaller size or a smaller model; on a GPU, try offload or"
        " decode in the model's entry"
        if memory
        else None
    )
