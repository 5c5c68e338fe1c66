"""Copies of single images in a folder of the user's, under names that sort like the sheet."""

import os
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from pathlib import Path

from engine.atomic_files import place
from engine.library.database import reading
from engine.library.files import digest_of
from engine.library.read.reader import ImageInfo, images_named
from engine.library.read.sources import source_names
from engine.library.records import BEST_RATING, Copied
from engine.picture.formats import PNG, kind_of
from engine.picture.metadata import with_rating
from engine.plan.names import FreeNames, image_name
from engine.unfinished_files import unfinished

_TOGETHER = 500
_LEAST_DIGITS = 4


def names_of(
    library: Path, images: Sequence[ImageInfo], given: FreeNames | None = None
) -> list[str]:
    """File names that sort like the sheet and tell what they are, as in an export.

    What is drawn on a picture is called like it, in the folders that it has in its name. Other
    images of different sessions may be given the same name.

    Args:
        library: the library.
        images: some images.
        given: the names that pictures' namesakes were given before, and are given now.
    """
    given = given or FreeNames()
    width = {key: row_digits(library, key) for key in {image.session for image in images}}
    sources = source_names(library, [image.image for image in images])
    names = []
    for image in images:
        suffix = Path(image.file or "").suffix
        if (source := sources.get(image.image)) is not None:
            names.append(given.of_result(source, image.variation, suffix))
        else:
            prompt, digits = image.recipe.prompt, width[image.session]
            names.append(image_name(image.row, image.variation, prompt, digits) + suffix)
    return names


def row_digits(library: Path, session: str) -> int:
    """Digits of the row numbers in file names, so that names sort like the sheet."""
    with reading(library) as db:
        row = db.execute(
            "SELECT max(number) FROM rows WHERE session = (SELECT id FROM sessions WHERE key = ?)",
            (session,),
        ).fetchone()
    return max(_LEAST_DIGITS, len(str(row[0] or 0)))


def copy_images(
    library: Path,
    keys: Iterable[str],
    folder: Path,
    progress: Callable[[int, int], None] = lambda _, __: None,
    *,
    captions: bool = False,
) -> Copied:
    """Copy finished images into a folder, which is made if need be. Nothing there is replaced.

    A file of the same name and content counts as the copy, whatever its rating; another one leaves
    its name alone, and the copy is called `…-2`; so is a picture whose caption file would have the
    name of another one that is there. Where the picture is there already, its caption file stays as
    it was edited.

    Args:
        library: the library.
        keys: ids of the images.
        folder: where to.
        progress: told after every image how many of how many were looked at; what it raises ends
            the copying.
        captions: write a caption file beside each.

    Raises:
        LibraryError: no library there, or not one this version can read.
        OSError: the folder cannot be written.
    """
    wanted = list(dict.fromkeys(keys))
    files: list[Path] = []
    lost: list[str] = []
    written, kept, given = 0, 0, FreeNames()
    folder.mkdir(parents=True, exist_ok=True)
    with unfinished(folder) as partial:
        for start in range(0, len(wanted), _TOGETHER):
            images = images_named(library, wanted[start : start + _TOGETHER])
            for image, name in zip(images, names_of(library, images, given), strict=True):
                plain = _plain_file(library, image)
                if plain is None:
                    lost.append(image.image)
                else:
                    ratings = image.rating, *range(BEST_RATING + 1)
                    alike = [_rated(plain, image, rating) for rating in ratings]
                    data = alike[0]
                    mode = (library / (image.file or "")).stat().st_mode & 0o777
                    beside = caption_file(image.recipe.prompt) if captions else None
                    path, new = _put(partial, folder, name, alike, mode, beside)
                    if beside is not None:
                        kept += _put_caption(partial, path.with_suffix(".txt"), beside, mode)
                    files.append(path)
                    written += len(data) if new else 0
                progress(len(files) + len(lost), len(wanted))
    return Copied(files, written, lost, kept)


def whole_file(library: Path, image: ImageInfo) -> bytes | None:
    """What is in an image's file, and in a PNG its rating; None: missing, in the trash, damaged."""
    data = _plain_file(library, image)
    return None if data is None else _rated(data, image, image.rating)


def _plain_file(library: Path, image: ImageInfo) -> bytes | None:
    if image.file is None or image.trashed:
        return None
    try:
        data = (library / image.file).read_bytes()
    except OSError:
        return None
    return data if digest_of(data) == image.digest else None


def _rated(data: bytes, image: ImageInfo, rating: int) -> bytes:
    return with_rating(data, rating) if kind_of(Path(image.file or "")) == PNG else data


def caption_file(prompt: str) -> bytes:
    """What is in a caption file: the final prompt, on the one line that trainers of LoRAs read."""
    return (" ".join(prompt.split()) + "\n").encode("utf-8", "replace")


def _put_caption(partial: Path, path: Path, data: bytes, mode: int) -> int:
    """Write a caption file; how many other ones, 0 or 1, have the name and stay."""
    if not (path.exists() or path.is_symlink()):
        _write(partial, data, mode)
        try:
            place(partial, path)
        except FileExistsError:
            return 1
        finally:
            partial.unlink(missing_ok=True)
        return 0
    return 0 if _holds(path, data) else 1


def _put(
    partial: Path,
    folder: Path,
    name: str,
    alike: Sequence[bytes],
    mode: int,
    beside: bytes | None,
) -> tuple[Path, bool]:
    """Write a file under this name or the next that is free; where, and whether it is new.

    The first of `alike` is written; any of them counts as the copy.

    It is whole before it has its name: a kill leaves no half of it. With `beside`, its caption
    file's name is free, too, or that file is there already.
    """
    plain = folder / name
    plain.parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        path = plain if number == 1 else plain.with_stem(f"{plain.stem}-{number}")
        if path.exists() or path.is_symlink():
            if _holds(path, *alike):
                return path, False
            continue
        text = path.with_suffix(".txt")
        if beside is not None and (text.exists() or text.is_symlink()) and not _holds(text, beside):
            continue
        if not partial.exists():
            _write(partial, alike[0], mode)
        try:
            place(partial, path)
        except FileExistsError:  # it has come meanwhile; the next name
            continue
        partial.unlink(missing_ok=True)
        return path, True
    raise AssertionError


def _write(path: Path, data: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(handle, "wb") as file:  # noqa: PTH123
        file.write(data)


def _holds(path: Path, *alike: bytes) -> bool:
    try:
        return path.stat().st_size in map(len, alike) and path.read_bytes() in alike
    except OSError:
        return False
