"""A session as one ZIP: its images under their names, and a table of what made them."""

import csv
import io
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO

from engine.library.reader import ImageInfo, list_images
from engine.picture.formats import JPEG, JXL, PNG, WEBP, encode, kind_of
from engine.picture.png import PictureError, decode

_STRIPPED_LEVEL = {PNG: 1, WEBP: 95, JPEG: 95, JXL: 95}
_FIELDS = ("file", "row", "variation", "state", "error")


def export_zip(library: Path, session: str, out: IO[bytes], *, strip_metadata: bool) -> int:
    """Write the session's finished images and `images.csv` to `out`.

    `out` need not seek, so a ZIP can be streamed while it is made. Failed, missing and damaged
    images are left out of the ZIP and named in the table.

    Args:
        library: the library.
        session: the session's id.
        out: where the ZIP goes.
        strip_metadata: leave the recipe out of the pictures, and out of the table.

    Returns:
        How many images are in it.
    """
    images = list_images(library, session)
    written = 0
    states = []
    # Pictures do not shrink any further.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=True) as bundle:
        for image in images:
            data = _picture(library, image, strip_metadata=strip_metadata)
            if data is not None and image.file is not None:
                bundle.writestr(PurePosixPath(image.file).name, data)
                written += 1
            lost = data is None and image.state == "done"
            states.append("missing or damaged" if lost else image.state)
        table = _table(images, states, strip_metadata=strip_metadata)
        bundle.writestr("images.csv", table, zipfile.ZIP_DEFLATED)
    return written


def _picture(library: Path, image: ImageInfo, *, strip_metadata: bool) -> bytes | None:
    if image.file is None:
        return None
    path = library / image.file
    try:
        if not strip_metadata:
            return path.read_bytes()
        return without_recipe(path)
    except (OSError, PictureError):
        return None


def without_recipe(path: Path) -> bytes:
    """The same picture as a file that says nothing of how it was made.

    Raises:
        OSError, PictureError: it cannot be read.
    """
    kind = kind_of(path) or PNG
    return encode(decode(path), {}, kind, _STRIPPED_LEVEL[kind])


def _table(images: list[ImageInfo], states: list[str], *, strip_metadata: bool) -> str:
    """The text of `images.csv`."""
    recipe_fields = [] if strip_metadata or not images else list(images[0].recipe)
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow([*_FIELDS, *recipe_fields])
    for image, state in zip(images, states, strict=True):
        name = PurePosixPath(image.file).name if image.file and state == "done" else ""
        values = [image.recipe[field] for field in recipe_fields]
        writer.writerow([name, image.row, image.variation, state, image.error or "", *values])
    return table.getvalue()
