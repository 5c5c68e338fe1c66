"""What the Sheet screen says in words: of the cell under the cursor, and of the whole sheet."""

from collections.abc import Iterator

from textual.content import Content

from engine.api import (
    COLUMN,
    BlankCount,
    Draft,
    Estimate,
    MissingModel,
    Place,
    SessionInfo,
    Severity,
)
from tui.cost_words import blank_words, cost_words, disk_words, memory_words
from tui.glyphs import GLYPHS
from tui.keys import key_of
from tui.screens.sheet_totals import SessionDiff
from tui.sheet_document import sheet_name
from tui.text import clean, count_text, shorten

_COLOURS = {
    Severity.ERROR: "$text-error",
    Severity.WARNING: "$text-warning",
    Severity.REPAIRED: "$text-secondary",
}
_MUTED = "dim"
"""Not `$text-muted`: with no background to stand on, in content it comes out as white."""
_PROMPTS = ("prompt", "final_prompt")
_SHORT = 24
_NAME = 24


def title_text(draft: Draft) -> str:
    """`spring-campaign.xlsx · Sheet1 · 212 rows`."""
    parts = [sheet_name(draft)]
    if draft.worksheet:
        others = len(draft.worksheets) - 1
        more = f" ({key_of('sheet.worksheet')}: {others} more)" if others > 0 else ""
        parts.append(draft.worksheet + more)
    parts.append(count_text(len(draft.numbers), "row"))
    if draft.changed:
        parts.append(f"edited, {key_of('sheet.write_out')} saves a copy")
    return clean(" · ".join(parts))


def counts_text(draft: Draft) -> Content:
    """`✗ 3 errors  ! 2 warnings  ↻ 14 repaired`."""
    pieces: list[tuple[str, str]] = []
    for severity in Severity:
        count = draft.count(severity)
        if count:
            noun = severity.value if severity is Severity.REPAIRED else f"{severity.value}s"
            words = f"{count:,} {severity.value if count == 1 else noun}"
            pieces.append((f"  {GLYPHS[severity]} {words}", _COLOURS[severity]))
    return Content.assemble(*pieces) if pieces else Content("  ✓ no problems")


def place_text(draft: Draft, place: Place, diff: SessionDiff | None = None) -> Content:
    """The cell under the cursor: its problem and what helps, else what it holds.

    Args:
        draft: the sheet.
        place: the cell.
        diff: what became of the sheet since it was rendered.
    """
    problem, text = draft.problem(place), _standing_text(draft, place)
    where = f"row {place.row}" + (f" · {clean(place.column)}" if place.column else "")
    beside = f"  {text}" if problem is None and len(text) <= _SHORT else ""
    was = f" · {since}" if (since := _since(diff, place.row)) else ""
    lines = [Content.assemble((where, "bold"), beside, (was, _MUTED))]
    if draft.is_left_out(place.row):
        lines.append(Content(f"– left out; {key_of('sheet.take_away')} includes it"))
    elif problem is not None:
        if MissingModel.of(draft, place) is not None:
            lines.append(
                Content(f"{key_of('sheet.pull')} pulls it from the Hub or adds it from disk")
            )
        lines.append(
            Content.assemble(
                (f"{GLYPHS[problem.severity]} ", _COLOURS[problem.severity]),
                clean(problem.message),
            )
        )
        if problem.suggestions:
            first, *others = map(clean, problem.suggestions[:4])
            take, alike = key_of("sheet.take"), key_of("sheet.take_alike")
            takes = f"applies {first}" if first else "empties the cell"
            lines.append(Content(f"{take} {takes} · {alike} for all similar"))
            if others:
                lines.append(Content(f"or {', '.join(others)}"))
        elif problem.severity is Severity.REPAIRED:
            lines.append(Content(f"{key_of('sheet.as_read')} reverts to the file"))
    elif text and not beside:
        lines.append(Content(text))
    return Content("\n").join(lines)


def _standing_text(draft: Draft, place: Place) -> str:
    """The cell's text; not that of a prompt which the preview shows as it will be."""
    shown = place.column in _PROMPTS and draft.row(place.row).values is not None
    return "" if shown or not place.column else clean(draft.text(place.row, place.column))


def help_text(draft: Draft, place: Place) -> Content:
    """What the cell's column means, and what there is to say of the column as a whole."""
    known = None if draft.is_own(place.column or "") else COLUMN.get(place.column or "")
    lines = [Content(known.help).stylize(_MUTED)] if known is not None else []
    lines += [
        Content(f"{GLYPHS[note.severity]} {clean(note.message)}").stylize(_MUTED)
        for note in draft.notes
        if place.column and note.column == place.column
    ]
    return Content("\n").join(lines)


def totals_text(
    draft: Draft, estimate: Estimate | None, diff: SessionDiff | None = None
) -> Content:
    """What would be started, what it takes, and how; `diff`: what differs from the last time."""
    return Content("\n".join(_totals(draft, estimate, diff)))


def _totals(draft: Draft, estimate: Estimate | None, diff: SessionDiff | None) -> Iterator[str]:
    rows = count_text(len(draft.numbers), "row")
    grids = f" (grids: {draft.in_grids:,})" if draft.in_grids else ""
    yield f"{draft.ready:,} of {rows} ready · {count_text(draft.images, 'image')}{grids}"
    if estimate is not None and draft.images:
        if costs := cost_words(estimate):
            yield " · ".join(costs)
        yield from disk_words(estimate)
        yield from memory_words(estimate)
    if draft.left_out:
        yield f"– {count_text(draft.left_out, 'row')} left out"
    yield from _differences(diff)
    faulty = len(draft.numbers) - draft.ready - draft.left_out
    starts = key_of("sheet.start")
    if not draft.ready:
        yield f"No row is ready yet: {key_of('sheet.next')} goes to the next problem."
    elif faulty:
        yield f"{starts} starts without the {count_text(faulty, 'faulty row')}"
    else:
        yield f"{starts} starts all" if diff else f"{starts} starts"
    counts = draft.blank_counts or _blank_to_come(draft)
    # Those on a picture make one, whatever others do: the key does nothing for them.
    key = f" ({key_of('sheet.images')})" if not counts[0].on_a_picture else ""
    yield blank_words(counts) + key


def _blank_to_come(draft: Draft) -> tuple[BlankCount, ...]:
    """What a blank one means in rows that cannot be rendered yet, or are still to be written."""
    plain = BlankCount(on_a_picture=False, num_images=draft.vocabulary.num_images, rows=0)
    draws_on = "image" in draft.columns and not draft.is_own("image")
    drawn_on = BlankCount(on_a_picture=True, num_images=1, rows=0)
    return (plain, drawn_on) if draws_on else (plain,)


def _differences(diff: SessionDiff | None) -> list[str]:
    """How many rows are as they were, and what starts the others."""
    if diff is None:
        return []
    changes = diff.changes
    lines = [
        f"Δ Same as {shorten(diff.session.name, _NAME)}: {len(changes.same):,},"
        f" changed: {len(changes.changed):,}, new: {len(changes.added):,},"
        f" removed: {len(changes.removed):,}"
        + (f", failed: {len(changes.failed):,}" if changes.failed else "")
    ]
    if count := len(changes.to_render):
        these = "this one" if count == 1 else f"these {count:,}"
        return [*lines, f"{key_of('sheet.start_changed')} starts only {these}"]
    return [*lines, "Nothing new to render."]


def _since(diff: SessionDiff | None, number: int) -> str:
    """What became of one row since then; empty while it is as it was."""
    if diff is None:
        return ""
    if number in diff.changes.added:
        return "Δ new"
    if number in diff.changes.failed:
        return "Δ failed last time"
    if columns := diff.changes.columns.get(number):
        kept = "; same seed" if number in diff.changes.seeds else ""
        return f"Δ changed: {', '.join(columns)}{kept}"
    return ""


def stopped_words(session: SessionInfo) -> str:
    """That the session which this is the sheet of was stopped, and how it goes on."""
    left = session.images - session.done - session.failed
    return f"stopped with {count_text(left, 'image')} left · {key_of('sheet.resume')} resumes it"
