"""Which GPUs this program may use: CUDA_VISIBLE_DEVICES, as CUDA and torch read it.

Job schedulers set it for each job. GPUs are named by number, by UUID (`GPU-8932f937…`, its start is
enough), or as parts of one (`MIG-…`); their places in the list are the numbers that torch gives
them. A list ends before the first word that names none, and one that names any twice is empty.
"""

import os
import re

_VARIABLE = "CUDA_VISIBLE_DEVICES"
_NAMED = ("GPU-", "MIG-")
_NUMBER = re.compile(r"\s*\+?(\d+)")
"""CUDA reads a number from the beginning of a word, and passes over what follows."""


def visible_gpus() -> tuple[str, ...] | None:
    """The GPUs that may be used, by number or name, in torch's order; None: all."""
    value = os.environ.get(_VARIABLE)
    if value is None:
        return None
    words = value.split(",")
    kind = next((start for start in _NAMED if value.startswith(start)), None)
    found: list[str] = []
    for word in words:
        if kind is None:
            number = _NUMBER.match(word)
            name = str(int(number[1])) if number else None
        else:
            name = word.strip() if word.startswith(kind) else None
        if name is None:
            break
        if name in found:
            return ()
        found.append(name)
    return tuple(found)


def why_no_gpu() -> str | None:
    """Where no GPU is found: what CUDA_VISIBLE_DEVICES has to do with it; None: nothing."""
    value = os.environ.get(_VARIABLE)
    if value is None:
        return None
    if visible_gpus():
        return f"{_VARIABLE} is {value}, which names no GPU of this machine"
    said = f"is {value}" if value.strip() else "is set, and empty"
    return f"{_VARIABLE} {said}: no GPU may be used"
