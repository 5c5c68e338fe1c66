"""The states of jobs and sessions, as tables say them."""

import re

from engine.api import Tally
from tui.engine_status import Doing, EngineStatus
from tui.glyphs import GLYPHS
from tui.widgets.table_source import CellStyle, TableCell

_STYLES: dict[str, CellStyle] = {
    "done": "success",
    "rendering": "busy",
    "loading": "busy",
    "rewriting": "busy",
    "failed": "error",
    "stopped": "warning",
    "held": "warning",
    "paused": "warning",
    "waiting": "dim",
}


def state_cell(state: str) -> TableCell:
    """The state of a job or a session, in a table; `held`: it waits to be resumed."""
    return TableCell(state, _STYLES[state], f"{GLYPHS[state]} ")


def bar(counts: Tally, width: int) -> tuple[str, str]:
    """How far a session is, in `width` cells: what is over, and the rest; full at its end alone."""
    over = width * (counts.done + counts.failed) // max(1, counts.images)
    return "━" * over, "─" * (width - over)


def session_state(counts: Tally, status: EngineStatus, *, held: bool) -> str:
    """What a session does now: its images' state, as far as the engine process lets it.

    Args:
        counts: of its images.
        status: what the engine process does.
        held: whether the session waits until someone lets it go on.
    """
    if counts.settled:
        return "stopped" if counts.stopped else "failed" if counts.failed else "done"
    if held:
        return "held"
    match status.doing:
        case Doing.PAUSED:
            return "paused"
        case Doing.RENDERING | Doing.REWRITING:
            if counts.rewriting == counts.waiting + counts.rendering:
                return "rewriting"
            return "rendering" if counts.rendering else "waiting"
        case Doing.LOADING | Doing.STARTING if counts.rendering:
            return "loading"
    return "waiting"


_KIND = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception): +")
"""What Python calls an error, before its words."""


def short_reason(reason: str) -> str:
    """Why something failed, in its first words: without the kind of error, and what to do about it.

    `out of memory on cuda:0: choose a smaller size` is `out of memory on cuda:0`.
    """
    words = _KIND.sub("", reason)
    first = re.split(r"[:;] |\. ", words, maxsplit=1)[0]
    return first if len(first) > 3 else words
