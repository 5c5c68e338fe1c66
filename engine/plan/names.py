"""Names of image files that sort like the sheet and tell what they are."""

import re
import unicodedata
from collections import Counter
from pathlib import PurePosixPath

from engine.caption.outline import gist

_SLUG_CHARS = 40
_PART_BYTES = 160
"""Of a file's or folder's name; most disks take 255, and something is put behind it."""
_UNFIT = re.compile(r'[\0-\x1f\x7f-\x9f\ud800-\udfff<>:"|?*\\]')
"""What some system does not take in a name, or a terminal takes for a command."""


def slug_of(text: str) -> str:
    """Up to 40 plain letters, digits and dashes of `text`, for file names; may be empty.

    Of a caption they are those of what it shows.
    """
    plain = unicodedata.normalize("NFKD", gist(text)).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)
    return slug[:_SLUG_CHARS].strip("-")


def image_name(row: int, variation: int, prompt: str, width: int = 4) -> str:
    """`0004-02-a-lighthouse-by-night`: row and variation, then the prompt; no two are alike.

    Args:
        row: its number.
        variation: from 1.
        prompt: the final one.
        width: digits of the row number.
    """
    parts = (f"{row:0{width}d}", f"{variation:02d}", slug_of(prompt))
    return "-".join(part for part in parts if part)


def image_place(name: str) -> tuple[int, int] | None:
    """Row and variation of an image that we gave this name; None: it is none of ours."""
    found = re.match(r"([0-9]+)-([0-9]+)(-|\.|$)", name)
    return (int(found[1]), int(found[2])) if found else None


def safe_name(name: str) -> PurePosixPath:
    """What a user calls a picture as a name that is safe in any folder, below it and nowhere else.

    Args:
        name: anything. Of a whole path, and of one that leads upwards, only the last part is taken.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith(("/", "~")) or ".." in parts:
        parts = parts[-1:]
    return PurePosixPath(*[fit for part in parts if (fit := _fit(part))] or ["picture"])


def _fit(part: str) -> str:
    plain = _UNFIT.sub("_", unicodedata.normalize("NFC", part)).strip()
    # A leading dot would hide it, and `..` is no name.
    stem, dot, suffix = plain.lstrip(".").rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem else (suffix, "")
    cut = stem.encode()[:_PART_BYTES].decode(errors="ignore")
    return (cut + suffix[:16]).rstrip(". ")


class FreeNames:
    """Names of files that lie in one folder; no two are alike, whatever the capitals."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._next: Counter[str] = Counter()

    def of_result(self, source: str, variation: int, suffix: str) -> str:
        """`beach.png`, `beach-2.png` for what was drawn on `beach.jpg`, in the source's folders.

        Args:
            source: what the user calls it.
            variation: of the image, from 1; where another has the name, a later number is taken.
            suffix: of the result's file.
        """
        name = safe_name(source)
        return self.free(name.with_name(name.stem + suffix), variation)

    def free(self, name: PurePosixPath, number: int = 1) -> str:
        """This name, from the second number on with the number; the first that none has.

        It is taken from then on.
        """
        folder = PurePosixPath()
        for part in name.parent.parts:
            inside = folder / part
            while _key(inside) in self._files:  # a file has this name
                inside = inside.with_name(f"{inside.name}_")
            folder = inside
        base = _key(folder / name.name)
        while self._is_taken(found := folder / _numbered(name, number)):
            number = max(number + 1, self._next[base])
        self._next[base] = max(number + 1, self._next[base])
        self._files.add(_key(found))
        self._folders |= {_key(parent) for parent in found.parents if parent.name}
        return found.as_posix()

    def _is_taken(self, path: PurePosixPath) -> bool:
        return _key(path) in self._files or _key(path) in self._folders


def _numbered(name: PurePosixPath, number: int) -> str:
    return name.name if number == 1 else f"{name.stem}-{number}{name.suffix}"


def _key(path: PurePosixPath) -> str:
    return path.as_posix().casefold()
