"""What is to be known of this machine when something does not work."""

import importlib.metadata
import platform
from collections.abc import Collection
from typing import Any

import psutil

from engine import __version__
from engine.machine import CPU, cores, devices_in_use, memory, usual_dtype
from engine.models.helpers import helpers
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


def machine_facts(settings: Settings) -> dict[str, Any]:
    """This machine, its devices and the versions; never raises for a part.

    `memory` has what the driver sees, in bytes, also of a GPU that torch does not see.
    """
    known = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    versions = {"promptsheet": __version__, "python": platform.python_version()}
    versions |= {name: known.get(name, "not installed") for name in _PACKAGES}
    devices = _devices()
    found: dict[str, Any] = {
        "devices": devices,
        "machine": _machine(devices),
        "memory": {use.device: use.total for use in devices_in_use()},
        "versions": versions,
        "helpers": helpers(),
    }
    if renderers_on_nodes(settings.render.devices):
        others = [device for device in settings.render.devices if not is_on_nodes(device)]
        found["ray"] = {"other devices": ", ".join(others) or "none"}
        found["ray"] |= _ray(ray_address(settings.ray), known.get("ray"))
    return found


def _machine(devices: Collection[str]) -> dict[str, Any]:
    """What this process may use of the machine, and what of it that is not."""
    here = {"cores": cores(), "memory bytes": memory().total}
    whole = {"of the machine's bytes": psutil.virtual_memory().total}
    hidden = why_no_gpu() if [*devices] == [CPU] else None
    return here | whole | ({"GPUs": hidden} if hidden else {})


def _devices() -> dict[str, str]:
    try:
        found = ask_torch()
    except DevicesError as error:
        return {"none": f"torch does not start: {error}"}
    return {device: f"{name}, computes in {usual_dtype(device)}" for device, name in found.items()}


def _ray(address: str, version: str | None) -> dict[str, Any]:
    """The Ray cluster that the settings name."""
    found: dict[str, Any] = {
        "version": version or "not installed: pip install 'promptsheet[ray]'",
        "address": address,
        "token": "asked for" if asks_for_ray_token() else "not asked for",
    }
    try:
        nodes = ask_ray(address) if version else []
    except DevicesError as error:
        return found | {"fault": str(error)}
    for node in nodes:
        gpus = f", {node.gpus} × {node.kind or 'GPU'}" if node.gpus else ""
        found[f"node {node.name}"] = f"{node.cpus:g} processors{gpus}"
    return found
