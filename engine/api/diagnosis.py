"""What is to be known of this machine when something does not work."""

import importlib.metadata
import os
import platform
from contextlib import suppress
from typing import Any

from engine import __version__
from engine.api.library import Library
from engine.errors import PromptsheetError, fault_of
from engine.library.database import database_path, filesystem_of, on_network
from engine.machine import devices_in_use, usual_dtype
from engine.models.helpers import helpers
from engine.schema import SCHEMA_VERSION
from engine.service.devices import DevicesError, ask_ray, ask_torch
from engine.settings import ray_address, renderers_on_nodes

_PACKAGES = ("torch", "diffusers", "transformers", "pillow", "python-calamine")


def diagnosis(library: Library) -> dict[str, Any]:
    """This machine, its devices, the library and the versions; never raises for a part.

    `memory` has what the driver sees, in bytes, also of a GPU that torch does not see.
    """
    known = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    versions = {"promptsheet": __version__, "python": platform.python_version()}
    versions |= {name: known.get(name, "not installed") for name in _PACKAGES}
    found: dict[str, Any] = {
        "devices": _devices(),
        "memory": {use.device: use.total for use in devices_in_use()},
        "library": _state(library),
        "versions": versions,
        "helpers": helpers(),
    }
    if renderers_on_nodes(library.settings.render.devices):
        found["ray"] = _ray(ray_address(library.settings.ray), known.get("ray"))
    try:
        faults = library.faults()
    except PromptsheetError as error:
        faults = [str(error)]
    with suppress(PromptsheetError):
        found["library"]["models"] = len(library.model_labels())
    numbered = {f"fault {number}": fault for number, fault in enumerate(faults, start=1)}
    return found | ({"models and words": numbered} if faults else {})


def _state(library: Library) -> dict[str, Any]:
    path, may_be = library.path, library.folder_fault() is None
    state: dict[str, Any] = {
        "folder": str(path),
        "exists": may_be and database_path(path).is_file(),
        "schema": SCHEMA_VERSION,
    }
    try:
        if may_be and path.exists():
            state |= {"filesystem": filesystem_of(path), "network": on_network(path)}
        if may_be:
            disk = library.disk_use()
            state |= {"free bytes": disk.free, "needed bytes": disk.needed}
        state["sessions"] = len(library.sessions.all())
        status = library.engine.status()
        state["engine"] = status["mismatch"] or f"process {status['pid']}" if status else None
        state |= {"fault": status["fault"]} if status and status.get("fault") else {}
        state |= {"paused": status["paused"]} if status and status.get("paused") else {}
    except (PromptsheetError, OSError) as error:
        state["fault"] = fault_of(error)
    if "fault" not in state and (fault := library.writing_fault()):
        state["fault"] = fault
    return state


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
        "token": "asked for" if os.environ.get("RAY_AUTH_MODE") == "token" else "not asked for",
    }
    try:
        nodes = ask_ray(address) if version else []
    except DevicesError as error:
        return found | {"fault": str(error)}
    for node in nodes:
        gpus = f", {node.gpus} × {node.kind or 'GPU'}" if node.gpus else ""
        found[f"node {node.name}"] = f"{node.cpus:g} processors{gpus}"
    return found
