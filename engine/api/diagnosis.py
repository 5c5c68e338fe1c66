"""What is to be known of this machine and a library when something does not work."""

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from engine import __version__
from engine.api.engine import EngineState
from engine.library.read.usage import DiskUse
from engine.machine import CPU, cores, devices_in_use, memory, usual_dtype
from engine.models.helpers import helpers
from engine.protocol.cluster import Node
from engine.schema import SCHEMA_VERSION
from engine.service.devices import DevicesError, ask_ray, ask_torch
from engine.settings import (
    Settings,
    asks_for_ray_token,
    is_on_nodes,
    ray_address,
    renderers_on_nodes,
)
from engine.visible_gpus import why_no_gpu

_PACKAGES = ("torch", "diffusers", "transformers", "pillow", "python-calamine")


@dataclass(frozen=True, slots=True)
class RayState:
    """The Ray cluster that the settings name."""

    others: tuple[str, ...]
    """Devices of this machine that render, too."""
    version: str | None
    """Of Ray; None: it is not installed."""
    address: str
    asks_for_token: bool
    nodes: Sequence[Node] = ()
    fault: str | None = None
    """Why the cluster does not answer."""


@dataclass(frozen=True, slots=True)
class MachineState:
    """This machine, its devices and the versions."""

    devices: Mapping[str, str]
    """Those that torch sees → what they are, in words."""
    torch_fault: str | None
    """Why torch says of none."""
    cores: int
    """That may be used."""
    memory: int
    """Bytes that may be used."""
    whole_memory: int
    """Bytes that the machine has."""
    hidden: str | None
    """Why none of the machine's GPUs may be used, in words."""
    device_memory: Mapping[str, int]
    """Device → bytes, as the driver sees them, also of a GPU that torch does not see."""
    versions: Mapping[str, str]
    helpers: Mapping[str, str]
    """Helper → its version, or what it is for and how to install it."""
    ray: RayState | None
    """None: no device of a cluster is rendered on."""


@dataclass(frozen=True, slots=True)
class LibraryState:
    """A library, as far as it could be looked at."""

    folder: str
    exists: bool
    schema: int = SCHEMA_VERSION
    """That this version writes."""
    filesystem: str | None = None
    network: bool | None = None
    """Whether other hosts may see it, too."""
    disk: DiskUse | None = None
    sessions: int | None = None
    engine: EngineState | None = None
    """None: no engine process runs, or it is not known."""
    is_engine_known: bool = False
    fault: str | None = None
    """Why it cannot be used, or not be written."""
    models: int | None = None
    """In the model list."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """This machine, a library, and what is wrong with entries of lists."""

    machine: MachineState
    library: LibraryState
    faults: Sequence[str]
    """Of models, LoRAs and files of words."""


def machine_state(settings: Settings) -> MachineState:
    """This machine, its devices and the versions; never raises for a part."""
    known = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    versions = {"promptsheet": __version__, "python": platform.python_version()}
    versions |= {name: known.get(name, "not installed") for name in _PACKAGES}
    devices: dict[str, str] = {}
    torch_fault = None
    try:
        for device, name in ask_torch().items():
            devices[device] = f"{name}, computes in {usual_dtype(device)}"
    except DevicesError as error:
        torch_fault = f"torch does not start: {error}"
    return MachineState(
        devices=devices,
        torch_fault=torch_fault,
        cores=cores(),
        memory=memory().total,
        whole_memory=psutil.virtual_memory().total,
        hidden=why_no_gpu() if [*devices] == [CPU] else None,
        device_memory={use.device: use.total for use in devices_in_use()},
        versions=versions,
        helpers=helpers(),
        ray=_ray(settings, known.get("ray")),
    )


def _ray(settings: Settings, version: str | None) -> RayState | None:
    devices = settings.render.devices
    if not renderers_on_nodes(devices):
        return None
    nodes: Sequence[Node] = ()
    fault, address = None, ray_address(settings.ray)
    try:
        nodes = ask_ray(address) if version else ()
    except DevicesError as error:
        fault = str(error)
    others = tuple(device for device in devices if not is_on_nodes(device))
    return RayState(others, version, address, asks_for_ray_token(), nodes, fault)
