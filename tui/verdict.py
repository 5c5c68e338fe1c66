"""What follows from what `doctor` found: whether it renders here, and what to do about the rest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tui.glyphs import GLYPHS
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


def advice(found: dict[str, Any], reserve_bytes: int = 0) -> list[Advice]:
    """What is to be done, what keeps from rendering first.

    Args:
        found: as `Library.diagnose` has it, and `graphics`.
        reserve_bytes: what has to be free on the library's disk.
    """
    return sorted(_advice(found, reserve_bytes), key=lambda each: not each.stops)


def _advice(found: dict[str, Any], reserve_bytes: int) -> Iterator[Advice]:
    yield from _of_devices(found)
    yield from _of_ray(found.get("ray"))
    yield from _of_library(found["library"], reserve_bytes)
    for fault in found.get("models and words", {}).values():
        yield Advice(fault, "rows that use it are refused until it is fixed; other rows render")
    graphics = found["graphics"]
    if graphics["protocol"] not in _REAL_PICTURES:
        why = graphics.get("why", "")
        yield Advice(
            "this terminal shows pictures only as coloured blocks" + (f": {why}" if why else ""),
            "foot, kitty, WezTerm, Ghostty, iTerm2 and `xterm -ti vt340` show real pictures,"
            " also over ssh; for tmux inside kitty, set `set -g allow-passthrough on`;"
            " `promptsheet help ssh`",
        )


def _of_devices(found: dict[str, Any]) -> Iterator[Advice]:
    devices, torch = found["devices"], found["versions"].get("torch", "")
    hidden = found.get("machine", {}).get("GPUs")
    unseen = [name for name in found.get("memory", {}) if name != "cpu" and name not in devices]
    if fault := devices.get("none"):
        yield Advice(fault, "run `make setup`, or `pip install torch`", True)
    elif unseen:
        yield Advice(
            f"the driver has {count_text(len(unseen), 'GPU')} that torch {torch} cannot use",
            "a version ending in +cpu has no CUDA: install a build for your driver from"
            " https://pytorch.org",
        )
    elif hidden:
        yield Advice(
            hidden,
            "images render on the CPU; ask the scheduler for a GPU (`--gres=gpu:1`), or `unset"
            " CUDA_VISIBLE_DEVICES`",
        )
    elif list(devices) == ["cpu"]:
        yield Advice(
            "no GPU found: images render on the CPU",
            "fine for the built-in model; large models take minutes per image. If this machine"
            " has a GPU, check that `nvidia-smi` shows it",
        )


def _of_ray(ray: dict[str, Any] | None) -> Iterator[Advice]:
    if ray is None:
        return
    if "not installed" in ray["version"]:
        yield Advice("Ray is not installed here", "run `pip install 'promptsheet[ray]'`", True)
    elif fault := ray.get("fault"):
        yield Advice(
            fault,
            "start the cluster, or set ray.address; `promptsheet help machines` says how",
            True,
        )
    elif not any(name.startswith("node ") for name in ray):
        yield Advice("the Ray cluster has no node", "let machines join it by `ray start`", True)
    if ray["token"] != "asked for":
        yield Advice(
            "the Ray cluster asks for no token: whoever reaches its ports runs programs on it",
            "set RAY_AUTH_MODE=token on all its machines, see `promptsheet help machines`",
        )


def _of_library(state: dict[str, Any], reserve_bytes: int) -> Iterator[Advice]:
    engine = state.get("engine") or ""
    if fault := state.get("fault"):
        yield Advice(fault, "choose another library with --library DIR or in the settings", True)
    elif engine and not engine.startswith("process "):
        yield Advice(
            engine, "run `promptsheet engine stop`; its work continues at the next start", True
        )
    if fault := state.get("engine fault"):
        yield Advice(
            fault,
            "once that is fixed, run `promptsheet engine stop`; the next start looks again",
            True,
        )
    if paused := state.get("paused"):
        here = state.get("renders here", True)
        does = "run `promptsheet engine resume` if you paused it"
        yield Advice(
            f"rendering is paused: {paused}",
            does if here else "only that starts it: nothing renders here by itself",
            True,
        )
    free, needed = state.get("free bytes"), state.get("needed bytes", 0)
    if free is not None and free < reserve_bytes:
        yield Advice(
            f"the library's disk has only {size_text(free)} free, and {size_text(reserve_bytes)}"
            " are reserved (engine.reserve_mib)",
            "free some space; `promptsheet trash empty` deletes what is in the trash",
            True,
        )
    elif free is not None and needed > free - reserve_bytes:
        yield Advice(
            f"the waiting images need about {size_text(needed)}, and {size_text(free)} is free",
            "free some space on the library's disk; rendering pauses when it is full",
        )
    if state.get("models") == 1:
        yield Advice(
            "only the small built-in model is installed",
            (
                "`promptsheet models pull` lists models to download; `promptsheet models add PATH`"
                " adds your own"
            ),
        )


def verdict_line(found: dict[str, Any], given: list[Advice]) -> str:
    """`✓ It renders here, on cuda:0 and cuda:1.`, or that it does not."""
    stops = sum(each.stops for each in given)
    if stops:
        return f"{GLYPHS['failed']} Not ready to render. Fix this first:"
    nodes = sum(name.startswith("node ") for name in found.get("ray", ()))
    more = [f"{count_text(nodes, 'node')} of a Ray cluster"] if nodes else []
    on = " and ".join([*found["devices"], *more])
    return f"{GLYPHS['done']} Ready to render on {on}." + (" Good to know:" if given else "")


def verdict_lines(found: dict[str, Any], given: list[Advice]) -> Iterator[str]:
    """The verdict, and what to do."""
    yield verdict_line(found, given)
    for each in given:
        mark = "!" if each.stops else "-"
        yield f"  {mark} {clean(each.what.rstrip('.'))}"
        yield f"    → {clean(each.do)}"
