"""What follows from what `doctor` found: whether it renders here, and what to do about the rest."""

from collections.abc import Iterator
from dataclasses import dataclass

from engine.api import Diagnosis, LibraryState, MachineState, RayState
from tui.glyphs import GLYPHS
from tui.graphics.protocol import Terminal
from tui.text import clean, count_text, size_text

_REAL_PICTURES = ("sixel", "kitty")


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that is not as it could be."""

    what: str
    do: str
    """What to do about it, or when it need not be."""
    stops: bool = False
    """Whether nothing is rendered before it is done."""


def advice(found: Diagnosis, terminal: Terminal, reserve_bytes: int = 0) -> list[Advice]:
    """What is to be done, what keeps from rendering first.

    Args:
        found: of the machine and the library.
        terminal: the one that one sits at.
        reserve_bytes: what has to be free on the library's disk.
    """
    return sorted(_advice(found, terminal, reserve_bytes), key=lambda each: not each.stops)


def _advice(found: Diagnosis, terminal: Terminal, reserve_bytes: int) -> Iterator[Advice]:
    ray = found.machine.ray
    if not _alone(ray):
        yield from _of_devices(found.machine)
    if ray:
        yield from _of_ray(ray)
    yield from _of_library(found.library, reserve_bytes)
    for fault in found.faults:
        yield Advice(fault, "rows that use it are refused until it is fixed; other rows render")
    if terminal.protocol not in _REAL_PICTURES:
        why = f": {terminal.why}" if terminal.why else ""
        yield Advice(
            f"this terminal shows pictures only as coloured blocks{why}",
            "foot, kitty, WezTerm, Ghostty, iTerm2 and `xterm -ti vt340` show real pictures,"
            " also over ssh; for tmux inside kitty, set `set -g allow-passthrough on`;"
            " `promptsheet help ssh`",
        )


def _of_devices(machine: MachineState) -> Iterator[Advice]:
    devices = machine.devices
    unseen = [name for name in machine.device_memory if name != "cpu" and name not in devices]
    if machine.torch_fault:
        yield Advice(machine.torch_fault, "run `make setup`, or `pip install torch`", True)
    elif unseen:
        yield Advice(
            f"the driver has {count_text(len(unseen), 'GPU')} that torch"
            f" {machine.versions['torch']} cannot use",
            "a version ending in +cpu has no CUDA: install a build for your driver from"
            " https://pytorch.org",
        )
    elif machine.hidden:
        yield Advice(
            machine.hidden,
            "images render on the CPU; ask the job scheduler for a GPU (`--gres=gpu:1`), or `unset"
            " CUDA_VISIBLE_DEVICES`",
        )
    elif list(devices) == ["cpu"]:
        yield Advice(
            "no GPU found: images render on the CPU",
            "fine for the built-in model; large models take minutes per image. If this machine"
            " has a GPU, check that `nvidia-smi` shows it",
        )


def _alone(ray: RayState | None) -> bool:
    """Whether a Ray cluster's nodes alone render, and no device of this machine does."""
    return ray is not None and not ray.others


def _of_ray(ray: RayState) -> Iterator[Advice]:
    stops = _alone(ray)
    if ray.version is None:
        yield Advice("Ray is not installed here", "run `pip install 'promptsheet[ray]'`", stops)
    elif ray.fault:
        yield Advice(
            ray.fault,
            "start the cluster, or set ray.address; `promptsheet help machines` says how",
            stops,
        )
    elif not ray.nodes:
        yield Advice("the Ray cluster has no node", "let machines join it by `ray start`", stops)
    if not ray.asks_for_token:
        yield Advice(
            "the Ray cluster asks for no token: whoever reaches its ports runs programs on it",
            "set RAY_AUTH_MODE=token on all its machines, see `promptsheet help machines`",
        )


def _of_library(state: LibraryState, reserve_bytes: int) -> Iterator[Advice]:
    engine, disk = state.engine, state.disk
    if state.fault:
        does = "choose another library with --library DIR or in the settings"
        yield Advice(state.fault, does, True)
    elif engine and engine.mismatch:
        does = "run `promptsheet engine stop`; its work continues at the next start"
        yield Advice(engine.mismatch, does, True)
    if engine and engine.fault:
        does = "once that is fixed, run `promptsheet engine stop`; the next start looks again"
        yield Advice(engine.fault, does, True)
    if engine and engine.paused:
        does = "nothing renders here until that command is run"
        if engine.renders_here:
            does = "run `promptsheet engine resume` if you paused it"
        yield Advice(f"rendering is paused: {engine.paused}", does, True)
    if disk and disk.free < reserve_bytes:
        yield Advice(
            f"the library's disk has only {size_text(disk.free)} free, and"
            f" {size_text(reserve_bytes)} are reserved (engine.reserve_mib)",
            "free some space; `promptsheet trash empty` deletes what is in the trash",
            True,
        )
    elif disk and disk.needed > disk.free - reserve_bytes:
        yield Advice(
            f"the waiting images need about {size_text(disk.needed)}, and {size_text(disk.free)}"
            " is free",
            "free some space on the library's disk; rendering pauses when it is full",
        )
    if state.models == 1:
        yield Advice(
            "only the small built-in model is installed",
            (
                "`promptsheet models pull` lists models to download; `promptsheet models add PATH`"
                " adds your own"
            ),
        )


def readiness(found: Diagnosis, given: list[Advice]) -> str:
    """`✓ Ready to render on cuda:0 and cuda:1.`, or that it is not."""
    if any(each.stops for each in given):
        return f"{GLYPHS['failed']} Not ready to render. Fix this first:"
    ray = found.machine.ray
    more = [f"{count_text(len(ray.nodes), 'node')} of a Ray cluster"] if ray and ray.nodes else []
    on = " and ".join([*([] if _alone(ray) else found.machine.devices), *more])
    return f"{GLYPHS['done']} Ready to render on {on}." + (" Good to know:" if given else "")


def advice_lines(found: Diagnosis, given: list[Advice]) -> Iterator[str]:
    """Whether it is ready, and what to do."""
    yield readiness(found, given)
    for each in given:
        mark = "!" if each.stops else "-"
        yield f"  {mark} {clean(each.what.rstrip('.'))}"
        yield f"    → {clean(each.do)}"
