"""How busy the devices are, in a few characters."""

from tui.text import clean


def device_gauge() -> str:
    """`cuda:0 97% 31/139 GiB`; with several GPUs the first and how many more. Call in a thread."""
    from engine.api import devices_in_use  # after the first paint

    first, *others = devices_in_use()
    used, total = (amount / 2**30 for amount in (first.used, first.total))
    percents = "".join(f" {other.percent:.0f}%" for other in others)
    return f"{clean(first.device)} {first.percent:.0f}%{percents} {used:.0f}/{total:.0f} GiB"
