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
    yield from _of_library(found["library"], reserve_bytes)
    for fault in found.get("models and words", {}).values():
        yield Advice(fault, "rows that name it are refused until it is mended; others are rendered")
    graphics = found["graphics"]
    if graphics["protocol"] not in _REAL_PICTURES:
        yield Advice(
            "in this terminal the app shows pictures as coloured half-cells",
            "foot, kitty, WezTerm, Ghostty, iTerm2 and `xterm -ti vt340` show real ones, also over"
            " ssh; tmux inside kitty with `set -g allow-passthrough on`",
        )


def _of_devices(found: dict[str, Any]) -> Iterator[Advice]:
    devices, torch = found["devices"], found["versions"].get("torch", "")
    unseen = [name for name in found.get("memory", {}) if name != "cpu" and name not in devices]
    if fault := devices.get("none"):
        yield Advice(fault, "`make setup`, or your own `pip install`, brings torch again", True)
    elif unseen:
        yield Advice(
            f"the driver has {count_text(len(unseen), 'GPU')} that torch {torch} does not use",
            "a torch without CUDA ends in +cpu, and CUDA_VISIBLE_DEVICES may hide GPUs: install a"
            " build for your driver as https://pytorch.org says",
        )
    elif list(devices) == ["cpu"]:
        yield Advice(
            "there is no GPU: the CPU renders",
            "that does for the built-in model and takes minutes an image with large ones; if this"
            " machine has a GPU, `nvidia-smi` must show it",
        )


def _of_library(state: dict[str, Any], reserve_bytes: int) -> Iterator[Advice]:
    engine = state.get("engine") or ""
    if fault := state.get("fault"):
        yield Advice(fault, "another library is named by --library DIR, or in the settings", True)
    elif engine and not engine.startswith("process "):
        yield Advice(engine, "`promptsheet engine stop`; its work goes on at the next start", True)
    if paused := state.get("paused"):
        yield Advice(
            f"the work is paused: {paused}",
            "`promptsheet engine resume`, if it is you who paused it",
            True,
        )
    free, needed = state.get("free bytes"), state.get("needed bytes", 0)
    if free is not None and free < reserve_bytes:
        yield Advice(
            f"the library's disk has {size_text(free)} free, and {size_text(reserve_bytes)} are"
            " kept free (engine.reserve_mib)",
            "make room there; `promptsheet trash empty` deletes what you have put in the trash",
            True,
        )
    elif free is not None and needed > free - reserve_bytes:
        yield Advice(
            f"what waits to be rendered needs about {size_text(needed)}, and {size_text(free)} are"
            " free",
            "make room on the library's disk; until then it pauses when the disk is full",
        )
    if state.get("models") == 1:
        yield Advice(
            "the small built-in model is the only one",
            "`promptsheet models pull` lists others, `promptsheet models add PATH` takes yours",
        )


def verdict_line(found: dict[str, Any], given: list[Advice]) -> str:
    """`✓ It renders here, on cuda:0 and cuda:1.`, or that it does not."""
    stops = sum(each.stops for each in given)
    if stops:
        return f"{GLYPHS['failed']} Nothing is rendered here before this is done:"
    on = " and ".join(found["devices"])
    return f"{GLYPHS['done']} It renders here, on {on}." + (" To be known:" if given else "")


def verdict_lines(found: dict[str, Any], given: list[Advice]) -> Iterator[str]:
    """The verdict, and what to do."""
    yield verdict_line(found, given)
    for each in given:
        mark = "!" if each.stops else "-"
        yield f"  {mark} {clean(each.what.rstrip('.'))}"
        yield f"    → {clean(each.do)}"
