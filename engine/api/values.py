"""What goes into a library's methods and comes out of them; and what needs no library at all.

What works on pixels is in `engine.api.pixels`: the Sheet is painted before any is needed.
"""

from engine.api.checked import Checked
from engine.api.diagnosis import Diagnosis, LibraryState, MachineState, RayState
from engine.api.engine import Engine, EngineState
from engine.api.found_pictures import (
    FoundPicture,
    FoundPictures,
    PictureRows,
    RefusedPicture,
)
from engine.api.images import Images
from engine.api.missing_models import MissingModel
from engine.api.model_pulls import ModelPull
from engine.api.models import ModelInfo, Models, RemovedModel
from engine.api.pictures_to_add import UsablePicture
from engine.api.sessions import Sessions, Started
from engine.api.sheets import Sheets
from engine.api.trash import Trash
from engine.caption.outline import ElementBox, OutlineLine, gist, outline_of
from engine.caption.reading import looks_like_caption, read_caption, spread_out
from engine.config_records import Declared, explanations, plain
from engine.library.database import LibraryError
from engine.library.read.gallery import IMAGE_ORDERS, Gallery, ImageOrder, Wanted
from engine.library.read.jobs import ORDERS, Job, JobPages
from engine.library.read.model_use import NeedsModel
from engine.library.read.pace import Pace
from engine.library.read.paper import MOST_COLUMNS, PAPERS, UNDER, Under
from engine.library.read.picking import PickRow, PickWay
from engine.library.read.reader import STATES, ImageInfo, JobInfo, SessionInfo
from engine.library.read.session_origin import SessionOrigin
from engine.library.read.sessions import SESSION_ORDERS, SessionOrder, SessionPages
from engine.library.read.stored_rows import StoredRow
from engine.library.read.tables import TABLE_KINDS, TableKind
from engine.library.read.usage import DiskUse
from engine.library.records import (
    BEST_RATING,
    ContactSheets,
    Copied,
    Exported,
    Repaired,
    VerifyReport,
)
from engine.machine import DeviceUse, devices_in_use
from engine.models.finding import FoundModel, ModelRefusedError
from engine.models.hub.messages import PullPlan, PullProgress
from engine.models.hub.offers import Form, Offer
from engine.models.hub.repository import PullError
from engine.models.list_file import LabelTakenError
from engine.picture.recipe import Recipe
from engine.picture.source_files import SUFFIXES as PICTURE_SUFFIXES
from engine.picture.source_files import open_plain
from engine.plan.changed import Changes
from engine.plan.estimate import Estimate
from engine.plan.memory import MemoryNeed
from engine.plan.names import image_place
from engine.plan.preview import RowPreview
from engine.plan.recipes import draw_seed
from engine.protocol.answers import Blame, DeviceState, Load
from engine.protocol.commands import Places
from engine.protocol.events import (
    Absent,
    Counted,
    Curated,
    Devices,
    Gone,
    Loading,
    Mismatched,
    Paused,
    Previewed,
    Revived,
    Silent,
    Standing,
    Stepped,
)
from engine.protocol.events import AnyEvent as EngineEvent
from engine.protocol.records import Emptied, Tally, Trashed, TrashSize
from engine.service.client.connection import EngineError
from engine.service.client.follow import EngineFeed, FollowProgress
from engine.service.lock import LockedError
from engine.service.rewriting import RewriteError
from engine.settings_file import Setting
from engine.sheet.columns import COLUMN, DEFAULT_STRENGTH, PICTURE_COLUMNS
from engine.sheet.copying import Copy
from engine.sheet.editing import Draft
from engine.sheet.encodings import ENCODINGS
from engine.sheet.grid_cells import Axis, Grid, grid_of
from engine.sheet.grid_table import GridTable
from engine.sheet.pasted import Pasted
from engine.sheet.problem_navigation import Place
from engine.sheet.rows import (
    EncodingError,
    Problem,
    Row,
    RowValues,
    Severity,
    Sheet,
    SheetError,
    SourcePicture,
)
from engine.sheet.totals import BlankCount

__all__ = [
    "BEST_RATING",
    "COLUMN",
    "DEFAULT_STRENGTH",
    "ENCODINGS",
    "IMAGE_ORDERS",
    "MOST_COLUMNS",
    "ORDERS",
    "PAPERS",
    "PICTURE_COLUMNS",
    "PICTURE_SUFFIXES",
    "SESSION_ORDERS",
    "STATES",
    "TABLE_KINDS",
    "UNDER",
    "Absent",
    "Axis",
    "Blame",
    "BlankCount",
    "Changes",
    "Checked",
    "ContactSheets",
    "Copied",
    "Copy",
    "Counted",
    "Curated",
    "Declared",
    "DeviceState",
    "DeviceUse",
    "Devices",
    "Diagnosis",
    "DiskUse",
    "Draft",
    "ElementBox",
    "Emptied",
    "EncodingError",
    "Engine",
    "EngineError",
    "EngineEvent",
    "EngineFeed",
    "EngineState",
    "Estimate",
    "Exported",
    "FollowProgress",
    "Form",
    "FoundModel",
    "FoundPicture",
    "FoundPictures",
    "Gallery",
    "Gone",
    "Grid",
    "GridTable",
    "ImageInfo",
    "ImageOrder",
    "Images",
    "Job",
    "JobInfo",
    "JobPages",
    "LabelTakenError",
    "LibraryError",
    "LibraryState",
    "Load",
    "Loading",
    "LockedError",
    "MachineState",
    "MemoryNeed",
    "Mismatched",
    "MissingModel",
    "ModelInfo",
    "ModelPull",
    "ModelRefusedError",
    "Models",
    "NeedsModel",
    "Offer",
    "OutlineLine",
    "Pace",
    "Pasted",
    "Paused",
    "PickRow",
    "PickWay",
    "PictureRows",
    "Place",
    "Places",
    "Previewed",
    "Problem",
    "PullError",
    "PullPlan",
    "PullProgress",
    "RayState",
    "Recipe",
    "RefusedPicture",
    "RemovedModel",
    "Repaired",
    "Revived",
    "RewriteError",
    "Row",
    "RowPreview",
    "RowValues",
    "SessionInfo",
    "SessionOrder",
    "SessionOrigin",
    "SessionPages",
    "Sessions",
    "Setting",
    "Severity",
    "Sheet",
    "SheetError",
    "Sheets",
    "Silent",
    "SourcePicture",
    "Standing",
    "Started",
    "Stepped",
    "StoredRow",
    "TableKind",
    "Tally",
    "Trash",
    "TrashSize",
    "Trashed",
    "Under",
    "UsablePicture",
    "VerifyReport",
    "Wanted",
    "devices_in_use",
    "draw_seed",
    "explanations",
    "gist",
    "grid_of",
    "image_place",
    "looks_like_caption",
    "open_plain",
    "outline_of",
    "plain",
    "read_caption",
    "spread_out",
]
