"""A session as one ZIP, written as a stream: its images, and a results sheet of them all."""

import io
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from engine.library.read.chosen import ImageChoice, ResultNames, taken_data
from engine.library.read.copying import caption_file
from engine.library.read.results import columns_of
from engine.library.read.tables import (
    MOST_THUMBNAILS,
    THUMBNAIL,
    TableKind,
    written_table,
    zip_date,
)
from engine.library.records import Exported
from engine.library.sources import fault_of_source, source_path
from engine.picture.png import small_jpeg
from engine.plan.names import FreeNames, safe_name
from engine.sheet.picture_names import digest_in, name_of
from engine.unfinished_files import unfinished

_LOST = "missing or damaged"
_READ = 1 << 20
SOURCES = PurePosixPath("sources")
"""Where in a ZIP what images are drawn on is."""
_NO_RECIPE = ("result_state", "result_file", "result_rating", "result_favourite")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ExportWish(ImageChoice):
    """What is to be in a ZIP."""

    table: TableKind = "csv"
    """The format of the results sheet."""
    sources: bool = False
    """Also what they are drawn on, as it was brought, in a folder `sources`."""
    captions: bool = False
    """Also a caption file beside each picture."""


@dataclass
class _ExportCount:
    images: int = 0
    bytes: int = 0
    failed: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    """Digest → name, of what they are drawn on, and of masks."""
    lost_sources: list[str] = field(default_factory=list)


def export_zip(
    library: Path,
    session: str,
    out: IO[bytes],
    wish: ExportWish | None = None,
    progress: Progress = lambda _, __: None,
) -> Exported:
    """Write a session's finished images and `results.csv` (xlsx, ods) to `out`.

    `out` need not seek, so a ZIP can be streamed while it is made; memory does not grow with the
    pictures. Failed, missing and damaged images are named in the results sheet.

    Args:
        library: the library.
        session: the session's id.
        out: where the ZIP goes.
        wish: what is to be in it; all, if it is not said.
        progress: told after every image how many of how many were looked at; what it raises ends
            the export.

    Raises:
        LibraryError: no such session.
        OSError: `out` cannot be written.
        ValueError: captions are wished for, and no recipes.
    """
    wish = wish or ExportWish()
    if wish.captions and wish.strip_metadata:
        raise ValueError("a caption file is a prompt, which strip_metadata leaves out")
    total = wish.count(library, session)
    columns = list(_NO_RECIPE) if wish.strip_metadata else columns_of(library, session)
    names = ResultNames(library, session, strip_metadata=wish.strip_metadata)
    count, looked_at = _ExportCount(), 0
    with (
        unfinished(Path(tempfile.gettempdir())) as folder,
        # Pictures do not shrink any further.
        zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as bundle,
    ):
        folder.mkdir(mode=0o700)
        sheet = folder / f"results.{wish.table}"
        with written_table(wish.table, sheet, columns) as table:
            for result in wish.results(library, session):
                info, name = result.info, ""
                data = taken_data(library, info, strip_metadata=wish.strip_metadata)
                if data is not None:
                    name = names.of(result)
                    _put(bundle, name, data, info.finished)
                    if wish.captions:
                        beside = PurePosixPath(name).with_suffix(".txt").as_posix()
                        _put(bundle, beside, caption_file(info.recipe.prompt), info.finished)
                    for cell in (result.cells.get("image"), result.cells.get("mask")):
                        if cell and (digest := digest_in(cell)):
                            count.sources.setdefault(digest, name_of(cell))
                    count.images += 1
                    count.bytes += len(data)
                lost = data is None and info.state == "done"
                if lost or info.state == "failed":
                    count.failed.append(info.image)
                state = _LOST if lost else info.state
                small = data if wish.table == "xlsx" and count.images <= MOST_THUMBNAILS else None
                line = result.line(columns, result_state=state, result_file=name)
                table.line(line, small_jpeg(small, THUMBNAIL) if small else None)
                looked_at += 1
                progress(looked_at, total)
        inside = zipfile.ZipInfo(sheet.name, zip_date())
        inside.compress_type = zipfile.ZIP_DEFLATED
        with sheet.open("rb") as source, bundle.open(inside, "w", force_zip64=True) as target:
            shutil.copyfileobj(source, target, _READ)
        if wish.sources:
            _put_sources(bundle, library, names.free, count)
    return Exported(count.images, count.bytes, count.failed, count.lost_sources)


def _put_sources(
    bundle: zipfile.ZipFile, library: Path, names: FreeNames, count: _ExportCount
) -> None:
    """What images are drawn on, byte for byte."""
    for digest, name in count.sources.items():
        path = source_path(library, digest)
        if fault_of_source(library, digest):
            count.lost_sources.append(name)
            continue
        inside = zipfile.ZipInfo(names.free(SOURCES / safe_name(name)), zip_date())
        inside.external_attr = 0o600 << 16
        with path.open("rb") as source, bundle.open(inside, "w", force_zip64=True) as target:
            shutil.copyfileobj(source, target, _READ)


def _put(bundle: zipfile.ZipFile, name: str, data: bytes, finished: float | None) -> None:
    inside = zipfile.ZipInfo(name, zip_date(finished))
    inside.external_attr = 0o600 << 16
    with bundle.open(inside, "w") as target:
        shutil.copyfileobj(io.BytesIO(data), target, _READ)
