"""What the Sheet screen says in words: of the cell under the cursor, and of the whole sheet."""

from collections.abc import Iterator, Sequence

from textual.content import Content

from engine.api import (
    COLUMN,
    Draft,
    Estimate,
    Library,
    Place,
    Recipe,
    Row,
    RowValues,
    SettingsError,
    Severity,
)
from tui.cost_words import cost_words, disk_words, memory_words
from tui.glyphs import EDITED, GLYPHS
from tui.text import clean, count_text

_COLOURS = {
    Severity.ERROR: "$text-error",
    Severity.WARNING: "$text-warning",
    Severity.REPAIRED: "$text-secondary",
}
_MUTED = "dim"
"""Not `$text-muted`: with no background to stand on, in content it comes out as white."""
_PROMPTS = ("prompt", "final_prompt")
_SHORT = 24


def sheet_name(draft: Draft) -> str:
    """What a draft is called; not yet cleaned."""
    return draft.file or "typed prompts"


def title_text(draft: Draft) -> str:
    """`spring-campaign.xlsx · Sheet1 · 212 rows`."""
    parts = [sheet_name(draft)]
    if draft.worksheet:
        others = len(draft.worksheets) - 1
        parts.append(draft.worksheet + (f" (W: {others} more)" if others > 0 else ""))
    parts.append(count_text(len(draft.numbers), "row"))
    if draft.changed:
        parts.append("mended, w saves a copy")
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


def place_text(draft: Draft, place: Place, diff: str = "") -> Content:
    """The cell under the cursor: its problem and what helps, else what it holds.

    Args:
        draft: the sheet.
        place: the cell.
        diff: what became of its row since the sheet was rendered.
    """
    problem, text = draft.problem(place), _standing_text(draft, place)
    where = f"row {place.row}" + (f" · {clean(place.column)}" if place.column else "")
    beside = f"  {text}" if problem is None and len(text) <= _SHORT else ""
    was = f" · {diff}" if diff else ""
    lines = [Content.assemble((where, "bold"), beside, (was, _MUTED))]
    if draft.is_left_out(place.row):
        lines.append(Content("– left out; x takes it in again"))
    elif problem is not None:
        lines.append(
            Content.assemble(
                (f"{GLYPHS[problem.severity]} ", _COLOURS[problem.severity]),
                clean(problem.message),
            )
        )
        if problem.suggestions:
            first, *others = map(clean, problem.suggestions[:4])
            lines.append(Content(f"a takes {first} · A for all alike"))
            if others:
                lines.append(Content(f"or {', '.join(others)}"))
        elif problem.severity is Severity.REPAIRED:
            lines.append(Content("b keeps it as it was read"))
    elif text and not beside:
        lines.append(Content(text))
    return Content("\n").join(lines)


def _standing_text(draft: Draft, place: Place) -> str:
    """The cell's text; not that of a prompt which the preview shows as it will be."""
    shown = place.column in _PROMPTS and draft.row(place.row).values is not None
    return "" if shown or not place.column else clean(draft.text(place.row, place.column))


def help_text(draft: Draft, place: Place) -> Content:
    """What the cell's column means, and what there is to say of the column as a whole."""
    known = COLUMN.get(place.column or "")
    lines = [Content(known.help).stylize(_MUTED)] if known is not None else []
    lines += [
        Content(f"{GLYPHS[note.severity]} {clean(note.message)}").stylize(_MUTED)
        for note in draft.notes
        if place.column and note.column == place.column
    ]
    return Content("\n").join(lines)


def preview_text(row: Row, library: Library) -> Content:
    """The row as it will be rendered, its final prompt, and what each column did.

    Reads the model list and the words that hold: not for the event loop.
    """
    return Content("\n").join(_preview(row, library))


def final_prompt(row: Row, library: Library) -> str | None:
    """What the model will be told of a row; None while it has errors. Not for the event loop."""
    try:
        preview = library.sheets.preview(row)
    except SettingsError:
        return None
    return preview.recipe.prompt if preview is not None and preview.recipe is not None else None


def _preview(row: Row, library: Library) -> list[Content]:
    try:
        preview = library.sheets.preview(row)
    except SettingsError as error:
        return [Content(f"! {clean(str(error))}")]
    if preview is None or row.values is None:
        return []
    if preview.recipe is None:
        return [Content(f"! {clean(note.words)}") for note in preview.notes]
    recipe = preview.recipe
    lines = [Content(f"→ {_numbers(recipe, row.values)}")]
    mark = (f" {EDITED} edited by you", "$text-accent") if row.values.final_prompt else ""
    lines.append(Content.assemble(f"→ “{clean(recipe.prompt)}”", mark))
    if recipe.palette:
        blocks = [("███", colour[:7]) for colour in recipe.palette]
        lines.append(Content.assemble(*blocks, f" {clean(' '.join(recipe.palette))}"))
    told = " · ".join(
        f"{note.column} {clean(note.words)}"
        for note in preview.notes
        if note.column != "color_palette"
    )
    return [*lines, Content(told).stylize(_MUTED)] if told else lines


def _numbers(recipe: Recipe, values: RowValues) -> str:
    count, first = values.num_images, values.seed_number
    if first is None:
        seeds = "a seed drawn at the start" if count == 1 else "seeds drawn at the start"
    elif count == 1:
        seeds = f"seed {first}"
    else:
        seeds = f"seeds {first} to {(first + count - 1) % 2**31}"
    return (
        f"{recipe.width}×{recipe.height} · {recipe.steps} steps · {count_text(count, 'image')}"
        f" · {seeds} · {clean(recipe.model)}"
    )


def totals_text(draft: Draft, estimate: Estimate | None, diff: Sequence[str] = ()) -> Content:
    """What would be started, what it takes, and how; `diff`: what differs from the last time."""
    return Content("\n".join(_totals(draft, estimate, diff)))


def _totals(draft: Draft, estimate: Estimate | None, diff: Sequence[str]) -> Iterator[str]:
    rows = count_text(len(draft.numbers), "row")
    yield f"{draft.ready:,} of {rows} ready · {count_text(draft.images, 'image')}"
    if estimate is not None and draft.images:
        if costs := cost_words(estimate):
            yield " · ".join(costs)
        yield from disk_words(estimate)
        yield from memory_words(estimate)
    if draft.left_out:
        yield f"– {count_text(draft.left_out, 'row')} left out"
    yield from diff
    faulty = len(draft.numbers) - draft.ready - draft.left_out
    if not draft.ready:
        yield "Nothing can start yet: n goes to the next problem."
    elif faulty:
        yield f"ctrl+s starts without the {count_text(faulty, 'faulty row')}"
    else:
        yield "ctrl+s starts all" if diff else "ctrl+s starts"
    yield f"blank num_images: {draft.vocabulary.num_images:,} · m"
