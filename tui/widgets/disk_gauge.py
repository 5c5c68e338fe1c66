"""The disk: what is free, what the library and the session take, what is still to come."""

from dataclasses import dataclass

from engine.api import Library
from tui.text import size_text

_BARS = 8


@dataclass(frozen=True, slots=True)
class DiskGauge:
    """From long to short."""

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
        warning = f"less than the reserve of {reserve_mib} MiB is free: rendering pauses"
    elif use.needed > room:
        warning = (
            f"what is still to come takes about {size_text(use.needed)}, more than there is room"
            " for: rendering will pause"
        )
    mark = "! " if warning else ""
    short = f"{mark}disk ▕{bar}▏ {size_text(use.free)} free"
    to_come = f", {size_text(use.needed)} to come" if use.needed else ""
    here = f", {size_text(use.library)} here"
    own = f" ({size_text(use.session)} this session)" if use.session else ""
    forms = (f"{short}{here}{own}{to_come}", f"{short}{here}{to_come}", f"{short}{to_come}", short)
    return DiskGauge(tuple(dict.fromkeys(forms)), warning)
