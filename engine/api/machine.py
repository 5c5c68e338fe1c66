"""The engine process, the library as a whole, and this machine."""

import importlib.metadata
import platform
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from engine import __version__
from engine.atomic_files import place
from engine.library.database import (
    LibraryError,
    database_path,
    filesystem_of,
    on_network,
)
from engine.library.read.reader import (
    list_sessions,
)
from engine.library.read.tables import TABLE_KINDS, written_table
from engine.library_folder import folder_fault, writing_fault
from engine.protocol.answers import Status
from engine.protocol.commands import AskStatus, Command, RenderHere
from engine.schema import SCHEMA_VERSION
from engine.service.client.connection import (
    EngineError,
    connect_or_start,
    connect_running,
    stop_engine,
)
from engine.service.devices import DevicesError, ask_torch
from engine.settings import (
    Settings,
    with_devices,
)
from engine.sheet.rows import SheetError
from engine.unfinished_files import unfinished

_PACKAGES = ("torch", "diffusers", "transformers", "pillow", "python-calamine")


def start_engine(
    settings: Settings, devices: Sequence[str] = (), *, no_render: bool = False
) -> dict[str, Any]:
    """Start the engine process if none runs, and have it render on this host; its status.

    Args:
        settings: whose library.
        devices: to render on, instead of the settings'.
        no_render: it only keeps the library, until someone asks it to render.

    Raises:
        EngineError: it cannot be started, or runs already and should be another one.
    """
    connection, detachment = connect_or_start(
        settings.library, devices, asked=not no_render, no_render=no_render
    )
    with connection:
        if (devices or no_render) and detachment is None:
            other = "with other devices" if devices else "with --no-render"
            raise EngineError(
                "The engine process runs already; `promptsheet engine stop` ends it, and it can be"
                f" started {other} then. Its work is kept."
            )
        wanted: Command[Status] = AskStatus() if no_render else RenderHere()
        status: dict[str, Any] = to_builtins(connection.ask(wanted))
        return status | {"warning": detachment.warning if detachment else None}


def bring_up_to_date(settings: Settings) -> None:
    """Have the engine process bring a library of an older version up to date; it asks for no more.

    Raises:
        LibraryError: it cannot be written.
        EngineError: the engine process cannot be started.
    """
    if fault := writing_fault(settings.library):
        raise LibraryError(
            f"{fault} It was written by an older version of Promptsheet, and this one can read it"
            " once it has brought it up to date, or a copy of it."
        )
    connection, _ = connect_or_start(settings.library)
    connection.close()


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
        status: dict[str, Any] = to_builtins(connection.ask(AskStatus()))
        return status | {"mismatch": mismatch}


def stop_running_engine(settings: Settings) -> int | None:
    """Stop the engine process after its current step; its process id, None if none ran.

    Raises:
        EngineError: it does not stop.
    """
    return stop_engine(settings.library)


def run_engine_here(
    settings: Settings, devices: Sequence[str] = (), *, no_render: bool = False
) -> None:
    """Be the engine process until a signal or a command says stop.

    Args:
        settings: whose library.
        devices: to render on, instead of the settings'.
        no_render: only keep the library, until someone asks it to render.

    Raises:
        LockedError: another one has the library.
        LibraryError: the library cannot be used.
        OSError: its folder cannot be written.
    """
    from engine.service.server.process import run_engine  # asyncio, which few commands need

    run_engine(
        with_devices(settings, devices),
        "in the foreground",
        on_ready=lambda: None,
        asked=not no_render,
        no_render=no_render,
    )


def sheet_from_pictures(pictures: Iterable[Path], sheet: Path) -> tuple[int, list[Path]]:
    """Write a sheet with a row for every picture that says how it was made.

    What A1111, InvokeAI, ComfyUI and Promptsheet write into their pictures is understood; it is
    read as data. A picture of Promptsheet's comes out the same again. Of others the row has prompt,
    seed, ratio, steps and guidance; the model's name goes to a column of its own, since models are
    called otherwise here.

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
    from engine.picture.foreign import read_foreign  # Pillow, which few need
    from engine.plan.from_pictures import row_of, source_of

    kind = next((kind for kind in TABLE_KINDS if sheet.suffix.lower() == f".{kind}"), None)
    if kind is None:
        raise SheetError(f"{sheet} must end in {', '.join(f'.{kind}' for kind in TABLE_KINDS)}.")
    if sheet.exists() or sheet.is_symlink():
        raise SheetError(f"{sheet} is there already. Give another name.")
    rows: list[dict[str, str]] = []
    silent: list[Path] = []
    for picture in pictures:
        found = read_foreign(picture)
        if found is None:
            silent.append(picture)
        else:
            rows.append(row_of(found) | source_of(found) | {"source_file": str(picture)})
    if not rows:
        raise SheetError("None of these pictures says how it was made.")
    with unfinished(sheet.parent) as folder:
        folder.mkdir(mode=0o700)
        part = folder / sheet.name
        with written_table(kind, part, [*rows[0]]) as table:
            for row in rows:
                table.line([*row.values()])
        try:
            place(part, sheet)
        except FileExistsError as error:
            raise SheetError(f"{sheet} is there already. Give another name.") from error
    return len(rows), silent


def verify_library(settings: Settings) -> dict[str, Any]:
    """Hold database and files against each other.

    Returns:
        `images` (done), `missing`, `orphans`, `corrupt`, `miscounted`, and `whole`.

    Raises:
        LibraryError: no library there, or not one this version can read.
    """
    from engine.library.maintain.verify import verify  # numpy and Pillow, which few commands need

    verdict = verify(settings.library)
    return asdict(verdict) | {"whole": verdict.whole}


def repair_library(settings: Settings) -> dict[str, Any]:
    """Make database and files agree, from the files if need be; nothing is deleted.

    The engine process is stopped first; unfinished work goes on when it is next started.

    Returns:
        `database`, `sessions`, `folders`, `adopted`, `again`, `aside`, `recounted`, `left`.

    Raises:
        LibraryError: there is nothing to repair, or it cannot be written.
        EngineError: the engine process does not stop.
        OSError: the library's folder cannot be written.
    """
    from engine.library.maintain.repair import repair  # numpy and Pillow, which few commands need
    from engine.service.lock import LibraryLock

    stop_engine(settings.library)
    if not settings.library.is_dir():
        raise LibraryError(
            folder_fault(settings.library) or f"There is no library in {settings.library}."
        )
    if fault := writing_fault(settings.library):
        raise LibraryError(fault)
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
        "exists": folder_fault(library) is None and database_path(library).is_file(),
        "schema": SCHEMA_VERSION,
    }
    try:
        if folder_fault(library) is None and library.exists():
            state |= {"filesystem": filesystem_of(library), "network": on_network(library)}
        state["sessions"] = len(list_sessions(library))
        status = engine_status(settings)
        state["engine"] = status["mismatch"] or f"process {status['pid']}" if status else None
        state |= {"fault": status["fault"]} if status and status.get("fault") else {}
    except (LibraryError, EngineError) as error:
        state["fault"] = str(error)
    if "fault" not in state and (fault := writing_fault(library)):
        state["fault"] = fault
    return {"devices": _devices(), "library": state, "versions": versions}


def _devices() -> dict[str, str]:
    try:
        return ask_torch()
    except DevicesError as error:
        return {"none": f"torch does not start: {error}"}
