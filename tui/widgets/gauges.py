"""The machine in a few characters: how busy the devices are, what is free on the disk."""

from dataclasses import dataclass

from engine.api import Library
from tui.text import clean, size_text

_BARS = 8


def device_gauge() -> str:
    """`cuda:0 97% 33/150 GB`; with several GPUs the first and how many more. Call in a thread."""
    from engine.api import devices_in_use  # after the first paint

    first, *others = devices_in_use()
    used, total = first.used, first.total
    size, unit = (1e9, "GB") if total >= 1e9 else (1e6, "MB")
    digits = 1 if 1e9 <= total < 10e9 else 0
    percents = "".join(f" {other.percent:.0f}%" for other in others)
    memory = f"{used / size:.{digits}f}/{total / size:.{digits}f} {unit}"
    return f"{clean(first.device)} {first.percent:.0f}%{percents} {memory}"


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
