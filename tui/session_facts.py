"""What there is to say of a session beside the list: what it was asked for, and what came of it."""

from collections.abc import Iterator

from textual.content import Content

from engine.api import SessionInfo, SessionOrigin, gist
from tui.text import clean, count_text, time_text
from tui.widgets.table_lines import fit

PROMPTS = 3
"""So many are shown."""
_LABEL = 9


def session_facts(info: SessionInfo, origin: SessionOrigin | None, width: int) -> Content:
    """A line for each fact, its label before it.

    Args:
        info: the session.
        origin: what it was asked for; None: that is not known yet.
        width: cells of a line.
    """
    lines = [Content.styled(fit(info.name, width).rstrip(), "bold")]
    for label, fact in _facts(info, origin):
        words = fit(fact, max(8, width - _LABEL)).rstrip()
        lines.append(Content.assemble((label.ljust(_LABEL), "$text-muted"), words))
    return Content("\n").join(lines)


def session_line(info: SessionInfo, origin: SessionOrigin | None) -> Content:
    """The same on one line, for a screen without room."""
    facts = [
        f"took {fact}" if label == "took" else fact
        for label, fact in _facts(info, origin)
        if label not in ("images", "tags", "id")
    ]
    return Content(" · ".join(clean(words) for words in (info.name, *facts)))


def _facts(info: SessionInfo, origin: SessionOrigin | None) -> Iterator[tuple[str, str]]:
    stars = f" · ★ {info.favourites:,}" if info.favourites else ""
    rows = f" · {count_text(origin.rows, 'row')}" if origin is not None else ""
    yield "images", f"{info.done:,} of {info.images:,}{rows}{stars}"
    if origin is not None and origin.models:
        yield "model", ", ".join(origin.models)
    if info.seconds and not (info.waiting or info.rendering):
        yield "took", time_text(info.seconds)
    if origin is not None and origin.sheet:
        yield "sheet", origin.sheet
    if origin is not None and origin.parent:
        yield "made from", origin.parent
    elif info.parent:
        yield "made from", info.parent
    if info.tags:
        yield "tags", ", ".join(info.tags)
    yield "id", info.session
    if origin is not None:
        for number, prompt in enumerate(origin.prompts):
            yield "" if number else "prompts", gist(prompt)
        if (more := origin.rows - len(origin.prompts)) > 0 and origin.prompts:
            yield "", f"and {more:,} more"
