"""The machine in a few characters: how busy the devices are, what is free on the disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.api import Library
from tui.text import clean, count_text, size_text

if TYPE_CHECKING:
    from engine.api import DeviceState

_BARS = 8


def device_gauge(devices: "Sequence[DeviceState]" = ()) -> tuple[str, ...]:
    """`cuda:0 97% 33/150 GB`; with several GPUs the first and how many more. Call in a thread.

    In one form, or from long to short.

    Args:
        devices: what is rendered on; where other machines are among it, these are summed up.
    """
    from engine.api import devices_in_use  # after the first paint

    if any(device.node for device in devices):
        return nodes_gauge(devices)
    first, *others = devices_in_use()
    used, total = first.used, first.total
    size, unit = (1e9, "GB") if total >= 1e9 else (1e6, "MB")
    digits = 1 if 1e9 <= total < 10e9 else 0
    percents = "".join(f" {other.percent:.0f}%" for other in others)
    memory = f"{used / size:.{digits}f}/{total / size:.{digits}f} {unit}"
    return (f"{clean(first.device)} {first.percent:.0f}%{percents} {memory}",)


def nodes_gauge(devices: "Sequence[DeviceState]") -> tuple[str, ...]:
    """`5 devices on 3 nodes 92% 210/564 GB`: how busy other machines' devices are on the whole.

    Shorter: `3 nodes 92%`.
    """
    there = [device for device in devices if device.node]
    nodes = {device.node for device in there}
    short = count_text(len(nodes), "node")
    words = f"{count_text(len(there), 'device')} on {short}"
    uses = [device.use for device in there if device.use is not None]
    if not uses:
        return words, short
    used, total = (
        sum(amounts) / 1e9 for amounts in zip(*((u.used, u.total) for u in uses), strict=True)
    )
    busy = f"{sum(u.percent for u in uses) / len(uses):.0f}%"
    return f"{words} {busy} {used:.0f}/{total:.0f} GB", f"{short} {busy}"


@dataclass(frozen=True, slots=True)
class DiskGauge:
    """What is free, what the library and the session take, what is to come: from long to short."""

    forms: tuple[str, ...] = ("",)
    warning: str = ""
    """Why it should be looked at; may be empty."""


def disk_gauge(library: Library, session: str | None) -> DiskGauge:
    """What is to be said of the library's disk. Call in a thread.

    Args:
        library: the library.
        session: the session in hand.
    """
    from engine.api import LibraryError  # after the first paint

    reserve_mib = library.settings.engine.reserve_mib
    try:
        use = library.disk_use(session)
    except LibraryError:
        return DiskGauge()
    filled = round(_BARS * (1 - use.free / max(1, use.total)))
    bar = "█" * filled + "░" * (_BARS - filled)
    room = use.free - (reserve_mib << 20)
    warning = ""
    if room < 0:
        warning = (
            f"disk almost full: less than the reserve of {reserve_mib:,} MiB is free, so"
            " rendering pauses"
        )
    elif use.needed > room:
        warning = (
            f"disk too small: the waiting images need about {size_text(use.needed)}, so rendering"
            " will pause"
        )
    mark = "! " if warning else ""
    short = f"{mark}disk ▕{bar}▏ {size_text(use.free)} free"
    to_come = f", {size_text(use.needed)} needed" if use.needed else ""
    here = f", library {size_text(use.library)}"
    own = f" ({size_text(use.session)} this session)" if use.session else ""
    forms = (f"{short}{here}{own}{to_come}", f"{short}{here}{to_come}", f"{short}{to_come}", short)
    return DiskGauge(tuple(dict.fromkeys(forms)), warning)
