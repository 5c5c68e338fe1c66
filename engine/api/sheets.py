"""Sheets and rows: read, checked, mended, estimated, compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from engine.library.database import (
    LibraryError,
)
from engine.library.inputs import StoredRow, stored_rows
from engine.library.pace import measured_rates
from engine.machine import devices_in_use
from engine.models.catalog import ModelList, load_models
from engine.models.schedulers import names_for
from engine.models.weights import model_size
from engine.plan.again import with_drawn_seed
from engine.plan.changed import Changes, RowNow, RowThen, changes_between
from engine.plan.estimate import Estimate, Rate, estimate, expected_rates
from engine.plan.memory import memory_needs
from engine.plan.palettes import swatches
from engine.plan.preview import Note, RowPreview, preview
from engine.plan.recipes import PlannedModel
from engine.plan.sizes import exact_size
from engine.plan.wildcards import expand
from engine.plan.words import load_words
from engine.service.devices import AUTO
from engine.service.rewriting import known_rewrite, rewritten
from engine.settings import (
    Settings,
)
from engine.sheet.check import ModelLimits, Vocabulary, check_table, typed_table
from engine.sheet.editing import Draft
from engine.sheet.read import Limits, read_table
from engine.sheet.rows import Problem, Row, RowValues, Severity, Sheet
from engine.sheet.table import Line, Table


@dataclass(frozen=True, slots=True)
class Checked:
    """A sheet that was read and checked, and what rendering its ready rows would take."""

    sheet: Sheet
    images: int
    """Images of the ready rows."""
    estimate: Estimate

    @property
    def errors(self) -> list[Problem]:
        """The problems that keep their rows from being rendered."""
        return [p for p in self.sheet.problems if p.severity is Severity.ERROR]


def check_sheet(path: Path, settings: Settings, *, worksheet: str | None = None) -> Checked:
    """Read and check a sheet.

    Args:
        path: a csv, tsv, xls, xlsx or ods file.
        settings: limits, and the library whose history gives the estimate.
        worksheet: its name in a workbook; None for the first visible one.

    Raises:
        SheetError: the file cannot be used as a sheet at all.
        SettingsError: the model list cannot be used.
    """
    models = load_models()
    table = _read(path, settings, worksheet)
    return _with_estimate(check_table(table, _vocabulary(models, settings)), models, settings)


def check_prompts(
    prompts: Sequence[str], settings: Settings, *, num_images: int = 1, **cells: str
) -> Checked:
    """Check typed prompts as if they were a sheet with these cells in every row.

    Raises:
        SheetError: no prompt, or an unknown column.
        SettingsError: the model list cannot be used.
    """
    models = load_models()
    table = typed_table(prompts, num_images=num_images, **cells)
    return _with_estimate(check_table(table, _vocabulary(models, settings)), models, settings)


def open_draft(path: Path, settings: Settings, *, worksheet: str | None = None) -> Draft:
    """Read and check a sheet that is to be mended; raises as `check_sheet`."""
    return Draft(_read(path, settings, worksheet), _vocabulary(load_models(), settings))


def draft_prompts(
    prompts: Sequence[str], settings: Settings, *, num_images: int | None = None
) -> Draft:
    """Typed prompts as a sheet that can be mended; raises as `check_prompts`."""
    table = typed_table(prompts, num_images=num_images)
    return Draft(table, _vocabulary(load_models(), settings))


def draft_rows(rows: Sequence[Mapping[str, str]], settings: Settings, *, name: str) -> Draft:
    """Rows that come from elsewhere in the library as a sheet that can be mended.

    Args:
        rows: each one's cells, by column.
        settings: limits, and the models there are.
        name: what the sheet is called.

    Raises:
        SheetError: no row, or none with a prompt's column.
        SettingsError: the model list cannot be used.
    """
    header = tuple(dict.fromkeys(["prompt", *(column for row in rows for column in row)]))
    lines = tuple(
        Line(number, tuple(row.get(column, "") for column in header))
        for number, row in enumerate(rows, start=2)
    )
    table = Table(file=name, sheet=None, header=header, lines=lines)
    return Draft(table, _vocabulary(load_models(), settings))


def reopen_draft(draft: Draft, path: Path, settings: Settings) -> tuple[Draft, int, int]:
    """The draft on its file as that is now; how many rows kept their mends, how many could not.

    Raises as `check_sheet`.
    """
    vocabulary = replace(
        _vocabulary(load_models(), settings), num_images=draft.vocabulary.num_images
    )
    return draft.on(_read(path, settings, draft.worksheet), vocabulary)


def with_num_images(draft: Draft, num_images: int) -> Draft:
    """The same draft, where a row that does not say makes this many images."""
    return draft.on(draft.table, replace(draft.vocabulary, num_images=num_images))[0]


def estimate_rows(values: Sequence[RowValues], settings: Settings) -> Estimate:
    """What rendering these rows would take.

    Raises:
        SettingsError: the model list cannot be used.
    """
    return _estimated(values, load_models(), settings)[1]


def ready_to_start(draft: Draft) -> Checked:
    """The draft as it stands, for `start_session`."""
    return Checked(draft.sheet(), draft.images, Estimate(None, None))


def write_template(path: Path, *, full: bool = False) -> None:
    """Write a sheet to fill in (.csv, .xlsx or .ods); a file that is there is replaced.

    Raises:
        SheetError: another ending.
        SettingsError: the model list cannot be used.
        OSError: it cannot be written.
    """
    from engine.sheet import template  # what few sessions need

    template.write_template(path, list(load_models()), full=full)


def explain_columns(*, full: bool = True) -> str:
    """The rules of the columns in plain words, for whoever shall write a sheet.

    Raises:
        SettingsError: the model list cannot be used.
    """
    from engine.sheet import template  # what few sessions need

    return template.explain(list(load_models()), full=full)


def _read(path: Path, settings: Settings, worksheet: str | None) -> Table:
    limits = Limits(
        file_bytes=settings.sheet.max_file_mib << 20,
        rows=settings.sheet.max_rows,
        cells=settings.sheet.max_cells,
        columns=settings.sheet.max_columns,
    )
    return read_table(path, sheet=worksheet, limits=limits)


def check_stored(
    rows: Sequence[StoredRow], settings: Settings, *, file: str, sheet: str | None = None
) -> Checked:
    """Check rows that were stored with a session, as the sheet they came from.

    Args:
        rows: with the numbers they are to keep.
        settings: limits, and the library whose history gives the estimate.
        file: what to call the sheet.
        sheet: its worksheet.

    Raises:
        SheetError: no rows.
        SettingsError: the model list cannot be used.
    """
    models = load_models()
    known = list(dict.fromkeys(name for row in rows for name in row.cells))
    extra = list(dict.fromkeys(name for row in rows for name in row.extra))
    lines = tuple(
        Line(
            row.number,
            (*(row.cells.get(c, "") for c in known), *(row.extra.get(c, "") for c in extra)),
        )
        for row in rows
    )
    table = Table(file=file, sheet=sheet, header=(*known, *extra), lines=lines)
    return _with_estimate(check_table(table, _vocabulary(models, settings)), models, settings)


def changes_since(session: str, checked: Checked, settings: Settings) -> Changes:
    """What an edited sheet asks for that its session has not rendered; rows with errors are out.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    then = [
        RowThen(row.number, row.cells, row.first_seed)
        for row in stored_rows(settings.library, session)
    ]
    now = [RowNow(row.number, row.cells) for row in checked.sheet.ready]
    return changes_between(then, now)


def only_changed(checked: Checked, changes: Changes) -> Checked:
    """The rows that are to be rendered, for `start_session`; drawn seeds are kept."""
    wanted = set(changes.to_render)
    rows = []
    for row in checked.sheet.ready:
        if row.number not in wanted or row.values is None:
            continue
        seed = changes.seeds.get(row.number)
        if seed is not None:
            values = replace(row.values, seed_number=seed)
            row = replace(row, values=values, cells=with_drawn_seed(row.cells, seed))
        rows.append(row)
    images = sum(row.values.num_images for row in rows if row.values is not None)
    return replace(checked, sheet=replace(checked.sheet, rows=tuple(rows)), images=images)


def preview_row(row: Row, settings: Settings | None = None) -> RowPreview | None:
    """A row as it would be rendered now, and what each column did; None while it has errors.

    Args:
        row: of a checked sheet.
        settings: which language model writes magic prompts; its answer is shown if it was asked
            before (see `rewrite_row`). None: none does.

    Raises:
        SettingsError: the model list, or a file of styles or the like, cannot be used.
    """
    if row.values is None:
        return None
    model = load_models()[row.values.model]
    planned = PlannedModel(model, model.scheduler, "", load_words())
    told = row.values.final_prompt or not row.values.magic_prompt
    if settings is None or not settings.magic.model or told:
        return preview(row.values, planned)
    first = expand(row.values.prompt, row.values.seed_number or 0, planned.words.wildcards)
    known = known_rewrite(first, settings.magic)
    found = preview(row.values, replace(planned, rewrites={first: known} if known else {}))
    if known is not None:
        return found
    later = Note("magic_prompt", f"is written by {settings.magic.model} at the start")
    notes = (later if note.column == "magic_prompt" else note for note in found.notes)
    return replace(found, notes=tuple(notes))


def rewrite_row(row: Row, settings: Settings) -> None:
    """Have the language model write a row's magic prompt now, so that `preview_row` shows it.

    Raises:
        RewriteError: it does not answer.
    """
    if row.values is not None and settings.magic.model:
        words = load_words().wildcards
        rewritten([expand(row.values.prompt, row.values.seed_number or 0, words)], settings.magic)


def palette_colours(cell: str) -> tuple[str, ...]:
    """The colours of a `color_palette` cell as `#RRGGBB`, for showing; none if it has a problem."""
    return swatches(cell, load_words().palettes)


def _vocabulary(models: ModelList, settings: Settings) -> Vocabulary:
    words = load_words()
    return Vocabulary(
        models={
            label: ModelLimits(
                max_ratio=model.max_ratio,
                heeds_negative=model.heeds_negative,
                schedulers=names_for(model.kind.flow),
                size=partial(exact_size, model=model),
            )
            for label, model in models.items()
        },
        default_model=next(iter(models)),
        prompt_chars=settings.sheet.max_prompt_chars,
        styles=tuple(words.styles),
        palettes=tuple(words.palettes),
        wildcards=words.wildcards.choices.keys(),
        model_names=settings.sheet.model_names,
    )


def _with_estimate(sheet: Sheet, models: ModelList, settings: Settings) -> Checked:
    ready = [row.values for row in sheet.ready if row.values is not None]
    return Checked(sheet, *_estimated(ready, models, settings))


def _estimated(
    rows: Sequence[RowValues], models: ModelList, settings: Settings
) -> tuple[int, Estimate]:
    images, found = estimate(rows, models, _rates(models, settings))
    sizes = {label: model_size(models[label].source) for label in {row.model for row in rows}}
    devices = {
        use.device: use.total
        for use in devices_in_use()
        if {AUTO, use.device} & set(settings.render.devices)
    }
    return images, replace(found, memory=memory_needs(rows, models, sizes, devices))


def _rates(models: ModelList, settings: Settings) -> dict[str, Rate]:
    try:
        return expected_rates(models) | measured_rates(settings.library)
    except LibraryError:  # of another version, say: that is for whoever opens it to complain of
        return expected_rates(models)
