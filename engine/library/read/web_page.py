"""A session's images as a folder with a page that shows them in any browser, without a server."""

import errno
import json
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from engine.atomic_files import open_new
from engine.caption.outline import gist
from engine.errors import PromptsheetError, said_of
from engine.library.read.chosen import ImageChoice, ResultNames, each_data, without_recipe
from engine.library.read.reader import find_session
from engine.library.read.results import Result
from engine.library.records import Exported
from engine.picture.formats import JXL, PLAIN_LEVELS, PNG, SUFFIXES, encode, kind_of, load_plugin
from engine.picture.formats import read_texts as texts_of
from engine.picture.metadata import a1111_parameters
from engine.picture.png import PictureError, decode, small_jpeg
from engine.unfinished_files import unfinished

PAGE = "index.html"
"""What is opened."""
_SHIPPED = (PAGE, "page.css", "page.js")
_DATA, _PICTURES, _THUMBNAILS = "data.js", "pictures", "thumbnails"
_THUMBNAIL = 400
"""Pixels of a thumbnail's longer side."""
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""Nothing in the data can end a script, or begin a tag."""

Progress = Callable[[int, int], None]


def web_page(
    library: Path,
    session: str,
    folder: Path,
    choice: ImageChoice,
    progress: Progress = lambda _, __: None,
) -> Exported:
    """Write finished images of a session into a new folder, with a page that shows them.

    The folder comes to be when all is in it. It holds all that its page needs, and the page loads
    nothing from anywhere else.

    Args:
        library: the library.
        session: the session's id.
        folder: a name that is free, or an empty folder.
        choice: which images; with `strip_metadata`, no prompt is in any file or name.
        progress: told after every image how many of how many were looked at; what it raises ends
            it, and leaves nothing.

    Raises:
        LibraryError: no such session.
        PromptsheetError: there is no image to show.
        FileExistsError: something is there.
        OSError: the folder cannot be written.
    """
    _refuse_taken(folder)
    total = choice.count(library, session)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(folder.parent) as made, said_of(folder, made):
        made.mkdir()
        writer = _PageWriter(library, session, made, choice)
        done = writer.write(lambda looked_at: progress(looked_at, total))
        if not done.images:
            raise PromptsheetError("None of these images is finished: there is nothing to show.")
        try:
            made.rename(folder)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR):
                raise _taken(folder) from error  # it has come meanwhile
            raise
    return done


def _refuse_taken(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise _taken(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise _taken(folder)


def _taken(folder: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))


class _PageWriter:
    """Writes what is in the folder; of the pictures, few are in memory."""

    def __init__(self, library: Path, session: str, folder: Path, choice: ImageChoice) -> None:
        self._library = library
        self._session = session
        self._folder = folder
        self._choice = choice
        self._stripped = choice.strip_metadata
        self._names = ResultNames(library, session, strip_metadata=choice.strip_metadata)

    def write(self, told: Callable[[int], None]) -> Exported:
        """Write all of it; `told` hears how many images were looked at."""
        for name in _SHIPPED:
            self._put(PurePosixPath(name), (files("assets") / "page" / name).read_bytes())
        (self._folder / _THUMBNAILS).mkdir()
        title = "" if self._stripped else find_session(self._library, self._session).name
        images = size = 0
        failed: list[str] = []
        results = self._choice.results(self._library, self._session)
        with open_new(self._folder / _DATA, 0o666) as data:
            about = {"title": title, "recipes": not self._stripped}
            data.write(f'var promptsheet = {_script(about)[:-1]}, "images": ['.encode())
            made = each_data(self._library, results, self._made)
            for looked_at, (result, picture, small) in enumerate(made, start=1):
                if picture is not None and small is not None:
                    entry = self._entry(result, picture, small, images + 1)
                    data.write(f"{',' if images else ''}\n{_script(entry)}".encode())
                    images += 1
                    size += len(picture)
                elif result.info.state in ("done", "failed"):
                    failed.append(result.info.image)
                told(looked_at)
            data.write(b"\n]};\n")
        return Exported(images, size, failed)

    def _made(
        self, result: Result, data: bytes | None
    ) -> tuple[Result, bytes | None, bytes | None]:
        """A picture that browsers show, and its thumbnail; None: it is lost."""
        path = self._library / (result.info.file or "")
        kind = kind_of(path)
        if data is None:
            return result, None, None
        load_plugin(kind)
        small = small_jpeg(data, _THUMBNAIL)
        try:
            if kind == JXL:  # few browsers show it
                texts = {} if self._stripped else texts_of(path)
                data = encode(decode(path), texts, PNG, PLAIN_LEVELS[PNG])
            elif self._stripped:
                data = without_recipe(path, data)
        except (OSError, PictureError):
            return result, None, None
        return result, data, small

    def _entry(self, result: Result, picture: bytes, small: bytes, number: int) -> dict[str, Any]:
        """Write a picture and its thumbnail; what the page is told of it."""
        info = result.info
        name = PurePosixPath(self._names.of(result))
        if name.suffix == SUFFIXES[JXL]:
            name = name.with_suffix(SUFFIXES[PNG])
        file = PurePosixPath(_PICTURES) / name
        thumbnail = PurePosixPath(_THUMBNAILS) / f"{number:05d}.jpg"
        self._put(file, picture)
        self._put(thumbnail, small)
        entry: dict[str, Any] = {
            "row": info.row,
            "variation": info.variation,
            "favourite": info.favourite,
            "width": info.width,
            "height": info.height,
            "file": str(file),
            "thumbnail": str(thumbnail),
        }
        if not self._stripped:
            recipe = a1111_parameters(info.recipe)
            entry |= {"prompt": gist(info.recipe.prompt), "recipe": recipe}
        return entry

    def _put(self, name: PurePosixPath, data: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_new(path, 0o666) as file:
            file.write(data)


def _script(value: Any) -> str:
    """A value as JSON in ASCII that can stand in a script, whatever is in it."""
    text = json.dumps(value)
    for letter, escaped in _UNSAFE.items():
        text = text.replace(letter, escaped)
    return text
