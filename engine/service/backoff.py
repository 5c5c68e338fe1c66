"""How long to wait before something that failed is tried again."""

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


def next_pause(last: float | None) -> float:
    """How long to wait before the next try, longer each time; `last` is None before the second."""
    return min(2 * (last or FIRST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
