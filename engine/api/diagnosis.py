"""What is to be known of this machine when something does not work."""

import importlib.metadata
import platform
from typing import Any

from engine import __version__
from engine.machine import devices_in_use, usual_dtype
from engine.models.helpers import helpers
from engine.service.devices import DevicesError, ask_torch

_PACKAGES = ("torch", "diffusers", "transformers", "pillow", "python-calamine")


def machine_facts() -> dict[str, Any]:
    """This machine, its devices and the versions; never raises for a part.

    `memory` has what the driver sees, in bytes, also of a GPU that torch does not see.
    """
    known = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    versions = {"promptsheet": __version__, "python": platform.python_version()}
    versions |= {name: known.get(name, "not installed") for name in _PACKAGES}
    return {
        "devices": _devices(),
        "memory": {use.device: use.total for use in devices_in_use()},
        "versions": versions,
        "helpers": helpers(),
    }


def _devices() -> dict[str, str]:
    try:
        found = ask_torch()
    except DevicesError as error:
        return {"none": f"torch does not start: {error}"}
    return {device: f"{name}, computes in {usual_dtype(device)}" for device, name in found.items()}
