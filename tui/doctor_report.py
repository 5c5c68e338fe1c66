"""What `doctor` found, by sections, as it is printed and as its JSON has it."""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tui.text import clean, size_text

if TYPE_CHECKING:
    from engine.api import Diagnosis, EngineState, LibraryState, MachineState, RayState
    from tui.graphics.protocol import Terminal

_BYTES = " bytes"
_SAID = {"True": "yes", "False": "no", "None": "unknown"}


def sections(found: "Diagnosis", terminal: "Terminal") -> dict[str, Mapping[str, Any]]:
    """A section → what was found, by names for people; sizes are in bytes."""
    machine = found.machine
    body: dict[str, Mapping[str, Any]] = {
        "graphics": _graphics(terminal),
        "devices": {"none": machine.torch_fault} if machine.torch_fault else machine.devices,
        "machine": _machine(machine),
        "memory": machine.device_memory,
        "versions": machine.versions,
        "helpers": machine.helpers,
    }
    if machine.ray:
        body["ray"] = _ray(machine.ray)
    body["library"] = _library(found.library)
    if found.faults:
        numbered = enumerate(found.faults, start=1)
        body["models and words"] = {f"fault {number}": fault for number, fault in numbered}
    return body


def section_lines(body: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """As `sections` has them, a line each."""
    for section, found in body.items():
        yield section
        for name, value in found.items():
            is_size = section == "memory" or name.endswith(_BYTES)
            shown = size_text(value) if is_size else _SAID.get(str(value), str(value))
            yield f"  {clean(name.removesuffix(_BYTES)):18} {clean(shown)}"


def _graphics(terminal: "Terminal") -> dict[str, str]:
    return {
        "focus": _focus_words(terminal),
        "protocol": terminal.protocol,
        "terminal": terminal.name or os.environ.get("TERM", "none"),
        "cell": f"{terminal.cell[0]}×{terminal.cell[1]} pixels" if terminal.cell else "unknown",
        **({"why": terminal.why} if terminal.why else {}),
    }


def _focus_words(terminal: "Terminal") -> str:
    """How it is known whether anyone looks at the app."""
    if terminal.tells_focus:
        return "reported: a notice is sent while the terminal is not in focus"
    if terminal.tmux:
        return "reported if tmux has `set -g focus-events on`, else notice.unsure decides"
    return "not known to be reported: notice.unsure decides"


def _machine(machine: "MachineState") -> dict[str, Any]:
    """What may be used of the machine, and what of it that is not."""
    return {
        "cores": machine.cores,
        "memory bytes": machine.memory,
        "of the machine's bytes": machine.whole_memory,
        **({"GPUs": machine.hidden} if machine.hidden else {}),
    }


def _ray(ray: "RayState") -> dict[str, str]:
    body = {
        "other devices": ", ".join(ray.others) or "none",
        "version": ray.version or "not installed: pip install 'promptsheet[ray]'",
        "address": ray.address,
        "token": "asked for" if ray.asks_for_token else "not asked for",
    }
    for node in ray.nodes:
        gpus = f", {node.gpus} × {node.kind or 'GPU'}" if node.gpus else ""
        body[f"node {node.name}"] = f"{node.cpus:g} processors{gpus}"
    return body | ({"fault": ray.fault} if ray.fault else {})


def _library(state: "LibraryState") -> dict[str, Any]:
    body: dict[str, Any] = {
        "folder": state.folder,
        "exists": state.exists,
        "schema": state.schema,
    }
    if state.filesystem is not None:
        body |= {"filesystem": state.filesystem, "network": state.network}
    if state.disk:
        body |= {"free bytes": state.disk.free, "needed bytes": state.disk.needed}
    if state.sessions is not None:
        body["sessions"] = state.sessions
    if state.is_engine_known:
        body["engine"] = _engine_words(state.engine) if state.engine else None
    if state.engine:
        body |= {"engine fault": state.engine.fault} if state.engine.fault else {}
        body |= {"paused": state.engine.paused} if state.engine.paused else {}
        body |= {} if state.engine.renders_here else {"renders here": False}
    body |= {"fault": state.fault} if state.fault else {}
    return body | ({"models": state.models} if state.models is not None else {})


def _engine_words(state: "EngineState") -> str:
    """Which engine process it is, or why it cannot be talked to."""
    host = f" on {state.status.host}" if state.elsewhere else ""
    return state.mismatch or f"process {state.status.pid}{host}"
