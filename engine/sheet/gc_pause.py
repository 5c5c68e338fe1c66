"""Python's cycle collector, paused while very many small objects are made."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause the collector: briefly, and only where no cycles are made.

    It would walk over all cells and rows again and again as they grow more, and find nothing;
    that doubles the time of reading and checking a large sheet. A plan, a million objects, would
    hold up all else in the engine process.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
