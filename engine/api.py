"""The front door: what the app, the command line and a notebook may use of the engine."""

import importlib.metadata
import platform
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from engine import __version__
from engine.declared import Declared, explanations, plain
from engine.library.database import (
    LibraryError,
    database_path,
    filesystem_of,
    on_network,
)
from engine.library.gallery import IMAGE_ORDERS, Gallery, ImageOrder, Wanted, glance
from engine.library.inputs import StoredRow, stored_rows
from engine.library.jobs import ORDERS, Job, JobPages
from engine.library.pace import Pace, measured_rates, pace
from engine.library.reader import (
    STATES,
    ImageInfo,
    JobInfo,
    SessionInfo,
    find_session,
    list_images,
    list_jobs,
    list_open,
    list_sessions,
    log_path,
    newest_image,
)
from engine.library.records import Exported, Trashed, TrashSize
from engine.library.results import results_frame
from engine.library.sessions import SESSION_ORDERS, SessionOrder, SessionPages
from engine.library.tables import TABLE_KINDS, TableKind, open_table
from engine.library.usage import DiskUse, disk_use
from engine.machine import DeviceUse, devices_in_use
from engine.models.catalog import ModelList, load_models
from engine.models.schedulers import names_for
from engine.picture.recipe import Recipe
from engine.plan.again import neighbours, with_drawn_seed, with_new_seeds
from engine.plan.changed import Changes, RowNow, RowThen, changes_between
from engine.plan.estimate import Estimate, Rate, estimate, expected_rates
from engine.plan.palettes import swatches
from engine.plan.preview import RowPreview, preview
from engine.plan.recipes import PlannedModel
from engine.plan.sizes import exact_size
from engine.plan.words import load_words
from engine.schema import SCHEMA_VERSION
from engine.service.asking import (
    empty_trash,
    favour_images,
    rename_session,
    restore_images,
    restore_session,
    tag_session,
    trash_images,
    trash_session,
    trash_size,
)
from engine.service.client import (
    EngineError,
    connect_or_start,
    connect_running,
    stop_engine,
)
from engine.service.devices import DevicesError, ask_torch
from engine.service.follow import EngineFeed, Progress, follow_session
from engine.service.lock import LockedError
from engine.settings import (
    Settings,
    SettingsError,
    config_folder,
    load_settings,
    state_folder,
    with_devices,
)
from engine.sheet.check import ModelLimits, Vocabulary, check_table, typed_table
from engine.sheet.columns import COLUMN
from engine.sheet.copying import Copy, free_name, save_copy
from engine.sheet.editing import Draft, offered_columns
from engine.sheet.read import Limits, read_table
from engine.sheet.rows import Problem, Row, RowValues, Severity, Sheet, SheetError
from engine.sheet.table import Line, Table
from engine.sheet.walking import Place

__all__ = [
    "COLUMN",
    "IMAGE_ORDERS",
    "ORDERS",
    "SESSION_ORDERS",
    "STATES",
    "TABLE_KINDS",
    "Changes",
    "Checked",
    "Copy",
    "Declared",
    "DeviceUse",
    "DiskUse",
    "Draft",
    "EngineError",
    "EngineFeed",
    "Estimate",
    "Exported",
    "Gallery",
    "ImageInfo",
    "ImageOrder",
    "Job",
    "JobInfo",
    "JobPages",
    "LibraryError",
    "LockedError",
    "Pace",
    "Place",
    "Problem",
    "Progress",
    "Recipe",
    "Row",
    "RowPreview",
    "RowValues",
    "SessionInfo",
    "SessionOrder",
    "SessionPages",
    "Settings",
    "SettingsError",
    "Severity",
    "Sheet",
    "SheetError",
    "Started",
    "StoredRow",
    "TableKind",
    "TrashSize",
    "Trashed",
    "Wanted",
    "changes_since",
    "check_prompts",
    "check_sheet",
    "check_stored",
    "config_folder",
    "devices_in_use",
    "diagnose",
    "disk_use",
    "draft_prompts",
    "draft_rows",
    "empty_trash",
    "engine_status",
    "estimate_rows",
    "explain_columns",
    "explanations",
    "export_session",
    "favour_images",
    "find_session",
    "follow_session",
    "free_name",
    "glance",
    "list_images",
    "list_jobs",
    "list_open",
    "list_sessions",
    "load_models",
    "load_settings",
    "log_path",
    "move_session",
    "neighbours",
    "newest_image",
    "offered_columns",
    "only_changed",
    "open_draft",
    "pace",
    "palette_colours",
    "pause_engine",
    "plain",
    "preview_row",
    "ready_to_start",
    "rename_session",
    "reopen_draft",
    "repair_library",
    "restore_images",
    "restore_session",
    "results_frame",
    "resume_session",
    "retry_session",
    "run_engine_here",
    "save_copy",
    "sheet_from_pictures",
    "start_engine",
    "start_session",
    "state_folder",
    "stop_running_engine",
    "stop_session",
    "stored_rows",
    "tag_session",
    "trash_images",
    "trash_session",
    "trash_size",
    "verify_library",
    "with_drawn_seed",
    "with_new_seeds",
    "with_num_images",
    "write_template",
]

_PACKAGES = ("torch", "diffusers", "transformers", "pillow", "python-calamine")


# -------------------------------------------------------------------- sheets


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
    models = load_models()
    return estimate(values, models, _rates(models, settings))[1]


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


def preview_row(row: Row) -> RowPreview | None:
    """A row as it would be rendered now, and what each column did; None while it has errors.

    Raises:
        SettingsError: the model list, or a file of styles or the like, cannot be used.
    """
    if row.values is None:
        return None
    model = load_models()[row.values.model]
    return preview(row.values, PlannedModel(model, model.scheduler, "", load_words()))


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
    ready = (row.values for row in sheet.ready if row.values is not None)
    images, found = estimate(ready, models, _rates(models, settings))
    return Checked(sheet, images, found)


def _rates(models: ModelList, settings: Settings) -> dict[str, Rate]:
    try:
        return expected_rates(models) | measured_rates(settings.library)
    except LibraryError:  # of another version, say: that is for whoever opens it to complain of
        return expected_rates(models)


# -------------------------------------------------------------------- sessions


@dataclass(frozen=True, slots=True)
class Started:
    """A session the engine process has accepted."""

    session: str
    images: int
    warning: str | None
    """What to tell the user of how the engine process outlives the terminal; usually nothing."""


def start_session(
    checked: Checked, settings: Settings, *, name: str | None = None, parent: str | None = None
) -> Started:
    """Have the ready rows of a checked sheet rendered; returns once that is on disk.

    Args:
        checked: rows with errors are left out.
        settings: whose library.
        name: what to call it; the file's name otherwise.
        parent: the session it was made from.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    sheet = checked.sheet
    rows = [
        {
            "number": row.number,
            "cells": dict(row.cells),
            "extra": dict(row.extra),
            "values": asdict(row.values),
        }
        for row in sheet.ready
        if row.values is not None
    ]
    source: dict[str, Any] = {"file": sheet.file, "sheet": sheet.sheet}
    source |= {"columns": list(sheet.columns)} | ({"parent": parent} if parent else {})
    connection, way = connect_or_start(settings.library)
    with connection:
        tally = connection.command(
            "submit", name=name or Path(sheet.file).stem, source=source, rows=rows
        )
    return Started(tally["session"], tally["images"], way.warning if way else None)


def stop_session(
    session: str | None, settings: Settings, rows: Sequence[int] | None = None
) -> None:
    """Stop after the current step; what is finished is kept.

    Args:
        session: its id; None: everything.
        settings: whose library.
        rows: numbers of the session's rows; None: all of them. An image of theirs that shares a
            running batch with others' still comes out of it.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    _command(settings, "stop", session=session, rows=rows)


def resume_session(
    session: str | None, settings: Settings, rows: Sequence[int] | None = None
) -> None:
    """Let what was stopped, or waits to be asked for, go on; arguments as for `stop_session`.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    _command(settings, "resume", session=session, rows=rows)


def retry_session(
    session: str | None, settings: Settings, rows: Sequence[int] | None = None
) -> None:
    """Let failed images be tried again; arguments as for `stop_session`.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    _command(settings, "retry", session=session, rows=rows)


def move_session(session: str, settings: Settings, to: str) -> None:
    """Have a session rendered sooner or later than others: `first`, `last`, `up` or `down`.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    _command(settings, "move", session=session, to=to)


def pause_engine(settings: Settings, *, paused: bool) -> None:
    """Render nothing and free the devices until told to go on; or go on. Outlives a restart.

    Raises:
        EngineError: the engine process cannot be started, or refuses.
    """
    _command(settings, "pause", paused=paused)


def _command(settings: Settings, do: str, **arguments: Any) -> None:
    connection, _ = connect_or_start(settings.library)
    with connection:
        connection.command(do, **arguments)


def export_session(
    session: str,
    settings: Settings,
    out: IO[bytes],
    *,
    images: Collection[str] | None = None,
    favourites: bool = False,
    strip_metadata: bool = False,
    table: TableKind = "csv",
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Exported:
    """Write a session's finished images to `out` as a ZIP, with a results sheet; what it wrote.

    Args:
        session: its id.
        settings: whose library.
        out: need not seek: the ZIP is made while it is written.
        images: only these, by their ids.
        favourites: only these.
        strip_metadata: leave recipes out, of the pictures and of the results sheet.
        table: the results sheet's format.
        progress: told how many of how many images were looked at; what it raises ends the export.

    Raises:
        LibraryError: no such session.
        OSError: `out` cannot be written.
    """
    from engine.library.export import Wish, export_zip  # numpy and Pillow, which few need

    chosen = None if images is None else frozenset(images)
    wish = Wish(chosen, favourites, strip_metadata, table)
    return export_zip(settings.library, session, out, wish, progress)


# -------------------------------------------------------------------- engine process and library


def start_engine(settings: Settings, devices: Sequence[str] = ()) -> dict[str, Any]:
    """Start the engine process if none runs; its status.

    Args:
        settings: whose library.
        devices: to render on, instead of the settings'.

    Raises:
        EngineError: it cannot be started, or runs already and should use other devices.
    """
    connection, way = connect_or_start(settings.library, devices)
    with connection:
        if devices and way is None:
            raise EngineError(
                "The engine process runs already; `promptsheet engine stop` ends it, and it can be"
                " started with other devices then. Its work is kept."
            )
        return connection.command("status") | {"warning": way.warning if way else None}


def engine_status(settings: Settings) -> dict[str, Any] | None:
    """What the engine process says of itself; None if none runs.

    Raises:
        EngineError: there is one, but it cannot be talked to.
    """
    connection = connect_running(settings.library)
    if connection is None:
        return None
    with connection:
        mismatch = connection.greeting.mismatch()
        return connection.command("status") | {"mismatch": mismatch}


def stop_running_engine(settings: Settings) -> int | None:
    """Stop the engine process after its current step; its process id, None if none ran.

    Raises:
        EngineError: it does not stop.
    """
    return stop_engine(settings.library)


def run_engine_here(settings: Settings, devices: Sequence[str] = ()) -> None:
    """Be the engine process until a signal or a command says stop.

    Args:
        settings: whose library.
        devices: to render on, instead of the settings'.

    Raises:
        LockedError: another one has the library.
        LibraryError: the library cannot be used.
        OSError: its folder cannot be written.
    """
    from engine.service.process import run_engine  # asyncio, which few commands need

    run_engine(with_devices(settings, devices), "in the foreground", on_ready=lambda: None)


def sheet_from_pictures(pictures: Iterable[Path], sheet: Path) -> tuple[int, list[Path]]:
    """Write a sheet with a row for every picture that says how it was made.

    What A1111, InvokeAI, ComfyUI and Promptsheet write into their pictures is understood; it is
    read as data. The row's seed and ratio are the picture's; its model's name goes to a column of
    its own, since models are called otherwise here.

    Args:
        pictures: PNG, JPEG or WebP files.
        sheet: a new csv, xlsx or ods file.

    Returns:
        How many rows there are, and the pictures that say nothing.

    Raises:
        SheetError: the file's ending is none of these, it is there already, or no picture said
            anything.
        OSError: a picture cannot be read, or the sheet cannot be written.
    """
    from engine.picture.foreign import COLUMNS, read_foreign  # Pillow, which few need

    kind = next((kind for kind in TABLE_KINDS if sheet.suffix.lower() == f".{kind}"), None)
    if kind is None:
        raise SheetError(f"{sheet} must end in {', '.join(f'.{kind}' for kind in TABLE_KINDS)}.")
    if sheet.exists():
        raise SheetError(f"{sheet} is there already. Give another name.")
    rows: list[list[str]] = []
    silent: list[Path] = []
    for picture in pictures:
        found = read_foreign(picture)
        if found is None:
            silent.append(picture)
        else:
            rows.append([*found.cells().values(), str(picture)])
    if not rows:
        raise SheetError("None of these pictures says how it was made.")
    table = open_table(kind, sheet, [*COLUMNS, "source_file"])
    for row in rows:
        table.line(row)
    table.close()
    return len(rows), silent


def verify_library(settings: Settings) -> dict[str, Any]:
    """Hold database and files against each other.

    Returns:
        `images` (done), `missing`, `orphans`, `corrupt`, `miscounted`, and `whole`.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    from engine.library.verify import verify  # numpy and Pillow, which few commands need

    verdict = verify(settings.library)
    return asdict(verdict) | {"whole": verdict.whole}


def repair_library(settings: Settings) -> dict[str, Any]:
    """Make database and files agree, from the files if need be; nothing is deleted.

    The engine process is stopped first; unfinished work goes on when it is next started.

    Returns:
        `database`, `sessions`, `adopted`, `again`, `aside`, `recounted`, `left`.

    Raises:
        LibraryError: there is nothing to repair.
        EngineError: the engine process does not stop.
        OSError: the library's folder cannot be written.
    """
    from engine.library.repair import repair  # numpy and Pillow, which few commands need
    from engine.service.lock import LibraryLock

    stop_engine(settings.library)
    if not settings.library.is_dir():
        raise LibraryError(f"There is no library in {settings.library}.")
    lock = LibraryLock.take(settings.library)
    try:
        return asdict(repair(settings.library, lock.is_ours))
    finally:
        lock.release()


def diagnose(settings: Settings) -> dict[str, Any]:
    """This machine, its devices, the library and the versions; never raises for a part of it."""
    library = settings.library
    known = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    versions = {"promptsheet": __version__, "python": platform.python_version()}
    versions |= {name: known.get(name, "not installed") for name in _PACKAGES}
    state: dict[str, Any] = {
        "folder": str(library),
        "exists": database_path(library).is_file(),
        "schema": SCHEMA_VERSION,
    }
    if library.exists():
        state |= {"filesystem": filesystem_of(library), "network": on_network(library)}
    try:
        state["sessions"] = len(list_sessions(library))
        status = engine_status(settings)
        state["engine"] = status["mismatch"] or f"process {status['pid']}" if status else None
    except (LibraryError, EngineError) as error:
        state["fault"] = str(error)
    return {"devices": _devices(), "library": state, "versions": versions}


def _devices() -> dict[str, str]:
    try:
        return ask_torch()
    except DevicesError as error:
        return {"none": f"torch does not start: {error}"}
