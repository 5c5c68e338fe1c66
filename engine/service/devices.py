"""Which devices there are to render on."""

import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import PromptsheetError
from engine.machine import CPU
from engine.protocol.cluster import Node, Nodes, Unreachable
from engine.settings import at_ray_address, is_on_nodes
from engine.visible_gpus import visible_gpus, why_no_gpu

log = logging.getLogger(__name__)

AUTO = "auto"
_GPU_NODES = ("/dev/nvidiactl", "/dev/kfd")
_SECONDS = 120.0


class DevicesError(PromptsheetError):
    """Nobody says what devices there are; the message has the words of who should."""


def ask_torch() -> dict[str, str]:
    """Device → its name, asked of torch in a process of its own.

    Raises:
        DevicesError: it does not start.
    """
    try:
        found = subprocess.run(
            [sys.executable, "-P", "-m", "engine.render.devices"],
            cwd="/",  # Where the folder is gone, torch does not start.
            capture_output=True,
            timeout=_SECONDS,
        )
        return msgspec.json.decode(found.stdout, type=dict[str, str])
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DevicesError(str(error)) from error
    except msgspec.DecodeError as error:
        raise DevicesError(found.stderr.decode(errors="replace")[-2000:]) from error


def ask_ray(address: str) -> list[Node]:
    """The nodes of a Ray cluster, asked in a process of its own.

    Raises:
        DevicesError: none answers.
    """
    try:
        found = subprocess.run(
            [sys.executable, "-P", "-m", "engine.service.nodes.driver", "--look", address],
            capture_output=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DevicesError(f"no Ray cluster answers{at_ray_address(address)}: {error}") from error
    try:
        answer = msgspec.json.decode(found.stdout.splitlines()[-1], type=Nodes | Unreachable)
    except (IndexError, msgspec.DecodeError) as error:
        said = found.stderr.decode(errors="replace")[-300:]
        raise DevicesError(f"no Ray cluster answers{at_ray_address(address)}: {said}") from error
    if isinstance(answer, Unreachable):
        raise DevicesError(answer.reason)
    return answer.nodes


@dataclass(frozen=True, slots=True)
class FoundDevices:
    """The devices of this machine to render on."""

    devices: list[str]
    names: dict[str, str]
    """Device → its name."""
    fault: str | None = None
    """Why GPUs that there may be are not known, in words."""
    hidden: str | None = None
    """Why none of the machine's GPUs may be used, in words."""


def find_devices(wanted: Sequence[str]) -> FoundDevices:
    """The devices of this machine to render on, and their names.

    Args:
        wanted: devices; `auto` among them takes every GPU, or the CPU where there is none. torch is
            asked only if there may be GPUs that may be used (CUDA_VISIBLE_DEVICES). Those of other
            machines are not looked for.
    """
    names, fault, hidden = {CPU: CPU}, None, None
    wanted = [device for device in wanted if not is_on_nodes(device)]
    if AUTO in wanted or any(device != CPU for device in wanted):
        if visible_gpus() != () and any(Path(node).exists() for node in _GPU_NODES):
            try:
                names |= ask_torch()
            except DevicesError as error:
                log.error("torch does not start: %s", error)
                fault = f"torch does not say what GPUs there are: {error}"
        gpus = [device for device in names if device != CPU]
        if not gpus and fault is None:
            hidden = why_no_gpu()
        if AUTO in wanted:
            return FoundDevices(gpus or [CPU], names, fault, hidden)
    return FoundDevices(list(wanted), names, fault, hidden)
