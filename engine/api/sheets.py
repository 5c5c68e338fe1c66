"""Sheets and rows: read, checked, mended, estimated, compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from engine.library.database import (
    LibraryError,
)
from engine.library.read.pace import measured_rates
from engine.library.read.shared_folder import why_unreachable
from engine.library.read.stored_rows import StoredRow, session_of_sheet, stored_sheet
from engine.library.read.usage import disk_use
from engine.machine import devices_in_use
from engine.models.catalog import ModelList, load_models
from engine.models.schedulers import names_for
from engine.models.weights import model_size
from engine.plan.changed import Changes, RowNow, RowThen, changes_between
from engine.plan.estimate import DiskNeed, Estimate, Rate, estimate, expected_rates
from engine.plan.memory import memory_needs
from engine.plan.palettes import swatches
from engine.plan.preview import Note, RowPreview, preview
from engine.plan.recipes import PlannedModel
from engine.plan.sizes import exact_size
from engine.plan.wildcards import expand
from engine.plan.words import load_words
from engine.service.devices import AUTO
from engine.service.rewriting import known_rewrite, rewritten
from engine.settings import Settings, shared_folder
from engine.sheet.check import ModelLimits, Vocabulary, check_table, extra_names, typed_table
from engine.sheet.editing import Draft
from engine.sheet.headers import map_header
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
    path: Path | None = None
    """Where the file is; None: there is none."""
    kept: Mapping[int, int] = field(default_factory=dict)
    """Rows that are not to be rendered again → their numbers in the parent session's sheet."""

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
    sheet = check_table(table, _vocabulary(models, settings))
    return replace(_with_estimate(sheet, models, settings), path=path)


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


def draft_session(session: str, settings: Settings) -> Draft:
    """The whole sheet of the session with id `session`, as it was started, to be mended.

    Header, row numbers and the user's own columns are as they were, cells as they read after
    repairs; a blank seed is blank again.

    Raises:
        SheetError: it has no row.
        SettingsError: the model list cannot be used.
        LibraryError: no such session, or not a library this version can read.
    """
    stored = stored_sheet(settings.library, session)
    known = map_header(stored.header, 1)[0] if stored.header else {}
    columns = {name: stored.header[at] for at, name in known.items()}
    columns |= {name: stored.header[at] for at, name in extra_names(stored.header, known)}
    columns = dict(sorted(columns.items(), key=lambda item: stored.header.index(item[1])))
    used = dict.fromkeys(name for row in stored.rows for name in (*row.cells, *row.extra))
    columns |= {name: name for name in used if name not in columns}
    lines = tuple(
        Line(row.number, tuple(row.cells.get(c) or row.extra.get(c, "") for c in columns))
        for row in stored.rows
    )
    header_row = min(1, min((line.number for line in lines), default=2) - 1)
    table = Table(stored.file, stored.sheet, tuple(columns.values()), lines, header_row)
    blank = {row.images for row in stored.rows if not row.cells.get("num_images")}
    vocabulary = _vocabulary(load_models(), settings)
    # Rows that do not say all make as many: what held on the Sheet screen then.
    vocabulary = replace(vocabulary, num_images=max(blank, default=vocabulary.num_images))
    return Draft(table, vocabulary)


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
    return draft.with_vocabulary(replace(draft.vocabulary, num_images=num_images))


def estimate_rows(values: Sequence[RowValues], settings: Settings) -> Estimate:
    """What rendering these rows would take.

    Raises:
        SettingsError: the model list cannot be used.
    """
    return _estimated(values, load_models(), settings)[1]


def ready_to_start(draft: Draft, path: Path | None = None) -> Checked:
    """The draft as it stands, for `start_session`; `path` is its file's."""
    sheet, images = draft.still(lambda: (draft.sheet(), draft.images))
    return Checked(sheet, images, Estimate(None, None), path)


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


def session_of(path: Path, settings: Settings, worksheet: str | None = None) -> str | None:
    """The id of the newest session made from this sheet: by its path, else by its name; or None.

    Raises:
        LibraryError: not a library this version can read.
    """
    return session_of_sheet(settings.library, path, worksheet)


def changes_since(session: str, checked: Checked, settings: Settings) -> Changes:
    """What an edited sheet asks for that its session has not rendered; rows with errors are out.

    What the session kept from an earlier one counts as rendered; what failed does not.

    Raises:
        LibraryError: no such session, or not a library this version can read.
    """
    then = [
        RowThen(row.number, _with_count(row.cells, row.images), row.first_seed, row.failed)
        for row in stored_sheet(settings.library, session).rows
    ]
    now = [
        RowNow(row.number, _with_count(row.cells, row.values.num_images))
        for row in checked.sheet.ready
        if row.values is not None
    ]
    changes = changes_between(then, now)
    # What stands where a faulty row stands is not gone: it is that row, before its mending.
    faulty = {row.number for row in checked.sheet.rows if row.values is None}
    removed = tuple(number for number in changes.removed if number not in faulty)
    return replace(changes, removed=removed)


def _with_count(cells: Mapping[str, str], images: int) -> Mapping[str, str]:
    """A blank `num_images` means what held when the row was read, which can change."""
    return {**cells, "num_images": str(images)}


def only_changed(checked: Checked, changes: Changes) -> Checked:
    """The rows that are to be rendered, for `start_session`; drawn seeds are kept.

    The session of the changes has to be named as the new one's parent: of the rows that are the
    same, the new session remembers where they were rendered.
    """
    wanted = set(changes.to_render)
    rows = []
    for row in checked.sheet.rows:
        if row.values is None:  # it has errors, and that is still to be said
            rows.append(row)
        if row.values is None or row.number not in wanted:
            continue
        seed = changes.seeds.get(row.number)
        # The cells stay as they are written: a blank seed is blank when they are compared again.
        values = row.values if seed is None else replace(row.values, seed_number=seed)
        rows.append(replace(row, values=values))
    images = sum(row.values.num_images for row in rows if row.values is not None)
    sheet = replace(checked.sheet, rows=tuple(rows))
    unknown = Estimate(None, None)
    return replace(checked, sheet=sheet, images=images, estimate=unknown, kept=changes.same)


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


def palette_colours(cell: str, draft: Draft) -> tuple[str, ...]:
    """The colours of a `color_palette` cell as `#RRGGBB`, for showing; none if it has a problem."""
    return swatches(cell, draft.vocabulary.palettes)


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
        palettes=words.palettes,
        wildcards=words.wildcards.choices.keys(),
        wildcard_faults=words.wildcards.faults,
        unshared=why_unreachable(shared_folder(settings)),
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
    memory = memory_needs(rows, models, sizes, devices)
    return images, replace(found, memory=memory, disk=_disk_need(found.bytes, settings))


def _disk_need(needed: int | None, settings: Settings) -> DiskNeed | None:
    if needed is None:
        return None
    try:
        use = disk_use(settings.library)
    except (LibraryError, OSError):  # that is for whoever opens it to complain of
        return None
    room = max(0, use.free - (settings.engine.reserve_mib << 20) - use.needed)
    return DiskNeed(needed, room, needed <= room)


def _rates(models: ModelList, settings: Settings) -> dict[str, Rate]:
    expected = expected_rates(models)
    try:
        measured = measured_rates(settings.library)
    except LibraryError:  # of another version, say: that is for whoever opens it to complain of
        return expected
    for label, rate in measured.items():
        if rate.bytes_per_pixel is None and label in expected:
            measured[label] = replace(rate, bytes_per_pixel=expected[label].bytes_per_pixel)
    return expected | measured
