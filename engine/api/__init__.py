"""The front door: what the app, the command line and a notebook may use of the engine.

`sheets` reads, checks and mends; `sessions` starts, stops and exports; `machine` is about the
engine process, the library as a whole and this machine. Light: what loads much is loaded when it is
asked for. Imports everything below; nothing in the engine imports it. Begin with `sessions`.
"""

from engine.api.machine import (
    bring_up_to_date,
    diagnose,
    engine_status,
    repair_library,
    run_engine_here,
    sheet_from_pictures,
    start_engine,
    stop_running_engine,
    verify_library,
)
from engine.api.sessions import (
    Started,
    copy_images,
    export_session,
    move_session,
    named_files,
    pause_engine,
    resume_session,
    retry_session,
    start_session,
    stop_session,
)
from engine.api.sheets import (
    Checked,
    changes_since,
    check_prompts,
    check_sheet,
    check_stored,
    draft_prompts,
    draft_rows,
    draft_session,
    estimate_rows,
    explain_columns,
    only_changed,
    open_draft,
    palette_colours,
    preview_row,
    ready_to_start,
    reopen_draft,
    rewrite_row,
    session_of,
    with_num_images,
    write_template,
)
from engine.config_records import Declared, explanations, plain
from engine.library.database import (
    LibraryError,
)
from engine.library.read.gallery import IMAGE_ORDERS, Gallery, ImageOrder, Wanted, glance
from engine.library.read.jobs import ORDERS, Job, JobPages
from engine.library.read.pace import Pace, pace
from engine.library.read.reader import (
    STATES,
    ImageInfo,
    JobInfo,
    SessionInfo,
    departures_of,
    each_image,
    each_job,
    find_in_trash,
    find_session,
    images_as_json,
    jobs_as_json,
    list_images,
    list_jobs,
    list_open,
    list_sessions,
    list_trashed,
    log_path,
    newest_image,
    pixels_of,
)
from engine.library.read.results import results_frame
from engine.library.read.sessions import SESSION_ORDERS, SessionOrder, SessionPages
from engine.library.read.stored_rows import StoredRow, stored_rows
from engine.library.read.tables import TABLE_KINDS, TableKind
from engine.library.read.usage import DiskUse, disk_use
from engine.library.records import Copied, Exported
from engine.machine import DeviceUse, devices_in_use
from engine.models.catalog import load_models
from engine.picture.recipe import Recipe
from engine.plan.changed import Changes
from engine.plan.estimate import Estimate
from engine.plan.preview import RowPreview
from engine.plan.recipes import draw_seed
from engine.plan.seeds import neighbours, with_drawn_seed, with_new_seeds
from engine.protocol.commands import Places
from engine.protocol.events import (
    Absent,
    Counted,
    Curated,
    Mismatched,
    Paused,
    Previewed,
    Revived,
    Silent,
    Standing,
    Stepped,
)
from engine.protocol.events import (
    AnyEvent as EngineEvent,
)
from engine.protocol.records import Emptied, Tally, Trashed, TrashSize
from engine.service.client.connection import (
    EngineError,
)
from engine.service.client.curation import (
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
from engine.service.client.follow import EngineFeed, Progress, follow_session
from engine.service.lock import LockedError
from engine.service.rewriting import RewriteError
from engine.settings import (
    Settings,
    SettingsError,
    config_folder,
    load_settings,
    state_folder,
)
from engine.sheet.columns import COLUMN
from engine.sheet.copying import Copy, free_name, new_name, plain_name, save_copy, save_new
from engine.sheet.editing import Draft, offered_columns
from engine.sheet.fault_navigation import Place
from engine.sheet.rows import Problem, Row, RowValues, Severity, Sheet, SheetError
from engine.unfinished_files import written_beside

__all__ = [
    "COLUMN",
    "IMAGE_ORDERS",
    "ORDERS",
    "SESSION_ORDERS",
    "STATES",
    "TABLE_KINDS",
    "Absent",
    "Changes",
    "Checked",
    "Copied",
    "Copy",
    "Counted",
    "Curated",
    "Declared",
    "DeviceUse",
    "DiskUse",
    "Draft",
    "Emptied",
    "EngineError",
    "EngineEvent",
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
    "Mismatched",
    "Pace",
    "Paused",
    "Place",
    "Places",
    "Previewed",
    "Problem",
    "Progress",
    "Recipe",
    "Revived",
    "RewriteError",
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
    "Silent",
    "Standing",
    "Started",
    "Stepped",
    "StoredRow",
    "TableKind",
    "Tally",
    "TrashSize",
    "Trashed",
    "Wanted",
    "bring_up_to_date",
    "changes_since",
    "check_prompts",
    "check_sheet",
    "check_stored",
    "config_folder",
    "copy_images",
    "departures_of",
    "devices_in_use",
    "diagnose",
    "disk_use",
    "draft_prompts",
    "draft_rows",
    "draft_session",
    "draw_seed",
    "each_image",
    "each_job",
    "empty_trash",
    "engine_status",
    "estimate_rows",
    "explain_columns",
    "explanations",
    "export_session",
    "favour_images",
    "find_in_trash",
    "find_session",
    "follow_session",
    "free_name",
    "glance",
    "images_as_json",
    "jobs_as_json",
    "list_images",
    "list_jobs",
    "list_open",
    "list_sessions",
    "list_trashed",
    "load_models",
    "load_settings",
    "log_path",
    "move_session",
    "named_files",
    "neighbours",
    "new_name",
    "newest_image",
    "offered_columns",
    "only_changed",
    "open_draft",
    "pace",
    "palette_colours",
    "pause_engine",
    "pixels_of",
    "plain",
    "plain_name",
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
    "rewrite_row",
    "run_engine_here",
    "save_copy",
    "save_new",
    "session_of",
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
    "written_beside",
]
